"""`scheduled`: what of yours goes out later."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from tcpchat.commands.command import Command, option, whole_number
from tcpchat.protocol import Request, Schedule, encode_part, page

if TYPE_CHECKING:
    from tcpchat.chat.context import Context


@attrs.frozen(kw_only=True)
class Scheduled(Request):
    """Ask for your pending messages."""

    type: ClassVar[str] = "scheduled"
    after: int | None = attrs.field(
        default=None,
        metadata=option(None, "NUMBER", "only higher numbers than this: the next page", whole_number),
    )


def run(context: Context, request: Scheduled) -> Schedule:
    after = request.after or 0
    own = context.chat.schedule.of(context.user.id)
    shown, more = page(encode_part(pending.describe()) for pending in own if pending.number > after)
    return Schedule(messages=shown, more=more)


COMMAND = Command(
    request=Scheduled,
    run=run,
    summary="your messages that go out later, with the numbers that cancel takes",
    examples=("scheduled", '{"type":"scheduled"}'),
)
