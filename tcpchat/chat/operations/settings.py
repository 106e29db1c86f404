"""Operations on what users set for themselves: away or back, receipts, whom they ignore.

Two connections of one user may ask at once. So each is decided on what the ones before it left, and the reply
tells what holds once it is applied.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from tcpchat.chat.draft import Draft
from tcpchat.chat.fanout import Fanout
from tcpchat.chat.operations.base import Operation
from tcpchat.chat.operations.users import requester_of
from tcpchat.chat.room import direct_name
from tcpchat.chat.state import ServerState
from tcpchat.chat.user import User
from tcpchat.errors import ChatError
from tcpchat.protocol import Away, Back, Ignoring, Read, Receipts, encode
from tcpchat.times import timestamp

MOST_IGNORED = 1000  # so that nobody makes the server keep endless lists


@attrs.define(eq=False, kw_only=True)
class ChangeAway(Operation):
    """The user is away, with a text for others and since when, or is back."""

    user: str
    away: tuple[str, int] | None

    def decide(self, draft: Draft) -> None:
        user = requester_of(draft, self.user)
        if self.away is not None or draft.away(user) is not None:
            draft.ensure_row(user)
            draft.set_away(user, self.away)

    def conclude(self, state: ServerState, fanout: Fanout) -> None:
        if self.away is None:
            self.reply = Back()
        else:
            text, since = self.away
            self.reply = Away(text=text, since=timestamp(since))


@attrs.define(eq=False, kw_only=True)
class ChangeReceipts(Operation):
    """The user lets others know what was read, and learns it of them; or neither."""

    user: str
    on: bool

    def decide(self, draft: Draft) -> None:
        user = requester_of(draft, self.user)
        if self.on != draft.receipts(user):
            draft.ensure_row(user)
            draft.set_receipts(user, on=self.on)

    def conclude(self, state: ServerState, fanout: Fanout) -> None:
        self.reply = Receipts(on=self.on)


@attrs.define(eq=False, kw_only=True)
class ChangeIgnored(Operation):
    """Another list of users whom the user ignores; the reply is the list."""

    user: str
    names: Mapping[str, str]
    """By id, the names of the users on it when it was requested: the last ones of those who are gone."""

    def conclude(self, state: ServerState, fanout: Fanout) -> None:
        user = state.users.get(self.user)
        known = [self._name(state, id) for id in (user.ignored if user is not None else ())]
        self.reply = Ignoring(users=sorted(name for name in known if name is not None))

    def _name(self, state: ServerState, id: str) -> str | None:
        found = state.users.get(id) or state.directory.stored(id)
        return self.names.get(id) if found is None else found.name


@attrs.define(eq=False, kw_only=True)
class Ignore(ChangeIgnored):
    """Ignore another user."""

    other: str

    def decide(self, draft: Draft) -> None:
        user, other = requester_of(draft, self.user), draft.user(self.other)
        ignored = draft.ignored(user)
        if self.other in ignored:
            return
        if len(ignored) >= MOST_IGNORED:
            message = f"you ignore {MOST_IGNORED} users; unignore one first"
            raise ChatError("too-many-ignored", message, limit=MOST_IGNORED)
        draft.ensure_row(user)
        if other is not None:
            draft.ensure_row(other)
        draft.ignore(user, self.other)


@attrs.define(eq=False, kw_only=True)
class Unignore(ChangeIgnored):
    """Stop ignoring users; what they sent to the user privately meanwhile counts as read.

    The user's connections were not given it. The read marker tells them that there is nothing to fetch. It
    stays where the user was given a message before and has not read it.
    """

    others: Mapping[str, str]
    """The names of the users, by id."""
    _read: list[Read] = attrs.field(factory=list, init=False)

    def decide(self, draft: Draft) -> None:
        user = requester_of(draft, self.user)
        self._read = []
        for other in sorted(draft.ignored(user) & self.others.keys()):
            draft.unignore(user, other)
            self._skip_unread(draft, user, other)

    def _skip_unread(self, draft: Draft, user: User, other: str) -> None:
        room = draft.state.rooms.get(direct_name(user.id, other))
        if room is None or draft.is_new_member(user, room.name):
            return
        last, read = draft.last_seq(room.name), draft.read(user, room.name)
        if draft.state.receipts.delivered(user, room) <= read < last:
            draft.set_read(user, room.name, last)
            self._read.append(Read(room=room.id, username=self.others[other], seq=last))

    def conclude(self, state: ServerState, fanout: Fanout) -> None:
        ChangeIgnored.conclude(self, state, fanout)
        user = state.users.get(self.user)
        if user is not None:
            for read in self._read:
                fanout.to_user(user, encode(read))
