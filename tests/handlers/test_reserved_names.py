"""Names with reserved characters, taken before there was a rule against them: they still work."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tcpchat import names
from tests.conftest import House, open_house
from tests.people import PASSWORD, connect, guest, log_in, resume, user

TOKENS = dict[str, str]


@pytest.fixture
async def tokens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TOKENS:
    """The tokens of users whose names an earlier server let them take, and who are on disk now."""
    monkeypatch.setattr(names, "RESERVED", {})
    async with open_house(folder=tmp_path) as house:
        people = [await user(house, "c++"), await guest(house, "x@y")]
        for person in people:
            await person.ask("send so that the user is written")
        found = {person.name: person.token for person in people}
    monkeypatch.undo()
    return found


@pytest.fixture
async def house(tokens: TOKENS, tmp_path: Path) -> AsyncIterator[House]:
    assert tokens
    async with open_house(folder=tmp_path) as opened:
        yield opened


@pytest.mark.parametrize("name", ["c++", "C++", "c＋＋"])
async def test_a_registered_user_logs_in_in_any_case_and_width(house: House, name: str) -> None:
    person = await log_in(house, name)
    assert person.name == "c++"


async def test_a_wrong_password_is_all_that_is_wrong(house: House) -> None:
    reply = await (await connect(house)).do("login", name="c++", password="wrong horse")
    assert reply["code"] == "wrong-login"


async def test_a_token_brings_both_back_under_their_names(house: House, tokens: TOKENS) -> None:
    for name, token in tokens.items():
        assert (await resume(house, token)).name == name


@pytest.mark.parametrize("name", ["c++", "x@y", "X@Y"])
async def test_both_are_written_to_reported_ignored_and_looked_up(house: House, name: str) -> None:
    person = await guest(house, "bob")
    assert (await person.do("send", text="hi", username=name))["username"] == name.lower()
    assert (await person.ask(f"send -u {name} hi"))["username"] == name.lower()
    for command in ("whois", "ignore", "unignore", "report"):
        reply = await person.ask(f"{command} {name}")
        assert reply["type"] != "error", reply


async def test_a_mention_reaches_such_a_name(house: House, tokens: TOKENS) -> None:
    bob = await guest(house, "bob")
    await bob.ask("send hi @c++ and @x@y!")
    person = await resume(house, tokens["c++"])
    (lobby,) = (await person.do("unread"))["rooms"]
    assert lobby["mentioned"] is True


async def test_a_rename_to_the_same_name_changes_nothing(house: House) -> None:
    person = await log_in(house, "c++")
    reply = await person.do("rename", name="C++")
    assert (reply["type"], reply["old"], reply["new"]) == ("renamed", "c++", "c++")


async def test_both_are_renamed_away_and_cannot_go_back(house: House, tokens: TOKENS) -> None:
    for number, (name, token) in enumerate(tokens.items()):
        person = await resume(house, token)
        assert (await person.do("rename", name=f"better{number}"))["old"] == name
        assert (await person.do("rename", name=name))["code"] == "bad-name"


async def test_a_guest_keeps_such_a_name_but_cannot_register_it(house: House, tokens: TOKENS) -> None:
    person = await resume(house, tokens["x@y"])
    error = await person.do("register", password=PASSWORD)
    assert error["code"] == "bad-name"
    assert error["message"].endswith("for example x-y")
    await person.do("rename", name="x-y")
    assert (await person.do("register", password=PASSWORD))["type"] == "registered"
