"""`exit`: leave."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from tcpchat.commands.command import Command
from tcpchat.protocol import Bye, Request

if TYPE_CHECKING:
    from tcpchat.chat.context import Context


@attrs.frozen(kw_only=True)
class Exit(Request):
    """Ask to be disconnected."""

    type: ClassVar[str] = "exit"


async def run(context: Context, request: Exit) -> Bye:
    await context.access.end_guest()
    return Bye(code="exit", message=f"bye, {context.user.name}".removesuffix(", "))


COMMAND = Command(
    request=Exit,
    run=run,
    summary="leave; the connection is closed",
    examples=("exit", '{"type":"exit"}'),
    free=True,
)
