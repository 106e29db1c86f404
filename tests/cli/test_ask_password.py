"""`-W`: a password that is typed at the terminal."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tcpchat.cli import client_runner, run
from tests.process import COMMAND, PATIENCE, ServerProcess
from tests.terminal import Terminal, home

PASSWORD = "correct-horse"
PROMPT = "Password of bob: "


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with ServerProcess("--ephemeral") as running, running.connect() as bob:
        bob.send("rename bob")
        bob.next("renamed")
        bob.send(f"register --password {PASSWORD}")
        bob.next("registered")
        yield running


def place(server: ServerProcess) -> str:
    return f"127.0.0.1:{server.port}"


def said(server: ServerProcess) -> list[tuple[str, str]]:
    with server.connect() as reader:
        reader.send("history")
        return [(message["from"], message["text"]) for message in reader.next("history")["messages"]]


def test_send_asks_without_echo(server: ServerProcess, tmp_path: Path) -> None:
    with Terminal("send", "-a", f"bob@{place(server)}", "-W", "hi", folder=tmp_path) as person:
        person.wait_for(PROMPT.strip())
        person.wait_until(lambda: not person.echoes)
        person.enter(PASSWORD)
        assert person.exit_code() == 0
        assert PASSWORD.encode() not in person.raw
    assert said(server)[-1] == ("bob", "hi")


@pytest.mark.parametrize("keys", ["enter", "c-d", "c-c"])
def test_without_a_password_nothing_is_sent(server: ServerProcess, tmp_path: Path, keys: str) -> None:
    before = said(server)
    with Terminal("send", "-a", f"bob@{place(server)}", "-W", "no", folder=tmp_path) as person:
        person.wait_for(PROMPT.strip())
        person.wait_until(lambda: not person.echoes)
        person.key(keys)
        assert person.exit_code() == 1
        person.wait_for("no password was given; nothing was sent")
    assert said(server) == before


@pytest.mark.parametrize(
    ("typed", "kind"),
    [
        ("connect bob@a -W", "talk"),
        ("bob@a -W", "talk"),
        ("-W --name bob", "talk"),
        ("tail bob@a -W", "tail"),
    ],
)
def test_connect_and_tail_ask_too(monkeypatch: pytest.MonkeyPatch, typed: str, kind: str) -> None:
    plans = []
    monkeypatch.setattr(client_runner, kind, lambda plan, **_: plans.append(plan))
    monkeypatch.setattr("tcpchat.cli.ask_password.ask_password", lambda name, _: f"that of {name}")
    run(typed.split())
    assert [(plan.name, plan.password) for plan in plans] == [("bob", "that of bob")]


@pytest.mark.parametrize("command", [("send", "hi", "-a"), ("tail",), ("connect",)])
def test_without_a_terminal_the_error_says_what_is_right(
    server: ServerProcess, tmp_path: Path, command: tuple[str, ...]
) -> None:
    done = subprocess.run(
        [*COMMAND, *command, place(server), "--name", "bob", "-W"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, env=home(tmp_path), timeout=PATIENCE,
        start_new_session=True, check=False,
    )  # fmt: skip
    told = (
        "there is no terminal to ask for the password of bob; set TCPCHAT_PASSWORD in the environment instead"
    )
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"tcpchat: {told}\n")


@pytest.mark.parametrize("typed", ["send -W hi", "tail -W", "connect -W", "-W"])
def test_a_password_needs_a_name(typed: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(typed.split()) == 2
    assert "--ask-password (-W) requires --name, the user to log in as" in capfd.readouterr().err


def test_the_typed_password_is_taken_before_that_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    plans = []
    monkeypatch.setattr(client_runner, "send", lambda plan, *_, **__: plans.append(plan))
    monkeypatch.setattr("tcpchat.cli.ask_password.ask_password", lambda *_: "typed")
    monkeypatch.setenv("TCPCHAT_PASSWORD", "of the environment")
    monkeypatch.setenv("TCPCHAT_ASK_PASSWORD", "1")
    run(["send", "--name", "bob", "-W", "hi"])
    run(["send", "--name", "bob", "hi"])
    assert [plan.password for plan in plans] == ["typed", "of the environment"]


def test_a_wrong_password_is_refused(server: ServerProcess, tmp_path: Path) -> None:
    """The last one here, since the server then lets logins wait."""
    before = said(server)
    with Terminal("send", "-a", f"bob@{place(server)}", "-W", "no", folder=tmp_path) as person:
        person.wait_for(PROMPT.strip())
        person.wait_until(lambda: not person.echoes)
        person.enter("wrong horse")
        assert person.exit_code() == 1
    assert said(server) == before
