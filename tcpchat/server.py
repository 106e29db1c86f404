"""The server: listeners with a handler each, and one task per connection, from `run` to `stop`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, TypeAlias

import trio

from tcpchat.chat.limits import TokenBucket
from tcpchat.chat.state import ServerState
from tcpchat.chat.user import User
from tcpchat.errors import ChatError
from tcpchat.handlers import Caller
from tcpchat.log import Log
from tcpchat.protocol import LineReader, as_error, encode
from tcpchat.serving.close_reasons import STOPPING, close_line
from tcpchat.serving.connection import Connection
from tcpchat.serving.delivery import Pipeline
from tcpchat.serving.fair_queue import FairQueue, Flow
from tcpchat.serving.requests import Requests
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
NewCaller: TypeAlias = Callable[[Connection, User, str], Caller]
"""Makes the caller of a connection's commands, from the connection, its first user and its address."""


class Server:
    """The connections of one chat. Serves once, from `run` to `stop`."""

    def __init__(
        self,
        state: ServerState,
        pipeline: Pipeline,
        new_caller: NewCaller,
        log: Log,
        new_reference: Callable[[], str],
    ) -> None:
        self.connections: set[Connection] = set()
        """Connections that were admitted and have not ended."""
        self.ended: Counter[str] = Counter()
        """How often connections ended for each reason."""
        self._state = state
        self._pipeline = pipeline
        self._new_caller = new_caller
        self._log = log
        self._new_reference = new_reference
        self._queue = FairQueue(state.clock.monotonic)
        self._requests: set[Requests] = set()
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
        for requests in self._requests:
            requests.reader.max_line = limits.line_bytes or MAX_LINE
            requests.bucket.allow(limits.requests_per_second, limits.request_burst)

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
        limit = self._state.settings.limits.backlog_bytes
        connection = Connection(stream, self._spawn, limit, address)
        try:
            await self._admit(connection)
        except Exception:
            self._log.exception("bug", address=address)
        finally:
            try:
                await connection.close()
            finally:
                self._open -= 1
                if not self._open:
                    self._last_closed.set()
                    self._last_closed = trio.Event()

    def _spawn(self, send_backlog: Callable[[], Awaitable[None]]) -> None:
        assert self._tasks is not None
        self._tasks.start_soon(self._guarded, send_backlog)

    async def _guarded(self, send_backlog: Callable[[], Awaitable[None]]) -> None:
        """Send a connection's backlog; a bug ends that connection and nothing else."""
        try:
            await send_backlog()
        except Exception:
            self._log.exception("bug", step="send a backlog")

    async def _admit(self, connection: Connection) -> None:
        """Serve the connection if its address is not banned and the limits allow one more."""
        address, slots = connection.address, self._state.slots
        try:
            self._check_ban(address)
            slots.take(address)
        except ChatError as error:
            await self._refuse(connection, error)
            return
        try:
            if await self._secure(connection):
                self.connections.add(connection)
                await self._converse(connection)
        finally:
            self.connections.discard(connection)
            slots.free(address)

    def _check_ban(self, address: str) -> None:
        self._state.bans.check_address(address, self._state.clock.now())

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
        user, welcome = self._state.enter(connection, address)
        requests = self._new_requests(connection, user)
        self._requests.add(requests)
        try:
            self._log.debug("joined", user=user.name, address=address)
            connection.write_nowait(encode(welcome))
            if self._stopping.is_set():
                connection.stop(STOPPING)
            with connection.scope:
                await requests.run()
            await connection.wait_settled()
            if connection.reason == STOPPING:
                await self._pipeline.wait_idle()
            if line := close_line(connection.reason, self._state, requests.caller.user, address):
                connection.write_nowait(line)
        finally:
            self._requests.discard(requests)
            self.ended[connection.reason] += 1
            user = requests.caller.user
            self._state.users.leave(user, connection, for_good=connection.reason in FINAL_REASONS)
            self._log.debug("left", user=user.name, address=address, reason=connection.reason)
        stopping = connection.reason == STOPPING
        await connection.finish(self._state.settings.running.stop_seconds if stopping else CLOSE_TIMEOUT)

    def _new_requests(self, connection: Connection, user: User) -> Requests:
        limits = self._state.settings.limits
        return Requests(
            connection,
            self._new_caller(connection, user, connection.address),
            LineReader(limits.line_bytes or MAX_LINE),
            TokenBucket(limits.requests_per_second, limits.request_burst),
            Flow(self._queue),
            self._pipeline,
            self._log,
            self._new_reference,
        )

    async def _refuse(self, connection: Connection, error: ChatError) -> None:
        self._log.info("refused", address=connection.address, code=error.code)
        self._state.refusals[error.code] += 1
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
