"""Passwords in a real terminal: nobody sees them, then or later; and a person who is there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.repl.fake_server import AT, FakeServer, SocketServer, message
from tests.terminal import Terminal, set_editor

SECRET = "hunter22"
PROMPT = "alice → lobby ▸ "
ASKED = "[the password that you choose] ▸ "


@pytest.fixture
def server() -> Iterator[SocketServer]:
    fake = FakeServer()
    fake.reply("register", "registered", user="alice")
    fake.reply("login", "logged-in", user="alice", session=2, token="t-secret", seq=0)
    with SocketServer(fake) as server:
        yield server


@pytest.fixture
def alice(server: SocketServer, tmp_path: Path) -> Iterator[Terminal]:
    editor = set_editor(tmp_path, f'cat "$1" >> {tmp_path}/seen; printf edited >> "$1"')
    with Terminal("connect", server.address, folder=tmp_path, environ=editor) as person:
        person.wait_for(PROMPT, "2 here")
        yield person


def kept(folder: Path) -> str:
    """Return what is in all files of this person."""
    return "\n".join(file.read_text() for file in folder.rglob("*") if file.is_file())


def test_a_new_password_is_asked_for_twice_and_shown_nowhere(
    server: SocketServer, alice: Terminal, tmp_path: Path
) -> None:
    alice.enter("/ping")
    alice.wait_for("pong")
    alice.enter("/register")
    alice.wait_for(ASKED, "which is not shown")
    alice.type(SECRET)
    alice.wait_until(lambda: alice.before_cursor == ASKED + "*" * len(SECRET))
    alice.key("enter")
    alice.wait_for("[repeat the password] ▸ ")
    alice.enter(SECRET)
    alice.wait_for("alice is now registered to you", PROMPT)
    assert [request["password"] for request in server.server.of("register")] == [SECRET]
    alice.key("up")
    alice.wait_for(f"{PROMPT}/register")
    alice.key("up")
    alice.wait_for(f"{PROMPT}/ping")
    alice.key("c-c c-r")
    alice.type(SECRET[:5])
    alice.read_for(0.1)
    assert SECRET not in alice.text.replace(" ", "")
    alice.key("c-c c-d")
    assert alice.exit_code() == 0
    assert SECRET.encode() not in alice.raw
    assert "ping" in kept(tmp_path)
    assert SECRET not in kept(tmp_path)


def test_a_password_that_is_typed_ahead_is_hidden_too(
    server: SocketServer, alice: Terminal, tmp_path: Path
) -> None:
    alice.type(f"/login alice\r{SECRET}\r/ping\r")
    alice.wait_for("you are alice (registered)", "pong")
    assert [request["password"] for request in server.server.of("login")] == [SECRET]
    alice.key("c-d")
    assert alice.exit_code() == 0
    assert SECRET.encode() not in alice.raw
    assert SECRET not in kept(tmp_path)


def test_a_key_gives_up_and_no_editor_gets_a_password(
    server: SocketServer, alice: Terminal, tmp_path: Path
) -> None:
    for keys in ("c-c", "c-d", "enter"):
        alice.enter("/register")
        alice.wait_for(ASKED)
        if keys == "c-c":
            alice.type(SECRET)
        alice.key(keys)
        alice.wait_until(lambda: alice.before_cursor == PROMPT)
        alice.type("x")
        alice.wait_for(f"{PROMPT}x")
        alice.key("c-u")
    assert server.server.of("register") == []
    alice.enter("/register")
    alice.wait_for(ASKED)
    alice.type(SECRET)
    alice.key("c-x c-e enter")
    alice.wait_for("[repeat the password] ▸ ")
    alice.enter(SECRET)
    alice.wait_for("alice is now registered")
    assert [request["password"] for request in server.server.of("register")] == [SECRET]
    assert not list(tmp_path.rglob("seen"))
    assert SECRET.encode() not in alice.raw


def test_a_line_with_a_password_is_not_in_the_history(
    server: SocketServer, alice: Terminal, tmp_path: Path
) -> None:
    alice.enter("/ping")
    alice.wait_for("pong")
    for line, told in (
        (f"/login alice --password {SECRET}", "you are alice (registered)"),
        (f"login alice {SECRET}", "“login …”: command or text?"),
    ):
        alice.enter(line)
        alice.wait_for(told)
        assert SECRET not in alice.text
        alice.key("escape c-u")
        alice.wait_until(lambda: alice.before_cursor == PROMPT)
        alice.type("x")  # once this is drawn, what was typed before is there too
        alice.wait_for(f"{PROMPT}x")
        alice.key("c-u up")
        alice.wait_for(f"{PROMPT}/ping")
        alice.key("c-c")
    alice.key("c-d")
    assert alice.exit_code() == 0
    assert SECRET not in kept(tmp_path)


def test_a_password_before_the_connection_waits_for_its_question(
    server: SocketServer, tmp_path: Path
) -> None:
    server.open.clear()
    with Terminal("connect", server.address, folder=tmp_path) as person:
        person.wait_for("connecting to")
        person.enter("/login alice")
        person.wait_until(lambda: person.before_cursor == "▸ ")
        person.enter(SECRET)
        person.wait_for("the next line may be a password")
        server.open.set()
        person.wait_for("[the password] ▸ " + "*" * len(SECRET))
        person.key("enter")
        person.wait_for("you are alice (registered)")
        person.key("c-d")
        assert person.exit_code() == 0
    assert [request["password"] for request in server.server.of("login")] == [SECRET]
    assert SECRET not in kept(tmp_path)


def test_a_reader_of_a_dumb_terminal_types_a_password_unseen(server: SocketServer, tmp_path: Path) -> None:
    with Terminal("connect", server.address, "--plain", folder=tmp_path) as person:
        person.wait_for("you are alice")
        person.enter("/login alice")
        person.wait_for("which is not shown")
        while person.echoes:
            person.read_for(0.01)
        person.enter(SECRET)
        person.wait_for("you are alice (registered)")
        while not person.echoes:
            person.read_for(0.01)
        person.enter("exit")
        assert person.exit_code() == 0
        assert SECRET.encode() not in person.raw
        assert person.stty() == person.stty_before


# Being there.


def test_a_person_reads_is_read_and_is_sent_away(server: SocketServer, alice: Terminal) -> None:
    server.send(message(1, "psst", to="alice"))
    alice.wait_for("bob → alice  psst", "1 unread private")
    assert server.server.of("read") == []
    alice.key("left")
    alice.wait_gone("unread")
    alice.wait_until(lambda: server.server.of("read") == [{"room": "@b", "seq": 1}])
    server.send(message(2, "what is it?", sender="alice", to="bob"))
    alice.wait_for("│ bob ✓")
    receipt = {"type": "receipt", "username": "bob", "room": "@b", "delivered": 2}
    server.send(receipt)
    alice.wait_for("│ bob ✓✓")
    delivered = alice.cell("✓✓")
    server.send(receipt | {"seen": 2})
    alice.wait_until(lambda: bool(alice.cell("✓✓").fg != delivered.fg))
    assert alice.cell("✓✓").bg == delivered.bg == alice.cell("2 here").bg != "default"
    server.send({"type": "bye", "code": "revoked", "message": "another device sent you away"})
    assert alice.exit_code() == 1
    assert "tcpchat: another device sent you away" in alice.text
    assert alice.stty() == alice.stty_before


def test_where_login_is_required_the_input_is_there(tmp_path: Path) -> None:
    fake = FakeServer(None)
    fake.refuse("users", "login-required")
    fake.reply("login", "logged-in", user="alice", session=2, token="t-secret", seq=0)
    with SocketServer(fake) as server, Terminal("connect", server.address, folder=tmp_path) as person:
        person.wait_for("this server is for registered users: /login NAME")
        fake.reply("users", "users", users=[{"name": "alice", "since": AT}], more=False)
        person.enter("/login alice")
        person.wait_for("[the password] ▸ ")
        person.enter(SECRET)
        person.wait_for("you are alice (registered)", PROMPT, "1 here")
        person.key("c-d")
        assert person.exit_code() == 0


def test_a_taken_name_shows_how_to_log_in(server: SocketServer, tmp_path: Path) -> None:
    server.server.refuse("rename", "name-taken")
    with Terminal("connect", server.address, "--name", "robert", folder=tmp_path) as person:
        person.wait_for("robert is taken. If it is your account, type: /login robert", PROMPT)
        person.key("c-d")
        assert person.exit_code() == 0
