"""Commands about who is in a named room: leave, members, invite, roles, remove."""

from __future__ import annotations

from typing import ClassVar

import attrs

from tcpchat.commands.command import Command, argument, option, room_option
from tcpchat.commands.named_rooms import ROOM_NAME
from tcpchat.wire.base import AT, MORE, Reply, Request, about
from tcpchat.wire.room_events import NAMED, ROLE, TOPIC

_USER = argument("USER", "the name of the user")


@attrs.frozen(kw_only=True)
class Membership(Reply):
    """How a user stands to a room now."""

    type: ClassVar[str] = "membership"
    room: str = attrs.field(metadata=NAMED)
    username: str
    standing: str = attrs.field(metadata=about("owner, moderator, member, invited, removed or none"))


@attrs.frozen(kw_only=True)
class LeaveRoom(Request[Membership]):
    """Leave a room."""

    type: ClassVar[str] = "leave"
    name: str = attrs.field(metadata=ROOM_NAME)


LEAVE = Command(
    request=LeaveRoom,
    reply=Membership,
    summary="leave a room; its last owner makes another one first",
    examples=("leave ops", '{"type":"leave","name":"ops"}'),
)


@attrs.frozen(kw_only=True)
class MemberInfo:
    """A member of a room."""

    name: str
    role: str = attrs.field(metadata=ROLE)
    since: str = attrs.field(metadata=AT)
    here: bool = attrs.field(metadata=about("connected"))
    away: str | None = attrs.field(default=None, metadata=about("the away text, if the member is away"))


@attrs.frozen(kw_only=True)
class Members(Reply):
    """The members of a room."""

    type: ClassVar[str] = "members"
    room: str = attrs.field(metadata=NAMED)
    members: list[MemberInfo] = attrs.field(metadata=about("by name"))
    more: bool = attrs.field(metadata=MORE)


@attrs.frozen(kw_only=True)
class ListMembers(Request[Members]):
    """List the members of a room."""

    type: ClassVar[str] = "members"
    room: str | None = attrs.field(default=None, metadata=room_option())
    after: str | None = attrs.field(
        default=None, metadata=option(None, "NAME", "only names that sort after this one, for the next page")
    )


MEMBERS = Command(
    request=ListMembers,
    reply=Members,
    summary="list the members of a room, with their roles",
    examples=("members -r ops", '{"type":"members","room":"ops"}'),
)


@attrs.frozen(kw_only=True)
class InviteUser(Request[Membership]):
    """Invite a user into a room."""

    type: ClassVar[str] = "invite"
    username: str = attrs.field(metadata=_USER)
    room: str | None = attrs.field(default=None, metadata=room_option())


INVITE = Command(
    request=InviteUser,
    reply=Membership,
    summary="invite a user into a room; into a private one moderators and owners may",
    examples=("invite -r ops bob", '{"type":"invite","room":"ops","username":"bob"}'),
)


@attrs.frozen(kw_only=True)
class InvitationInfo:
    """An invitation into a room."""

    room: str = attrs.field(metadata=NAMED)
    sender: str = attrs.field(metadata={"wire": "from", **about("who invited you")})
    at: str = attrs.field(metadata=AT)
    topic: str | None = attrs.field(default=None, metadata=TOPIC)


@attrs.frozen(kw_only=True)
class Invitations(Reply):
    """The rooms that you are invited to."""

    type: ClassVar[str] = "invites"
    invites: list[InvitationInfo] = attrs.field(metadata=about("oldest first"))


@attrs.frozen(kw_only=True)
class ListInvitations(Request[Invitations]):
    """List the rooms that you are invited to."""

    type: ClassVar[str] = "invites"


INVITES = Command(
    request=ListInvitations,
    reply=Invitations,
    summary="list the rooms that you are invited to",
    examples=("invites", '{"type":"invites"}'),
)


@attrs.frozen(kw_only=True)
class DeclineInvitation(Request[Membership]):
    """Decline an invitation."""

    type: ClassVar[str] = "decline"
    name: str = attrs.field(metadata=ROOM_NAME)


DECLINE = Command(
    request=DeclineInvitation,
    reply=Membership,
    summary="decline an invitation into a room",
    examples=("decline ops", '{"type":"decline","name":"ops"}'),
)


@attrs.frozen(kw_only=True)
class ChangeRole(Request[Membership]):
    """Give a member of a room another role."""

    type: ClassVar[str] = "role"
    username: str = attrs.field(metadata=_USER)
    role: str = attrs.field(metadata=argument("ROLE", "owner, moderator or member"))
    room: str | None = attrs.field(default=None, metadata=room_option())


ROLE_COMMAND = Command(
    request=ChangeRole,
    reply=Membership,
    summary="give a member of a room another role, as its owners may",
    examples=("role -r ops bob moderator", '{"type":"role","room":"ops","username":"bob","role":"owner"}'),
)


@attrs.frozen(kw_only=True)
class RemoveMember(Request[Membership]):
    """Remove a member from a room, who comes back only by an invitation."""

    type: ClassVar[str] = "remove"
    username: str = attrs.field(metadata=_USER)
    room: str | None = attrs.field(default=None, metadata=room_option())
    reason: str | None = attrs.field(
        default=None, metadata=argument("REASON", "the reason, which all members see", rest=True)
    )


REMOVE = Command(
    request=RemoveMember,
    reply=Membership,
    summary="remove a member of a lower role from a room, as moderators and owners may",
    examples=("remove -r ops bob too loud", '{"type":"remove","room":"ops","username":"bob"}'),
)
