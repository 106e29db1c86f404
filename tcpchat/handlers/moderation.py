"""Handler for reports."""

from __future__ import annotations

from tcpchat.chat.moderation import report_bucket
from tcpchat.chat.operations.moderation import ReportUser
from tcpchat.commands import moderation as commands
from tcpchat.errors import ChatError
from tcpchat.handlers.caller import Caller
from tcpchat.handlers.registry import handles

MAX_REASON = 200  # characters; the reported user reads it in one line


@handles(commands.REPORT)
async def report(caller: Caller, request: commands.Report) -> ReportUser:
    reason = request.reason
    if reason is not None and len(reason) > MAX_REASON:
        message = f"the reason has {len(reason)} characters; at most {MAX_REASON} are kept"
        raise ChatError("text-too-long", message, limit=MAX_REASON, field="reason")
    target = await caller.loader.named(request.username)
    bucket = report_bucket(caller.user, caller.address, caller.now())
    caller.state.moderation.begin_report(caller.user, target)
    return ReportUser(reporter=caller.user.id, target=target.id, bucket=bucket, reason=reason)
