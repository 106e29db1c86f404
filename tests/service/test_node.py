"""A node: its parts work together, and its server serves any listener and any stream."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any, cast

import pytest
import trio
import trio.testing

import tcpchat
from chaos.clock import TrioClock
from tcpchat.chat.operations.moderation import LiftBans
from tcpchat.errors import ChatError
from tcpchat.server import Port
from tcpchat.service.node import Node
from tcpchat.serving.delivery import Observer
from tcpchat.settings import Settings
from tcpchat.store import StorageError
from tcpchat.store.changes import EndSession, NewMessage
from tcpchat.store.sqlite import SqliteStore
from tests.running import Log, MemoryListener, Peer, run_server
from tests.serving.test_delivery import GatedStore

PARTS = {
    "ServerState",
    "Pipeline",
    "Reader",
    "Loader",
    "Throttle",
    "Caller",
    "OperatorContext",
    "Dispatcher",
    "Server",
}


class BrokenStore(SqliteStore):
    """Writes nothing."""

    def commit(self, *_: Any) -> None:
        raise StorageError("read-only")


def node(store: SqliteStore | None = None) -> tuple[Node, Log]:
    log: Any = Log()
    return Node(Settings(), store or SqliteStore(None), log, TrioClock()), log


def test_the_parts_of_a_chat_are_put_together_in_one_place() -> None:
    root = Path(tcpchat.__file__).parent
    made = {
        (source.stem, call.func.id)
        for source in root.rglob("*.py")
        for call in ast.walk(ast.parse(source.read_text()))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in PARTS
    }
    assert made == {("node", part) for part in PARTS}


async def test_a_stream_is_served_without_a_listener() -> None:
    """As by a front that speaks another protocol below the chat's lines."""
    chat, log = node()
    ours, theirs = trio.testing.memory_stream_pair()
    async with trio.open_nursery() as nursery:
        await nursery.start(chat.run, [])
        nursery.start_soon(chat.server.serve, theirs, "192.0.2.1")
        peer = Peer(ours)
        await peer.next("welcome")
        assert (await peer.ask("send hi"))["type"] == "sent"
        chat.stop()
        assert (await peer.rest())[-1]["code"] == "server-stopping"
        await ours.aclose()
    assert log.named("joined") == [{"user": "guest-1", "address": "192.0.2.1"}]


async def test_a_bug_while_a_backlog_is_sent_is_logged_and_ends_that_connection_only() -> None:
    async def fail() -> None:
        await trio.lowlevel.checkpoint()
        raise ZeroDivisionError

    chat, log = node()
    _, bad = trio.testing.memory_stream_pair()
    bad.send_stream.send_all_hook = fail
    async with trio.open_nursery() as nursery:
        await nursery.start(chat.run, [])
        await chat.server.serve(bad, "192.0.2.1")
        assert log.named("bug") == [{"step": "send a backlog"}]
        assert log.named("left")[0]["reason"] == "broken"
        ours, theirs = trio.testing.memory_stream_pair()
        nursery.start_soon(chat.server.serve, theirs, "192.0.2.1")
        await Peer(ours).next("welcome")
        chat.stop()
        await ours.aclose()


@pytest.mark.timeout(30)
async def test_a_connection_whose_task_is_cancelled_does_not_keep_the_server_from_stopping() -> None:
    chat, log = node()
    ours, theirs = trio.testing.memory_stream_pair()
    async with trio.open_nursery() as nursery:
        await nursery.start(chat.run, [])
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as front:
                front.start_soon(chat.server.serve, theirs, "192.0.2.1")
                await Peer(ours).next("welcome")
                scope.cancel()
        assert log.named("left")
        chat.stop()


@pytest.mark.timeout(30)
async def test_what_was_accepted_is_settled_before_a_cancelled_node_ends() -> None:
    """Whoever waits for the disk is not left waiting for ever, and is told the truth."""
    disk = GatedStore()
    async with run_server(store=disk) as running:
        alice, bob = await running.peers("alice", "bob")
        await bob.ask("send so that there is a session to end on disk")
        disk.open.clear()
        await alice.send("send one", "send two")
        await trio.testing.wait_all_tasks_blocked()
        await bob.send("logout")
        await trio.testing.wait_all_tasks_blocked()
        disk.open.set()  # and the node is cancelled before anything else runs
    written = [change for batch in disk.batches for change in batch]
    assert [change.text for change in written if isinstance(change, NewMessage)][1:] == ["one", "two"]
    assert [type(change) for change in disk.batches[-1]] == [EndSession]


@pytest.mark.timeout(30)
async def test_a_bug_in_the_pipeline_ends_the_node_and_leaves_nobody_waiting() -> None:
    class Broken:
        def committed(self, seconds: float, size: int) -> None:
            raise ZeroDivisionError

    disk = GatedStore()
    with pytest.RaisesGroup(ZeroDivisionError, flatten_subgroups=True):
        async with run_server(store=disk) as running:
            alice, bob = await running.peers("alice", "bob")
            await bob.ask("send so that there is a session to end on disk")
            running.node.pipeline.observer = cast("Observer", Broken())
            disk.open.clear()
            await alice.send("send one")
            await trio.testing.wait_all_tasks_blocked()
            await bob.send("logout")
            await trio.testing.wait_all_tasks_blocked()
            disk.open.set()
            await trio.sleep_forever()
    assert [line["operation"] for line in running.log.named("bug")] == ["SendMessages"]
    with pytest.raises(ChatError, match="the server stopped, so nothing was done"):
        await running.node.pipeline.commit(LiftBans(bans=[]))


async def test_every_listener_has_its_own_handler_and_a_stop_ends_it() -> None:
    chat, _ = node()
    ended: list[str] = []

    def port(name: str) -> tuple[MemoryListener, Port]:
        listener = MemoryListener()

        async def handler(stream: trio.abc.Stream) -> None:
            try:
                with chat.server.until_stop():
                    await stream.send_all(name.encode())
                    await trio.sleep_forever()
            finally:
                ended.append(name)

        return listener, (listener, handler)

    listeners, ports = zip(*(port(name) for name in ("one", "two")), strict=True)
    async with trio.open_nursery() as nursery:
        await nursery.start(chat.run, ports)
        for listener, name in zip(listeners, (b"one", b"two"), strict=True):
            assert await (await listener.connect()).receive_some() == name
        chat.stop()
    assert sorted(ended) == ["one", "two"]


async def test_a_block_that_begins_after_the_stop_is_cancelled_at_once() -> None:
    chat, _ = node()
    chat.stop()
    with chat.server.until_stop():
        await trio.sleep_forever()


async def test_users_can_read_while_the_disk_refuses_writes() -> None:
    chat, log = node(BrokenStore(None))
    listener = MemoryListener()
    async with trio.open_nursery() as nursery:
        await nursery.start(chat.run, [listener.port(chat.server)])
        assert log.named("storage failed") == [{"operations": 0, "error": "read-only"}]
        peer = Peer(await listener.connect())
        assert (await peer.ask({"type": "history"}))["messages"] == []
        await peer.leave()
        await peer.stream.aclose()
        chat.stop()


async def test_nothing_is_written_before_it_runs(tmp_path: Path) -> None:
    class Disk(SqliteStore):
        def commit(self, *_: Any) -> None:
            pytest.fail("it has written")

    store = Disk(tmp_path)
    node(store)
    store.close()
