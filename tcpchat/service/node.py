"""The one place where state, pipeline, reader, handlers and server are put together."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Sequence

import trio

from tcpchat.admin.context import OperatorContext
from tcpchat.admin.dispatch import Dispatcher
from tcpchat.chat.room import RECENT
from tcpchat.chat.state import ServerState
from tcpchat.chat.throttle import Throttle
from tcpchat.chat.user import User
from tcpchat.handlers import Caller, Loader
from tcpchat.log import Log
from tcpchat.server import Port, Server
from tcpchat.serving.background import Background
from tcpchat.serving.connection import Connection
from tcpchat.serving.delivery import Pipeline
from tcpchat.serving.hashing import Hasher
from tcpchat.settings import Settings
from tcpchat.store import StorageError, Store
from tcpchat.store.changes import SetAllLeft
from tcpchat.store.queries.snapshot import load
from tcpchat.store.reader import Reader
from tcpchat.threads import RunSync, to_thread
from tcpchat.times import MILLISECONDS, Clock

TOKEN = 32  # random bytes; as many as a key that nobody guesses
ID = 8  # random bytes of a user's id
REFERENCE = 4  # random bytes of the reference of a bug in the log


class Node:
    """One chat on one store, which the caller closes after the last use of the node.

    A server runs it, once, from `run` to `stop`. The offline operator uses its parts without running it.
    Nothing is written before `run`.
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
        """Load the state. `run_sync` is for the disk, `random_bytes` for tokens, ids and references."""

        def new_id() -> str:
            return random_bytes(ID).hex()

        def new_token() -> str:
            while (token := _as_text(random_bytes(TOKEN))).startswith("-"):
                pass  # in a plain line it would be an option
            return token

        def new_reference() -> str:
            return random_bytes(REFERENCE).hex()

        grace = max(settings.rules.grace_seconds, settings.rules.presence_seconds)
        snapshot = load(store, RECENT, clock.now() - int(grace * MILLISECONDS))
        self._store = store
        self._log = log
        self._background = Background()
        wakeups = self._background.wakeups
        self.state = ServerState(settings, snapshot, clock, new_id, new_token, wakeups)
        self.pipeline = Pipeline(self.state, store, log, new_reference, run_sync)
        self.reader = Reader(store, run_sync)
        self.loader = Loader(self.state, self.reader, self._wait_settled)
        self.hasher = hasher or Hasher()
        self.throttle = Throttle(clock)
        self.server = Server(self.state, self.pipeline, self._new_caller, log, new_reference)
        context = OperatorContext(
            state=self.state,
            reader=self.reader,
            hasher=self.hasher,
            loader=self.loader,
            connections=self.server.connections,
            commit=self.pipeline.commit,
        )
        self.operator = Dispatcher(context, log, new_reference)

    async def run(
        self, ports: Sequence[Port], *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Serve until `stop`. At its end everybody was notified, and all that was accepted is delivered.

        A cancel notifies nobody; what was accepted is on disk or rejected then too.
        Started, once every port accepts. The handlers made here are `server.accept` and `serve_operator`.
        """
        self._begin()
        async with trio.open_nursery() as pipeline:
            pipeline.start_soon(self.pipeline.run)
            try:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._run_background)
                    await self.server.run(ports, task_status=task_status)
            finally:  # a task that is cancelled waits for what it submitted too
                self.pipeline.stop()

    def stop(self) -> None:
        """Accept no more connections and requests, and let `run` end."""
        self.server.stop()

    def apply(self, settings: Settings) -> None:
        """Apply settings from now on, to open connections too."""
        self.state.configure(settings)
        self.server.apply(settings)

    async def serve_operator(self, stream: trio.abc.Stream) -> None:
        """Answer the operator until the server stops. This is the handler of the admin socket."""
        with self.server.until_stop():
            await self.operator.serve(stream)

    def _begin(self) -> None:
        """Write that everybody left when the last server ended. If that fails it serves all the same."""
        try:
            self._store.commit([SetAllLeft(self.state.clock.now()), self.state.prune()])
        except StorageError as error:  # the next start sorts out the users who left before this one
            self._log.warning("storage failed", operations=0, error=str(error))

    async def _run_background(self) -> None:
        with self.server.until_stop():
            await self._background.run(self.state, self.pipeline, self.loader)

    def _new_caller(self, connection: Connection, user: User, address: str) -> Caller:
        return Caller(
            state=self.state,
            user=user,
            connection=connection,
            address=address,
            reader=self.reader,
            hasher=self.hasher,
            loader=self.loader,
            throttle=self.throttle,
            last_submitted=self.pipeline.last_submitted,
            commit=self.pipeline.commit,
        )

    async def _wait_settled(self) -> None:
        with trio.CancelScope(shield=True):  # as for any reply, which a stop waits for too
            await self.pipeline.wait_settled()


def _as_text(token: bytes) -> str:
    return base64.urlsafe_b64encode(token).rstrip(b"=").decode()
