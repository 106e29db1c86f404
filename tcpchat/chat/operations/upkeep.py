"""Operations that nobody requests: store who came and went, delete what need not be kept."""

from __future__ import annotations

from itertools import islice

import attrs

from tcpchat.chat.draft import Draft
from tcpchat.chat.fanout import Fanout
from tcpchat.chat.operations.base import Operation
from tcpchat.chat.state import ServerState
from tcpchat.chat.user import User
from tcpchat.store.changes import Change, EndSession, Prune, SetLeft, SetMember
from tcpchat.wire.base import LOBBY

RECORDS = 512  # users in one operation, so that no batch keeps others waiting for long


@attrs.define(eq=False, kw_only=True)
class StoreSessions(Operation):
    """Store which users left and came back. What changes meanwhile, or fails, stays to be stored."""

    _marks: dict[str, int] = attrs.field(factory=dict, init=False)
    _dropped: list[bytes] = attrs.field(factory=list, init=False)

    def decide(self, draft: Draft) -> None:
        index = draft.state.sessions
        users = [user for user in islice(index.dirty.values(), RECORDS) if draft.has_row(user)]
        users = [user for user in users if not draft.is_deleted(user.id)]
        ids = {user.id for user in users}
        self._dropped = [token for token, user in index.dropped.items() if user.id in ids]
        self._marks = {user.id: index.mark_of(user) for user in users}
        draft.add(*(EndSession(token, None) for token in self._dropped))
        for user in users:
            draft.add(*_rows(draft, user))

    def conclude(self, state: ServerState, fanout: Fanout) -> None:
        state.sessions.stored(self._marks, self._dropped)


def _rows(draft: Draft, user: User) -> list[Change]:
    """Return what the disk is to know: when the user left, the sessions, and how far the lobby was read."""
    delivered = max(user.lobby.delivered, user.left_seq)
    return [
        SetLeft(user.id, draft.at, user.left),
        *draft.sessions(user),
        SetMember(user.id, LOBBY, user.lobby.read, delivered),
    ]


@attrs.define(eq=False, kw_only=True)
class PruneStore(Operation):
    """Delete from disk what need not be kept any more.

    Who came back, or left since, but not for the disk yet, is stored first: else the sessions would be
    deleted.
    """

    prune: Prune

    def decide(self, draft: Draft) -> None:
        for user in draft.state.sessions.dirty.values():
            if draft.has_row(user) and not draft.is_deleted(user.id):
                draft.add(SetLeft(user.id, draft.at, user.left))
        draft.add(self.prune)
