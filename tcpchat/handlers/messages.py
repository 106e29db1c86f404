"""Handlers for messages: send now or later, edit, list and cancel what is scheduled."""

from __future__ import annotations

import math

from tcpchat.chat.draft_rooms import check_not_closed
from tcpchat.chat.lines import is_action
from tcpchat.chat.operations.base import Operation
from tcpchat.chat.operations.messages import EditText, Repeat, SendMessages
from tcpchat.chat.operations.schedule import CancelMessage, ScheduleMessage
from tcpchat.chat.schedule import describe
from tcpchat.commands import messages as commands
from tcpchat.errors import ChatError
from tcpchat.handlers.caller import Caller
from tcpchat.handlers.places import FoundRoom, find, find_nowait, find_to_read
from tcpchat.handlers.registry import handles, handles_nowait
from tcpchat.handlers.rooms import logged
from tcpchat.protocol import MAX_ID, MAX_LINE_OUT, EncodedReply, Schedule, encode_part, page, reply_with
from tcpchat.settings import CENTURY
from tcpchat.store.changes import NewScheduled
from tcpchat.store.queries.events import find_event
from tcpchat.times import MILLISECONDS, format_duration
from tcpchat.wire.mentions import can_mention

MAX_TEXT = MAX_LINE_OUT // 7  # characters; JSON makes up to 6 bytes of one, and the line holds more than text


@handles_nowait(commands.SEND)
def send_nowait(caller: Caller, request: commands.Send) -> Operation | None:
    if request.key is not None and (repeat := _repeat(caller, request.key)) is not None:
        return repeat
    _check_text(caller, request.text)
    if request.time is not None and request.time < 0:
        raise ChatError("bad-value", "time is 0 or more seconds", field="time")
    found = find_nowait(caller, request.room, request.username)
    return None if found is None else _send(caller, request, found)


@handles(commands.SEND)
async def send(caller: Caller, request: commands.Send) -> Operation:
    return _send(caller, request, await find(caller, request.room, request.username))


def _send(caller: Caller, request: commands.Send, found: FoundRoom) -> Operation:
    user, key, text, action = caller.user, request.key, request.text, bool(request.action)
    if key is not None and (repeat := _repeat(caller, key)) is not None:
        return repeat  # on another connection, while this one waited for the recipient
    repeats = _check_may_send(caller, key)
    if request.time:
        return _schedule(caller, request, found, request.time, repeats=repeats)
    mentioned = caller.state.directory.mentioned(text) if found.other is None and can_mention(text) else ()
    if key is not None:
        user.sent.begin(key)
    else:
        last = caller.last_submitted()
        if type(last) is SendMessages and last.can_add(
            caller.connection, user, found.name, found.username, text, action=action
        ):  # a run of messages is decided, applied and answered as one
            last.add(text, mentioned)
            return last
    operation = SendMessages(
        author=user.id,
        name=user.name,
        room=found.name,
        texts=[text],
        to=found.username,
        action=action,
        key=key,
        mentions=[(0, id) for id in mentioned],
    )
    operation.costs_request = repeats
    return operation


def _repeat(caller: Caller, key: str) -> Operation | None:
    """Return an operation with the reply to the first one under the key, if that is on disk.

    Raises ChatError `bad-value`.
    """
    if not 1 <= len(key) <= MAX_ID:
        raise ChatError("bad-value", f"a key has 1 to {MAX_ID} characters", field="key", limit=MAX_ID)
    first = caller.user.sent.find(key, caller.state.keys_since())
    return None if first is None else Repeat(first=first)


def _check_text(caller: Caller, text: str) -> None:
    """Raise ChatError `text-empty` or `text-too-long`."""
    longest = caller.state.settings.limits.text_characters
    if not text:
        raise ChatError("text-empty", "there is no text to send", field="text")
    if longest and len(text) > longest:
        message = f"the text has {len(text)} characters; at most {longest} can be sent"
        raise ChatError("text-too-long", message, limit=longest, field="text")
    if len(text) > MAX_TEXT:
        message = f"the text has {len(text)} characters; at most {MAX_TEXT} fit into a line"
        raise ChatError("text-too-long", message, limit=MAX_TEXT, field="text")


def _check_may_send(caller: Caller, key: str | None) -> bool:
    """Return whether it repeats one under the same key that is under way, which met the limits.

    Raises ChatError `muted`, or `rate-limited` where this message is one too many.
    """
    if key is not None and caller.user.sent.is_in_flight(key):
        return True
    state = caller.state
    state.moderation.check(caller.user.id, state.clock.now())
    wait = caller.user.bucket.take(state.clock.monotonic())
    if wait:
        rate = state.settings.limits.messages_per_second
        message = f"you may send {rate:g} messages a second; wait {math.ceil(wait * 10) / 10:.1f} s"
        raise ChatError("rate-limited", message, limit=rate, retry_after=_round_up(wait))
    return False


def _round_up(wait: float) -> float:
    """Round up to milliseconds, so that a client that waits as long as asked has waited long enough."""
    return math.ceil(round(wait * MILLISECONDS, 6)) / MILLISECONDS


def _schedule(
    caller: Caller, request: commands.Send, found: FoundRoom, seconds: float, *, repeats: bool
) -> Operation:
    """Send later. Raises ChatError `too-far-ahead`, `too-many-scheduled` or `room-closed`."""
    if found.room is not None:
        check_not_closed(found.room)
    state, user, key = caller.state, caller.user, request.key
    limits, schedule = state.settings.limits, state.schedule
    ahead, most = limits.schedule_ahead_seconds or CENTURY, limits.scheduled_per_user
    if seconds > ahead:
        message = f"a message can be scheduled {format_duration(ahead)} ahead at most"
        raise ChatError("too-far-ahead", message, limit=ahead, field="time")
    own = schedule.of(user.id)
    if most and len(own) + user.scheduling >= most and not repeats:
        wait = min((pending.due for pending in own), default=caller.now()) - caller.now()
        message = f"you have {most} scheduled {'message' if most == 1 else 'messages'}; cancel one or wait"
        retry = max(0.001, wait / MILLISECONDS)
        raise ChatError("too-many-scheduled", message, limit=most, retry_after=retry)
    user.last_number += 1
    user.scheduling += 1
    if key is not None:
        user.sent.begin(key)
    pending = NewScheduled(
        id=schedule.next_id(),
        number=user.last_number,
        author=user.id,
        name=user.name,
        room=found.name,
        recipient=found.other,
        recipient_name=found.username,
        text=request.text,
        due=caller.now() + int(seconds * MILLISECONDS),
        action=int(bool(request.action)),
    )
    return ScheduleMessage(author=user.id, key=key, pending=pending)


@handles(commands.EDIT)
async def edit(caller: Caller, request: commands.Edit) -> Operation:
    user, key = caller.user, request.key
    if key is not None and (repeat := _repeat(caller, key)) is not None:
        return repeat
    _check_text(caller, request.text)
    found = await find_to_read(caller, request.room, request.username)
    action = await _check_own(caller, found, request.seq)
    if key is not None and (repeat := _repeat(caller, key)) is not None:
        return repeat  # on another connection, while this one waited
    _check_may_send(caller, key)
    if key is not None:
        user.sent.begin(key)
    return EditText(
        author=user.id,
        name=user.name,
        room=found.name,
        to=found.username,
        target=request.seq,
        texts=[request.text],
        action=action,
        key=key,
    )


async def _check_own(caller: Caller, found: FoundRoom, seq: int) -> bool:
    """Return whether the message is an action. Raises ChatError `no-such-message` or `not-yours`."""
    room = found.room
    if room is not None and 1 <= seq <= room.seq:
        known = room.find(seq)
        if known is None:
            row = await caller.reader.ask(find_event, room.name, seq)
            known = None if row is None else logged(row)
        if known is not None and known.is_message:
            if known.author == caller.user.id:
                return is_action(known.line)
            raise ChatError("not-yours", f"message {seq} is not yours, so you cannot edit it", field="seq")
    raise ChatError("no-such-message", f"there is no message {seq} there", field="seq")


@handles(commands.SCHEDULED)
async def scheduled(caller: Caller, request: commands.ListScheduled) -> EncodedReply[Schedule]:
    after = request.after or 0
    own = caller.state.schedule.of(caller.user.id)
    shown, more = page(encode_part(describe(pending)) for pending in own if pending.number > after)
    return reply_with(Schedule, messages=shown, more=more)


@handles(commands.CANCEL)
async def cancel(caller: Caller, request: commands.Cancel) -> Operation:
    pending = caller.state.schedule.find(caller.user.id, request.number)
    caller.state.schedule.hold(pending.id)
    return CancelMessage(pending=pending)
