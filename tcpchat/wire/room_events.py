"""The events that named rooms add: what happens to their members, their topic, their end, and invitations."""

from __future__ import annotations

from typing import ClassVar

import attrs

from tcpchat.wire.base import AT, Event, about

NAMED = about("the name of the room")
SEQ = about("the number of this event in the room")
ROLE = about("owner, moderator or member")
TOPIC = about("the topic, if there is one")


@attrs.frozen(kw_only=True)
class MemberChanged(Event):
    """Something happened to a member of a room."""

    type: ClassVar[str] = "member"
    room: str = attrs.field(metadata=NAMED)
    seq: int = attrs.field(metadata=SEQ)
    at: str = attrs.field(metadata=AT)
    sender: str = attrs.field(metadata={"wire": "from", **about("who did it, under the name at that time")})
    username: str = attrs.field(metadata=about("to whom it happened, under the name at that time"))
    change: str = attrs.field(metadata=about("joined, left, invited, removed or role"))
    role: str | None = attrs.field(default=None, metadata=about("the new role: owner, moderator or member"))
    reason: str | None = attrs.field(default=None, metadata=about("the reason for a removal"))


@attrs.frozen(kw_only=True)
class TopicChanged(Event):
    """A room has another topic."""

    type: ClassVar[str] = "topic"
    room: str = attrs.field(metadata=NAMED)
    seq: int = attrs.field(metadata=SEQ)
    at: str = attrs.field(metadata=AT)
    sender: str = attrs.field(metadata={"wire": "from", **about("the author's name at that time")})
    text: str = attrs.field(metadata=about("the new topic; empty if there is none any more"))


@attrs.frozen(kw_only=True)
class RoomClosed(Event):
    """A room was closed: its members can read it, and nothing more is said in it."""

    type: ClassVar[str] = "closed"
    room: str = attrs.field(metadata=NAMED)
    seq: int = attrs.field(metadata=SEQ)
    at: str = attrs.field(metadata=AT)
    sender: str = attrs.field(metadata={"wire": "from", **about("who closed it")})


@attrs.frozen(kw_only=True)
class Invited(Event):
    """Somebody invited you into a room: `join` it, or `decline`."""

    type: ClassVar[str] = "invited"
    room: str = attrs.field(metadata=NAMED)
    at: str = attrs.field(metadata=AT)
    sender: str = attrs.field(metadata={"wire": "from", **about("who invited you")})
    topic: str | None = attrs.field(default=None, metadata=TOPIC)


NUMBERED = (MemberChanged, TopicChanged, RoomClosed)
"""The events that are in a room's log."""
EVENTS: tuple[type[Event], ...] = (*NUMBERED, Invited)
