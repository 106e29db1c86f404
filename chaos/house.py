"""The real server over memory streams: it is started, stopped and killed, and its disk stays."""

from __future__ import annotations

import traceback
from contextlib import closing
from random import Random
from typing import Any

import trio

from chaos.clock import TimeOfDay
from chaos.disk import Disk, MortalStore
from chaos.ledger import Ledger
from chaos.network import Network
from tcpchat.protocol import MAX_LINE_OUT
from tcpchat.server import Server
from tcpchat.serving.connection import SLOW_CONSUMER
from tcpchat.serving.hashing import Hasher
from tcpchat.settings import Limits, Settings

BACKLOG = MAX_LINE_OUT + 256 * 1024  # bytes; little, but more than the longest line
BATCH = 1024 * 1024  # bytes that one batch may add to a backlog before it is found to be too much
SETTINGS = Settings(limits=Limits(backlog_bytes=BACKLOG))
STOPPING = 60.0  # seconds; more than a stop may take


class Log:
    """Hears what the server logs, of which a bug and a failure are of interest."""

    def __init__(self, ledger: Ledger) -> None:
        self.silent = False
        self._ledger = ledger

    def __call__(self, event: str, **fields: Any) -> None:
        if self.silent:
            return
        if event == "bug":
            error = fields.get("exc_info")
            trace = "".join(traceback.format_exception(error)) if error else traceback.format_exc()
            self._ledger.broken(f"the server logged a bug: {fields}\n{trace}")
        elif event == "storage failed":
            self._ledger.trace("server", event, str(fields.get("error")))

    debug = info = warning = error = exception = __call__


class House:
    """One server after the other on one disk and one network."""

    def __init__(
        self, disk: Disk, network: Network, ledger: Ledger, random: Random, nursery: trio.Nursery
    ) -> None:
        self.highest = 0
        """Bytes of the largest backlog that there was."""
        self._disk = disk
        self._network = network
        self._ledger = ledger
        self._random = random
        self._nursery = nursery
        self._server: Server | None = None
        self._ended = trio.Event()

    async def start(self) -> None:
        """Start a server on what is on disk."""
        self._store = MortalStore(self._disk)
        self._store.on_done = self._ledger.tell
        self._log = Log(self._ledger)
        self._ended = trio.Event()
        await self._nursery.start(self._serve, self._store, self._ended)
        self._ledger.trace("server", "started")

    async def _serve(
        self, store: MortalStore, ended: trio.Event, *, task_status: trio.TaskStatus[None]
    ) -> None:
        """Serve until this life ends, and close its store: a run cut short neither stops nor kills it."""
        with closing(store):
            log: Any = self._log
            self._server = server = Server(
                SETTINGS, store, log, TimeOfDay(),
                run_blocking=store.run, hasher=Hasher(store.run), random_bytes=self._random.randbytes,
            )  # fmt: skip
            store.on_commit = self._look
            await server.run([self._network.listen()], task_status=task_status)
        ended.set()

    def _look(self) -> None:
        """See what was written, and how much waits to be sent."""
        self._ledger.keep(self._store.rows(self._ledger.last_id))
        assert self._server is not None
        for connection in self._server.connections:
            self.highest = max(self.highest, connection.backlog)
        if self.highest > BACKLOG + BATCH + len(SLOW_CONSUMER):
            self._ledger.broken(f"P3: {self.highest} bytes wait to be sent to one connection")

    async def kill(self) -> None:
        """End the server as `kill -9` does: what is on disk stays, nothing more is written or told.

        Its tasks come to an end of their own, where nobody hears of them any more.
        """
        assert self._server is not None
        self._network.refuse()
        self._log.silent = True
        self._store.die()
        for cable in self._network.cables:
            cable.cut()
        self._server.stop()
        self._server = None
        self._ledger.trace("server", "killed")

    async def stop(self) -> None:
        """End the server as SIGTERM does; whoever was connected is told."""
        assert self._server is not None
        self._ledger.trace("server", "stopping")
        self._network.refuse()
        told = [cable for cable in self._network.cables if cable.in_time and cable.welcomed]
        self._server.stop()
        with trio.move_on_after(STOPPING):
            await self._ended.wait()
        if not self._ended.is_set():
            self._ledger.broken(f"P7: stopping took more than {STOPPING:g} s")
        self._store.die()
        await trio.sleep(1)
        for cable in told:
            if cable.in_time and cable.client.saw_end and not cable.bye:
                self._ledger.broken(f"P7: {cable.owner} got no bye")
        self._server = None
        self._ledger.trace("server", "stopped")
