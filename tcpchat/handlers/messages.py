"""Handlers for messages: send now or later, list and cancel what is scheduled."""

from __future__ import annotations

from tcpchat.chat.context import Context
from tcpchat.chat.entry import Entry
from tcpchat.chat.user import User
from tcpchat.commands.messages import CANCEL, SCHEDULED, SEND
from tcpchat.errors import ChatError
from tcpchat.handlers.registry import handles, handles_nowait
from tcpchat.protocol import (
    LOBBY,
    MAX_ID,
    Cancel,
    EncodedReply,
    ListScheduled,
    Schedule,
    Send,
    encode_part,
    page,
    parse_place,
    reply_with,
)


@handles_nowait(SEND)
def send_nowait(caller: Context, request: Send) -> Entry | None:
    key = request.key
    if key is not None:
        if not 1 <= len(key) <= MAX_ID:
            raise ChatError("bad-value", f"a key has 1 to {MAX_ID} characters", field="key", limit=MAX_ID)
        if (repeat := caller.repeat(key)) is not None:
            return repeat
    caller.check_text(request.text)
    if request.time is not None and request.time < 0:
        raise ChatError("bad-value", "time is 0 or more seconds", field="time")
    place = parse_place(request.room, request.username)
    if place.room == LOBBY:
        return _send(caller, request, None)
    recipient = caller.recipient(place)
    return _send(caller, request, recipient) if isinstance(recipient, User) else None


@handles(SEND)
async def send(caller: Context, request: Send) -> Entry:
    entry = send_nowait(caller, request)
    if entry is not None:
        return entry
    recipient = caller.recipient(parse_place(request.room, request.username))
    if not isinstance(recipient, User):
        recipient = await caller.awakening.user(recipient)
    return _send(caller, request, recipient)


def _send(caller: Context, request: Send, recipient: User | None) -> Entry:
    if request.key is not None and (repeat := caller.repeat(request.key)) is not None:
        return repeat  # on another connection, while this one was waiting for the recipient
    caller.check_may_send()
    if request.time:
        return caller.schedule(request.text, recipient, request.time, request.key)
    return caller.post(request.text, recipient, request.key)


@handles(SCHEDULED)
async def scheduled(caller: Context, request: ListScheduled) -> EncodedReply[Schedule]:
    after = request.after or 0
    own = caller.chat.schedule.of(caller.user.id)
    shown, more = page(encode_part(pending.describe()) for pending in own if pending.number > after)
    return reply_with(Schedule, messages=shown, more=more)


@handles(CANCEL)
async def cancel(caller: Context, request: Cancel) -> Entry:
    return caller.cancel(request.number)
