"""`away`: say that you are not at the keyboard."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from tcpchat.commands.command import Command, Outcome, argument
from tcpchat.protocol import Request

if TYPE_CHECKING:
    from tcpchat.chat.context import Context


@attrs.frozen(kw_only=True)
class Away(Request):
    """Ask that others see that you are away."""

    type: ClassVar[str] = "away"
    text: str | None = attrs.field(
        default=None, metadata=argument("TEXT", "what others read then, up to 200 characters", rest=True)
    )


def run(context: Context, request: Away) -> Outcome:
    return context.relations.away(request.text or "")


COMMAND = Command(
    request=Away,
    run=run,
    summary="let others see that you are away, until `back`",
    examples=("away", "away lunch, back at one", '{"type":"away","text":"lunch"}'),
)
