"""Lists that come in pages: the request for the page after a reply. Pure."""

from __future__ import annotations

from typing import Any, TypeVar

import attrs

from tcpchat.protocol import (
    Conversations,
    History,
    ListConversations,
    ListMembers,
    ListRooms,
    ListScheduled,
    ListUsers,
    Log,
    Members,
    ReadHistory,
    ReadLog,
    Reply,
    Request,
    Rooms,
    Schedule,
    Unknown,
    Users,
)

Q = TypeVar("Q", bound=Request)


def next_page(request: Q, reply: Reply) -> Q | None:
    """Return the request for what follows this reply to `request`; None if nothing does.

    A reply that promises more and contains nothing is taken for the last, since its successor would be the
    same.
    """
    changes: dict[str, Any] = {}
    match request, reply:
        case ListUsers(), Users(more=True, users=[*_, user]):
            changes = {"after": user.name}
        case ListConversations(), Conversations(more=True, conversations=[*_, conversation]):
            changes = {"after": conversation.room}
        case ListRooms(), Rooms(more=True, rooms=[*_, room]):
            changes = {"after": room.room}
        case ListMembers(), Members(more=True, members=[*_, member]):
            changes = {"after": member.name}
        case ListScheduled(), Schedule(more=True, messages=[*_, scheduled]):
            changes = {"after": scheduled.number}
        case ReadHistory(unread=True), History(more=True, cursor=int(cursor)):
            changes = {"cursor": cursor}
        case ReadHistory(unread=False, after=int()), History(more=True, messages=[*_, message]):
            changes = {"after": message.seq}
        case ReadLog(), Log(more=True, events=[*_, event]):
            changes = {"after": event.fields.get("seq") if isinstance(event, Unknown) else event.seq}
    return attrs.evolve(request, **changes) if changes else None
