"""The page after a reply, and the end of a list."""

from __future__ import annotations

import pytest

from tcpchat.link.paging import next_page
from tcpchat.protocol import (
    ConversationInfo,
    Conversations,
    Edited,
    History,
    ListConversations,
    ListScheduled,
    ListSessions,
    ListUsers,
    Log,
    Message,
    PendingMessage,
    ReadHistory,
    ReadLog,
    Reply,
    Request,
    Schedule,
    Sessions,
    Unknown,
    UserInfo,
    Users,
)

USERS = [UserInfo(name=name, since="") for name in ("alice", "bob")]
MESSAGES = [Message(room="lobby", seq=seq, at="", sender="bob", text="") for seq in (3, 4)]
EDITED = Edited(room="lobby", seq=5, at="", sender="bob", target=3, text="")
LATER = Unknown(fields={"type": "pinned", "room": "@b", "seq": 9})
TALKED = [ConversationInfo(room=f"@{id}", username="x", seq=1, read=0, delivered=0) for id in "ab"]
PENDING = [PendingMessage(number=number, at="", room="lobby", text="") for number in (1, 2)]


@pytest.mark.parametrize(
    ("request_", "reply", "following"),
    [
        (ListUsers(), Users(users=USERS, more=True), ListUsers(after="bob")),
        (ListUsers(after="a"), Users(users=USERS, more=False), None),
        (ListUsers(), Users(users=[], more=True), None),
        (ListConversations(), Conversations(conversations=TALKED, more=True), ListConversations(after="@b")),
        (ListConversations(), Conversations(conversations=[], more=True), None),
        (ListScheduled(), Schedule(messages=PENDING, more=True), ListScheduled(after=2)),
        (ListScheduled(), Schedule(messages=PENDING, more=False), None),
        (
            ReadHistory(unread=True, room="@b", count=5),
            History(messages=[], more=True, cursor=7),
            ReadHistory(unread=True, room="@b", count=5, cursor=7),
        ),
        (ReadHistory(unread=True), History(messages=MESSAGES, more=True), None),
        (ReadHistory(unread=True), History(messages=MESSAGES, more=False, cursor=7), None),
        (ReadHistory(after=2), History(messages=MESSAGES, more=True), ReadHistory(after=4)),
        (ReadHistory(after=2), History(messages=[], more=True), None),
        (ReadHistory(), History(messages=MESSAGES, more=True), None),
        (
            ReadLog(after=2),
            Log(room="lobby", events=[MESSAGES[0], EDITED], first=1, more=True),
            ReadLog(after=5),
        ),
        (ReadLog(room="@b"), Log(room="@b", events=[LATER], first=1, more=True), ReadLog(room="@b", after=9)),
        (ReadLog(), Log(room="lobby", events=[*MESSAGES], first=1, more=False), None),
        (ListSessions(), Sessions(sessions=[]), None),
    ],
)
def test_the_next_page_continues_after_the_last_entry(
    request_: Request, reply: Reply, following: Request | None
) -> None:
    assert next_page(request_, reply) == following
