"""An operation: a change of the chat that counts once it is on disk.

It goes through the pipeline in steps, all synchronous: `decide` adds changes to a draft. When they are on
disk the state is given them, and `conclude` makes the reply and says who else is to be notified; if the disk
refuses, or `decide` raises, `reject` makes the error the reply. `release` ends what was reserved when the
operation was requested. An operation holds ids and values, so that it could be decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import attrs

from tcpchat.chat.draft import Draft
from tcpchat.chat.fanout import Fanout
from tcpchat.chat.subscriber import Subscriber
from tcpchat.protocol import Error, Id, Reply, encode
from tcpchat.store.changes import Change

if TYPE_CHECKING:
    from tcpchat.chat.state import ServerState


@attrs.define(eq=False, kw_only=True)
class Operation:
    """One change, and the connection that gets its reply: `requester`, by the id of the request."""

    costs_request: bool = attrs.field(default=False, init=False)
    """It counts as a request, since no limit on messages held for it."""
    requester: Subscriber | None = attrs.field(default=None, init=False)
    re: Id | None = attrs.field(default=None, init=False)
    reply: Reply | None = attrs.field(default=None, init=False)
    changes: Sequence[Change] = attrs.field(default=(), init=False)
    """What was decided."""
    is_stored: bool = attrs.field(default=False, init=False)
    """It rests on what is on disk already, so a disk that refuses its batch refuses nothing of it."""

    def decide(self, draft: Draft) -> None:
        """Add the changes to the draft; may be called again if others of the batch were at fault.

        Raises ChatError, which rejects it.
        """
        raise NotImplementedError

    def conclude(self, state: ServerState, fanout: Fanout) -> None:
        """Set `reply` and add what others get, now that the changes are applied."""

    def encode_reply(self, re: Id | None) -> bytes:
        """Return the reply as a line, once it is concluded or rejected."""
        assert self.reply is not None
        return encode(self.reply, re)

    def reject(self, why: Error) -> None:
        """Give it up, with this as the reply."""
        self.reply = why

    def release(self, state: ServerState) -> None:
        """End what was reserved when it was requested; called once, at the very end."""
