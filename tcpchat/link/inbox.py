"""Received events in order, each once, in bounded memory. Pure.

The events of a room are numbered 1, 2, 3 … without gaps. Therefore the inbox need not hold on to them: those
that do not fit, and those that were missed without a connection, are requested from the room's log, by
number.
"""

from __future__ import annotations

from collections import deque
from typing import ClassVar, Final, TypeAlias

import attrs

from tcpchat.link.paging import next_page
from tcpchat.protocol import (
    LOBBY,
    MAX_COUNT,
    Bye,
    Conversations,
    Edited,
    Event,
    Joined,
    Left,
    ListConversations,
    Log,
    Message,
    Read,
    ReadLog,
    Reply,
    Unknown,
    is_direct,
)

MAX_EVENTS: Final = 20_000  # some 10 MB if they are of usual size
MAX_BYTES: Final = 32 * 1024 * 1024  # of their texts, about
Numbered: TypeAlias = Message | Edited | Unknown
"""The events that a room numbers, and that come in pages of its log. One of a later version is Unknown."""


@attrs.frozen(kw_only=True)
class Skipped(Event):
    """Events that cannot be had again were dropped, because the program did not read them in time."""

    type: ClassVar[str] = "skipped"
    events: int


@attrs.frozen(kw_only=True)
class CaughtUp(Event):
    """All that was sent before this connection and is to be replayed was given; what follows is new."""

    type: ClassVar[str] = "caught-up"


@attrs.frozen(kw_only=True)
class Replay:
    """Which earlier messages of the lobby the events begin with; without anything, none."""

    last: int = 0
    """The last messages before the first connection, so many."""
    after: int | None = None
    """In place of `last`: those after this number, which an earlier run of the program has dealt with."""
    last_on_reset: int | None = None
    """How many messages follow where a server turns out to have other data than before; None: all."""


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


class Inbox:
    """The events between the connection, which puts them, and the program, which gets them.

    Each room is either *live*, and its events are taken as they are received, or *lagging*: then they come in
    pages of the log, each requested once everything before it was read, until a page says that there are no
    more. Welcome has the number of the lobby's last event. The server is requested to list the other rooms
    whenever a connection begins.
    """

    def __init__(self, limit: int = MAX_EVENTS, replay: Replay = Replay()) -> None:
        self.data_reset = False
        """The connection is to other data than the one before."""
        self.catching_up = False
        """There is a connection, and `CaughtUp` is due as soon as nothing is missing that was sent before."""
        self._limit = limit
        self._replay = replay
        self._events: deque[Event] = deque()
        self._bytes = 0
        self._skipped = 0
        self._journal: str | None = None
        self._lobby = Room(LOBBY, replay.after)
        self._rooms = {LOBBY: self._lobby}
        self._lagging: dict[Room, None] = {}  # in the order in which they get their next pages
        self._list: ListConversations | None = None  # the next page of the server's list of rooms
        self._complete = True  # a room that is not here begins with its first event
        self._request: ReadLog | ListConversations | None = None
        self._requested: Room | None = None  # whose log the request is for

    @property
    def last(self) -> int | None:
        """Number of the lobby's last message that was taken; None before the first connection."""
        return self._lobby.last

    @property
    def lagging(self) -> bool:
        """Whether there is a `next_request` to make."""
        return self._list is not None or bool(self._lagging)

    @property
    def nearly_full(self) -> bool:
        """Whether the reader should have a turn before more is received, so that nothing need be fetched."""
        return len(self._events) > self._limit // 4 or self._bytes > MAX_BYTES // 4

    @property
    def _full(self) -> bool:
        return len(self._events) >= self._limit or self._bytes >= MAX_BYTES

    def __len__(self) -> int:
        return len(self._events)

    def welcome(self, seq: int, journal: str | None) -> int:
        """Begin a connection, before which the lobby has got to `seq`; return how many messages were missed.

        The first one begins as `replay` says. A later one continues after the last message that was taken,
        or begins anew if the data is other data: the journal is another one, as of a server that stores
        nothing and was restarted, or the lobby is shorter than what was taken of it.
        """
        lobby, replay = self._lobby, self._replay
        first = lobby.last is None
        if lobby.last is None:
            lobby.last = max(0, seq - replay.last)
        self.data_reset = not first and (seq < lobby.last or self._journal not in {None, journal})
        if self.data_reset:
            lobby.last = 0 if replay.last_on_reset is None else max(0, seq - replay.last_on_reset)
        self._journal = journal
        lobby.newest = seq
        self._set_lagging(lobby, lagging=lobby.last < seq)
        return 0 if first else seq - lobby.last

    def switch_user(self, *, new: bool) -> None:
        """Drop all rooms but the lobby, since they belong to another user.

        A `new` user has no other rooms yet. The rooms of an existing user begin with the first event that
        the user has not read.
        """
        for room in self._others():
            self._drop(room)
        self._complete = new
        self._list, self._request = None if new else ListConversations(), None

    def resume(self) -> None:
        """Continue as the same user on a new connection: each room after the last event that was taken."""
        for room in self._others():
            room.unconfirmed = room.last
        self._list, self._request = ListConversations(), None

    def put(self, event: Event) -> None:
        """Take an event from the connection."""
        if (numbered := _numbered(event)) is not None:
            id, seq = numbered
            room = self._rooms.get(id)
            if room is None and is_direct(id):
                room = self._add(id)
            if room is not None:
                self._put_numbered(room, event, seq)
                return
        if isinstance(event, Read):
            self._pass_over(event)
        elif isinstance(event, Bye):  # the connection is over before it was all there
            self.catching_up = False
        if self._full:
            self._skipped += 1
        else:
            self._append(event)

    def _put_numbered(self, room: Room, event: Event, seq: int) -> None:
        room.newest = max(room.newest, seq)
        if room.lagging or room.last is None or seq <= room.last:
            return  # it comes with a page, or was taken before
        if seq > room.last + 1 or self._full:
            self._set_lagging(room, lagging=True)
            return
        room.last = seq
        if not _is_ignored(event):
            self._append(event)

    def _pass_over(self, event: Read) -> None:
        """Take it that the server never sends what is read and was not received.

        A live room has everything that was sent before. What is missing came from a user who was ignored
        then, and is not to be fetched once the user is not ignored any more.
        """
        room = self._rooms.get(event.room)
        if room is None and self._complete and self._list is None and is_direct(event.room):
            room = self._add(event.room)
        if room is None or room is self._lobby or room.lagging or room.unconfirmed is not None:
            return
        if room.last is not None:
            room.last = max(room.last, event.seq)
            room.newest = max(room.newest, room.last)

    def _append(self, event: Event) -> None:
        self._events.append(event)
        self._bytes += _size(event)

    def _others(self) -> list[Room]:
        """Return the rooms that the server lists: all but the lobby, which Welcome describes."""
        return [room for room in self._rooms.values() if room is not self._lobby]

    def _add(self, id: str) -> Room:
        room = self._rooms[id] = Room(id, 0 if self._complete else None)
        return room

    def _drop(self, room: Room) -> None:
        self._set_lagging(room, lagging=False)
        del self._rooms[room.id]

    def _set_lagging(self, room: Room, *, lagging: bool) -> None:
        self._lagging.pop(room, None)
        room.lagging = lagging
        if lagging:
            self._lagging[room] = None

    def next_request(self) -> ReadLog | ListConversations:
        """Return what to request from the server while `lagging`; `put_reply` or `give_up` is to follow.

        Lagging rooms take turns.
        """
        if self._list is not None:
            self._requested = None
            self._request = self._list
        else:
            room = self._requested = next(iter(self._lagging))
            id = None if room is self._lobby else room.id
            self._request = ReadLog(after=room.last, count=MAX_COUNT, room=id)
        return self._request

    def put_reply(self, request: ReadLog | ListConversations, reply: Reply) -> None:
        """Take the reply to the last request, before anything that was received after it."""
        if request is not self._request:
            return  # it is about rooms of the user before
        self._request = None
        if isinstance(request, ListConversations) and isinstance(reply, Conversations):
            self._put_list(request, reply)
        elif isinstance(reply, Log) and self._requested is not None:
            self._put_page(self._requested, reply)

    def give_up(self) -> bool:
        """Continue without what the server refused, if that is possible; return whether it is.

        Events of a room that are lost by that count as skipped. Everybody is in the lobby for ever, so that
        its events can always be had later.
        """
        if self._request is None:
            return True
        room, self._request = self._requested, None
        if room is None:
            self._end_list()
        elif room is self._lobby:
            return False
        else:
            assert room.last is not None
            self._skipped += room.newest - room.last
            room.last = room.newest
            self._set_lagging(room, lagging=False)
        return True

    def _put_page(self, room: Room, page: Log) -> None:
        last = room.last or 0
        for event in page.events:
            _, seq = _numbered(event) or (room.id, 0)
            if seq > last:
                last = seq
                if not _is_ignored(event):
                    self._append(event)
        room.last = last
        # What was received while the page was on its way may be newer than the page.
        newer = bool(page.events) and room.newest > last
        room.newest = max(room.newest, last)
        self._set_lagging(room, lagging=page.more or newer)

    def _put_list(self, request: ListConversations, page: Conversations) -> None:
        for info in page.conversations:
            room = self._rooms.get(info.room) or self._add(info.room)
            if room.last is None:
                room.last = info.read
            if room.unconfirmed is not None and info.seq < room.unconfirmed:
                room.last = room.newest = 0  # the server lost what it had
            room.unconfirmed = None
            self._set_newest(room, info.seq)
        self._list = next_page(request, page)
        if self._list is not None:
            return
        for room in self._others():
            if room.unconfirmed is not None:  # the server lost it
                self._drop(room)
        self._end_list()

    def _end_list(self) -> None:
        """Let the rooms that the server has not listed begin with their first event."""
        self._list, self._complete = None, True
        for room in self._others():
            room.unconfirmed = None
            if room.last is None:
                room.last = 0
                self._set_newest(room, room.newest)

    def _set_newest(self, room: Room, seq: int) -> None:
        room.newest = max(room.newest, seq)
        if room.last is not None and room.newest > room.last and not room.lagging:
            self._set_lagging(room, lagging=True)

    def get(self) -> Event | None:
        """Return the next event, or None: then there is a `next_request`, or time has to pass."""
        if self._events:
            event = self._events.popleft()
            self._bytes -= _size(event)
            return event
        if self._skipped:
            skipped, self._skipped = self._skipped, 0
            return Skipped(events=skipped)
        if self.catching_up and not self.lagging:
            self.catching_up = False
            return CaughtUp()
        return None


def _numbered(event: Event) -> tuple[str, int] | None:
    """Return the room and the number of an event that a room numbers."""
    match event:
        case Message() | Edited():
            return event.room, event.seq
        case Unknown(fields={"room": str(room), "seq": int(seq)}):
            return room, seq
    return None


def _is_ignored(event: Event) -> bool:
    return isinstance(event, Message | Edited) and bool(event.ignored)


def _size(event: Event) -> int:
    """Return about how many bytes an event takes that can be of any size."""
    match event:
        case Message() | Edited():
            return len(event.text)
        case Joined() | Left():
            return sum(map(len, event.users))
        case Unknown():
            return len(repr(event.fields))
    return 0
