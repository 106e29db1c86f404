"""`report`: say that somebody should be quiet; enough of them make it so."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from tcpchat.commands.command import Command, Outcome, argument
from tcpchat.errors import ChatError
from tcpchat.protocol import Request

if TYPE_CHECKING:
    from tcpchat.chat.context import Context

MAX_REASON = 200  # characters; the reported user reads it in one line


@attrs.frozen(kw_only=True)
class Report(Request):
    """Ask that a user is muted."""

    type: ClassVar[str] = "report"
    username: str = attrs.field(metadata=argument("NAME", "whom to report"))
    reason: str | None = attrs.field(
        default=None,
        metadata=argument("REASON", "why; the reported user may read it, not who wrote it", rest=True),
    )


async def run(context: Context, request: Report) -> Outcome:
    reason = request.reason
    if reason is not None and len(reason) > MAX_REASON:
        message = f"the reason has {len(reason)} characters; at most {MAX_REASON} are kept"
        raise ChatError("text-too-long", message, limit=MAX_REASON, field="reason")
    return await context.report(request.username, reason)


COMMAND = Command(
    request=Report,
    run=run,
    summary="report a user; enough reports by different users mute for a while",
    examples=("report bob spam", '{"type":"report","username":"bob","reason":"spam"}'),
)
