"""Each method makes its request and returns the result."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from unittest.mock import ANY

import attrs
import pytest
import trio
from trio.testing import MockClock

from tcpchat.client import Client, DisconnectedError
from tcpchat.protocol import (
    Away,
    Back,
    Cancelled,
    ConversationInfo,
    LoggedOut,
    Message,
    PasswordChanged,
    PendingMessage,
    Read,
    Registered,
    Renamed,
    Reply,
    Reported,
    Revoked,
    Sent,
    SessionInfo,
    UnreadInfo,
    UserInfo,
    Whois,
)
from tests.link.conftest import FakeServer, Line, message

SESSION: Line = {
    "number": 2, "device": "tin", "address": "::1", "since": "s", "used": "u", "here": True, "current": False,
}  # fmt: skip
LOBBY: Line = {"room": "lobby", "count": 2, "mentioned": True, "read": 3, "seq": 5}
BOB: Line = {"name": "bob", "registered": True, "here": False, "since": "s", "seen": "t"}


def talked(id: str) -> Line:
    return {"username": "bob", "room": id, "seq": 9, "read": 8, "delivered": 7}


def a_message(seq: int) -> Message:
    return Message(room="lobby", seq=seq, at="", sender="bob", text=str(seq))


async def unread(client: Client, username: str | None = None) -> list[Message]:
    return [one async for one in client.unread_messages(username=username)]


Ask = Callable[[Client], Awaitable[object]]
CASES: list[tuple[Ask, list[Line], object]] = [
    (
        lambda client: client.rename("Bob"),
        [{"type": "rename", "name": "Bob"}, {"type": "renamed", "old": "guest-1", "new": "bob"}],
        Renamed(old="guest-1", new="bob"),
    ),
    (
        lambda client: client.register("secret"),
        [{"type": "register", "password": "secret", "device": ANY}, {"type": "registered", "user": "bob"}],
        Registered(user="bob"),
    ),
    (lambda client: client.logout(), [{"type": "logout"}, {"type": "logged-out"}], LoggedOut()),
    (
        lambda client: client.users(),
        [
            {"type": "users"},
            {"type": "users", "users": [{"name": "alice", "since": "s"}], "more": True},
            {"type": "users", "after": "alice"},
            {"type": "users", "users": [{"name": "bob", "since": "s"}], "more": False},
        ],
        [UserInfo(name="alice", since="s"), UserInfo(name="bob", since="s")],
    ),
    (
        lambda client: client.history(5, before=9, room="@b"),
        [
            {"type": "history", "count": 5, "before": 9, "room": "@b", "unread": False},
            {"type": "history", "room": "@b", "messages": [message(8)], "more": True},
        ],
        [a_message(8)],
    ),
    (
        lambda client: client.send("waves", action=True),
        [
            {"type": "send", "text": "waves", "action": True, "key": ANY},
            {"type": "sent", "room": "lobby", "seq": 1, "at": "t"},
        ],
        Sent(room="lobby", seq=1, at="t"),
    ),
    (
        lambda client: client.scheduled(),
        [
            {"type": "scheduled"},
            {
                "type": "schedule",
                "messages": [{"number": 4, "at": "t", "room": "lobby", "text": "tea"}],
                "more": False,
            },
        ],
        [PendingMessage(number=4, at="t", room="lobby", text="tea")],
    ),
    (
        lambda client: client.cancel(4),
        [{"type": "cancel", "number": 4}, {"type": "cancelled", "number": 4, "text": "tea"}],
        Cancelled(number=4, text="tea"),
    ),
    (
        lambda client: client.report("bob", "spam"),
        [
            {"type": "report", "username": "bob", "reason": "spam"},
            {"type": "reported", "username": "bob", "reports": 2},
        ],
        Reported(username="bob", reports=2),
    ),
    (
        lambda client: client.sessions(),
        [{"type": "sessions"}, {"type": "sessions", "sessions": [SESSION]}],
        [SessionInfo(**SESSION)],
    ),
    (
        lambda client: client.revoke(2),
        [{"type": "revoke", "number": 2}, {"type": "revoked", "number": 2}],
        Revoked(number=2),
    ),
    (
        lambda client: client.change_password("old", "new"),
        [
            {"type": "password", "password": "old", "new": "new"},
            {"type": "password-changed", "revoked": 3},
        ],
        PasswordChanged(revoked=3),
    ),
    (
        lambda client: client.mark_read(4, username="bob"),
        [
            {"type": "read", "username": "bob", "seq": 4},
            {"type": "read", "room": "@b", "username": "bob", "seq": 4},
        ],
        Read(room="@b", username="bob", seq=4),
    ),
    (
        lambda client: client.mark_read(),
        [{"type": "read"}, {"type": "read", "room": "lobby", "seq": 9}],
        Read(room="lobby", seq=9),
    ),
    (
        lambda client: client.unread(),
        [{"type": "unread"}, {"type": "unread", "rooms": [LOBBY]}],
        [UnreadInfo(**LOBBY)],
    ),
    (
        lambda client: client.conversations(),
        [
            {"type": "conversations"},
            {"type": "conversations", "conversations": [talked("@a"), talked("@b")], "more": True},
            {"type": "conversations", "after": "@b"},
            {"type": "conversations", "conversations": [talked("@c")], "more": False},
        ],
        [ConversationInfo(**talked(id)) for id in ("@a", "@b", "@c")],
    ),
    (
        lambda client: client.conversations(),
        [{"type": "conversations"}, {"type": "conversations", "conversations": [], "more": True}],
        [],
    ),
    (
        unread,
        [
            {"type": "history", "unread": True, "count": 500},
            {
                "type": "history",
                "messages": [message(1), message(2) | {"ignored": True}],
                "more": True,
                "cursor": 7,
            },
            {"type": "history", "unread": True, "count": 500, "cursor": 7},
            {"type": "history", "messages": [message(3)], "more": False},
        ],
        [a_message(1), a_message(3)],
    ),
    (
        lambda client: unread(client, "bob"),
        [
            {"type": "history", "unread": True, "count": 500, "username": "bob"},
            {"type": "history", "messages": [], "more": True},
        ],
        [],
    ),
    (lambda client: client.receipts(), [{"type": "receipts"}, {"type": "receipts", "on": True}], True),
    (
        lambda client: client.receipts(on=False),
        [{"type": "receipts", "on": False}, {"type": "receipts", "on": False}],
        False,
    ),
    (
        lambda client: client.away("lunch"),
        [{"type": "away", "text": "lunch"}, {"type": "away", "text": "lunch", "since": "s"}],
        Away(text="lunch", since="s"),
    ),
    (
        lambda client: client.away(),
        [{"type": "away", "text": ""}, {"type": "away", "text": "", "since": "s"}],
        Away(text="", since="s"),
    ),
    (lambda client: client.back(), [{"type": "back"}, {"type": "back"}], Back()),
    (
        lambda client: client.whois("bob"),
        [{"type": "whois", "name": "bob"}, {"type": "whois"} | BOB],
        Whois(**BOB),
    ),
    (
        lambda client: client.ignore("bob"),
        [{"type": "ignore", "name": "bob"}, {"type": "ignoring", "users": ["bob"]}],
        ["bob"],
    ),
    (
        lambda client: client.unignore("bob"),
        [{"type": "unignore", "name": "bob"}, {"type": "ignoring", "users": []}],
        [],
    ),
    (
        lambda client: client.ignoring(),
        [{"type": "ignore"}, {"type": "ignoring", "users": ["eve"]}],
        ["eve"],
    ),
]
"""What is called, the requests and replies by turns, and what it returns."""


@pytest.mark.parametrize(("ask", "lines", "result"), CASES)
async def test_a_method_makes_its_request_and_returns_the_result(
    fake: FakeServer, autojump_clock: MockClock, ask: Ask, lines: Sequence[Line], result: object
) -> None:
    async with fake.online() as (client, server):

        async def play() -> None:
            for wanted, reply in zip(lines[::2], lines[1::2], strict=True):
                while (request := await server.receive())["type"] == "ping":
                    await server.reply(request, "pong", at="")
                assert request == wanted | {"id": request["id"]}
                await server.say(reply | {"re": request["id"]})

        async with trio.open_nursery() as nursery:
            nursery.start_soon(play)
            answer = await ask(client)
        if isinstance(answer, Reply):
            answer = attrs.evolve(answer, re=None)
        assert answer == result


async def test_a_reply_of_the_wrong_type_is_an_error(fake: FakeServer, autojump_clock: MockClock) -> None:
    async with fake.online() as (client, server), trio.open_nursery() as nursery:

        @nursery.start_soon
        async def play() -> None:
            await server.reply(await server.next("whois"), "back")

        with pytest.raises(DisconnectedError, match="answered whois with back"):
            await client.whois("bob")
