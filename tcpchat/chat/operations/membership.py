"""Operations on who is in a named room: join, leave, invite, decline, roles, remove."""

from __future__ import annotations

import attrs

from tcpchat.chat.draft import Draft
from tcpchat.chat.fanout import Fanout
from tcpchat.chat.operations.base import Operation
from tcpchat.chat.operations.rooms import RoomOperation
from tcpchat.chat.operations.users import requester_of
from tcpchat.chat.roles import MEMBER, OWNER, check_may, check_outranks
from tcpchat.chat.state import ServerState
from tcpchat.chat.user import User
from tcpchat.errors import ChatError
from tcpchat.protocol import Invited, Membership, encode, no_such_room
from tcpchat.store import room_changes
from tcpchat.store.room_changes import INVITED, JOINED, LEFT, REMOVED
from tcpchat.times import timestamp

NONE = "none"  # how a user stands to a room who is not in it, not invited and not removed


@attrs.define(eq=False, kw_only=True)
class JoinRoom(RoomOperation):
    """Enter a room, which is open or to which the user is invited. What was said before counts as read."""

    _enters: bool = attrs.field(default=False, init=False)

    def decide(self, draft: Draft) -> None:
        user, rooms = requester_of(draft, self.user), draft.rooms
        self._enters = False
        if rooms.role(user, self.room) is not None:
            return
        standing = rooms.standing(user, self.room)
        room = draft.state.rooms.open(self.room)
        if room.private and standing != INVITED:
            raise no_such_room(self.room)
        if standing == REMOVED:
            message = f"you were removed from {self.room}; its moderators and owners can invite you"
            raise ChatError("removed", message, name=self.room)
        rooms.check_open(self.room)
        draft.ensure_row(user)
        seq = rooms.add_event(self.room, room_changes.MEMBER, user, about=user, change=JOINED)
        rooms.enter(user, self.room, MEMBER, seq)
        self._enters = True

    def conclude(self, state: ServerState, fanout: Fanout) -> None:
        user = state.users.get(self.user)
        if self._enters and user is not None:
            fanout.enter(state.rooms.open(self.room), user)
        RoomOperation.conclude(self, state, fanout)


@attrs.define(eq=False, kw_only=True)
class LeaveRoom(Operation):
    """Leave a room. Its last owner cannot, unless it is closed."""

    user: str
    room: str

    def decide(self, draft: Draft) -> None:
        user, rooms = requester_of(draft, self.user), draft.rooms
        rooms.check_member(user, self.room)
        if rooms.owners(self.room) == {user.id} and not rooms.is_closed(self.room):
            raise last_owner(self.room)
        rooms.add_event(self.room, room_changes.MEMBER, user, about=user, change=LEFT)
        rooms.leave(user, self.room)

    def conclude(self, state: ServerState, fanout: Fanout) -> None:
        user = state.users.get(self.user)
        tell_room(state, fanout, self.room, user)
        self.reply = membership(self.room, user)


@attrs.define(eq=False, kw_only=True)
class AboutMember(Operation):
    """Something that one user does to how another stands to a room; the reply says how that is now."""

    user: str
    room: str
    other: str
    """The id of the other user."""

    @property
    def about(self) -> tuple[str, ...]:
        return (self.other,)

    def other_of(self, draft: Draft) -> User:
        """Return the other user. Raises ChatError `no-such-user`."""
        other = draft.user(self.other)
        if other is None:
            raise ChatError("no-such-user", "this user does not exist any more")
        return other

    def conclude(self, state: ServerState, fanout: Fanout) -> None:
        other = state.users.get(self.other)
        tell_room(state, fanout, self.room, other)
        self.reply = membership(self.room, other)


@attrs.define(eq=False, kw_only=True)
class InviteUser(AboutMember):
    """Invite a user, who may join then, also after a removal."""

    name: str
    """Of the user who invites."""
    _is_new: bool = attrs.field(default=False, init=False)
    _at: int = attrs.field(default=0, init=False)

    def decide(self, draft: Draft) -> None:
        user, other, rooms = requester_of(draft, self.user), self.other_of(draft), draft.rooms
        room = draft.state.rooms.open(self.room)
        standing = rooms.standing(other, self.room)
        action = "invite into a private room" if room.private else "invite"
        if standing == REMOVED:  # else any member could undo what a moderator did
            action = "invite a user who was removed"
        check_may(rooms.check_member(user, self.room), action, self.room)
        rooms.check_open(self.room)
        if rooms.role(other, self.room) is not None:
            name, _ = draft.name(other)
            raise ChatError("already-member", f"{name} is in {self.room} already", name=name)
        self._is_new, self._at = standing != INVITED, draft.at
        if self._is_new:
            draft.ensure_row(user)
            draft.ensure_row(other)
            rooms.set_standing(other, self.room, INVITED, user.id)
            rooms.add_event(self.room, room_changes.MEMBER, user, about=other, change=INVITED)

    def conclude(self, state: ServerState, fanout: Fanout) -> None:
        room, other = state.rooms.open(self.room), state.users.get(self.other)
        fanout.to_room(room, room.take_appended())
        self.reply = membership(self.room, other)
        if self._is_new and other is not None and self.user not in other.ignored:
            invited = Invited(
                room=self.room, at=timestamp(self._at), sender=self.name, topic=room.topic or None
            )
            fanout.deliver_or_queue(other, encode(invited))


@attrs.define(eq=False, kw_only=True)
class DeclineInvitation(Operation):
    """Decline an invitation."""

    user: str
    room: str

    def decide(self, draft: Draft) -> None:
        user = requester_of(draft, self.user)
        if draft.rooms.standing(user, self.room) != INVITED:
            raise not_invited(self.room)
        draft.rooms.drop_standing(user, self.room)

    def conclude(self, state: ServerState, fanout: Fanout) -> None:
        user = state.users.get(self.user)
        self.reply = membership(self.room, user)


@attrs.define(eq=False, kw_only=True)
class ChangeRole(AboutMember):
    """Give a member another role. A room that is not closed keeps an owner, who is registered."""

    role: str

    def decide(self, draft: Draft) -> None:
        user, other, rooms = requester_of(draft, self.user), self.other_of(draft), draft.rooms
        check_may(rooms.check_member(user, self.room), "change a role", self.room)
        name, _ = draft.name(other)
        role = rooms.role(other, self.room)
        if role is None:
            raise not_member(name, self.room)
        if role == self.role:
            return
        if rooms.owners(self.room) == {other.id} and not rooms.is_closed(self.room):
            raise last_owner(self.room)
        if self.role == OWNER and not draft.is_registered(other):
            raise ChatError(
                "not-registered", f"{name} is a guest; only registered users own rooms", name=name
            )
        rooms.set_role(other, self.room, self.role)
        rooms.add_event(self.room, room_changes.MEMBER, user, about=other, change=self.role)


@attrs.define(eq=False, kw_only=True)
class RemoveMember(AboutMember):
    """Remove a member of a lower role, who comes back only by an invitation."""

    reason: str

    def decide(self, draft: Draft) -> None:
        user, other, rooms = requester_of(draft, self.user), self.other_of(draft), draft.rooms
        own = rooms.check_member(user, self.room)
        check_may(own, "remove a member", self.room)
        name, _ = draft.name(other)
        role = rooms.role(other, self.room)
        if role is None:
            raise not_member(name, self.room)
        check_outranks(own, role, name, self.room)
        rooms.add_event(self.room, room_changes.MEMBER, user, about=other, change=REMOVED, text=self.reason)
        rooms.leave(other, self.room)
        rooms.set_standing(other, self.room, REMOVED, user.id)


def tell_room(state: ServerState, fanout: Fanout, name: str, about: User | None) -> None:
    """Send the events that were appended to everybody in the room, and to a user who just left it."""
    room = state.rooms.open(name)
    fanout.to_room(room, room.take_appended())
    if about is not None and name not in about.members:
        fanout.leave(room, about)


def membership(room: str, user: User | None) -> Membership:
    """Return how a user stands to a room; one who has just left memory does in no way."""
    if user is None:
        return Membership(room=room, username="", standing=NONE)
    member = user.members.get(room)
    standing = user.standings.get(room, NONE) if member is None else member.role
    return Membership(room=room, username=user.name, standing=standing)


def last_owner(room: str) -> ChatError:
    """Return the refusal to leave a room without an owner."""
    message = f"you are the last owner of {room}; make another member its owner first, or close the room"
    return ChatError("last-owner", message, name=room)


def not_member(name: str, room: str) -> ChatError:
    """Return the refusal of what can be done to members only."""
    return ChatError("not-a-member", f"{name} is not in {room}", name=name)


def not_invited(room: str) -> ChatError:
    """Return the refusal to decline what is not there; the same whether the room exists or not."""
    return ChatError("no-such-invite", f"you are not invited to {room[:64]!r}", field="name")
