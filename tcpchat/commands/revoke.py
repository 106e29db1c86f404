"""`revoke`: end a session of yours, wherever it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from tcpchat.commands.command import Command, argument, whole_number
from tcpchat.protocol import Request, Revoked

if TYPE_CHECKING:
    from tcpchat.chat.context import Context


@attrs.frozen(kw_only=True)
class Revoke(Request):
    """Ask that a token of yours does not work any more."""

    type: ClassVar[str] = "revoke"
    number: int = attrs.field(metadata=argument("NUMBER", "which one, as `sessions` says", whole_number))


async def run(context: Context, request: Revoke) -> Revoked:
    return await context.access.revoke(request.number)


COMMAND = Command(
    request=Revoke,
    run=run,
    summary="end a session: its token is worthless, its connection is closed",
    examples=("revoke 2", '{"type":"revoke","number":2}'),
)
