"""Rooms: logs of events numbered 1, 2, 3 … without gaps.

The lobby, named and direct rooms differ in who may enter and what they are called, and in nothing else.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from enum import Enum
from functools import lru_cache
from hashlib import blake2b
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import attrs

from tcpchat.wire.base import LOBBY

if TYPE_CHECKING:
    from tcpchat.chat.subscriber import Subscriber
    from tcpchat.chat.user import User

NOBODY = ""  # the author of an event that has no text of anybody, so that ignoring hides none of it
RECENT = 512  # events of the lobby in memory: more than one `history` or `log` may ask for


class Kind(Enum):
    """What a room is."""

    LOBBY = "lobby"
    """Everybody is in it."""
    NAMED = "named"
    """Those are in it who entered."""
    DIRECT = "direct"
    """Two users are in it."""


def direct_name(one: str, other: str) -> str:
    """Return the name, never shown, of the direct room of two users, given their ids."""
    return "@" + "@".join(sorted((one, other)))  # no room that people name begins with @


def kind_of(room: str) -> Kind:
    """Return the kind of a room, given its name."""
    if room.startswith("@"):
        return Kind.DIRECT
    return Kind.LOBBY if room == LOBBY else Kind.NAMED


@lru_cache(maxsize=4096)
def public_id(room: str) -> str:
    """Return what a room is called on the wire; that of a direct room outlives the names of its users."""
    if kind_of(room) is Kind.DIRECT:
        return "@" + blake2b(room.encode(), digest_size=8).hexdigest()
    return room


class Logged(NamedTuple):
    """An event of a room in memory: its number, its author's id, the line, and whether it is a message."""

    seq: int
    author: str
    line: bytes
    is_message: bool


@attrs.define(eq=False, weakref_slot=True)
class Room:
    """One log, and its last `remembers` events in memory. Changed by `apply` only."""

    name: str
    kind: Kind
    seq: int = 0
    """The number of the last event that is on disk and was sent out."""
    remembers: int = 0
    topic: str = ""
    private: bool = False
    """Who is neither a member nor invited does not learn that it exists."""
    closed: int | None = None
    """Since when nothing can be said in it, in ms since 1970."""
    owners: frozenset[str] = frozenset()
    """The ids of the users who own it, also of those who are not in memory."""
    listeners: dict[Subscriber, User] = attrs.field(factory=dict)
    """The connections of the members of a named room, with their users."""
    id: str = attrs.field(init=False)
    """What it is called on the wire."""
    _appended: list[Logged] = attrs.field(factory=list, init=False)
    """What `take_appended` returns."""
    _recent: deque[Logged] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.id = public_id(self.name)
        self._recent = deque(maxlen=self.remembers)

    def append(self, seq: int, author: str, line: bytes, *, is_message: bool = True) -> None:
        """Append an event that is on disk."""
        self.seq = seq
        event = Logged(seq, author, line, is_message)
        self._appended.append(event)
        self._recent.append(event)

    def take_appended(self) -> list[Logged]:
        """Return the events that were appended since the last call, to be sent out."""
        events, self._appended = self._appended, []
        return events

    def fill(self, events: Iterable[Logged]) -> None:
        """Take the last events from disk, oldest first, when the server starts."""
        self._recent.extend(events)

    def rewrite(self, seq: int, write: Callable[[bytes], bytes]) -> None:
        """Give the event of this number another line, where it is in memory."""
        index = seq - self._recent[0].seq if self._recent else -1
        if 0 <= index < len(self._recent):
            event = self._recent[index]
            self._recent[index] = event._replace(line=write(event.line))

    def rewrite_all(self, author: str, write: Callable[[bytes], bytes]) -> None:
        """Give all events of the user of this id other lines, where they are in memory."""
        for index, event in enumerate(self._recent):
            if event.author == author:
                self._recent[index] = event._replace(line=write(event.line))

    def find(self, seq: int) -> Logged | None:
        """Return the event of this number, where it is in memory."""
        index = seq - self._recent[0].seq if self._recent else -1
        return self._recent[index] if 0 <= index < len(self._recent) else None

    def events(self, after: int, count: int) -> list[Logged] | None:
        """Return up to `count` events after that number; None where memory does not reach back so far."""
        first = self._recent[0].seq if self._recent else self.seq + 1
        if after + 1 < first and after < self.seq:
            return None
        return list(islice(self._recent, max(0, after + 1 - first), max(0, after + 1 - first) + count))

    def messages(self, count: int, *, before: int | None, after: int | None) -> list[Logged] | None:
        """Return up to `count` messages, oldest first; None where memory does not reach back so far.

        With `after` the first ones after that number, otherwise the last ones; never one from `before` on.
        """
        end = self.seq + 1 if before is None else before
        if after is not None:
            events = self.events(after, self.remembers)
            if events is None:
                return None
            return [event for event in events if event.is_message and event.seq < end][:count]
        found = [event for event in reversed(self._recent) if event.is_message and event.seq < end][:count]
        if len(found) < count and self._begins_after_first():
            return None
        return found[::-1]

    def _begins_after_first(self) -> bool:
        return self.seq > 0 and (not self._recent or self._recent[0].seq > 1)
