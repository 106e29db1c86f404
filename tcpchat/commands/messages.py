"""Commands that send, edit, schedule and cancel messages."""

from __future__ import annotations

from typing import ClassVar

import attrs

from tcpchat.commands.command import Command, argument, flag, option, room_option, whole_number
from tcpchat.times import parse_duration
from tcpchat.wire.base import ACTION, AT, MORE, OTHER, ROOM, Reply, Request, about


@attrs.frozen(kw_only=True)
class Scheduled(Reply):
    """The message is on disk, and will be sent at `at`."""

    type: ClassVar[str] = "scheduled"
    number: int = attrs.field(metadata=about("the number for `cancel`"))
    room: str = attrs.field(metadata=ROOM)
    username: str | None = attrs.field(default=None, metadata=OTHER)
    at: str = attrs.field(metadata=AT)


@attrs.frozen(kw_only=True)
class Sent(Reply):
    """The message, or the edit, is on disk and on its way to everyone in the room."""

    type: ClassVar[str] = "sent"
    room: str = attrs.field(metadata=ROOM)
    username: str | None = attrs.field(default=None, metadata=OTHER)
    seq: int = attrs.field(metadata=about("its number in the room"))
    at: str = attrs.field(metadata=AT)


@attrs.frozen(kw_only=True)
class Send(Request[Sent | Scheduled]):
    """Send a message."""

    type: ClassVar[str] = "send"
    text: str = attrs.field(
        metadata=argument("TEXT", "the message; in a plain line the rest of the line as typed", rest=True)
    )
    username: str | None = attrs.field(
        default=None, metadata=option("u", "NAME", "send a private message to this user")
    )
    room: str | None = attrs.field(default=None, metadata=room_option())
    time: float | None = attrs.field(
        default=None,
        metadata=option(
            "t",
            "DURATION",
            "send it later, in so many seconds; a plain line also takes 10m or 1h30m",
            parse_duration,
        ),
    )
    action: bool | None = attrs.field(
        default=None, metadata=flag("the text is what you do: `waves` is shown as `* alice waves`")
    )
    key: str | None = attrs.field(
        default=None,
        metadata=about("a repeat under the same key sends nothing, and gets the reply to the first send"),
    )


SEND = Command(
    request=Send,
    reply=Sent,
    other_replies=(Scheduled,),
    summary="send a message to everyone or to one user, now or later",
    examples=(
        "send hi  all, it's me",
        "send -u bob hi",
        "send -t 10m tea is ready",
        "send -u bob -t 1h30m -- -5 degrees",
        "send --action waves",
        '{"type":"send","text":"hi","username":"bob","time":600,"key":"a1"}',
    ),
    pipelined=True,
)


@attrs.frozen(kw_only=True)
class Edit(Request[Sent]):
    """Replace the text of a message of yours."""

    type: ClassVar[str] = "edit"
    room: str | None = attrs.field(default=None, metadata=room_option())
    username: str | None = attrs.field(
        default=None, metadata=option("u", "NAME", "the direct room with this user")
    )
    seq: int = attrs.field(metadata=argument("SEQ", "the number of the message", whole_number))
    text: str = attrs.field(
        metadata=argument("TEXT", "the new text; in a plain line the rest of the line as typed", rest=True)
    )
    key: str | None = attrs.field(
        default=None,
        metadata=about("a repeat under the same key changes nothing, and gets the reply to the first edit"),
    )


EDIT = Command(
    request=Edit,
    reply=Sent,
    summary="replace the text of a message of yours; everyone sees the change",
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
    action: bool | None = attrs.field(default=None, metadata=ACTION)


@attrs.frozen(kw_only=True)
class Schedule(Reply):
    """Your scheduled messages, by number."""

    type: ClassVar[str] = "schedule"
    messages: list[PendingMessage] = attrs.field(metadata=about("lowest number first"))
    more: bool = attrs.field(metadata=MORE)


@attrs.frozen(kw_only=True)
class ListScheduled(Request[Schedule]):
    """List your scheduled messages."""

    type: ClassVar[str] = "scheduled"
    after: int | None = attrs.field(
        default=None,
        metadata=option(None, "NUMBER", "only numbers above this one, for the next page", whole_number),
    )


SCHEDULED = Command(
    request=ListScheduled,
    reply=Schedule,
    summary="list your scheduled messages, with their numbers for cancel",
    examples=("scheduled", '{"type":"scheduled"}'),
)


@attrs.frozen(kw_only=True)
class Cancelled(Reply):
    """The scheduled message will not be sent."""

    type: ClassVar[str] = "cancelled"
    number: int
    text: str


@attrs.frozen(kw_only=True)
class Cancel(Request[Cancelled]):
    """Cancel a scheduled message."""

    type: ClassVar[str] = "cancel"
    number: int | None = attrs.field(
        default=None,
        metadata=argument(
            "NUMBER", "the message's number; the default is the last one that was scheduled", whole_number
        ),
    )


CANCEL = Command(
    request=Cancel,
    reply=Cancelled,
    summary="cancel your last scheduled message, or the one with this number",
    examples=("cancel", "cancel 2", '{"type":"cancel","number":2}'),
)
