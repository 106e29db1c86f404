"""The context of the operator's commands: the chat, the disk, and the ways to change both together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection

import attrs

from tcpchat.chat.operations.base import Operation
from tcpchat.chat.state import ServerState
from tcpchat.chat.user import User
from tcpchat.errors import ChatError
from tcpchat.handlers.caller import PasswordHasher
from tcpchat.handlers.loader import Loader
from tcpchat.protocol import Event
from tcpchat.serving.connection import Connection
from tcpchat.settings import CENTURY
from tcpchat.store.reader import Reader
from tcpchat.store.rows import NameRow
from tcpchat.times import FOREVER, MILLISECONDS, timestamp

Tell = Callable[[Event], Awaitable[None]]
"""Gives a line to who asked, as fast as that is read."""


async def _to_nobody(event: Event) -> None:
    """Take what nobody asked for."""


REASON_CHARACTERS = 500  # others read it in one line


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
    tell: Tell = _to_nobody

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

    def registration(self, user: User) -> NameRow:
        """Return what is kept of a registered user. Raises ChatError `not-registered`."""
        named = self.state.directory.stored(user.id)
        if named is None or named.registered is None:
            message = f"{user.name} is a guest, and only registered users have a password"
            raise ChatError("not-registered", message, name=user.name)
        return named


def check_reason(reason: str | None) -> None:
    """Raise ChatError `text-too-long`."""
    if reason is not None and len(reason) > REASON_CHARACTERS:
        message = f"the reason has {len(reason)} characters; at most {REASON_CHARACTERS} are kept"
        raise ChatError("text-too-long", message, field="reason", limit=REASON_CHARACTERS)


def shown(until: int) -> str | None:
    """Write when something ends; None if never."""
    return None if until == FOREVER else timestamp(until)
