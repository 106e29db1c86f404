"""Places: from the room that a request names to the room itself, as the caller has it."""

from __future__ import annotations

import attrs

from tcpchat.chat.member import Member
from tcpchat.chat.room import Room, direct_name, public_id
from tcpchat.chat.user import User
from tcpchat.errors import ChatError
from tcpchat.handlers.caller import Caller
from tcpchat.protocol import LOBBY, Place, is_direct, no_such_room, parse_place, parse_room
from tcpchat.store.changes import peer_of
from tcpchat.store.queries.users import counterparts
from tcpchat.store.room_changes import INVITED
from tcpchat.store.rows import Counterpart


@attrs.define(eq=False)  # a frozen one takes twice as long to make, and each send makes one
class FoundRoom:
    """A room as one user has it.

    A direct room in which nothing was sent yet has no `room` and no `member`.
    """

    name: str
    room: Room | None
    member: Member | None
    other: str | None = None
    """The id of the other user of a direct room."""
    username: str | None = None
    """That user's name, or the last one of a user who is gone."""

    @property
    def id(self) -> str:
        """Return what the room is called on the wire."""
        return public_id(self.name)

    @property
    def seq(self) -> int:
        """Return the number of the room's last event, or 0."""
        return 0 if self.room is None else self.room.seq

    @property
    def read(self) -> int:
        """Return the number up to which the user has read."""
        return 0 if self.member is None else self.member.read


def lobby(caller: Caller) -> FoundRoom:
    """Return the lobby."""
    return FoundRoom(LOBBY, caller.state.rooms.lobby, caller.user.lobby)


def find_nowait(caller: Caller, room: str | None, username: str | None) -> FoundRoom | None:
    """Return the room that a request means; None if the other user of a direct room must be loaded.

    Raises ChatError `bad-usage`, `no-such-room`, `no-such-user`.
    """
    if username is None and (room is None or room == LOBBY):  # as most do, so before anything is parsed
        return FoundRoom(LOBBY, caller.state.rooms.lobby, caller.user.members[LOBBY])
    place = parse_place(room, username)
    if place.room == LOBBY:
        return lobby(caller)
    if place.room is not None and not is_direct(place.room):
        return _named(caller, place.room)
    other = _other_user(caller, place)
    return _direct(caller, other) if other is not None else None


async def find(caller: Caller, room: str | None, username: str | None) -> FoundRoom:
    """Return the room that a request means; the other user of a direct room is in memory then.

    Raises ChatError `bad-usage`, `no-such-room`, `no-such-user`, `storage-failed`.
    """
    found = find_nowait(caller, room, username)
    if found is not None:
        return found
    place = parse_place(room, username)
    if place.username is not None:
        return _direct(caller, await caller.loader.named(place.username))
    member = _member(caller, place)
    return _direct(caller, await caller.loader.user(peer_of(member.room.name, caller.user.id)))


async def find_to_read(caller: Caller, room: str | None, username: str | None) -> FoundRoom:
    """Return the room that a request means; the other user of a direct room may be gone.

    Raises ChatError `bad-usage`, `no-such-room`, `no-such-user`, `storage-failed`.
    """
    place = parse_place(room, username)
    if place.room is None or not is_direct(place.room):
        return await find(caller, room, username)
    member = _member(caller, place)
    (other,) = await others(caller, [member])
    return FoundRoom(
        member.room.name, member.room, member, peer_of(member.room.name, caller.user.id), other.name
    )


def _named(caller: Caller, name: str) -> FoundRoom:
    room = visible_room(caller, name)
    member = caller.user.members.get(room.name)
    if member is None:
        message = f"you are not in {room.name}; enter it first: join {room.name}"
        raise ChatError("not-a-member", message, name=room.name)
    return FoundRoom(room.name, room, member)


def find_named(caller: Caller, name: str | None) -> Room:
    """Return the named room that a request means, in which the caller must be.

    Raises ChatError `no-such-room`, `not-a-member`, and `bad-usage` where no named room is given.
    """
    if name is None or parse_room(name) == LOBBY or is_direct(name):
        message = "this is for rooms that have a name; say which one: -r ROOM"
        raise ChatError("bad-usage", message, field="room")
    found = _named(caller, name)
    assert found.room is not None
    return found.room


def visible_room(caller: Caller, name: str) -> Room:
    """Return the named room of this name, if the caller may know of it.

    Raises ChatError `no-such-room`: the same whether there is none or the caller may not know of it.
    """
    user, room = caller.user, caller.state.rooms.find(parse_room(name))
    if room is None:
        raise no_such_room(name)
    if room.private and room.name not in user.members and user.standings.get(room.name) != INVITED:
        raise no_such_room(name)
    return room


def _member(caller: Caller, place: Place) -> Member:
    for member in caller.user.members.values():
        if member.room.id == place.room:
            return member
    raise no_such_room(place.room or "")


def _other_user(caller: Caller, place: Place) -> User | None:
    """Return the other user of a direct room, if in memory. Raises ChatError `no-such-…`."""
    state = caller.state
    if place.username is not None:
        found = state.directory.find(place.username)
        return found if isinstance(found, User) else None
    other = peer_of(_member(caller, place).room.name, caller.user.id)
    known = state.users.get(other)
    if known is None and state.directory.stored(other) is None:
        raise ChatError("no-such-user", f"the other user of {place.room} is gone", field="room")
    return known


def _direct(caller: Caller, other: User) -> FoundRoom:
    name = direct_name(caller.user.id, other.id)
    member = caller.user.members.get(name)
    room = caller.state.rooms.get(name) if member is None else member.room
    return FoundRoom(name, room, member, other.id, other.name)


async def others(caller: Caller, members: list[Member]) -> list[Counterpart]:
    """Return the other user of each direct room, from memory where that knows better than the disk."""
    if not members:
        return []
    user, users = caller.user, caller.state.users
    rooms = [member.room.name for member in members]
    found = await caller.reader.ask(counterparts, user.id, rooms)
    for index, room in enumerate(rooms):
        known = users.get(peer_of(room, user.id))
        if known is not None and room in known.members:
            theirs = known.members[room]
            delivered = caller.state.receipts.delivered(known, theirs.room)
            found[index] = Counterpart(known.name, delivered, theirs.read, known.receipts)
    return found
