"""The parser: help, and sentences for what it refuses."""

from __future__ import annotations

import re
import shlex

import attrs
import pytest

from tcpchat import __version__
from tcpchat.cli import run
from tcpchat.cli.admin import commands
from tcpchat.cli.app import app, parse_and_run
from tcpchat.cli.client_commands import ClientOptions
from tcpchat.cli.meant import COMMANDS, meant
from tcpchat.cli.overview import OVERVIEW
from tcpchat.settings import Settings
from tests.cli.conftest import refusal


def test_a_command_shows_the_version_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert parse_and_run(["serve", "--version"]) == 0
    assert capsys.readouterr().out == f"{__version__}\n"


@pytest.mark.parametrize("typed", ["--help", "-h", "help", "--plain --help", "--port 9000 -h"])
def test_the_help_is_one_screen(capsys: pytest.CaptureFixture[str], typed: str) -> None:
    assert run(typed.split()) == 0
    assert capsys.readouterr() == (OVERVIEW, "")
    lines = OVERVIEW.splitlines()
    assert len(lines) < 24
    assert max(map(len, lines)) < 80


def test_the_help_has_each_command_and_each_option_of_the_client() -> None:
    words = [line.split()[0] for line in OVERVIEW.splitlines() if re.match("  [a-z-]", line)]
    assert [word for word in words if not word.startswith("-")] == [*COMMANDS, "help"]
    options = {f"--{field.name.replace('_', '-')}" for field in attrs.fields(ClientOptions)}
    assert {word for word in words if word.startswith("-")} == options - {"--ask-password"} | {"-W"}


@pytest.mark.parametrize("command", [one for one in COMMANDS if one != "admin"])
def test_the_help_says_of_each_command_what_it_says_itself(
    capsys: pytest.CaptureFixture[str], command: str
) -> None:
    run([command, "--help"])
    summary = capsys.readouterr().out.splitlines()[2].strip()
    (line,) = [line for line in OVERVIEW.splitlines() if line.split()[:1] == [command]]
    assert line.split(maxsplit=1)[1] == summary


def commands_with_help() -> list[str]:
    return [*COMMANDS, *(f"admin {name}" for name in commands if not name.startswith("-"))]


@pytest.mark.parametrize("command", commands_with_help())
def test_the_help_of_each_command_has_examples_that_can_be_typed(
    capsys: pytest.CaptureFixture[str], command: str
) -> None:
    run([*command.split(), "--help"])
    lines = capsys.readouterr().out.splitlines()
    examples = [line.strip() for line in lines if line.startswith("tcpchat ")]
    assert examples
    for example in examples:
        assert f"{example} ".startswith(f"tcpchat {command} ")
        words = meant(shlex.split(example.partition(" > ")[0])[1:])
        _, bound, _ = app.parse_args(words, exit_on_error=False, print_error=False)
        if words[0] == "admin":
            commands.parse_args(bound.args, exit_on_error=False, print_error=False)


@pytest.mark.parametrize(
    ("command", "text"),
    [
        ("connect", "In a pipe, each line of stdin is sent"),
        ("send", "The exit code is 0 only if the server has stored the message."),
        ("serve", "SIGHUP reads the file again"),
        ("bench", "130 after Ctrl-C"),
    ],
)
def test_help_of_a_command_has_all_of_its_description(
    capsys: pytest.CaptureFixture[str], command: str, text: str
) -> None:
    parse_and_run([command, "--help"])
    assert text in " ".join(capsys.readouterr().out.split())


def test_help_has_every_setting_with_its_default(capsys: pytest.CaptureFixture[str]) -> None:
    assert parse_and_run(["serve", "--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    groups = attrs.asdict(Settings(), recurse=False)
    fields = {name: value for group in groups.values() for name, value in attrs.asdict(group).items()}
    assert fields
    for name, default in fields.items():
        flag = "--" + name.replace("_", "-")
        (line,) = [line for line in lines if f"│ {flag} " in line]
        assert f"TCPCHAT_{name.upper()}]" in line
        if default is None:
            assert "Default: " in line or name == "tls_cert"
        elif name == "host":
            assert "127.0.0.1" in line
        else:
            assert f"[default: {default}]" in line


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--port", "x"], ["--port", '"x"']),
        (["--port", "65536"], ["--port", "<= 65535"]),
        (["--port=-1"], ["--port", ">= 0"]),
        (["--history", "501"], ["--history", "<= 500"]),
        (["--history", "0"], ["--history", ">= 1"]),
        (["--line-bytes", "131073"], ["--line-bytes", "<= 131072"]),
        (["--backlog-bytes=-1"], ["--backlog-bytes", ">= 0"]),
        (["--mute-seconds", "nan"], ["--mute-seconds", "nan"]),
        (["--log-level", "loud"], ["--log-level", '"warning"']),
        (["--synchronous", "on"], ["--synchronous", '"full"']),
        (["--prot", "5"], ["--prot", "Did you mean --port?"]),
        (["8000"], ["8000"]),
        (["--config", "no.toml"], ["--config no.toml", "No such file"]),
        (["--config", "."], ["--config .", "Is a directory"]),
    ],
)
def test_a_wrong_flag_is_named_in_the_error(
    capfd: pytest.CaptureFixture[str], arguments: list[str], told: list[str]
) -> None:
    line = refusal(capfd, 2, "serve", *arguments)
    assert all(part in line for part in told), line


def test_an_unknown_command_gets_a_suggestion(capfd: pytest.CaptureFixture[str]) -> None:
    assert 'Did you mean "serve"?' in refusal(capfd, 2, "serv")
