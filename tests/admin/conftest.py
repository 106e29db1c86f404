"""A server on a real port with a data folder, and its operator."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import trio

from chaos.clock import TrioClock
from tcpchat.admin import BY_NAME
from tcpchat.admin.socket import listen
from tcpchat.service.node import Node
from tcpchat.service.offline import ask
from tcpchat.settings import Settings
from tcpchat.store import StorageError
from tcpchat.store.changes import Change
from tcpchat.store.sqlite import SqliteStore
from tests.running import Line, Log, Peer

PASSWORD = "correct horse"


class Disk(SqliteStore):
    """Can refuse changes of some kinds, and can be held, so that what is committed takes long."""

    refuses: type[Any] | tuple[()] = ()

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "off")
        self._goes = threading.Event()
        self._goes.set()
        self.committing = False
        """A batch waits until it is released, or is being written."""

    def commit(self, changes: Iterable[Change]) -> None:
        changes, self.committing = list(changes), True
        assert self._goes.wait(10)
        self.committing = False
        if any(isinstance(change, self.refuses) for change in changes):
            raise StorageError("the disk is full")
        super().commit(changes)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Commit nothing until it is released, or the block ends."""
        self._goes.clear()
        try:
            yield
        finally:
            self._goes.set()

    def release(self) -> None:
        self._goes.set()


class Operator:
    """Asks by the data folder, as `tcpchat admin` does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.records: list[Line] = []
        self.log = Log()

    async def __call__(self, command: str, **fields: Any) -> Line:
        request = BY_NAME[command].request(**fields)
        log: Any = self.log
        clock: Any = TrioClock()
        take = self.take
        return await ask(self.folder, request, take, log=log, clock=clock, new=command == "create")

    def take(self, line: Line) -> None:
        self.records.append(line["record"])

    async def done(self, command: str, **fields: Any) -> Line:
        """Ask for what must not be refused."""
        reply = await self(command, **fields)
        assert reply["type"] != "error", reply
        return reply


class Someone(Peer):
    """A peer with the token of its session."""

    token = ""


async def report(reporter: Peer, username: str, reason: str | None = None) -> None:
    why = {} if reason is None else {"reason": reason}
    reply = await reporter.ask({"type": "report", "username": username, **why})
    assert reply["type"] == "reported", reply


class Place:
    """A running server with its operator."""

    def __init__(self, node: Node, folder: Path, port: int, log: Log) -> None:
        self.node = node
        self.state = node.state
        self.operator = Operator(folder)
        self.port = port
        self.log = log
        self.strangers: list[Someone] = []

    async def stranger(self) -> Someone:
        """Connect somebody who has read nothing."""
        someone = Someone(await trio.open_tcp_stream("127.0.0.1", self.port))
        self.strangers.append(someone)
        return someone

    async def peer(self, name: str | None = None) -> Someone:
        peer = await self.stranger()
        peer.token = (await peer.next("welcome"))["token"]
        if name is not None:
            reply = await peer.ask({"type": "rename", "name": name})
            assert reply["type"] == "renamed", reply
            peer.name = name
        return peer

    async def logged_in(self, name: str, password: str = PASSWORD) -> Someone:
        peer = await self.peer()
        reply = await peer.ask({"type": "login", "name": name, "password": password})
        assert reply["type"] == "logged-in", reply
        peer.token = reply["token"]
        return peer


@asynccontextmanager
async def open_place(
    folder: Path, *, store: SqliteStore | None = None, port: int = 0
) -> AsyncIterator[Place]:
    store = store or SqliteStore(folder, "off")
    with closing(store):  # also where the block raises, or its caller is cancelled
        log = Log()
        node = Node(Settings(), store, log, TrioClock())  # type: ignore[arg-type]
        (listener,) = await trio.open_tcp_listeners(port, host="127.0.0.1")
        ports = [(listener, node.server.accept), (await listen(folder), node.serve_operator)]
        async with trio.open_nursery() as nursery:
            await nursery.start(node.run, ports)
            opened = Place(node, folder, listener.socket.getsockname()[1], log)
            try:
                yield opened
            finally:
                for someone in opened.strangers:
                    await trio.aclose_forcefully(someone.stream)
                nursery.cancel_scope.cancel()


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with open_place(tmp_path / "data") as opened:
        yield opened


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    """The operator of a folder whose server does not run."""
    return Operator(tmp_path / "data")
