"""`read`: say how far you have read."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from tcpchat.commands.command import Command, Outcome, argument, option, room_option, whole_number
from tcpchat.protocol import Request, parse_place

if TYPE_CHECKING:
    from tcpchat.chat.context import Context


@attrs.frozen(kw_only=True)
class Read(Request):
    """Ask to note what you have read; it never goes back."""

    type: ClassVar[str] = "read"
    username: str | None = attrs.field(
        default=None, metadata=option("u", "NAME", "what you and this user said to each other")
    )
    room: str | None = attrs.field(default=None, metadata=room_option())
    seq: int | None = attrs.field(
        default=None, metadata=argument("SEQ", "up to this message; without it up to the last", whole_number)
    )


async def run(context: Context, request: Read) -> Outcome:
    return await context.reading.read(parse_place(request.room, request.username), request.seq)


COMMAND = Command(
    request=Read,
    run=run,
    summary="note how far you have read, for `unread` and for who wrote to you",
    examples=("read", "read 812", "read -u bob", '{"type":"read","username":"bob","seq":3}'),
)
