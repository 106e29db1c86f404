"""The fast path of the command line: it agrees with the parser, and leaves everything else to it."""

from __future__ import annotations

import os
import subprocess
import sys

import attrs
import pytest

from tcpchat import __version__
from tcpchat.cli import client_runner, fast_path
from tcpchat.cli.app import parse_and_run
from tcpchat.cli.overview import OVERVIEW
from tcpchat.repl.options import Options
from tests.process import PATIENCE

FAST = [
    (),
    ("connect",),
    ("connect", "example.org"),
    ("connect", "example.org:9000"),
    ("connect", "bob@example.org"),
    ("connect", "[::1]:9000"),
    ("connect", ":9000"),
    ("connect", ""),
    ("connect", "--name", "alice"),
    ("connect", "--name", "al ice"),
    ("connect", "--name", ""),
    ("connect", "example.org", "--name", "alice"),
]
SLOW = [
    ("",),
    ("--help",),
    ("conect",),
    ("serve",),
    ("connect", "a:b"),
    ("connect", "@a"),
    ("connect", "bob@a", "--name", "bob"),
    ("connect", "--tls"),
    ("connect", "--name"),
    ("connect", "--name", "--tls"),
    ("connect", "--name=alice"),
    ("connect", "--name", "alice", "example.org"),
    ("connect", "example.org", "more"),
    ("connect", "--", "example.org"),
    ("connect", "--name", "a", "--name", "b"),
]


@pytest.fixture
def plans(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Options, bool]]:
    """The plans that are run, each with whether it would start a server."""
    found: list[tuple[Options, bool]] = []

    def talk(plan: Options, **options: bool) -> int:
        assert not any(options.values())
        found.append((attrs.evolve(plan, host=None), plan.host is not None))
        return 0

    monkeypatch.setattr(client_runner, "talk", talk)
    return found


@pytest.mark.parametrize("arguments", FAST)
def test_the_fast_path_and_the_parser_agree(
    arguments: tuple[str, ...], plans: list[tuple[Options, bool]]
) -> None:
    call = fast_path(arguments, {})
    assert call is not None
    assert call() == parse_and_run(arguments) == 0
    fast, parsed = plans
    assert fast == parsed


@pytest.mark.parametrize("arguments", SLOW)
def test_everything_else_is_for_the_parser(arguments: tuple[str, ...]) -> None:
    assert fast_path(arguments, {}) is None


@pytest.mark.parametrize("arguments", FAST)
def test_with_settings_in_the_environment_everything_is_for_the_parser(arguments: tuple[str, ...]) -> None:
    assert fast_path(arguments, {"TCPCHAT_NAME": "alice"}) is None
    assert fast_path(arguments, {"PATH": ""}) is not None


def loaded(script: str) -> set[str]:
    program = f"import sys\n{script}\nprint(*sys.modules)"
    environ = {name: value for name, value in os.environ.items() if not name.startswith("TCPCHAT_")}
    return set(subprocess.check_output([sys.executable, "-c", program], text=True, env=environ).split())


def test_the_fast_path_imports_no_parser_and_no_network() -> None:
    modules = loaded("from tcpchat.cli import fast_path\nassert fast_path(['connect'], {})")
    assert not {"cyclopts", "trio", "tcpchat.settings"} & modules


def test_the_prompt_is_drawn_before_the_protocol_and_the_network_are_imported() -> None:
    modules = loaded("from tcpchat.cli import fast_path\nassert fast_path([], {})\nimport tcpchat.repl.app")
    assert "prompt_toolkit" in modules
    assert not {"cyclopts", "trio", "tcpchat.protocol", "tcpchat.commands", "tcpchat.client"} & modules


def test_a_command_is_imported_when_it_runs() -> None:
    modules = loaded("from tcpchat.cli.app import app, read_settings\nread_settings(['serve'])")
    assert "tcpchat.cli.serve" in modules
    assert not {"trio", "tcpchat.cli.admin", "tcpchat.cli.bench", "tcpchat.service.daemon"} & modules


@pytest.mark.parametrize(("option", "answer"), [("--version", f"{__version__}\n"), ("--help", OVERVIEW)])
def test_version_and_help_are_printed_without_imports(option: str, answer: str) -> None:
    """Without importing what only a parser, client or server needs: the answer comes in a moment."""
    program = (
        "import sys\n"
        "from tcpchat.cli import run\n"
        f"run(['{option}'])\n"
        "print(*sorted({'cyclopts', 'trio', 'sqlite3', 'orjson'} & set(sys.modules)))\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=PATIENCE, check=True
    )
    assert ran.stdout == f"{answer}\n"
