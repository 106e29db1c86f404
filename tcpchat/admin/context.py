"""The context of the operator's commands: the chat, the disk, and the ways to change both together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection

import attrs

from tcpchat.chat.operations.base import Operation
from tcpchat.chat.state import ServerState
from tcpchat.errors import ChatError
from tcpchat.handlers.caller import PasswordHasher
from tcpchat.handlers.loader import Loader
from tcpchat.protocol import Event
from tcpchat.serving.connection import Connection
from tcpchat.settings import CENTURY
from tcpchat.store.reader import Reader
from tcpchat.times import FOREVER, MILLISECONDS, timestamp

Send = Callable[[Event], Awaitable[None]]
"""Sends an event to the operator before the reply, as fast as the operator reads."""


async def _discard(event: Event) -> None:
    """Send an event to nobody."""


@attrs.define(eq=False)
class OperatorContext:
    """One for each node. Changes go through `commit`, as those of users do."""

    state: ServerState
    reader: Reader
    hasher: PasswordHasher
    loader: Loader
    connections: Collection[Connection]
    """All connections of the server; none without a server."""
    commit: Callable[[Operation], Awaitable[None]]
    """Waits until the operation is on disk. Raises ChatError if it is rejected."""
    send: Send = _discard

    def now(self) -> int:
        """Return the time of day in ms since 1970."""
        return self.state.clock.now()

    def until(self, seconds: float | None) -> int:
        """Return when a duration from now ends; None has no end. Raises ChatError `bad-value`."""
        if seconds is None:
            return FOREVER
        if not 0 < seconds <= CENTURY:
            message = (
                "the duration must be more than 0 seconds and at most 100 years; leave it out for no end"
            )
            raise ChatError("bad-value", message, field="seconds", limit=CENTURY)
        return self.now() + int(seconds * MILLISECONDS)


def shown(until: int) -> str | None:
    """Write when something ends; None if never."""
    return None if until == FOREVER else timestamp(until)
