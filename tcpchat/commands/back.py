"""`back`: say that you are not away any more."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from tcpchat.commands.command import Command, Outcome
from tcpchat.protocol import Request

if TYPE_CHECKING:
    from tcpchat.chat.context import Context


@attrs.frozen(kw_only=True)
class Back(Request):
    """Ask that you are not shown as away."""

    type: ClassVar[str] = "back"


def run(context: Context, request: Back) -> Outcome:
    return context.relations.back()


COMMAND = Command(
    request=Back,
    run=run,
    summary="not be away any more",
    examples=("back", '{"type":"back"}'),
)
