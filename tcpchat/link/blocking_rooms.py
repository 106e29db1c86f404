"""The requests about named rooms for plain scripts: those of `link.room_requests` without Trio."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Protocol, TypeVar

from tcpchat.link import room_requests
from tcpchat.protocol import InvitationInfo, MemberInfo, Membership, RoomDetails, RoomInfo

T = TypeVar("T")


class Call(Protocol):
    """Runs an asynchronous function in the client's thread, and returns what it returns."""

    def __call__(self, function: Callable[[], Awaitable[T]], /) -> T: ...


class RoomRequests:
    """The requests about named rooms of one client: `client.rooms`.

    Each raises RefusedError, or DisconnectedError if the reply was lost.
    """

    def __init__(self, rooms: room_requests.RoomRequests, call: Call) -> None:
        self._rooms = rooms
        self._call = call

    def mine(self) -> list[RoomInfo]:
        """Return the rooms that the user is in, by name."""
        return self._call(self._rooms.mine)

    def visible(self) -> list[RoomInfo]:
        """Return the rooms that the user is in or may join, by name."""
        return self._call(self._rooms.visible)

    def create(self, name: str, *, private: bool = False, topic: str | None = None) -> RoomDetails:
        """Create a room, whose owner the user is."""
        return self._call(partial(self._rooms.create, name, private=private, topic=topic))

    def join(self, name: str) -> RoomDetails:
        """Enter a room, which is open or to which the user is invited."""
        return self._call(partial(self._rooms.join, name))

    def leave(self, name: str) -> Membership:
        """Leave a room."""
        return self._call(partial(self._rooms.leave, name))

    def members(self, room: str) -> list[MemberInfo]:
        """Return the members of a room, by name."""
        return self._call(partial(self._rooms.members, room))

    def invite(self, username: str, room: str) -> Membership:
        """Invite a user into a room."""
        return self._call(partial(self._rooms.invite, username, room))

    def invitations(self) -> list[InvitationInfo]:
        """Return the rooms that the user is invited to, oldest first."""
        return self._call(self._rooms.invitations)

    def decline(self, name: str) -> Membership:
        """Decline an invitation into a room."""
        return self._call(partial(self._rooms.decline, name))

    def topic(self, room: str, text: str | None = None) -> RoomDetails:
        """Return a room as it is; or give it another topic, where '' is none."""
        return self._call(partial(self._rooms.topic, room, text))

    def set_role(self, username: str, role: str, room: str) -> Membership:
        """Give a member of a room another role: owner, moderator or member."""
        return self._call(partial(self._rooms.set_role, username, role, room))

    def remove(self, username: str, room: str, *, reason: str | None = None) -> Membership:
        """Remove a member from a room, who comes back only by an invitation."""
        return self._call(partial(self._rooms.remove, username, room, reason=reason))

    def close(self, room: str) -> RoomDetails:
        """Close a room: its members can read it, and nothing more is said in it."""
        return self._call(partial(self._rooms.close, room))
