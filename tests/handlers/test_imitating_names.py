"""Users whose reserved names are from before the rule: they still work, until they take another name."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tcpchat import names
from tests.running import RunningServer, run_server
from tests.sessions import PASSWORD, guest, log_in, resume, stored_users

TOKENS = dict[str, str]


@pytest.fixture
async def tokens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TOKENS:
    """The tokens of a registered `lobby` and of a guest `operator`, whom an earlier server admitted."""
    with monkeypatch.context() as earlier:
        earlier.setattr(names, "imitates", lambda _: None)
        return await stored_users(tmp_path, registered="lobby", guest_name="operator")


@pytest.fixture
async def running(tokens: TOKENS, tmp_path: Path) -> AsyncIterator[RunningServer]:
    assert tokens
    async with run_server(folder=tmp_path) as opened:
        yield opened


async def test_both_come_back_log_in_and_talk(running: RunningServer, tokens: TOKENS) -> None:
    lobby = await log_in(running, "Lobby")
    operator = await resume(running, tokens["operator"])
    assert (lobby.name, operator.name) == ("lobby", "operator")
    assert (await lobby.do("send", text="hi", username="operator"))["username"] == "operator"
    for command in ("whois", "ignore", "unignore", "report"):
        assert (await operator.ask(f"{command} lobby"))["type"] != "error"


async def test_the_room_is_not_the_user(running: RunningServer) -> None:
    bob = await guest(running, "bob")
    assert (await bob.do("send", text="to all", room="lobby"))["room"] == "lobby"
    assert (await bob.do("send", text="to one", username="lobby"))["room"] != "lobby"


async def test_such_a_name_is_not_taken_again(running: RunningServer, tokens: TOKENS) -> None:
    for number, (name, token) in enumerate(tokens.items()):
        person = await resume(running, token)
        assert (await person.do("rename", name=name.upper()))["new"] == name  # which changes nothing
        assert (await person.do("rename", name=f"better{number}"))["old"] == name
        assert (await person.do("rename", name=name))["code"] == "bad-name"


async def test_a_guest_takes_another_name_before_it_registers(running: RunningServer, tokens: TOKENS) -> None:
    person = await resume(running, tokens["operator"])
    assert (await person.do("register", password=PASSWORD))["code"] == "bad-name"
    await person.do("rename", name="olga")
    assert (await person.do("register", password=PASSWORD))["type"] == "registered"
