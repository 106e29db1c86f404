"""Received events in order, each once, in bounded memory. Pure.

The events of a room are numbered 1, 2, 3 … without gaps. Therefore the inbox need not hold on to them: those
that do not fit, and those that were missed without a connection, are requested from the room's log, by
number. These come in the order in which they were said, over all rooms.
"""

from __future__ import annotations

from collections import deque
from typing import ClassVar, Final, TypeAlias

import attrs

from tcpchat.link.lagging import LaggingRooms, Room, number, size_of
from tcpchat.link.paging import next_page
from tcpchat.protocol import (
    LOBBY,
    Bye,
    Conversations,
    Edited,
    Event,
    Joined,
    Left,
    ListConversations,
    ListRooms,
    Log,
    MemberChanged,
    Message,
    Read,
    ReadLog,
    Reply,
    RoomClosed,
    Rooms,
    TopicChanged,
    Unknown,
    is_direct,
)

MAX_EVENTS: Final = 20_000  # some 10 MB if they are of usual size
MAX_BYTES: Final = 32 * 1024 * 1024  # of their texts, about
Listing: TypeAlias = ListConversations | ListRooms
"""The requests for the rooms of a user: the named ones first, then the direct ones."""


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


class Inbox:
    """The events between the connection, which puts them, and the program, which gets them.

    Each room is either *live*, and its events are taken as they are received, or *lagging*: then they come in
    pages of the log, requested once everything before them was read, until a page says that there are no
    more. What is received meanwhile in live rooms does not wait for that. Welcome has the number of the
    lobby's last event. The server is requested to list the other rooms whenever a connection begins.
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
        self._lagging = LaggingRooms(MAX_BYTES)
        self._list: Listing | None = None  # the next page of the server's lists of rooms
        self._complete = True  # a room that is not here is new
        self._requests: list[tuple[ReadLog | Listing, Room | None]] = []  # and whose log, in flight

    @property
    def last(self) -> int | None:
        """Number of the lobby's last message that was taken; None before the first connection."""
        return self._lobby.last

    @property
    def lagging(self) -> bool:
        """Whether something is missing that has to be requested, or was."""
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
        self._requests.clear()
        self._lagging.restart()
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
        self._list = None if new else ListRooms()
        self._requests = [one for one in self._requests if one[1] is self._lobby]
        self._give_missed()

    def resume(self) -> None:
        """Continue as the same user on a new connection: each room after the last event that was taken."""
        for room in self._others():
            room.unconfirmed = room.last
        self._list = ListRooms()

    def put(self, event: Event) -> None:
        """Take an event from the connection."""
        if (numbered := _numbered(event)) is not None:
            id, seq = numbered
            room = self._rooms.get(id)
            if room is None:
                room = self._add(id) if is_direct(id) else self._enter(id, seq)
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

    def _enter(self, id: str, seq: int) -> Room:
        """Add a named room, which begins with the event at hand: that the user entered it."""
        room = self._rooms[id] = Room(id, seq - 1 if self._complete else None)
        return room

    def _drop(self, room: Room) -> None:
        self._set_lagging(room, lagging=False)
        del self._rooms[room.id]

    def _set_lagging(self, room: Room, *, lagging: bool) -> None:
        if lagging:
            self._lagging.add(room)
        else:
            self._lagging.remove(room)

    def next_request(self) -> ReadLog | Listing | None:
        """Return what to request from the server; None if nothing, or what is in flight is needed first.

        `put_reply`, `retry` or `give_up` is to follow. Lagging rooms take turns.
        """
        request: ReadLog | Listing
        if self._list is not None:
            if any(isinstance(request, Listing) for request, _ in self._requests):
                return None
            self._requests.append((self._list, None))
            return self._list
        following = self._lagging.next()
        if following is None:
            return None
        room, count = following
        request = ReadLog(after=room.last, count=count, room=None if room is self._lobby else room.id)
        self._requests.append((request, room))
        return request

    def put_reply(self, request: ReadLog | Listing, reply: Reply) -> None:
        """Take the reply to a request, before anything that was received after it."""
        found = self._take_request(request)
        if found is None:
            return  # it is about rooms of the user before
        (room,) = found
        if isinstance(request, Listing) and isinstance(reply, Conversations | Rooms):
            self._put_list(request, reply)
        elif isinstance(reply, Log) and room is not None:
            self._put_page(room, reply)
        elif room is not None:
            self._lagging.retry(room)
        self._give_missed()

    def retry(self, request: ReadLog | Listing) -> None:
        """Let the same be requested again, since the server could not answer for now."""
        for room in self._take_request(request) or ():
            if room is not None:
                self._lagging.retry(room)

    def give_up(self, request: ReadLog | Listing) -> bool:
        """Continue without what the server refused, if that is possible; return whether it is.

        Events of a room that are lost by that count as skipped. Everybody is in the lobby for ever, so that
        its events can always be had later.
        """
        found = self._take_request(request)
        if found is None:
            return True
        (room,) = found
        if room is None:
            self._end_list()
        elif room is self._lobby:
            self._lagging.retry(room)
            return False
        else:
            assert room.last is not None
            self._skipped += room.newest - room.last
            room.last = room.newest
            self._set_lagging(room, lagging=False)
        self._give_missed()
        return True

    def _take_request(self, request: ReadLog | Listing) -> tuple[Room | None] | None:
        """Return for which room a request in flight was, if it still is one."""
        for place, (one, room) in enumerate(self._requests):
            if one is request:
                del self._requests[place]
                return (room,)
        return None

    def _put_page(self, room: Room, page: Log) -> None:
        last = room.last or 0
        events = [event for event in page.events if _numbered(event) is not None and number(event) > last]
        end = number(events[-1]) if events else last
        # What was received while the page was on its way may be newer than the page.
        newer = bool(page.events) and room.newest > end
        room.newest = max(room.newest, end)
        self._lagging.put(room, events, more=page.more or newer)

    def _give_missed(self) -> None:
        for event in self._lagging.take():
            if not _is_ignored(event):
                self._append(event)

    def _put_list(self, request: Listing, page: Conversations | Rooms) -> None:
        infos = page.conversations if isinstance(page, Conversations) else page.rooms
        for info in infos:
            room = self._rooms.get(info.room) or self._add(info.room)
            seq = info.seq or 0
            if room.last is None:
                room.last = info.read or 0
            if room.unconfirmed is not None and seq < room.unconfirmed:
                room.last = room.newest = 0  # the server lost what it had
            room.unconfirmed = None
            self._set_newest(room, seq)
        self._list = next_page(request, page)
        if self._list is None and isinstance(request, ListRooms):
            self._list = ListConversations()
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
            if room.last is None and not is_direct(room.id):  # the user has left it meanwhile
                self._drop(room)
            elif room.last is None:
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
        case Message() | Edited() | MemberChanged() | TopicChanged() | RoomClosed():
            return event.room, event.seq
        case Unknown(fields={"room": str(room), "seq": int(seq)}):
            return room, seq
    return None


def _is_ignored(event: Event) -> bool:
    return isinstance(event, Message | Edited) and bool(event.ignored)


def _size(event: Event) -> int:
    """Return about how many bytes an event takes that can be of any size."""
    match event:
        case Message() | Edited() | TopicChanged() | Unknown():
            return size_of(event)
        case Joined() | Left():
            return sum(map(len, event.users))
    return 0
