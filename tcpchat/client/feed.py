"""What a client is told, in order, each once, in bounded memory. Pure.

The lobby's messages are numbered without gaps, so a client needs not hold on to them: what does not fit, and
what was said while it was away, is asked for again from the server's journal, by number.
"""

from __future__ import annotations

from collections import deque
from typing import ClassVar

import attrs

from tcpchat.protocol import LOBBY, Event, History, Joined, Left, Message, Unknown

MOST = 20_000  # events; some 10 MB if they are of usual size
MOST_BYTES = 32 * 1024 * 1024  # about, of their texts


@attrs.frozen(kw_only=True)
class Skipped(Event):
    """Events other than messages of the lobby were lost, because this client did not read them in time."""

    type: ClassVar[str] = "skipped"
    events: int


class Feed:
    """The events between the connection that brings them and whoever reads them.

    It is either *live*, and messages are taken as they come; or *behind*: then the messages of the lobby
    come in pages of history, each asked for once everything before it was read, until one says that there
    are no more.
    """

    def __init__(self, most: int = MOST) -> None:
        self.behind = False
        """The next messages of the lobby are to be had from history, after `last`."""
        self.last: int | None = None
        """Number of the lobby's last message that was taken; None before the first connection."""
        self._most = most
        self._events: deque[Event] = deque()
        self._bytes = 0
        self._skipped = 0
        self._journal: str | None = None
        self._newest = 0  # number of the lobby's last message that is known to be

    @property
    def crowded(self) -> bool:
        """Whether whoever reads should have a turn first, so that nothing need be fetched again."""
        return len(self._events) > self._most // 4 or self._bytes > MOST_BYTES // 4

    @property
    def _full(self) -> bool:
        return len(self._events) >= self._most or self._bytes >= MOST_BYTES

    def __len__(self) -> int:
        return len(self._events)

    def welcome(self, seq: int, journal: str | None, history: int) -> int:
        """Begin a connection, before which the lobby has got to `seq`; return how many messages were missed.

        The first time `history` of those from before are wanted. Later, those since the last one; on another
        journal than before, as of a server that keeps nothing and was started anew, all of it.
        """
        if self.last is None:
            self.last = max(0, seq - history)
            missed = 0
        else:
            if seq < self.last or self._journal not in {None, journal}:
                self.last = 0
            missed = seq - self.last
        self._journal, self._newest = journal, seq
        self.behind = self.last < seq
        return missed

    def start_after(self, seq: int) -> None:
        """Take everything after this number, which an earlier run of the program got to."""
        self.last = seq

    def take(self, event: Event) -> None:
        """Take an event from the connection."""
        if isinstance(event, Message) and event.room == LOBBY:
            self._take_message(event)
        elif not self._full:
            self._append(event)
        else:
            self._skipped += 1

    def _take_message(self, message: Message) -> None:
        last = self.last or 0
        self._newest = max(self._newest, message.seq)
        if self.behind or message.seq <= last:
            return  # it comes with a page, or has come
        if message.seq > last + 1 or self._full:
            self.behind = True
            return
        self.last = message.seq
        self._append(message)

    def _append(self, event: Event) -> None:
        self._events.append(event)
        self._bytes += _size(event)

    def page(self, history: History) -> None:
        """Take the answer to `history` after `last`, before anything that was received after it."""
        for message in history.messages:
            if message.seq > (self.last or 0):
                self.last = message.seq
                self._append(message)
        # What came while the page was on its way may be newer than the page.
        self.behind = history.more or (bool(history.messages) and self._newest > (self.last or 0))

    def next(self) -> Event | None:
        """Return the next event, or None: then a page is needed if it is `behind`, else time has to pass."""
        if self._events:
            event = self._events.popleft()
            self._bytes -= _size(event)
            return event
        if self._skipped:
            skipped, self._skipped = self._skipped, 0
            return Skipped(events=skipped)
        return None


def _size(event: Event) -> int:
    """Return about how many bytes an event takes that can be of any size."""
    match event:
        case Message():
            return len(event.text)
        case Joined() | Left():
            return sum(map(len, event.users))
        case Unknown():
            return len(repr(event.fields))
    return 0
