"""Operations on what is stored of one user: the name, and everything, when it is deleted."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from tcpchat.chat.draft import Draft
from tcpchat.chat.fanout import Fanout
from tcpchat.chat.operations.base import Operation
from tcpchat.chat.roles import OWNER
from tcpchat.chat.state import ServerState
from tcpchat.chat.user import User
from tcpchat.errors import ChatError
from tcpchat.protocol import Renamed, encode
from tcpchat.store.changes import DeleteUser, TransferReports
from tcpchat.store.room_changes import CLOSED, LEFT, MEMBER


def requester_of(draft: Draft, id: str) -> User:
    """Return the user of this id, who is connected. Raises ChatError `no-such-user` if that changed."""
    user = draft.user(id)
    if user is None:
        raise ChatError("no-such-user", "you are not connected any more")
    return user


@attrs.define(eq=False, kw_only=True)
class Rename(Operation):
    """A rename to a claimed name. It is written if anything on disk refers to the user or to the name."""

    user: str
    name: str
    key: str
    _old: str = attrs.field(default="", init=False)

    def decide(self, draft: Draft) -> None:
        user = requester_of(draft, self.user)
        self._old, _ = draft.name(user)
        last = draft.state.moderation.inherited(user.id, self.key)
        if last is not None:
            draft.ensure_row(user)
        draft.rename(user, self.name, self.key)
        if last is not None:
            draft.set_conduct(user.id, draft.conduct(user.id).merge(draft.conduct(last)))
            draft.add(TransferReports(last, user.id))

    def conclude(self, state: ServerState, fanout: Fanout) -> None:
        self.reply = Renamed(old=self._old, new=self.name)
        user = state.users.get(self.user)
        if user is not None:
            fanout.to_user(user, encode(self.reply), but=self.requester)

    def release(self, state: ServerState) -> None:
        state.directory.release(self.key)


@attrs.define(eq=False, kw_only=True)
class Delete(Operation):
    """Leave nothing of a user but the numbers and times of events.

    What is decided after this and would write of the user is rejected, so that nothing comes after it. A room
    of which the user is the last owner gets another one, or is closed.
    """

    user: str
    heirs: Mapping[str, str | None] = attrs.field(factory=dict)
    """By room, the ids of the next owners, who are in memory; None where nobody can be."""
    ended: int = attrs.field(default=0, init=False)
    """How many connections ended."""
    _rooms: list[str] = attrs.field(factory=list, init=False)

    @property
    def about(self) -> tuple[str, ...]:
        return (self.user, *(heir for heir in self.heirs.values() if heir is not None))

    def decide(self, draft: Draft) -> None:
        user = draft.user(self.user)
        if user is None:
            raise ChatError("no-such-user", "this user is not in memory; try again")
        self._rooms = draft.rooms.members(user)
        for room in self._rooms:
            self._leave(draft, user, room)
        draft.delete(user)
        self.ended = len(user.connections)
        draft.add(DeleteUser(self.user))

    def _leave(self, draft: Draft, user: User, name: str) -> None:
        rooms = draft.rooms
        if rooms.owners(name) == {user.id} and not rooms.is_closed(name):
            if name not in self.heirs:
                raise ChatError("no-such-user", f"{name} got another owner just now; try again")
            self._hand_over(draft, user, name, self.heirs[name])
        rooms.add_event(name, MEMBER, user, about=user, change=LEFT)
        rooms.forget(user, name)

    def _hand_over(self, draft: Draft, user: User, name: str, id: str | None) -> None:
        rooms = draft.rooms
        if id is None:
            rooms.close(name)
            rooms.add_event(name, CLOSED, user)
            return
        heir = draft.user(id)
        if heir is None or rooms.role(heir, name) is None:
            raise ChatError("no-such-user", f"the next owner of {name} just left it; try again")
        rooms.set_role(heir, name, OWNER)
        rooms.add_event(name, MEMBER, user, about=heir, change=OWNER)

    def conclude(self, state: ServerState, fanout: Fanout) -> None:
        for name in self._rooms:
            room = state.rooms.open(name)
            fanout.to_room(room, room.take_appended())
