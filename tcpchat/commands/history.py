"""`history`: what was said before."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from tcpchat.commands.command import Command, flag, option, room_option, whole_number
from tcpchat.errors import ChatError
from tcpchat.protocol import History as HistoryReply
from tcpchat.protocol import Request, page, parse_place

if TYPE_CHECKING:
    from tcpchat.chat.context import Context

MAX_COUNT = 500  # messages; the reply is one line, and the lobby keeps as many in memory


@attrs.frozen(kw_only=True)
class History(Request):
    """Ask for messages of one room."""

    type: ClassVar[str] = "history"
    count: int | None = attrs.field(
        default=None, metadata=option("n", "N", f"how many at most, up to {MAX_COUNT}", whole_number)
    )
    before: int | None = attrs.field(
        default=None, metadata=option(None, "SEQ", "only those before this number", whole_number)
    )
    after: int | None = attrs.field(
        default=None, metadata=option(None, "SEQ", "the first ones after this number", whole_number)
    )
    username: str | None = attrs.field(
        default=None, metadata=option("u", "NAME", "what you and this user said to each other")
    )
    room: str | None = attrs.field(default=None, metadata=room_option())
    unread: bool = attrs.field(
        default=False, metadata=flag("only what you have not read, of all rooms or of that one")
    )
    cursor: int | None = attrs.field(
        default=None,
        metadata=option(None, "N", "with unread: the page after the one that said so", whole_number),
    )


async def run(context: Context, request: History) -> HistoryReply:
    before, after = request.before, request.after
    count = context.chat.settings.rules.history if request.count is None else request.count
    if not 1 <= count <= MAX_COUNT:
        raise ChatError("bad-value", f"count is 1 to {MAX_COUNT}", field="count", limit=MAX_COUNT)
    for field, value in (("before", before), ("after", after), ("cursor", request.cursor)):
        if value is not None and value < 0:
            raise ChatError("bad-value", f"{field} is a message's number, or 0", field=field)
    if request.unread:
        return await _unread(context, request, count)
    if request.cursor is not None:
        raise ChatError("bad-value", "cursor goes with unread only", field="cursor")
    place = await context.reading.find(parse_place(request.room, request.username))
    until = 0 if place.room is None else place.room.seq
    lines = await context.reading.history(place, count, before=before, after=after, until=until)
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
        context.reading.given(place, first, first + len(shown) - 1)
    return HistoryReply(
        room=place.name,
        username=place.username,
        messages=shown,
        more=more,
    )


async def _unread(context: Context, request: History, count: int) -> HistoryReply:
    for field, value in (("before", request.before), ("after", request.after)):
        if value is not None:
            raise ChatError("bad-value", f"unread goes on with cursor, not with {field}", field=field)
    place = None
    if request.room is not None or request.username is not None:
        place = await context.reading.find(parse_place(request.room, request.username))
    shown, cursor = await context.reading.unread_messages(place, count, request.cursor or 0)
    return HistoryReply(
        room=None if place is None else place.name,
        username=None if place is None else place.username,
        messages=shown,
        more=cursor is not None,
        cursor=cursor,
    )


COMMAND = Command(
    request=History,
    run=run,
    summary="the last messages of the lobby, or of what one user and you said to each other",
    examples=(
        "history",
        "history -n 100",
        "history --after 812",
        "history -u bob",
        "history --unread",
        '{"type":"history","count":100,"before":812}',
    ),
)
