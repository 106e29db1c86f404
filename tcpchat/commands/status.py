"""`status`: how the server is."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from tcpchat.commands.command import Command
from tcpchat.protocol import Request
from tcpchat.protocol import Status as StatusReply

if TYPE_CHECKING:
    from tcpchat.chat.context import Context


@attrs.frozen(kw_only=True)
class Status(Request):
    """Ask how the server is."""

    type: ClassVar[str] = "status"


def run(context: Context, request: Status) -> StatusReply:
    chat = context.chat
    now = chat.clock.monotonic()
    limits = attrs.asdict(chat.settings.limits) | {
        "connections": chat.places.total,
        "reports_to_mute": chat.settings.rules.reports_to_mute,
        "mute_seconds": chat.settings.rules.mute_seconds,
    }
    return StatusReply(
        server=chat.server,
        uptime=round(now - chat.started, 3),
        users=chat.hub.user_count(),
        connections=chat.places.taken,
        messages=chat.messages,
        messages_per_minute=chat.meter.last_minute(now),
        scheduled=len(chat.schedule),
        limits=limits,
    )


COMMAND = Command(
    request=Status,
    run=run,
    summary="users and connections now, messages, uptime, version and the limits in force",
    examples=("status", '{"type":"status"}'),
)
