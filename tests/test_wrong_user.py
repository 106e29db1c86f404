"""Secrets of two users: nobody else learns any, whatever a stranger asks and may know.

Each command is asked by a stranger. Secret are the texts of a private conversation, also those that are
scheduled, passwords, tokens, and what only the two can see of each other. A new command fails here until
somebody has thought of it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import orjson
import pytest

from tcpchat.chat.sessions import hash_token
from tcpchat.protocol import COMMANDS
from tests.running import Line, RunningServer, run_server
from tests.sessions import Clock, SessionPeer, connect, guest, log_in, lose, pass_time, resume, user

SECRET = "c4n4ry"
PASSWORDS = {"alice": f"{SECRET} of alice", "bob": f"{SECRET} of bob"}
NEW = "a new password"


@attrs.frozen
class Pair:
    """Two who talk privately, each on two devices, and what is known of them."""

    alice: SessionPeer
    bob: SessionPeer
    people: list[SessionPeer]
    conversation: str
    ids: list[str]
    journal: str

    @property
    def secrets(self) -> list[str]:
        tokens = [person.token for person in self.people]
        return [SECRET, *tokens, *(hash_token(token).hex() for token in tokens), *self.ids]


# Who and what a stranger may name, and numbers of others.
NAMES = (
    "alice",
    "ALICE",
    "bob",
    "{conversation}",
    "@{id}",
    "{room}",
    "{id}",
    "@",
    "%",
    "*",
    "alice' OR '1'='1",
)
NUMBERS = (0, 1, 2, 3, 10**15)


def with_names(type: str, field: str = "username", **fields: Any) -> list[Line | str]:
    return [{"type": type, field: name} | fields for name in NAMES]


def in_places(type: str, **fields: Any) -> list[Line | str]:
    """Return requests that name each place in each way."""
    return [*with_names(type, **fields), *with_names(type, "room", **fields), *in_a_room(type, **fields)]


def in_a_room(type: str, field: str = "room", **fields: Any) -> list[Line | str]:
    """Return requests that name the private room of the two in each way."""
    return [{"type": type, field: name} | fields for name in ("{private}", "#{private}", "BOARD")]


ATTEMPTS: dict[str, list[Line | str]] = {
    "help": ["help", "help send", {"type": "help"}],
    "send": [
        *in_places("send", text="hi", time=60), "send -u alice hi", "send -u bob -t 1 hi", "send @alice",
        {"type": "send", "text": "x", "key": "alices key"}, {"type": "send", "text": "x", "key": "bobs key"},
        *in_places("send", text="hello", key="alices key"), "send -r {conversation} -t 1 hi",
    ],
    "edit": [
        *in_places("edit", seq=1, text="hi"), "edit 1 hi", "edit -u alice 1 hi",
        "edit -r {conversation} 1 hi",
    ],
    "log": [
        *in_places("log"), *in_places("log", after=0), "log", "log -u alice", "log -r {conversation} -n 1",
    ],
    "history": [
        *in_places("history"), *in_places("history", after=0), *in_places("history", unread=True),
        *in_places("history", unread=True, cursor=0), "history", "history --unread", "history -u alice",
        {"type": "history", "unread": True, "cursor": 0, "count": 500}, "history --unread -r {conversation}",
        {"type": "history", "before": 10**15}, {"type": "history", "unread": True, "username": "bob"},
    ],
    "users": ["users", {"type": "users", "after": "a"}],
    "rename": [*with_names("rename", "name"), "rename alice", "rename b0b"],
    "register": [{"type": "register", "password": NEW}, "register --password anewpassword"],
    "login": [
        {"type": "login", "name": name, "password": password}
        for name in ("alice", "bob", "{id}")
        for password in ("wrong password", "{alices token}", "alice", "", "%")
    ] + ["login alice --password wrongpassword"],
    "away": ["away", {"type": "away", "text": "alice"}],
    "back": ["back"],
    "whois": [*with_names("whois", "name"), "whois alice", "whois guest-1"],
    "ignore": [*with_names("ignore", "name"), "ignore", "ignore alice"],
    "unignore": [*with_names("unignore", "name"), "unignore bob"],
    "read": [
        *in_places("read"), *in_places("read", seq=1), "read -u alice 1", "read",
    ],
    "unread": ["unread"],
    "rooms": ["rooms", "rooms --all", {"type": "rooms", "all": True, "after": "a"}],
    "create": [*in_a_room("create", "name"), {"type": "create", "name": "{private}", "private": True}],
    "join": [*in_a_room("join", "name"), *with_names("join", "name")],
    "leave": [*in_a_room("leave", "name"), *with_names("leave", "name")],
    "members": [*in_a_room("members"), *in_places("members")],
    "invite": [*in_a_room("invite", username="mallory"), *in_a_room("invite", username="alice")],
    "invites": ["invites"],
    "decline": [*in_a_room("decline", "name"), *with_names("decline", "name")],
    "topic": [*in_a_room("topic"), *in_a_room("topic", text="mine")],
    "role": [
        *in_a_room("role", username="mallory", role="owner"),
        *in_a_room("role", username="alice", role="member"),
    ],
    "remove": [*in_a_room("remove", username="alice"), *in_a_room("remove", username="bob")],
    "close": in_a_room("close"),
    "conversations": [
        "conversations", {"type": "conversations", "after": ""}, {"type": "conversations", "after": "@0"},
    ],
    "receipts": ["receipts", "receipts off", "receipts on"],
    "scheduled": ["scheduled", {"type": "scheduled", "after": 0}],
    "cancel": ["cancel", *({"type": "cancel", "number": number} for number in NUMBERS)],
    "report": [*with_names("report"), "report alice"],
    "resume": [
        {"type": "resume", "token": token, **after}
        for token in ("alice", "{id}", "{room}", "{hash}", "{journal}", "{conversation}", "%", "")
        for after in ({}, {"after": 0})
    ] + ["resume {hash} --after 0"],
    "sessions": ["sessions"],
    "revoke": [{"type": "revoke", "number": number} for number in NUMBERS if number != 1],
    "password": [
        {"type": "password", "password": password, "new": NEW} for password in ("wrong password", "alice", "")
    ],
    "status": ["status"],
    "ping": ["ping"],
    "schema": ["schema"],
    "logout": ["logout"],
    "exit": ["exit"],
}  # fmt: skip


def fill(attempt: Line | str, pair: Pair) -> Line | str:
    """Put in what a stranger cannot know, but might."""
    one, other = sorted(pair.ids)
    known = {
        "{conversation}": pair.conversation, "{id}": pair.ids[0], "{room}": f"@{one}@{other}",
        "{hash}": hash_token(pair.alice.token).hex(), "{journal}": pair.journal,
        "{alices token}": pair.alice.token, "{private}": "board",
    }  # fmt: skip
    line = attempt if isinstance(attempt, str) else orjson.dumps(attempt).decode()
    for name, value in known.items():
        line = line.replace(name, value)
    return line


@asynccontextmanager
async def pair_in(running: RunningServer) -> AsyncIterator[Pair]:
    """Have two talk privately; by the end they find everything as they left it."""
    alice, bob = await guest(running, "alice"), await guest(running, "bob")
    for person in (alice, bob):
        password = PASSWORDS[person.name]
        assert (await person.do("register", password=password, device=SECRET))["type"] == "registered"
    phone = await log_in(running, "alice", password=PASSWORDS["alice"], device=SECRET)
    tablet = await log_in(running, "bob", password=PASSWORDS["bob"], device=SECRET)
    for number in range(3):
        await alice.do(
            "send", text=f"{SECRET} {number}", username="bob", key="alices key" if not number else None
        )
        await bob.do("send", text=f"{SECRET} back", username="alice", key="bobs key" if not number else None)
    await alice.do("send", text=f"{SECRET} later", username="bob", time=600)
    await bob.do("send", text=f"{SECRET} later, to all", time=600)
    await alice.do("ignore", name="bob")
    await alice.do("unignore", name="bob")
    await alice.do("read", username="bob", seq=2)
    await bob.do("read", username="alice", seq=1)
    assert (await alice.do("create", name="board", private=True, topic=SECRET))["type"] == "room"
    await alice.do("invite", username="bob", room="board")
    assert (await bob.do("join", name="board"))["type"] == "room"
    await alice.do("send", room="board", text=f"{SECRET} in a room @mallory", key="a key of the room")
    await bob.do("send", room="board", text=f"{SECRET} later in the room", time=600)
    (info,) = (await bob.do("conversations"))["conversations"]
    people = [alice, bob, phone, tablet]
    ids = [running.user(name).id for name in ("alice", "bob")]
    pair = Pair(alice, bob, people, info["room"], ids, running.state.journal)
    before = await state(pair)
    yield pair
    assert await state(pair) == before


async def state(pair: Pair) -> list[Any]:
    """Return what the two see of themselves that only they may change."""
    found: list[Any] = []
    for person in pair.people:
        for type in ("scheduled", "sessions", "ignore", "receipts"):
            line = await person.do(type)
            found.append({key: line[key] for key in line if key != "re"})
        infos = (await person.do("conversations"))["conversations"]
        found.append([info["read"] for info in infos if info["room"] == pair.conversation])
        said = (await person.do("history", room=pair.conversation, count=500))["messages"]
        found.append({(line["from"], line["to"]) for line in said})
        members = (await person.do("members", room="board"))["members"]
        found.append([(member["name"], member["role"]) for member in members])
        said = (await person.do("log", room="board", count=500))["events"]
        found.append([(line["type"], line["from"]) for line in said])
        whois = await person.do("whois", name=person.name)
        found.append({key: whois[key] for key in whois if key != "re"})
    return found


def test_every_command_was_thought_of() -> None:
    assert ATTEMPTS.keys() == {command.name for command in COMMANDS}


@pytest.mark.parametrize("stranger", ["guest", "user"])
@pytest.mark.parametrize("command", ATTEMPTS)
async def test_a_stranger_learns_nothing(
    tmp_path: Path, mock_clock: Clock, command: str, stranger: str
) -> None:
    async with run_server(folder=tmp_path) as running, pair_in(running) as pair:
        mallory = await (guest if stranger == "guest" else user)(running, "mallory")
        heard: list[Line] = []
        for attempt in ATTEMPTS[command]:
            line = fill(attempt, pair)
            await mallory.send(line)
            for author, to in ((pair.alice, "bob"), (pair.bob, "alice")):
                await author.do("send", text=f"{SECRET} meanwhile", username=to)
                await author.do("read", username=to, seq=1)
            await pass_time(running, mock_clock, 1)
            if command == "exit":
                heard += await mallory.rest()
                mallory = await connect(running)
            else:
                heard += await mallory.quiet()
        assert heard
        assert "internal" not in {line.get("code") for line in heard}
        told = orjson.dumps(heard).decode()
        for secret in pair.secrets:
            if secret not in str([fill(attempt, pair) for attempt in ATTEMPTS[command]]):
                assert secret not in told
        assert SECRET not in told
        assert not [line for line in heard if line["type"] == "message" and line.get("from") != "mallory"]
        assert not [line for line in heard if line.get("room") in {pair.conversation, "board"}]


async def test_nobody_but_the_two_has_a_canary(tmp_path: Path, mock_clock: Clock) -> None:
    """The two do hear it: a canary that nobody hears would prove nothing."""
    async with run_server(folder=tmp_path) as running, pair_in(running) as pair:
        for person in pair.people:
            assert SECRET in str(await person.do("history", room=pair.conversation))
            assert SECRET in str(await person.heard("message"))
            assert SECRET in str(await person.do("scheduled"))
            assert SECRET in str(await person.do("sessions"))


async def test_a_key_of_another_user_is_no_key_of_ones_own(running: RunningServer) -> None:
    async with pair_in(running):
        mallory = await guest(running, "mallory")
        for seq, key in enumerate(("alices key", "bobs key"), 1):
            reply = await mallory.do("send", text="x", key=key)
            assert (reply["room"], reply["seq"]) == ("lobby", seq)


# Names that change hands


async def test_who_takes_the_name_of_a_guest_who_is_gone_gets_nothing_of_that_one(
    tmp_path: Path, mock_clock: Clock
) -> None:
    async with run_server(folder=tmp_path) as running:
        alice, bob = await guest(running, "alice"), await guest(running, "bob")
        await alice.do("send", text=SECRET, username="bob", key="k")
        await bob.do("send", text=SECRET, username="alice", key="k")
        await alice.do("send", text=SECRET, username="bob", time=60)
        await bob.leave()
        heir = await guest(running, "bob")
        await pass_time(running, mock_clock, 60, 1)
        await nothing_of(heir, "alice")
        assert [line["code"] for line in await alice.heard("unsent")] == ["no-such-user"]


@pytest.mark.parametrize("registered", [False, True])
async def test_who_takes_a_name_that_is_free_after_a_restart_gets_nothing_scheduled_for_it(
    tmp_path: Path, mock_clock: Clock, *, registered: bool
) -> None:
    async with run_server(folder=tmp_path) as running:
        alice, bob = await user(running, "alice"), await (user if registered else guest)(running, "bob")
        await alice.do("send", text=SECRET, username="bob", time=1000)
        await alice.do("send", text=SECRET, username="bob")
        if registered:
            await bob.do("rename", name="robert")
    async with run_server(folder=tmp_path) as running:
        await pass_time(running, mock_clock, 700)
        heir = await guest(running, "bob")
        alice = await resume(running, alice.token)
        await pass_time(running, mock_clock, 301)
        while len(running.state.schedule):
            await pass_time(running, mock_clock, 1)
        await pass_time(running, mock_clock, 1)
        await nothing_of(heir, "alice")
        unsent = [line["code"] for line in await alice.heard("unsent")]
        assert unsent == ([] if registered else ["no-such-user"])
        if registered:
            bob = await resume(running, bob.token)
            assert len((await bob.do("history", username="alice"))["messages"]) == 2


async def nothing_of(heir: SessionPeer, other: str) -> None:
    heard = await heir.heard()
    for type in ("conversations", "unread", "scheduled", "ignore", "sessions"):
        heard.append(await heir.do(type))
    heard += [await heir.do("history", username=other), await heir.do("history", unread=True)]
    assert SECRET not in str(heard)


async def test_who_was_registered_has_no_heir(tmp_path: Path, mock_clock: Clock) -> None:
    async with run_server(folder=tmp_path) as running:
        alice, bob = await user(running, "alice"), await user(running, "bob")
        await alice.do("send", text=SECRET, username="bob")
        await bob.do("rename", name="robert")
        heir = await user(running, "bob")
        await alice.do("send", text="for the new one", username="bob")
        await nothing_of(heir, "alice")
        await lose(alice, bob, heir)
    async with run_server(folder=tmp_path) as running:
        heir = await log_in(running, "bob")
        await nothing_of(heir, "alice")
        (info,) = (await heir.do("conversations"))["conversations"]
        assert info["seq"] == 1
