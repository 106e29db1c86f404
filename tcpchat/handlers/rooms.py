"""Handlers for reading rooms: history, the log, what is unread, read markers, receipts."""

from __future__ import annotations

from tcpchat.chat.lines import event_line, without_text
from tcpchat.chat.member import Member
from tcpchat.chat.operations.markers import MarkRead
from tcpchat.chat.operations.settings import ChangeReceipts
from tcpchat.chat.room import NOBODY, Kind, Logged, Room
from tcpchat.commands import rooms as commands
from tcpchat.errors import ChatError
from tcpchat.handlers.caller import Caller
from tcpchat.handlers.places import FoundRoom, find_to_read, others
from tcpchat.handlers.registry import Outcome, handles
from tcpchat.protocol import (
    ConversationInfo,
    Conversations,
    EncodedReply,
    History,
    Log,
    Read,
    Receipts,
    Unread,
    UnreadInfo,
    encode_part,
    page,
    reply_with,
)
from tcpchat.store.changes import EDITED, MESSAGE
from tcpchat.store.queries.events import count_unread, read_events, read_history, unread_messages
from tcpchat.store.rows import EventRow, UnreadRange

PAGE = 200  # direct rooms in one reply
ROOMS_COUNTED = 150  # for which `unread` counts as one request more; they take a hundredth of a second …
ROOMS_READ = 30  # … and as many of which unread messages are read
FIRST = 1  # the lowest number that a room keeps: its events live for ever


@handles(commands.HISTORY)
async def history(caller: Caller, request: commands.ReadHistory) -> EncodedReply[History]:
    count = caller.state.settings.rules.history if request.count is None else request.count
    _check_numbers(request.before, request.after, request.cursor, count)
    if request.unread:
        return await _unread_history(caller, request, count)
    if request.cursor is not None:
        raise ChatError("bad-value", "cursor goes with unread only", field="cursor")
    found = await find_to_read(caller, request.room, request.username)
    messages = await read_messages(caller, found, count + 1, before=request.before, after=request.after)
    if request.after is None:
        shown, _ = page(reversed([_part(caller, message) for message in messages[-count:]]))
        shown.reverse()
        given = messages[len(messages) - len(shown) :]
        first = given[0].seq if given else 0
    else:
        shown, _ = page(_part(caller, message) for message in messages[:count])
        given = messages[: len(shown)]
        first = request.after + 1
    if given:
        note_given(caller, found, first, given[-1].seq)
    return reply_with(
        History,
        room=found.id,
        username=found.username,
        messages=shown,
        first=FIRST,
        more=len(shown) < len(messages),
    )


def _check_numbers(before: int | None, after: int | None, cursor: int | None, count: int) -> None:
    if not 1 <= count <= commands.MAX_COUNT:
        raise ChatError(
            "bad-value",
            f"count must be between 1 and {commands.MAX_COUNT}",
            field="count",
            limit=commands.MAX_COUNT,
        )
    for field, value in (("before", before), ("after", after), ("cursor", cursor)):
        if value is not None and value < 0:
            raise ChatError("bad-value", f"{field} is the number of an event, or 0", field=field)


async def read_messages(
    caller: Caller, found: FoundRoom, count: int, *, before: int | None, after: int | None
) -> list[Logged]:
    """Return up to `count` messages of a room, oldest first: the first ones after `after`, or the last ones.

    Never one that is committed and was not fanned out: it still comes as an event.
    """
    room = found.room
    if room is None:
        return []
    known = room.messages(count, before=before, after=after)
    if known is not None:
        return known
    until = room.seq
    rows = await caller.reader.ask(read_history, room.name, count, before=before, after=after, until=until)
    return [logged(row) for row in rows]


async def read_log(caller: Caller, room: Room, after: int, count: int) -> list[Logged]:
    """Return up to `count` events of a room, of every kind, after that number."""
    known = room.events(after, count)
    if known is not None:
        return known
    return [logged(row) for row in await caller.reader.ask(read_events, room.name, after, count, room.seq)]


def logged(row: EventRow) -> Logged:
    """Return an event from disk as one in memory."""
    author = row.author if row.kind in {MESSAGE, EDITED} else NOBODY
    return Logged(row.seq, author, event_line(row), row.kind == MESSAGE)


def line_for(caller: Caller, event: Logged) -> bytes:
    """Return the line that the caller gets of an event."""
    return without_text(event.line) if event.author in caller.user.ignored else event.line


def _part(caller: Caller, event: Logged) -> bytes:
    return line_for(caller, event).removesuffix(b"\n")


def note_given(caller: Caller, found: FoundRoom, first: int, last: int) -> None:
    """Note that this device was given these events of a direct room."""
    if found.room is None or found.member is None or found.room.kind is not Kind.DIRECT:
        return
    caller.state.receipts.deliver(caller.user, found.room, last, first=first)


@handles(commands.LOG)
async def log(caller: Caller, request: commands.ReadLog) -> EncodedReply[Log]:
    count = commands.MAX_COUNT if request.count is None else request.count
    _check_numbers(None, request.after, None, count)
    found = await find_to_read(caller, request.room, request.username)
    after = request.after or 0
    events = [] if found.room is None else await read_log(caller, found.room, after, count)
    shown, _ = page(_part(caller, event) for event in events)
    last = after + len(shown)
    if shown:
        note_given(caller, found, after + 1, last)
    return reply_with(
        Log, room=found.id, username=found.username, events=shown, first=FIRST, more=last < found.seq
    )


async def _unread_history(caller: Caller, request: commands.ReadHistory, count: int) -> EncodedReply[History]:
    for field, value in (("before", request.before), ("after", request.after)):
        if value is not None:
            raise ChatError("bad-value", f"unread goes on with cursor, not with {field}", field=field)
    found = None
    if request.room is not None or request.username is not None:
        found = await find_to_read(caller, request.room, request.username)
    members = _with_unread(caller) if found is None else [found.member] if found.member else []
    user, ranges = caller.user, _ranges(members)
    caller.cost += len(ranges) // ROOMS_READ
    cursor = request.cursor or 0
    rows = []
    if ranges:
        ask = caller.reader.ask
        rows = await ask(unread_messages, user.id, ranges, user.ignored, count + 1, cursor)
    shown, _ = page(event_line(row.message).removesuffix(b"\n") for row in rows[:count])
    await _note_unread_given(caller, members, [row.message for row in rows[: len(shown)]])
    more = len(shown) < len(rows)
    return reply_with(
        History,
        room=None if found is None else found.id,
        username=None if found is None else found.username,
        messages=shown,
        more=more,
        cursor=rows[len(shown) - 1].cursor if more else None,
    )


async def _note_unread_given(caller: Caller, members: list[Member], given: list[EventRow]) -> None:
    """Note that this device was given what is unread, up to these messages.

    Not in a room where unread messages before them were not given, since the cursor skipped their page.
    """
    user, receipts = caller.user, caller.state.receipts
    last = {message.room: message.seq for message in given}
    first = {message.room: message.seq for message in reversed(given)}
    rooms = [one.room for one in members if one.room.kind is Kind.DIRECT and one.room.name in last]
    before = []
    for room in rooms:
        delivered = receipts.delivered(user, room)
        before.append(UnreadRange(room.name, delivered, max(delivered, first[room.name] - 1)))
    missed = await caller.reader.ask(count_unread, user.id, before, user.ignored) if before else []
    for room, gap, count in zip(rooms, before, missed, strict=True):
        if not count.messages:
            receipts.deliver(user, room, last[room.name], first=gap.after + 1)


def _with_unread(caller: Caller) -> list[Member]:
    """Return the rooms in which there may be something unread, the lobby first."""
    lobby, *rest = sorted(caller.user.members.values(), key=lambda member: member.room.kind is not Kind.LOBBY)
    return [member for member in (lobby, *rest) if member.room.seq > member.read]


def _ranges(members: list[Member]) -> list[UnreadRange]:
    return [UnreadRange(member.room.name, member.read, member.room.seq) for member in members]


@handles(commands.UNREAD)
async def unread(caller: Caller, request: commands.ListUnread) -> EncodedReply[Unread]:
    return await read_unread(caller)


async def read_unread(caller: Caller) -> EncodedReply[Unread]:
    """Return in which rooms there is something unread, the lobby first."""
    user, members = caller.user, _with_unread(caller)
    caller.cost += len(members) // ROOMS_COUNTED
    counts = []
    if members:
        counts = await caller.reader.ask(count_unread, user.id, _ranges(members), user.ignored)
    some = [(member, count) for member, count in zip(members, counts, strict=True) if count.messages]
    direct = [member for member, _ in some if member.room.kind is Kind.DIRECT]
    names = {member: other.name for member, other in zip(direct, await others(caller, direct), strict=True)}
    shown, _ = page(
        encode_part(
            UnreadInfo(
                room=member.room.id,
                username=names.get(member),
                count=count.messages,
                mentioned=count.mentioned,
                read=member.read,
                seq=member.room.seq,
            )
        )
        for member, count in some
    )
    return reply_with(Unread, rooms=shown)


@handles(commands.READ)
async def read(caller: Caller, request: commands.MarkRead) -> Outcome[Read]:
    found = await find_to_read(caller, request.room, request.username)
    last = found.seq
    seq = last if request.seq is None else request.seq
    if not 0 <= seq <= last:
        most = f"between 0 and {last}, the number of the last event" if last else "0: there is no event yet"
        message = f"seq must be {most}"
        raise ChatError("bad-value", message, field="seq", limit=last)
    if found.member is None:  # nothing was sent there yet
        return Read(room=found.id, username=found.username, seq=0)
    return MarkRead(user=caller.user.id, room=found.name, username=found.username, seq=seq)


@handles(commands.CONVERSATIONS)
async def conversations(caller: Caller, request: commands.ListConversations) -> EncodedReply[Conversations]:
    user, after = caller.user, request.after
    members = [one for one in user.members.values() if one.room.kind is Kind.DIRECT and one.room.seq]
    rest = sorted(
        (one for one in members if after is None or one.room.id > after), key=lambda one: one.room.id
    )
    infos = [
        ConversationInfo(
            room=member.room.id,
            username=other.name,
            seq=member.room.seq,
            read=member.read,
            delivered=other.delivered,
            seen=other.read if other.receipts and user.receipts else None,
        )
        for member, other in zip(rest[:PAGE], await others(caller, rest[:PAGE]), strict=True)
    ]
    shown, _ = page(map(encode_part, infos))
    return reply_with(Conversations, conversations=shown, more=len(rest) > len(shown))


@handles(commands.RECEIPTS)
async def receipts(caller: Caller, request: commands.SetReceipts) -> Outcome[Receipts]:
    if request.on is None:
        return Receipts(on=caller.user.receipts)
    return ChangeReceipts(user=caller.user.id, on=request.on)
