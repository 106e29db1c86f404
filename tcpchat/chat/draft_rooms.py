"""Decisions of a batch about named rooms, on top of the state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tcpchat.chat.member import Member
from tcpchat.chat.roles import OWNER
from tcpchat.chat.room import Kind, Room, kind_of
from tcpchat.chat.user import User
from tcpchat.errors import ChatError
from tcpchat.store.room_changes import (
    CloseRoom,
    DropStanding,
    EnterRoom,
    LeaveRoom,
    NewNamedRoom,
    NewRoomEvent,
    SetRole,
    SetStanding,
    SetTopic,
)

if TYPE_CHECKING:
    from tcpchat.chat.draft import Draft


class DraftRooms:
    """The part of a draft that is about named rooms, their members and those who are not members."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._created: dict[str, NewNamedRoom] = {}  # by the name's key
        self._roles: dict[tuple[str, str], str | None] = {}
        self._standings: dict[tuple[str, str], str | None] = {}
        self._owners: dict[str, frozenset[str]] = {}
        self._closed: dict[str, int] = {}

    def create(self, room: NewNamedRoom) -> None:
        """Create a room. Raises ChatError `room-taken` if the name, or one that looks like it, is taken."""
        taken = self._draft.state.rooms.named_like(room.key)
        if taken is None and room.key in self._created:
            taken = self._created[room.key].name
        if taken is not None:
            raise room_taken(room.name)
        self._draft.put(self._created, room.key, room)
        self._draft.add(room)

    def role(self, user: User, room: str) -> str | None:
        """Return the role that the user has in the room by now; None: is not in it."""
        if (user.id, room) in self._roles:
            return self._roles[user.id, room]
        return role_of(user.members.get(room))

    def owned(self, user: User) -> int:
        """Return how many rooms that are not closed the user owns by now."""
        rooms = self.members(user)
        return sum(self.role(user, room) == OWNER and not self.is_closed(room) for room in rooms)

    def check_member(self, user: User, room: str) -> str:
        """Return the user's role. Raises ChatError `no-such-room` if the user is not in the room any more."""
        role = self.role(user, room)
        if role is None:
            raise ChatError("no-such-room", f"you are not in {room} any more", field="room")
        return role

    def standing(self, user: User, room: str) -> str | None:
        """Return how the user, who is no member, stands to the room by now."""
        if (user.id, room) in self._standings:
            return self._standings[user.id, room]
        return user.standings.get(room)

    def enter(self, user: User, room: str, role: str, read: int) -> None:
        """Let a user who has a row be in the room, with this role, and have read it up to `read`."""
        draft = self._draft
        draft.pin(user)
        self._put_role(user, room, role)
        draft.put(self._standings, (user.id, room), None)
        draft.begin_reading(user, room, read)
        draft.add(EnterRoom(user.id, room, role, draft.at, read, read))

    def set_role(self, user: User, room: str, role: str) -> None:
        """Let a member have another role."""
        self._draft.pin(user)
        self._put_role(user, room, role)
        self._draft.add(SetRole(user.id, room, role))

    def leave(self, user: User, room: str) -> None:
        """Let a member not be in the room any more."""
        self._draft.pin(user)
        self._put_role(user, room, None)
        self._draft.add(LeaveRoom(user.id, room))

    def forget(self, user: User, room: str) -> None:
        """Note that a member is about to be deleted, who leaves nothing behind."""
        self._put_role(user, room, None)

    def members(self, user: User) -> list[str]:
        """Return the named rooms in which the user is by now."""
        rooms = {room for room in user.members if kind_of(room) is Kind.NAMED}
        rooms |= {room for id, room in self._roles if id == user.id}
        return sorted(room for room in rooms if self.role(user, room) is not None)

    def _put_role(self, user: User, room: str, role: str | None) -> None:
        owners = self.owners(room)
        owners = owners | {user.id} if role == OWNER else owners - {user.id}
        self._draft.put(self._roles, (user.id, room), role)
        self._draft.put(self._owners, room, owners)

    def owners(self, room: str) -> frozenset[str]:
        """Return the ids of the users who own the room by now."""
        if room in self._owners:
            return self._owners[room]
        known = self._draft.state.rooms.get(room)
        return frozenset() if known is None else known.owners

    def set_standing(self, user: User, room: str, standing: str, by: str) -> None:
        """Let a user with a row, who is no member, stand to the room like this."""
        self._draft.pin(user)
        self._draft.put(self._standings, (user.id, room), standing)
        self._draft.add(SetStanding(user.id, room, standing, by, self._draft.at))

    def drop_standing(self, user: User, room: str) -> None:
        """Let the user not stand to the room in any way."""
        self._draft.pin(user)
        self._draft.put(self._standings, (user.id, room), None)
        self._draft.add(DropStanding(user.id, room))

    def check_open(self, room: str) -> None:
        """Raise ChatError `room-closed` if the room is closed by now."""
        if self.is_closed(room):
            raise room_closed(room)

    def is_closed(self, room: str) -> bool:
        """Return whether the room is closed by now."""
        known = self._draft.state.rooms.get(room)
        return room in self._closed or (known is not None and known.closed is not None)

    def close(self, room: str) -> None:
        """Close the room."""
        self._draft.put(self._closed, room, self._draft.at)
        self._draft.add(CloseRoom(room, self._draft.at))

    def set_topic(self, room: str, topic: str) -> None:
        """Give the room another topic."""
        self._draft.add(SetTopic(room, topic))

    def add_event(
        self, room: str, kind: str, author: User, *, about: User | None = None, change: str | None = None,
        text: str = "",
    ) -> int:  # fmt: skip
        """Add an event to the room's log; return its number."""
        draft = self._draft
        seq = draft.take_seqs(room)
        name, _ = draft.name(author)
        recipient, recipient_name = (None, None) if about is None else (about.id, draft.name(about)[0])
        draft.add(
            NewRoomEvent(room, seq, draft.at, kind, author.id, name, recipient, recipient_name, change, text)
        )
        return seq


def role_of(member: Member | None) -> str | None:
    """Return the role in a named room; None where the user is not in it."""
    return None if member is None or member.room.kind is not Kind.NAMED else member.role


def room_taken(name: str) -> ChatError:
    """Return the refusal of a name that a room has, or that looks like one. It tells nothing of that room."""
    message = f"{name} is taken by another room, or looks like the name of one; choose another"
    return ChatError("room-taken", message, name=name)


def room_closed(room: str) -> ChatError:
    """Return the refusal of what cannot be done in a closed room."""
    return ChatError(
        "room-closed", f"{room} is closed; it can be read, and nothing more said in it", name=room
    )


def check_not_closed(room: Room) -> None:
    """Raise ChatError `room-closed`."""
    if room.closed is not None:
        raise room_closed(room.name)
