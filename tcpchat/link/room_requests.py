"""The requests about named rooms, as methods that return typed values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tcpchat.protocol import (
    ChangeRole,
    ChangeTopic,
    CloseRoom,
    CreateRoom,
    DeclineInvitation,
    InvitationInfo,
    InviteUser,
    JoinRoom,
    LeaveRoom,
    ListInvitations,
    ListMembers,
    ListRooms,
    MemberInfo,
    Membership,
    RemoveMember,
    RoomDetails,
    RoomInfo,
)

if TYPE_CHECKING:
    from tcpchat.link.requests import Requests


class RoomRequests:
    """The requests about named rooms of one client: `client.rooms`.

    Each raises RefusedError, or DisconnectedError if the reply was lost.
    """

    def __init__(self, requests: Requests) -> None:
        self._requests = requests

    async def mine(self) -> list[RoomInfo]:
        """Return the rooms that the user is in, by name."""
        return [room async for page in self._requests.pages(ListRooms()) for room in page.rooms]

    async def visible(self) -> list[RoomInfo]:
        """Return the rooms that the user is in or may join, by name."""
        return [room async for page in self._requests.pages(ListRooms(all=True)) for room in page.rooms]

    async def create(self, name: str, *, private: bool = False, topic: str | None = None) -> RoomDetails:
        """Create a room, whose owner the user is."""
        return await self._requests.request(CreateRoom(name=name, private=private, topic=topic))

    async def join(self, name: str) -> RoomDetails:
        """Enter a room, which is open or to which the user is invited."""
        return await self._requests.request(JoinRoom(name=name))

    async def leave(self, name: str) -> Membership:
        """Leave a room."""
        return await self._requests.request(LeaveRoom(name=name))

    async def members(self, room: str) -> list[MemberInfo]:
        """Return the members of a room, by name."""
        pages = self._requests.pages(ListMembers(room=room))
        return [member async for page in pages for member in page.members]

    async def invite(self, username: str, room: str) -> Membership:
        """Invite a user into a room."""
        return await self._requests.request(InviteUser(username=username, room=room))

    async def invitations(self) -> list[InvitationInfo]:
        """Return the rooms that the user is invited to, oldest first."""
        return (await self._requests.request(ListInvitations())).invites

    async def decline(self, name: str) -> Membership:
        """Decline an invitation into a room."""
        return await self._requests.request(DeclineInvitation(name=name))

    async def topic(self, room: str, text: str | None = None) -> RoomDetails:
        """Return a room as it is; or give it another topic, where '' is none."""
        return await self._requests.request(ChangeTopic(room=room, text=text))

    async def set_role(self, username: str, role: str, room: str) -> Membership:
        """Give a member of a room another role: owner, moderator or member."""
        return await self._requests.request(ChangeRole(username=username, role=role, room=room))

    async def remove(self, username: str, room: str, *, reason: str | None = None) -> Membership:
        """Remove a member from a room, who comes back only by an invitation."""
        return await self._requests.request(RemoveMember(username=username, room=room, reason=reason))

    async def close(self, room: str) -> RoomDetails:
        """Close a room: its members can read it, and nothing more is said in it."""
        return await self._requests.request(CloseRoom(room=room))
