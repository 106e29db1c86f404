"""An operation: a change of the chat that counts once it is on disk.

It goes through the pipeline in steps, all synchronous: `decide` adds changes to a draft. When they are on
disk the state is given them, and `conclude` makes the reply and says who else is to be notified; if the disk
refuses, or `decide` raises, `reject` makes the error the reply. `release` ends what was reserved when the
operation was requested. An operation holds ids and values, so that it could be decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from tcpchat.chat.draft import Draft
from tcpchat.chat.fanout import Fanout
from tcpchat.chat.state import ServerState
from tcpchat.chat.subscriber import Subscriber
from tcpchat.protocol import Error, Id, Reply, encode
from tcpchat.store.changes import Change


@attrs.define(eq=False, kw_only=True)
class Operation:
    """What one connection asks for, `requester`, with the request that has this id or has none.

    Messages that follow each other are one operation, with several requests and so several ids.
    """

    costs_request: bool = attrs.field(default=False, init=False)
    """It counts as a request, since no limit on messages held for it."""
    requester: Subscriber | None = attrs.field(default=None, init=False)
    ids: list[Id | None] = attrs.field(factory=list, init=False)
    """The ids of the requests, in their order."""
    reply: Reply | None = attrs.field(default=None, init=False)
    changes: Sequence[Change] = attrs.field(default=(), init=False)
    """What was decided."""
    is_stored: bool = attrs.field(default=False, init=False)
    """It rests on what is on disk already, so a disk that refuses its batch refuses nothing of it."""

    @property
    def size(self) -> int:
        """Return how many changes of the chat it is: the events that it adds to a room, or 1."""
        return 1

    @property
    def characters(self) -> int:
        """Return how much text it adds to a room."""
        return 0

    @property
    def about(self) -> tuple[str, ...]:
        """Return the ids of users who may be absent and must stay in memory until it is settled."""
        return ()

    def decide(self, draft: Draft) -> None:
        """Add the changes to the draft; may be called again if others of the batch were at fault.

        Raises ChatError, which rejects it.
        """
        raise NotImplementedError

    def conclude(self, state: ServerState, fanout: Fanout) -> None:
        """Set `reply` and add what others get, now that the changes are applied."""

    def encode_replies(self) -> list[bytes]:
        """Return a line for each request, once it is concluded or rejected."""
        assert self.reply is not None
        return [encode(self.reply, id) for id in self.ids]

    def reject(self, why: Error) -> None:
        """Give it up, with this as the reply."""
        self.reply = why

    def release(self, state: ServerState) -> None:
        """End what was reserved when it was requested; called once, at the very end."""
