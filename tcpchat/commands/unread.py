"""`unread`: where there is something new for you."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from tcpchat.commands.command import Command
from tcpchat.protocol import Request
from tcpchat.protocol import Unread as UnreadReply

if TYPE_CHECKING:
    from tcpchat.chat.context import Context


@attrs.frozen(kw_only=True)
class Unread(Request):
    """Ask which conversations have unread messages."""

    type: ClassVar[str] = "unread"


async def run(context: Context, request: Unread) -> UnreadReply:
    return await context.reading.unread()


COMMAND = Command(
    request=Unread,
    run=run,
    summary="where you have not read everything, how much, and whether you were mentioned",
    examples=("unread", '{"type":"unread"}'),
)
