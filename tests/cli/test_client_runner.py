"""The exit code and the sentence of each failure of the client's commands."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tcpchat.cli import client_runner
from tcpchat.cli.client_runner import PASSWORD, is_plain, make_plan
from tcpchat.client import ConnectError, DisconnectedError, RefusedError
from tcpchat.errors import StartError
from tcpchat.protocol import Error
from tcpchat.repl import pipe
from tcpchat.repl.options import Options


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (ConnectError("nobody there"), 3, "tcpchat: nobody there\n"),
        (DisconnectedError("gone"), 3, "tcpchat: gone\n"),
        (StartError("no disk"), 1, "tcpchat: no disk\n"),
        (RefusedError(Error(code="muted", message="you are muted")), 1, "tcpchat: you are muted\n"),
        (
            RefusedError(Error(code="name-taken", message="taken")),
            1,
            "tcpchat: taken; to log in, give --name, and -W or TCPCHAT_PASSWORD in the environment\n",
        ),
        (KeyboardInterrupt(), 0, ""),
        (ExceptionGroup("one", [ExceptionGroup("in another", [StartError("deep")])]), 1, "tcpchat: deep\n"),
    ],
)
def test_a_failure_is_one_sentence_and_a_code(
    error: BaseException,
    code: int,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(pipe, "send", fail)
    assert client_runner.send(make_plan(), "hi", username=None, time=None) == code
    assert capsys.readouterr().err == told


def test_times_are_local(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    async def fail(*_: object) -> None:
        raise RefusedError(Error(code="banned", message="banned until 2026-11-29T23:08:36.574Z"))

    monkeypatch.setattr(pipe, "send", fail)
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    assert client_runner.send(make_plan(), "hi", username=None, time=None) == 1
    monkeypatch.undo()
    time.tzset()
    assert capsys.readouterr().err == "tcpchat: banned until 30 Nov 00:08\n"


def test_a_bug_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(pipe, "send", fail)
    with pytest.raises(ZeroDivisionError):
        client_runner.send(make_plan(), "hi", username=None, time=None)


def test_the_password_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert make_plan().password is None
    monkeypatch.setenv(PASSWORD, "")
    assert make_plan().password is None
    monkeypatch.setenv(PASSWORD, "hunter22")
    assert make_plan().password == "hunter22"


def test_files_are_in_the_systems_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    options: Options = make_plan()
    assert (options.config, options.state) == (tmp_path / "config/tcpchat", tmp_path / "state/tcpchat")


@pytest.mark.parametrize(
    ("place", "name", "expected"),
    [
        ("a", None, True),
        ("[::1]:9", "bob", True),
        ("bob@a", None, True),
        ("bob@a", "bob", False),
        ("a:b", None, False),
        ("--x", None, False),
        ("a", "--x", False),
    ],
)
def test_what_needs_the_parser_is_not_plain(place: str, name: str | None, expected: bool) -> None:
    assert is_plain(place, name) == expected


@pytest.mark.parametrize(
    ("hosts", "told"),
    [
        (False, "if the chat has another port, give it: HOST:PORT"),
        (True, "start the chat on another port, such as tcpchat --port 8001"),
    ],
)
def test_where_another_program_has_the_port_the_way_out_is_said(
    hosts: bool, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def fail(*_: object) -> None:
        raise ConnectError("127.0.0.1:8000: a web server", is_other=True)

    monkeypatch.setattr(pipe, "send", fail)
    plan = make_plan(host=(lambda: client_runner.host(None)) if hosts else None)
    assert client_runner.send(plan, "hi", username=None, time=None) == 3
    assert capsys.readouterr().err == f"tcpchat: 127.0.0.1:8000: a web server; {told}\n"
