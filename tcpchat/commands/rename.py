"""`rename`: take another name."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from tcpchat.commands.command import Command, Outcome, argument
from tcpchat.protocol import Request

if TYPE_CHECKING:
    from tcpchat.chat.context import Context


@attrs.frozen(kw_only=True)
class Rename(Request):
    """Ask for another name."""

    type: ClassVar[str] = "rename"
    name: str = attrs.field(metadata=argument("NAME", "the new name, one word in lower case"))


def run(context: Context, request: Rename) -> Outcome:
    return context.rename(request.name)


COMMAND = Command(
    request=Rename,
    run=run,
    summary="take another name; everyone sees it",
    examples=("rename alice", '{"type":"rename","name":"alice"}'),
)
