"""`receipts`: whether others learn what you have read."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from tcpchat.commands.command import Command, Outcome, argument
from tcpchat.protocol import Request

if TYPE_CHECKING:
    from tcpchat.chat.context import Context


def on_or_off(text: str) -> bool:
    """Read a switch; raises ValueError that says what would be right."""
    if text.lower() not in {"on", "off"}:
        raise ValueError(f"{text[:64]!r} is neither on nor off")
    return text.lower() == "on"


@attrs.frozen(kw_only=True)
class Receipts(Request):
    """Ask whether others learn what you have read, or change it."""

    type: ClassVar[str] = "receipts"
    on: bool | None = attrs.field(
        default=None,
        metadata=argument("on|off", "change it; off: you do not learn it of others either", on_or_off),
    )


def run(context: Context, request: Receipts) -> Outcome:
    return context.reading.receipts(on=request.on)


COMMAND = Command(
    request=Receipts,
    run=run,
    summary="show or change whether others learn what you have read",
    examples=("receipts", "receipts off", '{"type":"receipts","on":true}'),
)
