"""`unignore`: hear a user again."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from tcpchat.commands.command import Command, Outcome, argument
from tcpchat.protocol import Request

if TYPE_CHECKING:
    from tcpchat.chat.context import Context


@attrs.frozen(kw_only=True)
class Unignore(Request):
    """Ask to hear a user again."""

    type: ClassVar[str] = "unignore"
    name: str = attrs.field(metadata=argument("NAME", "whom"))


async def run(context: Context, request: Unignore) -> Outcome:
    return await context.relations.unignore(request.name)


COMMAND = Command(
    request=Unignore,
    run=run,
    summary="hear a user again whom you ignored",
    examples=("unignore bob", '{"type":"unignore","name":"bob"}'),
)
