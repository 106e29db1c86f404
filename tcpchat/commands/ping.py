"""`ping`: is the server there, and what time has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from tcpchat.commands.command import Command
from tcpchat.protocol import Pong, Request
from tcpchat.times import timestamp

if TYPE_CHECKING:
    from tcpchat.chat.context import Context


@attrs.frozen(kw_only=True)
class Ping(Request):
    """Ask for a sign of life."""

    type: ClassVar[str] = "ping"


def run(context: Context, request: Ping) -> Pong:
    return Pong(at=timestamp(context.now()))


COMMAND = Command(
    request=Ping,
    run=run,
    summary="a sign of life, with the server's time",
    examples=("ping", '{"type":"ping"}'),
    free=True,
)
