"""`cancel`: a scheduled message is not sent after all."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from tcpchat.commands.command import Command, Outcome, argument, whole_number
from tcpchat.protocol import Request

if TYPE_CHECKING:
    from tcpchat.chat.context import Context


@attrs.frozen(kw_only=True)
class Cancel(Request):
    """Ask that a pending message is not sent."""

    type: ClassVar[str] = "cancel"
    number: int | None = attrs.field(
        default=None,
        metadata=argument("NUMBER", "which one; without it the last that was scheduled", whole_number),
    )


def run(context: Context, request: Cancel) -> Outcome:
    return context.cancel(request.number)


COMMAND = Command(
    request=Cancel,
    run=run,
    summary="cancel your last scheduled message, or the one of that number",
    examples=("cancel", "cancel 2", '{"type":"cancel","number":2}'),
)
