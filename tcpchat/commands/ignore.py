"""`ignore`: hear nothing of a user."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from tcpchat.commands.command import Command, Outcome, argument
from tcpchat.protocol import Request

if TYPE_CHECKING:
    from tcpchat.chat.context import Context


@attrs.frozen(kw_only=True)
class Ignore(Request):
    """Ask to hear nothing of a user, or whom you ignore."""

    type: ClassVar[str] = "ignore"
    name: str | None = attrs.field(
        default=None, metadata=argument("NAME", "whom; without it you get the list of those whom you ignore")
    )


async def run(context: Context, request: Ignore) -> Outcome:
    return await context.relations.ignore(request.name)


COMMAND = Command(
    request=Ignore,
    run=run,
    summary="hear nothing of a user any more, or list whom you ignore",
    examples=("ignore bob", "ignore", '{"type":"ignore","name":"bob"}'),
)
