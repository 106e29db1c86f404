"""The caller of a command: the user and connection that ask, and what a handler may use."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import attrs

from tcpchat.chat.operations.base import Operation
from tcpchat.chat.session import Session
from tcpchat.chat.state import ServerState
from tcpchat.chat.subscriber import Subscriber
from tcpchat.chat.throttle import Throttle
from tcpchat.chat.user import User
from tcpchat.commands.command import Command
from tcpchat.errors import ChatError
from tcpchat.handlers.loader import Loader
from tcpchat.store.reader import Reader


class Peer(Subscriber, Protocol):
    """A connection as handlers see it."""

    async def wait_backlog(self, most: int) -> None:
        """Wait until at most so many bytes wait to be sent."""


class PasswordHasher(Protocol):
    """Hashes passwords, which takes long on purpose, without blocking the loop."""

    async def hash(self, password: str) -> str:
        """Return what is stored of a password. Raises ChatError `bad-password`, `rate-limited`."""

    async def verify(self, hash: str | None, password: str) -> bool:
        """Return whether it is the password of the hash; without one it is not, after as long a time."""


@attrs.define(eq=False)
class Caller:
    """One connection's view of the chat. `user` changes when the connection becomes another user."""

    state: ServerState
    user: User
    connection: Peer
    address: str
    reader: Reader
    hasher: PasswordHasher
    loader: Loader
    throttle: Throttle
    last_submitted: Callable[[], Operation | None]
    """Returns the operation that will be decided last, so far."""
    commit: Callable[[Operation], Awaitable[None]]
    """Waits until the operation is on disk. Raises ChatError if it is rejected."""
    trailing_lines: bytes = b""
    """Lines that follow the reply."""
    cost: int = 0
    """For how many requests more the request counts, since it took much work."""

    @property
    def session(self) -> Session:
        """Return the session of this connection. Raises ChatError `bad-token` if it has none any more."""
        session = self.user.session_of(self.connection)
        if session is None:
            raise replaced()
        return session

    def begin(self, command: Command[Any, Any]) -> None:
        """Note that a request begins; a pending subscriber subscribes, unless it is to be another user.

        Raises ChatError `login-required`.
        """
        pending = self.state.audience.pending
        if pending and self.connection in pending and not command.switches_user:
            self.state.audience.subscribe_pending(self.connection)
        if not self.user.id and command.needs_login:
            raise ChatError("login-required", "this server is for registered users; log in first: login NAME")

    def now(self) -> int:
        """Return the time of day in ms since 1970."""
        return self.state.clock.now()


def replaced() -> ChatError:
    """Return the error of a connection whose place another took."""
    return ChatError("bad-token", "another connection took the place of this one")
