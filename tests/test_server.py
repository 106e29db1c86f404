"""Limits on connections, slow readers and stops of a whole server, on real sockets."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio

from chaos.clock import TrioClock
from tcpchat.service.node import Node
from tcpchat.settings import Limits, Rules, Running, Settings
from tcpchat.store.queries.snapshot import load_snapshot
from tcpchat.store.sqlite import SqliteStore
from tests.process import PATIENCE
from tests.running import Log, Peer


class Door:
    """A server on a real port."""

    def __init__(self, node: Node, log: Log, port: int) -> None:
        self.node = node
        self.server = node.server
        self.log = log
        self.port = port
        self._peers: list[Peer] = []

    async def close(self) -> None:
        for peer in self._peers:
            await trio.aclose_forcefully(peer.stream)

    async def peer(self, name: str | None = None, *, receive_buffer: int = 0) -> Peer:
        """Connect, with a small receive buffer if asked; without a name the welcome is not read."""
        sock = trio.socket.socket()
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        await sock.connect(("127.0.0.1", self.port))
        peer = Peer(trio.SocketStream(sock))
        self._peers.append(peer)
        if name is not None:
            await peer.next("welcome")
            peer.name = (await peer.ask({"type": "rename", "name": name}))["new"]
        return peer


@asynccontextmanager
async def open_door(settings: Settings, folder: Path | None = None) -> AsyncIterator[Door]:
    store = SqliteStore(folder, "off")
    log: Any = Log()
    node = Node(settings, store, log, TrioClock())
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            await nursery.start(node.run, [(listener, node.server.accept) for listener in listeners])
            door = Door(node, log, listeners[0].socket.getsockname()[1])
            try:
                yield door
            finally:
                nursery.cancel_scope.cancel()
                with trio.CancelScope(shield=True):
                    await door.close()
    store.close()


FAST = Limits(messages_per_second=0, requests_per_second=0)


async def test_a_reader_that_stops_delays_nobody_and_is_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """P3: 200 others get every message while one reads nothing; that one's last line is a bye."""
    # It reads only when the others have read everything.
    monkeypatch.setattr("tcpchat.server.CLOSE_TIMEOUT", PATIENCE)
    limits = Limits(messages_per_second=0, backlog_bytes=400_000)
    async with open_door(Settings(limits=limits)) as door:
        stalled = await door.peer("stalled", receive_buffer=4096)
        (connection,) = door.server.connections
        connection.stream.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)  # type: ignore[attr-defined]
        readers = [await door.peer() for _ in range(200)]
        sender = await door.peer("sender")
        await _until(lambda: not door.node.state.audience.pending)
        counts: list[int] = []

        async def read(reader: Peer) -> None:
            for seq in range(1, 201):
                assert (await reader.next("message"))["seq"] == seq
            counts.append(200)

        async with trio.open_nursery() as nursery:
            for reader in readers:
                nursery.start_soon(read, reader)
            for _ in range(20):
                await sender.send(*["send " + "x" * 4000] * 10)
                for _ in range(10):
                    await sender.next("sent")
        assert len(counts) == 200
        lines = await stalled.rest()
        assert [line["type"] for line in lines if line["type"] in {"bye", "message"}][-1] == "bye"
        assert lines[-1]["code"] == "slow-consumer"
        heard = [line["seq"] for line in lines if line["type"] == "message"]
        assert heard == list(range(1, len(heard) + 1)), "up to there nothing is missing and nothing is cut"
        again = await door.peer("back")
        missed = await again.ask({"type": "history", "after": heard[-1], "count": 1})
        assert missed["messages"][0]["seq"] == heard[-1] + 1


async def test_a_client_that_does_not_read_replies_delays_only_itself() -> None:
    limits = Limits(messages_per_second=0, requests_per_second=0, backlog_bytes=1_000_000)
    async with open_door(Settings(limits=limits)) as door:
        greedy = await door.peer("greedy", receive_buffer=4096)
        with trio.move_on_after(1):
            while True:
                await greedy.send(*[{"type": "schema"}] * 100)
        other = await door.peer("other")
        assert (await other.ask("send hi"))["type"] == "sent"
        (connection,) = [c for c in door.server.connections if c.backlog]
        assert 0 < connection.backlog < 1_000_000
        with trio.move_on_after(0.5):
            assert (await greedy.line())["type"] != "bye"


async def test_one_connection_above_the_limit_is_refused() -> None:
    async with open_door(Settings(limits=Limits(connections=2))) as door:
        first, _ = await door.peer("first"), await door.peer("second")
        third = await door.peer()
        (error,) = await third.rest()
        assert (error["code"], error["limit"]) == ("server-full", 2)
        await first.leave()
        await _until(lambda: door.node.state.slots.taken == 1)
        assert (await door.peer("third")).name == "third"


async def test_one_connection_above_the_limit_of_an_address_is_refused() -> None:
    async with open_door(Settings(limits=Limits(connections_per_address=1))) as door:
        await door.peer("first")
        (error,) = await (await door.peer()).rest()
        assert (error["code"], error["limit"]) == ("address-full", 1)
        with socket.create_connection(("127.0.0.1", door.port), source_address=("127.0.0.2", 0)) as other:
            stream = trio.SocketStream(trio.socket.from_stdlib_socket(other))
            assert (await Peer(stream).line())["type"] == "welcome"


async def test_a_thousand_vanished_connections_leave_nothing_behind() -> None:
    async with open_door(Settings(limits=FAST, rules=Rules(presence_seconds=0))) as door:
        alice = await door.peer("alice")
        for number in range(1000):
            sock = socket.create_connection(("127.0.0.1", door.port))
            if number % 2:  # a reset instead of a close
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            sock.close()
        await _until(lambda: len(door.log.named("left")) == 1000)
        assert (await alice.ask({"type": "status"}))["users"] == 1
        assert (await alice.ask("send hi"))["type"] == "sent"


async def test_a_stop_under_load_loses_nothing_acknowledged(tmp_path: Path) -> None:
    """P7: everyone is told; what was acknowledged was delivered to all and is on disk."""
    async with open_door(Settings(limits=FAST), tmp_path) as door:
        reader = await door.peer("reader")
        senders = [await door.peer(f"sender{n}") for n in range(5)]
        results: dict[str, list[dict[str, Any]]] = {}

        async def flood(sender: Peer) -> None:
            try:
                while True:
                    await sender.send(*[f"send {sender.name}"] * 20)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                pass

        async def read(peer: Peer) -> None:
            results[peer.name] = await peer.rest()

        async with trio.open_nursery() as nursery:
            for sender in senders:
                nursery.start_soon(flood, sender)
                nursery.start_soon(read, sender)
            nursery.start_soon(read, reader)
            await _until(lambda: door.node.state.messages > 500)
            door.node.stop()
            with trio.fail_after(PATIENCE):
                while len(results) < 6:
                    await trio.sleep(0.01)
            nursery.cancel_scope.cancel()
        for lines in results.values():
            assert (lines[-1]["type"], lines[-1]["code"]) == ("bye", "server-stopping")
        acknowledged = {line["seq"] for lines in results.values() for line in lines if line["type"] == "sent"}
        heard = [line["seq"] for line in results["reader"] if line["type"] == "message"]
        assert len(acknowledged) > 100
        assert heard == list(range(1, max(acknowledged) + 1))
        assert acknowledged == set(heard)
    store = SqliteStore(tmp_path)
    assert store.ask(load_snapshot, 1, 0).lobby_seq == len(heard)
    store.close()


async def test_a_stop_does_not_wait_forever_for_a_reader_that_stops() -> None:
    settings = Settings(limits=FAST, running=Running(stop_seconds=0.2))
    async with open_door(settings) as door:
        stalled = await door.peer("stalled", receive_buffer=4096)
        await stalled.send(*[{"type": "schema"}] * 200)
        await _until(lambda: any(c.backlog for c in door.server.connections))
        door.node.stop()
        await _until(lambda: not door.server.connections)


async def test_of_a_thousand_users_the_last_sees_all() -> None:
    async with open_door(Settings(limits=FAST)) as door:
        peers = [await door.peer() for _ in range(999)]
        last = await door.peer("last")
        await _until(lambda: len(door.node.state.presence) == 1000)
        assert len((await last.ask({"type": "users"}))["users"]) == 1000
        assert len(peers) == 999


async def _until(condition: Any) -> None:
    with trio.fail_after(PATIENCE):
        while not condition():
            await trio.sleep(0.01)


@pytest.fixture(autouse=True)
def _enough_files() -> None:
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
