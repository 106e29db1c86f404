"""Handlers for who is in a named room: leave, members, invite, roles, remove."""

from __future__ import annotations

from tcpchat.chat.operations import membership as operations
from tcpchat.chat.roles import check_role
from tcpchat.commands import membership as commands
from tcpchat.errors import ChatError
from tcpchat.handlers.caller import Caller
from tcpchat.handlers.places import find_named
from tcpchat.handlers.registry import handles
from tcpchat.protocol import (
    EncodedReply,
    InvitationInfo,
    Invitations,
    MemberInfo,
    Members,
    encode_part,
    page,
    parse_room,
    reply_with,
)
from tcpchat.store.queries.rooms import list_invitations, list_members
from tcpchat.store.rows import ListedMember
from tcpchat.times import timestamp

PAGE = 500  # members in one reply
MAX_REASON = 200  # characters


@handles(commands.LEAVE)
async def leave(caller: Caller, request: commands.LeaveRoom) -> operations.LeaveRoom:
    return operations.LeaveRoom(user=caller.user.id, room=find_named(caller, request.name).name)


@handles(commands.MEMBERS)
async def members(caller: Caller, request: commands.ListMembers) -> EncodedReply[Members]:
    room = find_named(caller, request.room)
    found = await caller.reader.ask(list_members, room.name, request.after or "", PAGE + 1)
    shown, more = page(encode_part(_info(caller, row)) for row in found[:PAGE])
    return reply_with(Members, room=room.name, members=shown, more=more or len(found) > PAGE)


def _info(caller: Caller, row: ListedMember) -> MemberInfo:
    user = caller.state.users.get(row.user)
    return MemberInfo(
        name=row.name,
        role=row.role,
        since=timestamp(row.since),
        here=user is not None and bool(user.connections),
        away=None if user is None or user.away is None else user.away[0],
    )


@handles(commands.INVITE)
async def invite(caller: Caller, request: commands.InviteUser) -> operations.InviteUser:
    room = find_named(caller, request.room)
    other = await caller.loader.named(request.username)
    return operations.InviteUser(user=caller.user.id, room=room.name, other=other.id, name=caller.user.name)


@handles(commands.INVITES)
async def invites(caller: Caller, request: commands.ListInvitations) -> EncodedReply[Invitations]:
    found = await caller.reader.ask(list_invitations, caller.user.id)
    shown, _ = page(
        encode_part(
            InvitationInfo(room=row.room, sender=row.by, at=timestamp(row.at), topic=row.topic or None)
        )
        for row in found
    )
    return reply_with(Invitations, invites=shown)


@handles(commands.DECLINE)
async def decline(caller: Caller, request: commands.DeclineInvitation) -> operations.DeclineInvitation:
    room = caller.state.rooms.find(parse_room(request.name))
    if room is None:
        raise operations.not_invited(parse_room(request.name))
    return operations.DeclineInvitation(user=caller.user.id, room=room.name)


@handles(commands.ROLE_COMMAND)
async def role(caller: Caller, request: commands.ChangeRole) -> operations.ChangeRole:
    check_role(request.role)
    room = find_named(caller, request.room)
    other = await caller.loader.named(request.username)
    return operations.ChangeRole(user=caller.user.id, room=room.name, other=other.id, role=request.role)


@handles(commands.REMOVE)
async def remove(caller: Caller, request: commands.RemoveMember) -> operations.RemoveMember:
    room, reason = find_named(caller, request.room), request.reason or ""
    if len(reason) > MAX_REASON:
        message = f"the reason has {len(reason)} characters; at most {MAX_REASON} are allowed"
        raise ChatError("text-too-long", message, limit=MAX_REASON, field="reason")
    other = await caller.loader.named(request.username)
    return operations.RemoveMember(user=caller.user.id, room=room.name, other=other.id, reason=reason)
