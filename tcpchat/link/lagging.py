"""Rooms whose next events come in pages of their logs, and these events in the order in which they were said.

Each room numbers its own events, so that only their times tell the order over several rooms. An event is
given once the next one of every lagging room is here: none that is still to come can be older. Pure.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from heapq import heapify, heappop, heappush
from typing import Final, TypeAlias

import attrs

from tcpchat.protocol import (
    LOBBY,
    MAX_COUNT,
    Edited,
    MemberChanged,
    Message,
    RoomClosed,
    TopicChanged,
    Unknown,
)

MAX_HELD: Final = 20_000  # events that wait for those of other rooms, or one of each room if that is more
Numbered: TypeAlias = Message | Edited | MemberChanged | TopicChanged | RoomClosed | Unknown
"""The events that a room numbers, and that come in pages of its log. One of a later version is Unknown."""
_Key: TypeAlias = tuple[str, bool, str, int]


@attrs.define(eq=False)
class Room:
    """How far the numbered events of one room were taken."""

    id: str
    last: int | None = None
    """Number of the last event that was taken; None until it is known where to begin."""
    newest: int = 0
    """Number of the last event that is known to exist."""
    lagging: bool = False
    """Its next events come in pages of the log, not as they are received."""
    unconfirmed: int | None = None
    """What `last` was when the connection began, until the server has listed the room."""
    fetched: deque[Numbered] = attrs.field(factory=deque)
    """The events after `last` that wait for older ones of other rooms."""
    more: bool = False
    """There are events after `fetched`."""


class LaggingRooms:
    """The lagging rooms; each has events here, or waits for its turn to be requested, or was requested."""

    def __init__(self, max_bytes: int) -> None:
        """Where events are larger than so many bytes, they no longer wait for those of other rooms."""
        self._max_bytes = max_bytes
        self._rooms: dict[Room, None] = {}
        self._waiting: dict[Room, None] = {}  # in the order in which they get their next pages
        self._requested: set[Room] = set()
        self._held = 0
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._rooms)

    def add(self, room: Room) -> None:
        """Let the room lag from after its last event."""
        if not room.lagging:
            room.lagging = True
            self._rooms[room] = self._waiting[room] = None

    def remove(self, room: Room) -> None:
        """Let the room lag no longer, and drop what waits of it."""
        self._drop_events(room)
        room.lagging = False
        self._rooms.pop(room, None)
        self._waiting.pop(room, None)
        self._requested.discard(room)

    def restart(self) -> None:
        """Request everything anew that was requested or waits: the connection is another one."""
        for room in self._rooms:
            self._drop_events(room)
        self._requested.clear()
        self._waiting = dict(self._rooms)

    def next(self) -> tuple[Room, int] | None:
        """Return whose next page to request, and how many events of it; None if all were requested."""
        if not self._waiting:
            return None
        count = (MAX_HELD - self._held) // (len(self._waiting) + len(self._requested))
        room = next(iter(self._waiting))
        del self._waiting[room]
        self._requested.add(room)
        return room, min(max(count, 1), MAX_COUNT)

    def retry(self, room: Room) -> None:
        """Let the room be requested again."""
        if room in self._requested:
            self._requested.discard(room)
            self._waiting[room] = None

    def put(self, room: Room, events: Sequence[Numbered], *, more: bool) -> None:
        """Take the requested page: the events after `last`; there may be `more` after them."""
        self._requested.discard(room)
        room.fetched.extend(events)
        room.more = more
        self._held += len(events)
        self._bytes += sum(map(size_of, events))
        if not room.fetched:
            self._continue(room)

    def take(self) -> Iterator[Numbered]:
        """Yield the events that nothing older can come before, and move the `last` of their rooms."""
        heads = [(_key(room), room) for room in self._rooms if room.fetched]
        heapify(heads)
        while heads and self._is_next_here():
            _, room = heappop(heads)
            event = room.fetched.popleft()
            self._held -= 1
            self._bytes -= size_of(event)
            room.last = number(event)
            yield event
            if room.fetched:
                heappush(heads, (_key(room), room))
            else:
                room.more = room.more or room.newest > room.last
                self._continue(room)

    def _is_next_here(self) -> bool:
        return not (self._waiting or self._requested) or self._bytes >= self._max_bytes

    def _continue(self, room: Room) -> None:
        """Go on with the next page of a room of which nothing is here, or let it be live."""
        if room.more:
            self._waiting[room] = None
        else:
            self.remove(room)

    def _drop_events(self, room: Room) -> None:
        self._held -= len(room.fetched)
        self._bytes -= sum(map(size_of, room.fetched))
        room.fetched.clear()


def number(event: Numbered) -> int:
    """Return the number of an event in its room."""
    return event.fields["seq"] if isinstance(event, Unknown) else event.seq


def size_of(event: Numbered) -> int:
    """Return about how many bytes an event takes that can be of any size."""
    if isinstance(event, Unknown):
        return len(repr(event.fields))
    return len(event.text) if isinstance(event, Message | Edited | TopicChanged) else 0


def _key(room: Room) -> _Key:
    """Return the place of a room's next event: by time, then the lobby's first, then by room and number."""
    event = room.fetched[0]
    at = event.fields.get("at") if isinstance(event, Unknown) else event.at
    return str(at or ""), room.id != LOBBY, room.id, number(event)
