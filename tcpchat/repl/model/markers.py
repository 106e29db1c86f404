"""Read markers: how far the person has read each room, and which private messages are unread. Pure.

What was shown counts as read once the person shows a sign of being there: a key, not that something came.
"""

from __future__ import annotations

import attrs

from tcpchat.protocol import LOBBY, Edited, History, MarkRead, Message, Read, ReadHistory, Unread
from tcpchat.repl.model.place import Place


@attrs.define
class _Marker:
    """The marker of one room, and which of its messages were shown.

    At the start only the last messages of the lobby are shown, and some before them may be unread too. Then
    the marker waits until these are shown as well: it never passes over a message that nobody saw.
    """

    read: int = 0
    """The marker as the server has it."""
    requested: int = 0
    """The marker as it was sent to the server; the library sees to it that it arrives."""
    first: int = 0
    last: int = 0
    """All messages from the first to the last were shown."""
    others: int = 0
    """The last one shown that is not yours."""
    before: int | None = None
    """All up to this one are read, or were shown as history; None if nothing before the first is unread."""
    counted: tuple[int, int] = (0, 0)
    """How many messages were unread, and the last of them, when the server said so."""
    counted_shown: int = 0
    """How many of these were shown."""
    seen: int = 0
    """How far the marker may go."""
    unread: list[int] = attrs.field(factory=list)
    """Private messages of the other user that were shown and not seen yet."""

    @property
    def is_due(self) -> bool:
        return self.seen > max(self.read, self.requested)

    def show(self, seq: int, *, mine: bool) -> None:
        self.first = self.first or seq
        self.last = max(self.last, seq)
        if not mine:
            self.others = max(self.others, seq)

    def count(self, seq: int) -> None:
        """Count a message of another user that was shown, if the server counted it as unread."""
        if self.read < seq <= self.counted[1]:
            self.counted_shown += 1

    def show_page(self, first: int, last: int) -> None:
        """Take it that everything from the first to the last number was shown as history."""
        if self.before is None:
            return
        if first <= self.before + 1:
            self.before = max(self.before, last)
        if self.first and last >= self.first - 1:
            self.first = min(self.first, first)

    def read_to(self, seq: int) -> None:
        self.read = max(self.read, seq)
        self.unread = [number for number in self.unread if number > seq]
        if self.before is not None:
            self.before = max(self.before, seq)

    def see(self) -> None:
        gap = self.before is not None and self.before + 1 < self.first
        gap = gap and self.counted_shown < self.counted[0]  # else only edits are between
        self.seen = max(self.seen, (self.before or 0) if gap else self.others)
        self.unread.clear()


class ReadMarkers:
    """The read markers of one user, by room."""

    def __init__(self) -> None:
        self._markers: dict[str, _Marker] = {}
        self._journal: str | None = None

    @property
    def unread(self) -> int:
        """How many private messages were shown while the person was not there."""
        return sum(len(marker.unread) for marker in self._markers.values())

    def _of(self, room: str) -> _Marker:
        return self._markers.setdefault(room, _Marker())

    def welcome(self, journal: str, seq: int) -> bool:
        """Take the id of the server's data, and the last number of the lobby; return whether the data is new.

        Then the numbers from before mean nothing, and the markers begin anew.
        """
        is_new = self._journal not in {None, journal} or seq < self._of(LOBBY).last
        if is_new:
            self._markers.clear()
        self._journal = journal
        return is_new

    def change_user(self) -> None:
        """Begin anew as another user, who has seen the part of the lobby that the screen shows."""
        lobby = self._of(LOBBY)
        self._markers = {LOBBY: _Marker(first=lobby.first, last=lobby.last, others=lobby.others)}

    def show(self, event: Message | Edited, place: Place, *, mine: bool) -> None:
        """Take it that a message or an edit is shown. Only messages count as unread."""
        marker = self._of(event.room)
        marker.show(event.seq, mine=mine)
        if mine or isinstance(event, Edited):
            return
        marker.count(event.seq)
        if place.is_direct and event.seq > marker.read:
            marker.unread.append(event.seq)

    def show_history(self, request: ReadHistory, page: History) -> None:
        """Take it that a page of history is shown."""
        lobby = self._of(LOBBY)
        if lobby.before is None:
            return
        numbers = [message.seq for message in page.messages if message.room == LOBBY]
        if not request.unread:
            if page.room == LOBBY:
                lobby.show_page(*_range(request, page, numbers, lobby.last))
        elif page.room in {None, LOBBY}:  # all of the lobby that is unread, from the marker on
            last = max([lobby.before, *numbers]) if page.more else max(lobby.before, lobby.first - 1)
            lobby.before = last

    def set_unread(self, unread: Unread) -> None:
        """Take the markers of the rooms with unread messages."""
        for room in unread.rooms:
            marker = self._of(room.room)
            marker.read = max(marker.read, room.read)
            if room.room == LOBBY:
                marker.before = max(marker.before or 0, room.read)
                marker.counted, marker.counted_shown = (room.count, room.seq), 0

    def set_read(self, read: Read) -> None:
        """Take the marker as a device of the user has moved it."""
        self._of(read.room).read_to(read.seq)

    def see(self) -> bool:
        """Take it that the person sees what is shown; return whether a private message was unseen."""
        unread = self.unread
        for marker in self._markers.values():
            marker.see()
        return unread > 0

    def take_due(self) -> list[MarkRead]:
        """Return the requests that move the markers on the server, and take these as made."""
        requests = []
        for room, marker in self._markers.items():
            if marker.is_due:
                marker.requested = marker.seen
                requests.append(MarkRead(room=room, seq=marker.seen))
        return requests

    @property
    def are_due(self) -> bool:
        """Whether `take_due` would return something."""
        return any(marker.is_due for marker in self._markers.values())


def _range(request: ReadHistory, page: History, numbers: list[int], last: int) -> tuple[int, int]:
    """Return the first and the last number that a page of history covers; `last` is the last one shown.

    Edits have numbers too, so the numbers of the page's messages are not enough.
    """
    newest = numbers[-1] if numbers else 0
    if request.after is not None:
        return request.after + 1, newest if page.more else max(newest, last)
    first = numbers[0] if page.more and numbers else 1
    return first, newest if request.before is None else request.before - 1
