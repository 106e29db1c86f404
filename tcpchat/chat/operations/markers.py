"""Operations on read markers: how far users have read rooms, and were given them."""

from __future__ import annotations

import attrs

from tcpchat.chat.draft import Draft
from tcpchat.chat.fanout import Fanout
from tcpchat.chat.operations.base import Operation
from tcpchat.chat.operations.users import requester_of
from tcpchat.chat.receipts import Moved, receipt, shows_read
from tcpchat.chat.room import Kind
from tcpchat.chat.state import ServerState
from tcpchat.errors import ChatError
from tcpchat.protocol import Error, Read, encode
from tcpchat.store.changes import SetMember, peer_of


@attrs.define(eq=False, kw_only=True)
class MarkRead(Operation):
    """The user has read a room up to an event; never back."""

    user: str
    room: str
    username: str | None
    """The name of the other user of a direct room."""
    seq: int
    _moves: bool = attrs.field(default=False, init=False)
    _delivers: bool = attrs.field(default=False, init=False)

    def decide(self, draft: Draft) -> None:
        user = requester_of(draft, self.user)
        if draft.is_new_member(user, self.room):
            raise ChatError("no-such-room", "you are not in this room any more")
        member = user.members.get(self.room)
        self._moves = self.seq > draft.read(user, self.room)
        self._delivers = member is None or self.seq > member.delivered
        if self._moves:
            draft.set_read(user, self.room, self.seq)

    def conclude(self, state: ServerState, fanout: Fanout) -> None:
        user = state.users.get(self.user)
        if user is None or self.room not in user.members:
            self.reply = Error(code="no-such-room", message="you are not in this room any more")
            return
        member = user.members[self.room]
        self.reply = Read(room=member.room.id, username=self.username, seq=member.read)
        if not self._moves:
            return
        fanout.to_user(user, encode(self.reply), but=self.requester)
        if member.room.kind is Kind.DIRECT:
            author = state.users.get(peer_of(self.room, self.user))
            if self._delivers or shows_read(user, author):
                state.receipts.moved(user, member.room)


@attrs.define(eq=False, kw_only=True)
class StoreReceipts(Operation):
    """Store read markers that moved, and notify the authors of the messages."""

    moved: list[Moved]

    def decide(self, draft: Draft) -> None:
        for id, room, delivered in self.moved:
            user = draft.state.users.get(id)
            if user is not None and not draft.is_deleted(id):
                draft.add_about(user, SetMember(id, room, 0, delivered))

    def conclude(self, state: ServerState, fanout: Fanout) -> None:
        for id, room, _ in self.moved:
            user = state.users.get(id)
            author = state.users.get(peer_of(room, id))
            if user is None or author is None or author is user or not author.connections:
                continue
            if (member := user.members.get(room)) is not None:
                fanout.to_user(author, encode(receipt(user, author, member)))

    def release(self, state: ServerState) -> None:
        alive = [moved for moved in self.moved if moved.user not in state.users.deleted]
        state.receipts.end(alive, stored=not isinstance(self.reply, Error))
