"""The parser: help, and sentences for what it refuses."""

from __future__ import annotations

import re

import attrs
import pytest

from tcpchat import __version__
from tcpchat.cli.app import parse_and_run
from tcpchat.settings import Settings
from tests.cli.conftest import refusal


def test_a_command_shows_the_version_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert parse_and_run(["serve", "--version"]) == 0
    assert capsys.readouterr().out == f"{__version__}\n"


def test_help_lists_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert parse_and_run(["--help"]) == 0
    out = capsys.readouterr().out
    for name, summary in (
        ("connect", "Join a chat"),
        ("serve", "Run a chat server"),
        ("admin", "Manage the users"),
    ):
        assert re.search(rf"\b{name}\b +{summary}", out)


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
        (line,) = [line for line in lines if f" {flag} " in line]
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
