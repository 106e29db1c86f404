"""`logout`: be nobody in particular again."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from tcpchat.commands.command import Command
from tcpchat.protocol import LoggedOut, Request

if TYPE_CHECKING:
    from tcpchat.chat.context import Context


@attrs.frozen(kw_only=True)
class Logout(Request):
    """Ask to end this session."""

    type: ClassVar[str] = "logout"


async def run(context: Context, request: Logout) -> LoggedOut:
    return await context.access.logout()


COMMAND = Command(
    request=Logout,
    run=run,
    summary="end this session: its token is worthless, and you are a new guest",
    examples=("logout", '{"type":"logout"}'),
)
