"""The server: listeners with a handler each, and one task per connection, from `run` to `stop`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, TypeAlias

import trio

from tcpchat.chat.chat import Chat
from tcpchat.chat.context import Context
from tcpchat.chat.limits import TokenBucket
from tcpchat.chat.user import User
from tcpchat.errors import ChatError
from tcpchat.log import Log
from tcpchat.protocol import LineReader, as_error, encode
from tcpchat.serving.close_reasons import STOPPING, farewell
from tcpchat.serving.connection import Connection
from tcpchat.serving.delivery import Pipeline
from tcpchat.serving.fair_queue import Share, Turns
from tcpchat.serving.requests import Session
from tcpchat.serving.sockets import keep_alive, peer_address
from tcpchat.serving.tls import HandshakeError, TlsStream
from tcpchat.settings import MAX_LINE, Settings

CLOSE_TIMEOUT = 2.0  # seconds that a connection gets to take its last lines and close
REFUSALS = 32  # connections that are sent the reason of their refusal at the same time; more are just closed
FINAL_REASONS = {"exit", "http", "tls"}
"""Reasons for the end of a connection after which its user is not expected to come back."""

Stream: TypeAlias = trio.abc.HalfCloseableStream
Handler: TypeAlias = Callable[[Any], Awaitable[None]]
"""Serves one accepted stream to its end and closes it. Raises nothing, and ends soon after `stop`."""
Port: TypeAlias = tuple[trio.abc.Listener[Any], Handler]
"""A listener, and the handler of the streams that it accepts."""
NewContext: TypeAlias = Callable[[Connection, User, str], Context]
"""Makes what the commands of a connection use, from the connection, its first user and its address."""


class Server:
    """The connections of one chat. Serves once, from `run` to `stop`."""

    def __init__(
        self,
        chat: Chat,
        pipeline: Pipeline,
        new_context: NewContext,
        log: Log,
        new_reference: Callable[[], str],
    ) -> None:
        self.connections: set[Connection] = set()
        """Connections that were admitted and have not ended."""
        self.ended: Counter[str] = Counter()
        """How often connections ended for each reason."""
        self._chat = chat
        self._pipeline = pipeline
        self._new_context = new_context
        self._log = log
        self._new_reference = new_reference
        self._turns = Turns(chat.clock.monotonic)
        self._sessions: set[Session] = set()
        self._refusing = 0
        self._stopping = trio.Event()
        self._scopes: set[trio.CancelScope] = set()
        self._tasks: trio.Nursery | None = None
        self._open = 0  # calls of `serve`
        self._last_closed = trio.Event()

    async def run(
        self, ports: Sequence[Port], *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Accept connections until `stop`; return when the last one has ended."""
        async with trio.open_nursery() as self._tasks:
            async with trio.open_nursery() as accepting:
                for listener, handler in ports:
                    accept = partial(trio.serve_listeners, handler_nursery=self._tasks)
                    await accepting.start(accept, handler, [listener])
                task_status.started()
                await self._stopping.wait()
                accepting.cancel_scope.cancel()
            while self._open:
                await self._last_closed.wait()

    def stop(self) -> None:
        """Accept no more connections and requests, and let `run` end."""
        self._stopping.set()
        for scope in self._scopes:
            scope.cancel()
        for connection in self.connections:
            connection.stop(STOPPING)

    @contextmanager
    def until_stop(self) -> Iterator[None]:
        """Cancel the block as soon as the server stops."""
        with trio.CancelScope() as scope:
            self._scopes.add(scope)
            if self._stopping.is_set():
                scope.cancel()
            try:
                yield
            finally:
                self._scopes.discard(scope)

    def apply(self, settings: Settings) -> None:
        """Apply changed limits to the connections that are open."""
        limits = settings.limits
        for connection in self.connections:
            connection.backlog_limit = limits.backlog_bytes
        for session in self._sessions:
            session.reader.max_line = limits.line_bytes or MAX_LINE
            session.bucket.allow(limits.requests_per_second, limits.request_burst)

    async def accept(self, stream: Stream) -> None:
        """Serve a connection that came by TCP, with or without TLS. This is the handler of such listeners."""
        keep_alive(stream)
        await self.serve(stream, peer_address(stream))

    async def serve(self, stream: Stream, address: str) -> None:
        """Serve one connection from this address to its end, and close it.

        May be called in any task while `run` runs. Raises nothing: it is the boundary of whatever goes wrong.
        """
        assert self._tasks is not None
        self._open += 1
        limit = self._chat.settings.limits.backlog_bytes
        connection = Connection(stream, self._tasks.start_soon, limit, address)
        try:
            await self._admit(connection)
        except Exception:
            self._log.exception("bug", address=address)
        finally:
            await connection.close()
            self._open -= 1
            if not self._open:
                self._last_closed.set()
                self._last_closed = trio.Event()

    async def _admit(self, connection: Connection) -> None:
        """Serve the connection if its address is not banned and the limits allow one more."""
        address, places = connection.address, self._chat.places
        try:
            self._check_ban(address)
            places.take(address)
        except ChatError as error:
            await self._refuse(connection, error)
            return
        try:
            if await self._secure(connection):
                self.connections.add(connection)
                await self._converse(connection)
        finally:
            self.connections.discard(connection)
            places.free(address)

    def _check_ban(self, address: str) -> None:
        self._chat.bans.check_address(address, self._chat.clock.now())

    async def _secure(self, connection: Connection) -> bool:
        """Complete the TLS handshake, if there is one; return whether the connection may go on."""
        try:
            await self._handshake(connection.stream)
            self._check_ban(connection.address)  # the handshake took a while
        except HandshakeError as error:
            self._log.info("refused", address=connection.address, code="tls-failed", reason=str(error))
            self.ended["tls-failed"] += 1
        except ChatError as error:
            await self._refuse(connection, error)
        else:
            return True
        return False

    async def _handshake(self, stream: Stream) -> None:
        """Complete the TLS handshake of a TLS stream. Raises ChatError or HandshakeError.

        Nothing was sent yet, so a stop does not wait for it.
        """
        if not isinstance(stream, TlsStream) or stream.begun:
            return
        with self.until_stop():
            await stream.begin()
            return
        raise HandshakeError("the server is stopping")

    async def _converse(self, connection: Connection) -> None:
        """Welcome the user, answer requests until the connection is to end, and send the reason why."""
        address = connection.address
        user, welcome = self._chat.enter(connection, address)
        session = self._session(connection, user)
        self._sessions.add(session)
        try:
            self._log.info("joined", user=user.name, address=address)
            connection.write_nowait(encode(welcome))
            if self._stopping.is_set():
                connection.stop(STOPPING)
            with connection.scope:
                await session.run()
            await connection.wait_settled()
            if connection.reason == STOPPING:
                await self._pipeline.wait_idle()
            if line := farewell(connection.reason, self._chat, session.context.user, address):
                connection.write_nowait(line)
        finally:
            self._sessions.discard(session)
            self.ended[connection.reason] += 1
            user = session.context.user
            self._chat.people.leave(user, connection, for_good=connection.reason in FINAL_REASONS)
            self._log.info("left", user=user.name, address=address, reason=connection.reason)
        stopping = connection.reason == STOPPING
        await connection.finish(self._chat.settings.running.stop_seconds if stopping else CLOSE_TIMEOUT)

    def _session(self, connection: Connection, user: User) -> Session:
        limits = self._chat.settings.limits
        return Session(
            connection,
            self._new_context(connection, user, connection.address),
            LineReader(limits.line_bytes or MAX_LINE),
            TokenBucket(limits.requests_per_second, limits.request_burst),
            Share(self._turns),
            self._pipeline,
            self._log,
            self._new_reference,
        )

    async def _refuse(self, connection: Connection, error: ChatError) -> None:
        self._log.info("refused", address=connection.address, code=error.code)
        self._chat.refusals[error.code] += 1
        self._refusing += 1
        try:
            if self._refusing <= REFUSALS:
                with suppress(ChatError):  # a client that speaks no TLS reads the reason in plain text
                    await self._handshake(connection.stream)
                connection.write_nowait(encode(as_error(error)))
                await connection.finish(CLOSE_TIMEOUT)
        except HandshakeError:
            pass  # the peer cannot read it
        finally:
            self._refusing -= 1
