"""A server on memory streams, its peers, and a log that keeps its lines.

What has no I/O is tested without this module: `tests.pure` says what that is.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from errno import ECONNREFUSED
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import orjson
import trio
import trio.testing

from chaos.clock import TrioClock
from tcpchat.chat.user import User
from tcpchat.server import Port, Server
from tcpchat.service.node import Node
from tcpchat.serving import hashing, passwords
from tcpchat.settings import Settings
from tcpchat.store.sqlite import SqliteStore
from tcpchat.threads import RunSync, to_thread

Line = dict[str, Any]
T = TypeVar("T")

# Hashing a password is to take long, but not in tests; those of `passwords` use its real cost.
_CHEAP = passwords.Cost(passes=1, memory=8)
hashing.hash_password = partial(passwords.hash_password, cost=_CHEAP)  # type: ignore[attr-defined]  # imported there
hashing.verify = partial(passwords.verify, cost=_CHEAP)  # type: ignore[attr-defined]  # imported there


class Log:
    """Keeps log lines as (event, fields)."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, Line]] = []
        self.routine: list[str] = []
        """The events of level debug."""

    def debug(self, event: str, **fields: Any) -> None:
        self.routine.append(event)
        self(event, **fields)

    def __call__(self, event: str, **fields: Any) -> None:
        self.lines.append((event, fields))

    info = warning = error = exception = __call__

    def named(self, event: str) -> list[Line]:
        return [fields for name, fields in self.lines if name == event]


class Peer:
    """One client, which sends and reads lines."""

    def __init__(self, stream: trio.abc.HalfCloseableStream) -> None:
        self.stream = stream
        self.events: list[Line] = []
        """Lines that were skipped while this peer waited for another one."""
        self.name = ""
        self._tail = b""
        self._ids = 0

    async def send(self, *lines: str | bytes | Line) -> None:
        """Send lines, plain or JSON, in one go."""
        await self.stream.send_all(b"".join(_as_bytes(line) for line in lines))

    async def line(self) -> Line:
        """Return the next line; raise EOFError at the end of the stream."""
        while b"\n" not in self._tail:
            data = await self.stream.receive_some()
            if not data:
                raise EOFError(self._tail)
            self._tail += data
        line, _, self._tail = self._tail.partition(b"\n")
        decoded: Line = orjson.loads(line)
        return decoded

    async def next(self, type: str) -> Line:
        """Return the next line of this type; skipped lines go to `events`."""
        for index, line in enumerate(self.events):
            if line["type"] == type:
                return self.events.pop(index)
        while True:
            line = await self.line()
            if line["type"] == type:
                return line
            self.events.append(line)

    async def ask(self, line: str | Line) -> Line:
        """Send one line, plain or JSON, and return its reply; earlier lines go to `events`."""
        self._ids += 1
        if isinstance(line, dict):
            await self.send({"id": self._ids} | line)
            lines = await self._until(self._ids)
            self.events += lines[:-1]
            return lines[-1]
        # A plain line has no id, but replies come in order: the line that is not an event is the reply.
        await self.send(line, {"type": "ping", "id": self._ids})
        lines = (await self._until(self._ids))[:-1]
        events = {"message", "edited", "joined", "left", "muted", "unsent", "unread", "receipt", "absent"}
        events |= {"member", "topic", "closed", "invited"}
        word = line.lstrip("/\\")
        events |= {type for type in ("renamed", "read") if not word.startswith(type.removesuffix("d"))}
        (reply,) = [line for line in lines if line["type"] not in events]
        self.events += [line for line in lines if line is not reply]
        return reply

    async def _until(self, re: int) -> list[Line]:
        lines = [await self.line()]
        while lines[-1].get("re") != re:
            lines.append(await self.line())
        return lines

    async def quiet(self) -> list[Line]:
        """Return all lines up to the pong of a ping, which are all that the server has sent so far."""
        self._ids += 1
        await self.send({"type": "ping", "id": self._ids})
        return (await self._until(self._ids))[:-1]

    async def leave(self) -> None:
        """Send `exit` and read to the end."""
        await self.send("exit")
        await self.rest()

    async def rest(self) -> list[Line]:
        """Return all lines up to the end of the stream."""
        lines = []
        while True:
            try:
                lines.append(await self.line())
            except EOFError:
                return lines


def _as_bytes(line: str | bytes | Line) -> bytes:
    if isinstance(line, bytes):
        return line
    return (line.encode() if isinstance(line, str) else orjson.dumps(line)) + b"\n"


class MemoryListener(trio.abc.Listener[trio.abc.HalfCloseableStream]):
    """Accepts the connections that `connect` makes; refuses them, as a kernel does, once it is closed."""

    def __init__(self) -> None:
        self._send, self._receive = trio.open_memory_channel[trio.abc.HalfCloseableStream](1000)
        self._addresses: dict[trio.abc.HalfCloseableStream, str] = {}

    async def connect(self, address: str = "memory") -> trio.abc.HalfCloseableStream:
        """Return the client's end of a new connection, which comes from this address."""
        mine, theirs = trio.testing.memory_stream_pair()
        await self.let_in(theirs, address)
        return mine

    async def let_in(self, stream: trio.abc.HalfCloseableStream, address: str = "memory") -> None:
        """Give the server its end of a connection. Raises ConnectionRefusedError if nothing listens."""
        self._addresses[stream] = address
        try:
            await self._send.send(stream)
        except trio.BrokenResourceError:
            raise ConnectionRefusedError(ECONNREFUSED, "Connection refused") from None

    def port(self, server: Server) -> Port:
        """Return this listener with a handler that serves its connections."""

        async def serve(stream: trio.abc.HalfCloseableStream) -> None:
            await server.serve(stream, self._addresses.pop(stream))

        return self, serve

    async def accept(self) -> trio.abc.HalfCloseableStream:
        return await self._receive.receive()

    async def aclose(self) -> None:
        waiting = self._receive.statistics().current_buffer_used
        streams = [self._receive.receive_nowait() for _ in range(waiting)]
        self._receive.close()
        for stream in streams:
            await trio.aclose_forcefully(stream)


class RunningServer:
    """A running server on memory streams."""

    def __init__(self, node: Node, store: Any, listener: MemoryListener, log: Log) -> None:
        self.node = node
        self.server = node.server
        self.state = node.state
        self.store: Any = store
        self.log = log
        self.address = "memory"
        """The address that the next connections come from."""
        self._listener = listener

    async def connect(self) -> trio.abc.HalfCloseableStream:
        """Return the client's end of a new connection."""
        return await self._listener.connect(self.address)

    async def peer(self, name: str | None = None) -> Peer:
        """Return a peer that has read the welcome, and has taken `name` if given."""
        peer = Peer(await self.connect())
        peer.name = (await peer.next("welcome"))["user"]
        if name is not None:
            reply = await peer.ask({"type": "rename", "name": name})
            assert reply["type"] == "renamed", reply
            peer.name = reply["new"]
        return peer

    def user(self, name: str) -> User:
        """Return the user of this name, who must be in memory."""
        found = self.state.directory.find(name)
        assert isinstance(found, User)
        return found

    def announce_presence(self) -> None:
        """Announce joins and leaves at once, instead of a moment later and together."""
        self.state.audience.subscribe_all_pending()
        self.node.state.presence.settle()
        self.node.pipeline.announce()

    async def peers(self, *names: str) -> list[Peer]:
        """Connect several peers, and read everything about one another's joining."""
        peers = [await self.peer(name) for name in names]
        self.announce_presence()
        for peer in peers:
            await peer.quiet()
        return peers


async def at_once(work: Callable[..., T], /, *arguments: Any, limiter: trio.CapacityLimiter) -> T:
    """Run blocking work without a thread, so that it takes no time on a mocked clock."""
    async with limiter:
        return work(*arguments)


@asynccontextmanager
async def run_server(
    settings: Settings | None = None,
    *,
    folder: Path | None = None,
    store: Any = None,
    run_sync: RunSync = to_thread,
) -> AsyncIterator[RunningServer]:
    """Run a server on memory streams until the block ends."""
    store = store or SqliteStore(folder, "off")
    with closing(store):  # also if the block raises, or its caller is cancelled
        log = Log()
        listener = MemoryListener()
        node = Node(settings or Settings(), store, log, TrioClock(), run_sync=run_sync)  # type: ignore[arg-type]
        async with trio.open_nursery() as nursery:
            await nursery.start(node.run, [listener.port(node.server)])
            try:
                yield RunningServer(node, store, listener, log)
            finally:
                nursery.cancel_scope.cancel()
