"""Handler for reports."""

from __future__ import annotations

from tcpchat.chat.context import Context
from tcpchat.chat.entry import Entry
from tcpchat.commands.moderation import REPORT
from tcpchat.errors import ChatError
from tcpchat.handlers.registry import handles
from tcpchat.protocol import Report

MAX_REASON = 200  # characters; the reported user reads it in one line


@handles(REPORT)
async def report(caller: Context, request: Report) -> Entry:
    reason = request.reason
    if reason is not None and len(reason) > MAX_REASON:
        message = f"the reason has {len(reason)} characters; at most {MAX_REASON} are kept"
        raise ChatError("text-too-long", message, limit=MAX_REASON, field="reason")
    return await caller.report(request.username, reason)
