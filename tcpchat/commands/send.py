"""`send`: say something to the lobby or to one user, now or later."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from tcpchat.commands.command import Command, Outcome, argument, option, room_option
from tcpchat.errors import ChatError
from tcpchat.protocol import LOBBY, MAX_ID, Request, about, parse_place
from tcpchat.times import parse_duration

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from tcpchat.chat.context import Context
    from tcpchat.chat.user import User


@attrs.frozen(kw_only=True)
class Send(Request):
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


def run(context: Context, request: Send) -> Outcome | Awaitable[Outcome]:
    key = request.key
    if key is not None:
        if not 1 <= len(key) <= MAX_ID:
            raise ChatError("bad-value", f"a key has 1 to {MAX_ID} characters", field="key", limit=MAX_ID)
        if (repeat := context.repeat(key)) is not None:
            return repeat
    context.check_text(request.text)
    if request.time is not None and request.time < 0:
        raise ChatError("bad-value", "time is 0 or more seconds", field="time")
    place = parse_place(request.room, request.username)
    if place.room == LOBBY:
        return _send(context, request, None)
    recipient = context.recipient(place)
    if isinstance(recipient, str):
        return _awaken_and_send(context, request, recipient)
    return _send(context, request, recipient)


async def _awaken_and_send(context: Context, request: Send, recipient: str) -> Outcome:
    return _send(context, request, await context.awakening.user(recipient))


def _send(context: Context, request: Send, recipient: User | None) -> Outcome:
    if request.key is not None and (repeat := context.repeat(request.key)) is not None:
        return repeat  # on another connection, while this one was waiting for the recipient
    context.check_may_send()
    if request.time:
        return context.schedule(request.text, recipient, request.time, request.key)
    return context.post(request.text, recipient, request.key)


COMMAND = Command(
    request=Send,
    run=run,
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
