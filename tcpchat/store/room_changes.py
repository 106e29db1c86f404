"""Changes of named rooms and their members, as values like those of `store.changes`."""

from __future__ import annotations

from typing import NamedTuple


class NewNamedRoom(NamedTuple):
    """Store a room that has a name; `key` is the skeleton of the name."""

    name: str
    key: str
    private: int
    topic: str


class EnterRoom(NamedTuple):
    """Store that the user is in the room from then on, has this role, and has read it up to `read`."""

    user: str
    room: str
    role: str
    since: int
    read: int
    delivered: int


class SetRole(NamedTuple):
    """Give a member another role."""

    user: str
    room: str
    role: str


class LeaveRoom(NamedTuple):
    """Store that the user is not in the room any more."""

    user: str
    room: str


class SetStanding(NamedTuple):
    """Store how a user who is no member stands to the room, and who caused it."""

    user: str
    room: str
    standing: str
    """`invited` or `removed`."""
    by: str
    at: int


class DropStanding(NamedTuple):
    """Store that the user does not stand to the room in any way."""

    user: str
    room: str


class SetTopic(NamedTuple):
    """Give the room another topic; '' is none."""

    room: str
    topic: str


class CloseRoom(NamedTuple):
    """Store since when nothing more can be said in the room."""

    room: str
    closed: int


class NewRoomEvent(NamedTuple):
    """Store an event of a room that is neither a message nor an edit.

    One of the kind `member` is about the user `recipient`, and `change` says what happened; `text` is the
    reason, or of a `topic` the new one.
    """

    room: str
    seq: int
    at: int
    kind: str
    author: str
    name: str
    recipient: str | None
    recipient_name: str | None
    change: str | None
    text: str


MEMBER = "member"
TOPIC = "topic"
CLOSED = "closed"
"""Kinds of events."""

JOINED = "joined"
LEFT = "left"
"""The changes of a member by the member's own decision."""

INVITED = "invited"
REMOVED = "removed"
"""How a user who is no member can stand to a room."""
