"""`sessions`: from where you are, or may be, connected."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from tcpchat.commands.command import Command
from tcpchat.protocol import Request
from tcpchat.protocol import Sessions as SessionsReply

if TYPE_CHECKING:
    from tcpchat.chat.context import Context


@attrs.frozen(kw_only=True)
class Sessions(Request):
    """Ask for your sessions."""

    type: ClassVar[str] = "sessions"


def run(context: Context, request: Sessions) -> SessionsReply:
    return context.access.sessions()


COMMAND = Command(
    request=Sessions,
    run=run,
    summary="your sessions: each is a token, with device, address and last use",
    examples=("sessions", '{"type":"sessions"}'),
)
