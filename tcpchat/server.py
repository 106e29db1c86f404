"""The server: one task per connection, and how it starts and stops."""

from __future__ import annotations

import base64
import secrets
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

import trio

from tcpchat.admin.context import Office
from tcpchat.admin.dispatch import Desk
from tcpchat.chat.awakening import Awakening
from tcpchat.chat.chat import Chat
from tcpchat.chat.context import Context
from tcpchat.chat.gate import Gate
from tcpchat.chat.limits import TokenBucket
from tcpchat.chat.room import RECENT
from tcpchat.chat.user import User
from tcpchat.errors import ChatError
from tcpchat.log import Log
from tcpchat.protocol import LineReader, as_error, encode
from tcpchat.serving.background import (
    let_absent_go,
    send_scheduled,
    tell_presence,
    tell_receipts,
    write_identities,
)
from tcpchat.serving.close_reasons import STOPPING, farewell
from tcpchat.serving.connection import Connection, Spawn
from tcpchat.serving.delivery import Pipeline
from tcpchat.serving.fair_queue import Share, Turns
from tcpchat.serving.hashing import Hasher
from tcpchat.serving.requests import Session
from tcpchat.serving.sockets import keep_alive, peer_address
from tcpchat.serving.tls import HandshakeError, TlsStream
from tcpchat.settings import MAX_LINE, Settings
from tcpchat.store import StorageError, Store
from tcpchat.store.changes import SetAllLeft
from tcpchat.store.queries.snapshot import load
from tcpchat.store.reader import Reader
from tcpchat.threads import RunSync, to_thread
from tcpchat.times import MILLISECONDS, Clock

FAREWELL = 2.0  # seconds that a connection gets to take its last lines and close
TOKEN = 32  # random bytes; as many as a key has that nobody guesses
REFUSALS = 32  # connections that may read at the same time why they are refused; more are just closed
GONE_FOR_GOOD = {"exit", "http", "tls"}
"""Why connections end whose users are not expected to come back."""
Stream = trio.abc.HalfCloseableStream


class Server:
    """Serves one chat on any listeners, once, until `stop`.

    `run_sync` is for the disk, `hasher` for passwords, `random_bytes` for tokens, ids and references.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        log: Log,
        clock: Clock,
        *,
        run_sync: RunSync = to_thread,
        hasher: Hasher | None = None,
        random_bytes: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self._random_bytes = random_bytes
        grace = max(settings.rules.grace_seconds, settings.rules.presence_seconds)
        snapshot = load(store, RECENT, clock.now() - int(grace * MILLISECONDS))
        self.chat = Chat(settings, snapshot, clock, lambda: random_bytes(8).hex(), self._new_token)
        try:
            store.commit([SetAllLeft(clock.now()), self.chat.prune()])
        except StorageError as error:  # reading goes on; who left before is sorted out at the next start
            log.warning("storage failed", entries=0, error=str(error))
        self.pipeline = Pipeline(self.chat, store, log, self._new_reference, run_sync)
        self._settings = settings
        self._log = log
        self._reader = Reader(store, run_sync)
        self._awakening = Awakening(self.chat, self._reader, self._wait_settled)
        self._hasher = hasher or Hasher()
        self._gate = Gate(clock)
        self._turns = Turns(clock.monotonic)
        self.connections: set[Connection] = set()
        self.ended: Counter[str] = Counter()
        """How often connections ended for each reason."""
        self._sessions: set[Session] = set()
        self._refusing = 0
        self._beginning: set[trio.CancelScope] = set()  # of connections that are not encrypted yet
        self._stopping = trio.Event()
        office = Office(
            chat=self.chat,
            reader=self._reader,
            hashes=self._hasher,
            awakening=self._awakening,
            connections=self.connections,
            commit=self.pipeline.commit,
        )
        self._desk = Desk(office, log, self._new_reference)

    async def run(
        self,
        listeners: Sequence[trio.abc.Listener[Stream]],
        *,
        doors: Sequence[trio.abc.Listener[Stream]] = (),
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Serve until `stop`; by then everyone was told, everything accepted is kept and delivered.

        Who comes in by one of the `doors` is the operator.
        """
        async with trio.open_nursery() as pipeline:
            pipeline.start_soon(self.pipeline.run)
            async with trio.open_nursery() as connections:
                async with trio.open_nursery() as sources:
                    sources.start_soon(tell_presence, self.chat, self.pipeline)
                    sources.start_soon(send_scheduled, self.chat, self.pipeline, self._awakening)
                    sources.start_soon(tell_receipts, self.chat, self.pipeline)
                    sources.start_soon(let_absent_go, self.chat)
                    sources.start_soon(write_identities, self.chat, self.pipeline)
                    serve = partial(self._serve, spawn=connections.start_soon)
                    accept = partial(trio.serve_listeners, handler_nursery=connections)
                    await sources.start(accept, serve, listeners)
                    if doors:
                        admit = partial(trio.serve_listeners, handler_nursery=sources)
                        sources.start_soon(admit, self._desk.serve, doors)
                    task_status.started()
                    await self._stopping.wait()
                    sources.cancel_scope.cancel()
                for scope in self._beginning:
                    scope.cancel()
                for connection in self.connections:
                    connection.stop(STOPPING)
            await self.pipeline.wait_idle()
            pipeline.cancel_scope.cancel()

    def stop(self) -> None:
        """Take no more connections and requests, and let `run` come to its end."""
        self._stopping.set()

    def apply(self, settings: Settings) -> None:
        """Let these settings count from now on, for the connections that there are too."""
        limits = settings.limits
        self._settings = settings
        self.chat.apply(settings)
        for connection in self.connections:
            connection.backlog_limit = limits.backlog_bytes
        for session in self._sessions:
            session.reader.max_line = limits.line_bytes or MAX_LINE
            session.bucket.allow(limits.requests_per_second, limits.request_burst)

    async def _serve(self, stream: Stream, spawn: Spawn) -> None:
        """Serve one connection. Whatever goes wrong in it stays here: its task is the boundary."""
        connection = Connection(stream, spawn, self._settings.limits.backlog_bytes)
        address = peer_address(stream)
        try:
            try:
                self.chat.bans.check_address(address, self.chat.clock.now())
                self.chat.places.take(address)
            except ChatError as error:
                await self._refuse(connection, address, error)
                return
            try:
                if await self._let_in(connection, address):
                    self.connections.add(connection)
                    await self._converse(connection, address)
            finally:
                self.connections.discard(connection)
                self.chat.places.free(address)
        except Exception:
            self._log.exception("bug", address=address)
        finally:
            await connection.close()

    async def _let_in(self, connection: Connection, address: str) -> bool:
        """Have the stream encrypted if it is to be; return whether there is somebody to talk to then."""
        try:
            await self._begin(connection.stream)
            self.chat.bans.check_address(address, self.chat.clock.now())  # that took a while
        except HandshakeError as error:
            self._log.info("refused", address=address, code="tls-failed", reason=str(error))
            self.ended["tls-failed"] += 1
        except ChatError as error:
            await self._refuse(connection, address, error)
        else:
            return True
        return False

    async def _begin(self, stream: Stream) -> None:
        """Let a stream that is to be encrypted become so. Raises ChatError or HandshakeError.

        Nothing was said yet, so a stop does not wait for it.
        """
        if not isinstance(stream, TlsStream) or stream.begun:
            return
        with trio.CancelScope() as scope:
            self._beginning.add(scope)
            try:
                if not self._stopping.is_set():
                    await stream.begin()
                    return
            finally:
                self._beginning.discard(scope)
        raise HandshakeError("the server stops")

    async def _converse(self, connection: Connection, address: str) -> None:
        keep_alive(connection.stream)
        user, welcome = self.chat.enter(connection, address)
        session = self._session(connection, user, address)
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
                await self.pipeline.wait_idle()
            if line := farewell(connection.reason, self.chat, session.context.user, address):
                connection.write_nowait(line)
        finally:
            self._sessions.discard(session)
            self.ended[connection.reason] += 1
            user = session.context.user
            self.chat.people.leave(user, connection, for_good=connection.reason in GONE_FOR_GOOD)
            self._log.info("left", user=user.name, address=address, reason=connection.reason)
        stopping = connection.reason == STOPPING
        await connection.finish(self._settings.running.stop_seconds if stopping else FAREWELL)

    def _session(self, connection: Connection, user: User, address: str) -> Session:
        limits = self._settings.limits
        return Session(
            connection,
            self._context(connection, user, address),
            LineReader(limits.line_bytes or MAX_LINE),
            TokenBucket(limits.requests_per_second, limits.request_burst),
            Share(self._turns),
            self.pipeline,
            self._log,
            self._new_reference,
        )

    def _context(self, connection: Connection, user: User, address: str) -> Context:
        return Context(
            chat=self.chat,
            user=user,
            connection=connection,
            address=address,
            reader=self._reader,
            hashes=self._hasher,
            awakening=self._awakening,
            gate=self._gate,
            commit=self.pipeline.commit,
        )

    async def _refuse(self, connection: Connection, address: str, error: ChatError) -> None:
        self._log.info("refused", address=address, code=error.code)
        self.chat.refusals[error.code] += 1
        self._refusing += 1
        try:
            if self._refusing <= REFUSALS:
                with suppress(ChatError):  # who speaks no TLS reads it without
                    await self._begin(connection.stream)
                connection.write_nowait(encode(as_error(error)))
                await connection.finish(FAREWELL)
        except HandshakeError:
            pass  # nobody there can read it
        finally:
            self._refusing -= 1

    async def _wait_settled(self) -> None:
        with trio.CancelScope(shield=True):  # as for any reply, which a stop waits for too
            await self.pipeline.wait_settled()

    def _new_reference(self) -> str:
        return self._random_bytes(4).hex()

    def _new_token(self) -> str:
        while (token := _as_text(self._random_bytes(TOKEN))).startswith("-"):
            pass  # in a plain line it would be an option
        return token


def _as_text(token: bytes) -> str:
    return base64.urlsafe_b64encode(token).rstrip(b"=").decode()
