"""A server for its users only: who is nobody yet may do nothing but log in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tcpchat.protocol import COMMANDS
from tcpchat.settings import Rules, Settings
from tests.running import Line, RunningServer, run_server
from tests.sessions import PASSWORD, Clock, connect, guest, log_in, log_in_on, lose, pass_time, resume, user

CLOSED = Settings(rules=Rules(require_login=True))
FREE = {"help", "schema", "ping", "login", "resume", "exit"}


@pytest.fixture
async def closed(tmp_path: Path) -> AsyncIterator[RunningServer]:
    """A server that alice registered with before it was for its users only."""
    async with run_server(folder=tmp_path) as running:
        alice = await user(running, "alice")
        guest_token = await guest(running, "mallory")
        await guest_token.do("send", text="so that I am kept")
    async with run_server(CLOSED, folder=tmp_path) as running:
        running.tokens = {"alice": alice.token, "mallory": guest_token.token}  # type: ignore[attr-defined]
        yield running


async def test_the_welcome_gives_no_name_and_no_token(closed: RunningServer) -> None:
    person = await connect(closed)
    assert (person.name, person.token) == ("", "")
    assert len(closed.state.presence) == 0


@pytest.mark.parametrize("command", sorted({command.name for command in COMMANDS} - FREE))
async def test_nothing_else_is_answered(closed: RunningServer, command: str) -> None:
    person = await connect(closed)
    fields: dict[str, Line] = {
        "send": {"text": "x"}, "rename": {"name": "x"}, "register": {"password": PASSWORD},
        "whois": {"name": "alice"}, "unignore": {"name": "alice"}, "report": {"username": "alice"},
        "edit": {"seq": 1, "text": "x"},
        "create": {"name": "ops"}, "join": {"name": "ops"}, "leave": {"name": "ops"},
        "decline": {"name": "ops"}, "invite": {"username": "alice"},
        "role": {"username": "alice", "role": "owner"}, "remove": {"username": "alice"},
        "revoke": {"number": 1}, "password": {"password": PASSWORD, "new": PASSWORD},
    }  # fmt: skip
    assert (await person.do(command, **fields.get(command, {})))["code"] == "login-required"


async def test_what_is_free(closed: RunningServer) -> None:
    person = await connect(closed)
    for type in ("help", "schema", "ping"):
        assert (await person.do(type))["type"] in {"help", "schema", "pong"}
    assert (await person.do("login", name="alice", password="wrong horse"))["code"] == "wrong-login"
    assert (await person.do("resume", token="x"))["code"] == "bad-token"
    assert (await person.do("exit"))["type"] == "bye"


async def test_nobody_hears_nothing_and_is_not_heard_of(closed: RunningServer, mock_clock: Clock) -> None:
    person = await connect(closed)
    alice = await log_in(closed, "alice")
    await alice.do("send", text="among us")
    await alice.do("rename", name="alicia")
    await pass_time(closed, mock_clock, 1, 1)
    assert await person.quiet() == []
    assert await alice.names() == ["alicia"]
    assert (await alice.heard("joined", "left")) == []
    await lose(person)
    await pass_time(closed, mock_clock, 6, 6)
    assert (await alice.heard("joined", "left")) == []


async def test_logging_in_opens_it_and_logging_out_closes_it_again(closed: RunningServer) -> None:
    person = await log_in_on(await connect(closed), "alice")
    assert (await person.do("send", text="hi"))["type"] == "sent"
    other = await resume(closed, closed.tokens["alice"])  # type: ignore[attr-defined]
    assert await person.do("logout") == {"type": "logged-out", "re": person._ids}
    assert (await person.do("send", text="hi"))["code"] == "login-required"
    await other.do("send", text="among us")
    assert [line for line in await person.heard() if line.get("text") == "among us"] == []
    await log_in_on(person, "alice")


async def test_a_guest_from_before_cannot_come_back(closed: RunningServer) -> None:
    person = await connect(closed)
    mallorys = closed.tokens["mallory"]  # type: ignore[attr-defined]
    assert (await person.do("resume", token=mallorys))["code"] == "bad-token"
    alice = await log_in(closed, "alice")
    await alice.do("send", text="are you there?", username="mallory")
    assert (await person.do("resume", token=mallorys))["code"] == "bad-token"
