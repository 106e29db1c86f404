"""Names with reserved characters, taken before there was a rule against them: they still work."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tcpchat import names
from tests.running import RunningServer, run_server
from tests.sessions import PASSWORD, connect, guest, log_in, resume, stored_users

TOKENS = dict[str, str]


@pytest.fixture
async def tokens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TOKENS:
    """The tokens of users whose names an earlier server let them take, and who are on disk now."""
    with monkeypatch.context() as earlier:
        earlier.setattr(names, "RESERVED", {})
        return await stored_users(tmp_path, registered="c++", guest_name="x@y")


@pytest.fixture
async def running(tokens: TOKENS, tmp_path: Path) -> AsyncIterator[RunningServer]:
    assert tokens
    async with run_server(folder=tmp_path) as opened:
        yield opened


@pytest.mark.parametrize("name", ["c++", "C++", "c＋＋"])
async def test_a_registered_user_logs_in_in_any_case_and_width(running: RunningServer, name: str) -> None:
    person = await log_in(running, name)
    assert person.name == "c++"


async def test_a_wrong_password_is_all_that_is_wrong(running: RunningServer) -> None:
    reply = await (await connect(running)).do("login", name="c++", password="wrong horse")
    assert reply["code"] == "wrong-login"


async def test_a_token_brings_both_back_under_their_names(running: RunningServer, tokens: TOKENS) -> None:
    for name, token in tokens.items():
        assert (await resume(running, token)).name == name


@pytest.mark.parametrize("name", ["c++", "x@y", "X@Y"])
async def test_both_are_written_to_reported_ignored_and_looked_up(running: RunningServer, name: str) -> None:
    person = await guest(running, "bob")
    assert (await person.do("send", text="hi", username=name))["username"] == name.lower()
    assert (await person.ask(f"send -u {name} hi"))["username"] == name.lower()
    for command in ("whois", "ignore", "unignore", "report"):
        reply = await person.ask(f"{command} {name}")
        assert reply["type"] != "error", reply


async def test_a_mention_reaches_such_a_name(running: RunningServer, tokens: TOKENS) -> None:
    bob = await guest(running, "bob")
    await bob.ask("send hi @c++ and @x@y!")
    person = await resume(running, tokens["c++"])
    (lobby,) = (await person.do("unread"))["rooms"]
    assert lobby["mentioned"] is True


async def test_a_rename_to_the_same_name_changes_nothing(running: RunningServer) -> None:
    person = await log_in(running, "c++")
    reply = await person.do("rename", name="C++")
    assert (reply["type"], reply["old"], reply["new"]) == ("renamed", "c++", "c++")


async def test_both_are_renamed_away_and_cannot_go_back(running: RunningServer, tokens: TOKENS) -> None:
    for number, (name, token) in enumerate(tokens.items()):
        person = await resume(running, token)
        assert (await person.do("rename", name=f"better{number}"))["old"] == name
        assert (await person.do("rename", name=name))["code"] == "bad-name"


async def test_a_guest_keeps_such_a_name_but_cannot_register_it(
    running: RunningServer, tokens: TOKENS
) -> None:
    person = await resume(running, tokens["x@y"])
    error = await person.do("register", password=PASSWORD)
    assert error["code"] == "bad-name"
    assert error["message"].endswith("for example x-y")
    await person.do("rename", name="x-y")
    assert (await person.do("register", password=PASSWORD))["type"] == "registered"
