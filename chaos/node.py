"""The real server on a simulated network and disk, where it can be started, stopped and killed."""

from __future__ import annotations

import traceback
from contextlib import closing
from random import Random
from typing import Any

import trio

from chaos.checker import Checker
from chaos.clock import TrioClock
from chaos.disk import CrashableStore, Disk
from chaos.durable import differences, durable, replay, restart
from chaos.network import Network
from tcpchat.protocol import MAX_LINE_OUT
from tcpchat.service.node import Node
from tcpchat.serving.connection import SLOW_CONSUMER
from tcpchat.serving.hashing import Hasher
from tcpchat.settings import Limits, Settings

BACKLOG = MAX_LINE_OUT + 256 * 1024  # bytes; small, but more than the longest line
BATCH = 1024 * 1024  # bytes that one batch may add to a backlog before it is found to be too much
SETTINGS = Settings(limits=Limits(backlog_bytes=BACKLOG))
STOP = 60.0  # seconds; more than a stop may take


class ServerLog:
    """Receives the server's log, and reports bugs to the checker."""

    def __init__(self, checker: Checker) -> None:
        self.silent = False
        self._checker = checker

    def __call__(self, event: str, **fields: Any) -> None:
        if self.silent:
            return
        if event == "bug":
            error = fields.get("exc_info")
            trace = "".join(traceback.format_exception(error)) if error else traceback.format_exc()
            self._checker.fail(f"the server logged a bug: {fields}\n{trace}")
        elif event == "storage failed":
            self._checker.trace("server", event, str(fields.get("error")))

    debug = info = warning = error = exception = __call__


class SimulatedNode:
    """One server after another on one disk and one network."""

    def __init__(
        self,
        disk: Disk,
        network: Network,
        checker: Checker,
        random: Random,
        nursery: trio.Nursery,
        settings: Settings = SETTINGS,
    ) -> None:
        self.highest = 0
        """Bytes of the largest backlog so far."""
        self.bound = settings.limits.backlog_bytes + BATCH + len(SLOW_CONSUMER)
        """Bytes that no backlog may exceed."""
        self._settings = settings
        self._disk = disk
        self._network = network
        self._checker = checker
        self._random = random
        self._nursery = nursery
        self._node: Node | None = None
        self._ended = trio.Event()

    async def start(self) -> None:
        """Start a server from the data on disk."""
        self._store = CrashableStore(self._disk)
        self._store.on_done = self._checker.commit
        self._log = ServerLog(self._checker)
        self._ended = trio.Event()
        await self._nursery.start(self._serve, self._store, self._ended)
        self._checker.trace("server", "started")

    async def _serve(
        self, store: CrashableStore, ended: trio.Event, *, task_status: trio.TaskStatus[None]
    ) -> None:
        """Serve until the server ends, and close its store, also if the run is cut short."""
        with closing(store):
            log: Any = self._log
            self._node = node = Node(
                self._settings, store, log, TrioClock(),
                run_sync=store.run, hasher=Hasher(store.run), random_bytes=self._random.randbytes,
            )  # fmt: skip
            store.on_commit = self._inspect
            await node.run([(self._network.listen(), node.server.accept)], task_status=task_status)
        ended.set()

    def _inspect(self) -> None:
        """Record the rows that were written, and check the size of every backlog."""
        self._checker.store(self._store.rows(self._checker.last_id))
        assert self._node is not None
        for connection in self._node.server.connections:
            self.highest = max(self.highest, connection.backlog)
        if self.highest > self.bound:
            self._checker.fail(f"P3: {self.highest} bytes are queued for one connection")

    async def check_state(self) -> None:
        """Check that memory is what the changes on disk make of it, and what a restart makes of it."""
        assert self._node is not None
        state, pipeline = self._node.state, self._node.pipeline
        while state.sessions.dirty or state.receipts:  # noqa: ASYNC110  # they are stored by the clock
            await trio.sleep(1)
        await pipeline.wait_idle()
        live = durable(state)
        for name, other in (
            ("the changes", replay(state, self._disk.changes)),
            ("a restart", restart(state, self._store)),
        ):
            for difference in differences(live, durable(other, like=state)):
                self._checker.fail(f"memory and {name} differ: {difference}")

    async def kill(self) -> None:
        """End the server as `kill -9` does: nothing more is written or sent.

        Its tasks end by themselves, cut off from the network and the disk.
        """
        assert self._node is not None
        self._network.refuse()
        self._log.silent = True
        self._store.crash()
        for link in self._network.links:
            link.cut()
        self._node.stop()
        self._node = None
        self._checker.trace("server", "killed")

    async def stop(self) -> None:
        """End the server as SIGTERM does, and check that every client receives a `bye`."""
        assert self._node is not None
        self._checker.trace("server", "stopping")
        self._network.refuse()
        notified = [link for link in self._network.links if link.healthy and link.welcomed]
        self._node.stop()
        with trio.move_on_after(STOP):
            await self._ended.wait()
        if not self._ended.is_set():
            self._checker.fail(f"P7: stopping took more than {STOP:g} s")
        self._store.crash()
        await trio.sleep(1)
        for link in notified:
            if link.healthy and link.client.saw_end and not link.bye:
                self._checker.fail(f"P7: {link.owner} got no bye")
        self._node = None
        self._checker.trace("server", "stopped")
