"""What a person has seen: how far the read marks are to move, and what is unread.

What was shown counts as read once the person shows a sign of being there: a key, not that something came.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs
import trio

from tcpchat.protocol import LOBBY, History, MarkRead, Message, Read, ReadHistory, Request, Unread, is_direct
from tcpchat.repl.view.text import get

INTERVAL = 1.0  # seconds between two marks of a conversation


@attrs.define
class _Place:
    """The lobby, or a private conversation.

    At the start only so many of the lobby's messages are shown, and some before them may be unread too. Then
    the mark waits until these are shown as well: it never passes over what nobody saw.
    """

    mark: int = 0
    """What the server knows."""
    asked: int = 0
    """What the server was told; the library sees to it that it arrives."""
    first: int = 0
    shown: int = 0
    """All of these numbers, from the first to the last, were shown."""
    others: int = 0
    """The last one that was shown and is not ours."""
    before: int | None = None
    """All up to it are read, or were shown as history; None if nothing before the first is unread."""
    seen: int = 0
    """How far the mark may go."""
    unread: list[int] = attrs.field(factory=list)
    """Private messages of others that were shown and not seen yet."""

    @property
    def is_due(self) -> bool:
        return self.seen > max(self.mark, self.asked)

    def show(self, seq: int, *, mine: bool) -> None:
        self.first = self.first or seq
        self.shown = max(self.shown, seq)
        if not mine:
            self.others = max(self.others, seq)

    def show_page(self, first: int, last: int) -> None:
        """Take it that all from the first to the last number were shown as history."""
        if self.before is None:
            return
        if first <= self.before + 1:
            self.before = max(self.before, last)
        if self.first and last >= self.first - 1:
            self.first = min(self.first, first)

    def read_to(self, seq: int) -> None:
        self.mark = max(self.mark, seq)
        self.unread = [number for number in self.unread if number > seq]
        if self.before is not None:
            self.before = max(self.before, seq)

    def see(self) -> None:
        gap = self.before is not None and self.before + 1 < self.first
        self.seen = max(self.seen, (self.before or 0) if gap else self.others)
        self.unread.clear()


class ReadMarkers:
    """The read marks of one user, by room."""

    def __init__(self) -> None:
        self.moved = trio.lowlevel.ParkingLot()
        """Where waits who tells the server."""
        self._places: dict[str, _Place] = {}
        self._journal: str | None = None

    @property
    def unread(self) -> int:
        """How many private messages were shown while the person was not there."""
        return sum(len(place.unread) for place in self._places.values())

    def _place(self, room: str) -> _Place:
        return self._places.setdefault(room, _Place())

    def welcome(self, journal: str, seq: int) -> bool:
        """Note whose data this is, where the lobby has got to `seq`; return whether it is other than before.

        Then the numbers from before mean nothing.
        """
        lobby = self._places.get(LOBBY, _Place())
        other = self._journal not in {None, journal} or seq < lobby.shown
        if other:
            self._places.clear()
        self._journal = journal
        return other

    def forget(self) -> None:
        """Begin anew as another user, who has seen what the screen shows of the lobby."""
        lobby = self._places.get(LOBBY, _Place())
        self._places = {LOBBY: _Place(first=lobby.first, shown=lobby.shown, others=lobby.others)}

    def show(self, message: Message, *, mine: bool) -> None:
        """Note a message that came and is shown."""
        place = self._place(message.room)
        place.show(message.seq, mine=mine)
        if not mine and is_direct(message.room) and message.seq > place.mark:
            place.unread.append(message.seq)

    def show_history(self, request: ReadHistory, page: History) -> None:
        """Note a page of history that was asked for and shown."""
        lobby = self._places.get(LOBBY)
        numbers = [get(item, "seq") for item in page.messages if get(item, "room") == LOBBY]
        if lobby is None or lobby.before is None:
            return
        if not request.unread:
            if numbers:
                lobby.show_page(numbers[0], numbers[-1])
        elif page.room in {None, LOBBY}:  # all of the lobby that is unread, from the mark on
            last = max([lobby.before, *numbers]) if page.more else max(lobby.before, lobby.first - 1)
            lobby.before = last

    def told(self, unread: Unread) -> None:
        """Take from where on there is something unread."""
        for item in unread.rooms:
            place, read = self._place(get(item, "room")), get(item, "read")
            place.mark = max(place.mark, read)
            if get(item, "room") == LOBBY:
                place.before = max(place.before or 0, read)

    def read(self, read: Read) -> None:
        """Take how far a device of ours has read."""
        self._place(read.room).read_to(read.seq)

    def here(self) -> bool:
        """Note that the person is there; return whether anything was unseen."""
        unread = self.unread
        for place in self._places.values():
            place.see()
        if any(place.is_due for place in self._places.values()):
            self.moved.unpark_all()
        return unread > 0

    def marks(self) -> list[MarkRead]:
        """Return what the server is to be told now, and take it as told."""
        marks = []
        for where, place in self._places.items():
            if place.is_due:
                place.asked = place.seen
                marks.append(MarkRead(room=where, seq=place.seen))
        return marks


async def send_marks(
    reading: ReadMarkers, connected: Callable[[], bool], ask: Callable[[Request], None]
) -> None:
    """Tell the server how far the person has read: at once, and then not oftener than each `INTERVAL`."""
    while True:
        marks = reading.marks() if connected() else []
        for mark in marks:
            ask(mark)
        if marks:
            await trio.sleep(INTERVAL)
        else:
            await reading.moved.park()
