"""Operations on named rooms themselves: create one, change its topic, close it."""

from __future__ import annotations

import attrs

from tcpchat.chat.draft import Draft
from tcpchat.chat.fanout import Fanout
from tcpchat.chat.operations.base import Operation
from tcpchat.chat.operations.users import requester_of
from tcpchat.chat.roles import OWNER, check_may
from tcpchat.chat.room import Kind, Room
from tcpchat.chat.state import ServerState
from tcpchat.chat.user import User
from tcpchat.errors import ChatError
from tcpchat.protocol import RoomDetails
from tcpchat.store.room_changes import CLOSED, JOINED, MEMBER, TOPIC, NewNamedRoom
from tcpchat.times import timestamp


@attrs.define(eq=False, kw_only=True)
class RoomOperation(Operation):
    """Something that `user` does to the room; everybody in it gets its events, the reply is the room."""

    user: str
    room: str

    def conclude(self, state: ServerState, fanout: Fanout) -> None:
        room = state.rooms.open(self.room)
        fanout.to_room(room, room.take_appended())
        self.reply = details(room, state.users.get(self.user))


@attrs.define(eq=False, kw_only=True)
class CreateRoom(RoomOperation):
    """Create a room, of which the user is the owner."""

    key: str
    private: bool
    topic: str
    most: int
    """How many rooms one user may own; 0: any number."""

    def decide(self, draft: Draft) -> None:
        user = requester_of(draft, self.user)
        if not draft.is_registered(user):
            raise ChatError("not-registered", "only registered users create rooms; register first")
        owned = draft.rooms.owned(user)
        if self.most and owned >= self.most:
            message = f"you own {owned} of the {self.most} rooms that one user may own; close one"
            raise ChatError("too-many-rooms", message, limit=self.most)
        draft.ensure_row(user)
        draft.rooms.create(NewNamedRoom(self.room, self.key, int(self.private), self.topic))
        seq = draft.rooms.add_event(self.room, MEMBER, user, about=user, change=JOINED)
        draft.rooms.enter(user, self.room, OWNER, seq)


@attrs.define(eq=False, kw_only=True)
class SetTopic(RoomOperation):
    """Give the room another topic."""

    topic: str

    def decide(self, draft: Draft) -> None:
        user = requester_of(draft, self.user)
        check_may(draft.rooms.check_member(user, self.room), "change the topic", self.room)
        draft.rooms.check_open(self.room)
        draft.rooms.set_topic(self.room, self.topic)
        draft.rooms.add_event(self.room, TOPIC, user, text=self.topic)


@attrs.define(eq=False, kw_only=True)
class CloseRoom(RoomOperation):
    """Close the room: it can be read, and nothing more said in it."""

    def decide(self, draft: Draft) -> None:
        user = requester_of(draft, self.user)
        check_may(draft.rooms.check_member(user, self.room), "close the room", self.room)
        draft.rooms.check_open(self.room)
        draft.rooms.close(self.room)
        draft.rooms.add_event(self.room, CLOSED, user)


def details(room: Room, user: User | None) -> RoomDetails:
    """Return the room as this user sees it."""
    member = None if user is None else user.members.get(room.name)
    is_member = member is not None and room.kind is Kind.NAMED
    return RoomDetails(
        room=room.name,
        topic=room.topic or None,
        private=room.private or None,
        closed=None if room.closed is None else timestamp(room.closed),
        role=member.role if is_member and member is not None else None,
        seq=room.seq if is_member else None,
    )
