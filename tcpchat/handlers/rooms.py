"""Handlers for rooms: history, what is unread, read markers, conversations and receipts."""

from __future__ import annotations

from tcpchat.chat.context import Context
from tcpchat.chat.entry import Entry
from tcpchat.commands.rooms import CONVERSATIONS, HISTORY, MAX_COUNT, READ, RECEIPTS, UNREAD
from tcpchat.errors import ChatError
from tcpchat.handlers.registry import Outcome, handles
from tcpchat.protocol import (
    Conversations,
    EncodedReply,
    History,
    ListConversations,
    ListUnread,
    MarkRead,
    ReadHistory,
    Receipts,
    SetReceipts,
    Unread,
    page,
    parse_place,
    reply_with,
)


@handles(HISTORY)
async def history(caller: Context, request: ReadHistory) -> EncodedReply[History]:
    before, after = request.before, request.after
    count = caller.chat.settings.rules.history if request.count is None else request.count
    if not 1 <= count <= MAX_COUNT:
        raise ChatError("bad-value", f"count is 1 to {MAX_COUNT}", field="count", limit=MAX_COUNT)
    for field, value in (("before", before), ("after", after), ("cursor", request.cursor)):
        if value is not None and value < 0:
            raise ChatError("bad-value", f"{field} is a message's number, or 0", field=field)
    if request.unread:
        return await _unread_history(caller, request, count)
    if request.cursor is not None:
        raise ChatError("bad-value", "cursor goes with unread only", field="cursor")
    place = await caller.reading.find(parse_place(request.room, request.username))
    until = 0 if place.room is None else place.room.seq
    lines = await caller.reading.history(place, count, before=before, after=after, until=until)
    last = until if before is None else min(until, before - 1)
    parts = [line.removesuffix(b"\n") for line in lines]
    if after is not None:
        shown, _ = page(parts)
        first, more = after + 1, after + len(shown) < last
    else:
        shown, _ = page(reversed(parts))
        shown.reverse()
        first, more = last - len(shown) + 1, len(shown) < last
    if shown:
        caller.reading.given(place, first, first + len(shown) - 1)
    return reply_with(History, room=place.name, username=place.username, messages=shown, more=more)


async def _unread_history(caller: Context, request: ReadHistory, count: int) -> EncodedReply[History]:
    for field, value in (("before", request.before), ("after", request.after)):
        if value is not None:
            raise ChatError("bad-value", f"unread goes on with cursor, not with {field}", field=field)
    place = None
    if request.room is not None or request.username is not None:
        place = await caller.reading.find(parse_place(request.room, request.username))
    shown, cursor = await caller.reading.unread_messages(place, count, request.cursor or 0)
    return reply_with(
        History,
        room=None if place is None else place.name,
        username=None if place is None else place.username,
        messages=shown,
        more=cursor is not None,
        cursor=cursor,
    )


@handles(READ)
async def read(caller: Context, request: MarkRead) -> Entry:
    return await caller.reading.read(parse_place(request.room, request.username), request.seq)


@handles(UNREAD)
async def unread(caller: Context, request: ListUnread) -> EncodedReply[Unread]:
    return await caller.reading.unread()


@handles(CONVERSATIONS)
async def conversations(caller: Context, request: ListConversations) -> EncodedReply[Conversations]:
    return await caller.reading.conversations(request.after)


@handles(RECEIPTS)
async def receipts(caller: Context, request: SetReceipts) -> Outcome[Receipts]:
    return caller.reading.receipts(on=request.on)
