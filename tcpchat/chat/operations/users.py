"""Operations on what is stored of one user: the name, settings, and everything, when it is deleted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from tcpchat.chat.draft import Draft
from tcpchat.chat.fanout import Fanout
from tcpchat.chat.operations.base import Operation
from tcpchat.chat.room import direct_name
from tcpchat.chat.state import ServerState
from tcpchat.chat.user import User
from tcpchat.errors import ChatError
from tcpchat.protocol import Read, Renamed, Reply, encode
from tcpchat.store.changes import Change, DeleteUser, DropIgnored, TransferReports


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
class ChangeUser(Operation):
    """Changes of what is stored for the user; `done` is the reply."""

    user: str
    settings: Sequence[Change]
    done: Reply
    others: Sequence[str] = ()
    """The ids of users to whom the changes refer."""

    def decide(self, draft: Draft) -> None:
        for id in (self.user, *self.others):
            user = draft.user(id)
            if user is not None:
                draft.ensure_row(user)
        draft.add(*self.settings)

    def conclude(self, state: ServerState, fanout: Fanout) -> None:
        self.reply = self.done


@attrs.define(eq=False, kw_only=True)
class Unignore(Operation):
    """Stop ignoring users; what they sent to the user privately meanwhile counts as read.

    The user's connections were not given it. The read marker tells them that there is nothing to fetch. It
    stays where the user was given a message before and has not read it.
    """

    user: str
    others: Mapping[str, str]
    """The names of the users, by id."""
    done: Reply
    _read: list[Read] = attrs.field(factory=list, init=False)

    def decide(self, draft: Draft) -> None:
        user = requester_of(draft, self.user)
        self._read = []
        for other, name in self.others.items():
            draft.add(DropIgnored(self.user, other))
            room = draft.state.rooms.get(direct_name(self.user, other))
            if room is None or draft.is_new_member(user, room.name):
                continue
            last, read = draft.last_seq(room.name), draft.read(user, room.name)
            if draft.state.receipts.delivered(user, room) <= read < last:
                draft.set_read(user, room.name, last)
                self._read.append(Read(room=room.id, username=name, seq=last))

    def conclude(self, state: ServerState, fanout: Fanout) -> None:
        self.reply = self.done
        user = state.users.get(self.user)
        if user is not None:
            for read in self._read:
                fanout.to_user(user, encode(read))


@attrs.define(eq=False, kw_only=True)
class Delete(Operation):
    """Leave nothing of a user but the numbers and times of events.

    What is decided after this and would write of the user is rejected, so that nothing comes after it.
    """

    user: str
    ended: int = attrs.field(default=0, init=False)
    """How many connections ended."""

    def decide(self, draft: Draft) -> None:
        user = draft.user(self.user)
        if user is None:
            raise ChatError("no-such-user", "this user is not in memory; try again")
        draft.delete(user)
        self.ended = len(user.connections)
        draft.add(DeleteUser(self.user))
