"""Sending messages: now, later, and not after all."""

from __future__ import annotations

from typing import ClassVar

import attrs

from tcpchat.commands.command import Command, argument, option, room_option, whole_number
from tcpchat.times import parse_duration
from tcpchat.wire.base import AT, MORE, OTHER, ROOM, Reply, Request, about


@attrs.frozen(kw_only=True)
class Scheduled(Reply):
    """The message is on disk and goes out at `at`."""

    type: ClassVar[str] = "scheduled"
    number: int = attrs.field(metadata=about("what `cancel` takes"))
    room: str = attrs.field(metadata=ROOM)
    username: str | None = attrs.field(default=None, metadata=OTHER)
    at: str = attrs.field(metadata=AT)


@attrs.frozen(kw_only=True)
class Sent(Reply):
    """The message is on disk, and on its way to everyone who is here."""

    type: ClassVar[str] = "sent"
    room: str = attrs.field(metadata=ROOM)
    username: str | None = attrs.field(default=None, metadata=OTHER)
    seq: int = attrs.field(metadata=about("its number in the room"))
    at: str = attrs.field(metadata=AT)


@attrs.frozen(kw_only=True)
class Send(Request[Sent | Scheduled]):
    """Ask to deliver a message."""

    type: ClassVar[str] = "send"
    text: str = attrs.field(
        metadata=argument("TEXT", "what to say; in a plain line the rest of it, as typed", rest=True)
    )
    username: str | None = attrs.field(
        default=None, metadata=option("u", "NAME", "send to this user only, not to a room")
    )
    room: str | None = attrs.field(default=None, metadata=room_option())
    time: float | None = attrs.field(
        default=None,
        metadata=option(
            "t",
            "DURATION",
            "send later: in so many seconds, in a plain line also 10m or 1h30m",
            parse_duration,
        ),
    )
    key: str | None = attrs.field(
        default=None,
        metadata=about("a repeat under the same key sends nothing and returns the first one's reply"),
    )


SEND = Command(
    request=Send,
    reply=Sent,
    other_replies=(Scheduled,),
    summary="say something to everyone or to one user, now or later",
    examples=(
        "send hi  all, it's me",
        "send -u bob hi",
        "send -t 10m tea is ready",
        "send -u bob -t 1h30m -- -5 degrees",
        '{"type":"send","text":"hi","username":"bob","time":600,"key":"a1"}',
    ),
    pipelined=True,
)


@attrs.frozen(kw_only=True)
class Edit(Request[Sent]):
    """Ask to give a message of yours another text."""

    type: ClassVar[str] = "edit"
    room: str | None = attrs.field(default=None, metadata=room_option())
    username: str | None = attrs.field(
        default=None, metadata=option("u", "NAME", "the message is in the direct room with this user")
    )
    seq: int = attrs.field(metadata=argument("SEQ", "the number of the message", whole_number))
    text: str = attrs.field(
        metadata=argument("TEXT", "the new text; in a plain line the rest of it, as typed", rest=True)
    )
    key: str | None = attrs.field(
        default=None,
        metadata=about("a repeat under the same key does nothing and returns the first one's reply"),
    )


EDIT = Command(
    request=Edit,
    reply=Sent,
    summary="give a message of yours another text; everyone sees that",
    examples=(
        "edit 812 hi all, it's me",
        "edit -u bob 3 see you at five",
        '{"type":"edit","seq":812,"text":"hi all"}',
    ),
)


@attrs.frozen(kw_only=True)
class PendingMessage:
    """One of your scheduled messages."""

    number: int
    at: str = attrs.field(metadata=AT)
    room: str = attrs.field(metadata=ROOM)
    username: str | None = attrs.field(default=None, metadata=OTHER)
    text: str


@attrs.frozen(kw_only=True)
class Schedule(Reply):
    """Your scheduled messages, by number."""

    type: ClassVar[str] = "schedule"
    messages: list[PendingMessage] = attrs.field(metadata=about("lowest number first"))
    more: bool = attrs.field(metadata=MORE)


@attrs.frozen(kw_only=True)
class ListScheduled(Request[Schedule]):
    """Ask for your pending messages."""

    type: ClassVar[str] = "scheduled"
    after: int | None = attrs.field(
        default=None,
        metadata=option(None, "NUMBER", "only higher numbers than this: the next page", whole_number),
    )


SCHEDULED = Command(
    request=ListScheduled,
    reply=Schedule,
    summary="your messages that go out later, with the numbers that cancel takes",
    examples=("scheduled", '{"type":"scheduled"}'),
)


@attrs.frozen(kw_only=True)
class Cancelled(Reply):
    """The message will not be sent."""

    type: ClassVar[str] = "cancelled"
    number: int
    text: str


@attrs.frozen(kw_only=True)
class Cancel(Request[Cancelled]):
    """Ask that a pending message is not sent."""

    type: ClassVar[str] = "cancel"
    number: int | None = attrs.field(
        default=None,
        metadata=argument("NUMBER", "which one; without it the last that was scheduled", whole_number),
    )


CANCEL = Command(
    request=Cancel,
    reply=Cancelled,
    summary="cancel your last scheduled message, or the one of that number",
    examples=("cancel", "cancel 2", '{"type":"cancel","number":2}'),
)
