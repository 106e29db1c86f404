"""The pipeline: one batch per commit, nothing said before it is on disk, and what happens if it is not."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from tcpchat.chat.draft import Draft
from tcpchat.chat.fanout import Fanout
from tcpchat.chat.operations.messages import SendMessages
from tcpchat.chat.state import ServerState
from tcpchat.serving.connection import Connection
from tcpchat.settings import Limits, Settings
from tcpchat.store import StorageError
from tcpchat.store.changes import Change, NewMessage
from tcpchat.store.sqlite import SqliteStore
from tests.running import Peer, RunningServer, run_server


class GatedStore(SqliteStore):
    """A disk that takes its time, and can be full."""

    def __init__(self) -> None:
        super().__init__(None)
        self.open = threading.Event()
        self.open.set()
        self.full = False
        self.batches: list[list[Change]] = []

    def commit(self, changes: Iterable[Change]) -> None:
        changes = list(changes)
        self.open.wait(10)
        if self.full:
            raise StorageError("database or disk is full")
        self.batches.append(changes)
        super().commit(changes)


@pytest.fixture
def disk() -> GatedStore:
    return GatedStore()


async def test_nothing_is_said_before_it_is_on_disk(disk: GatedStore) -> None:
    async with run_server(store=disk) as running:
        alice, bob = await running.peers("alice", "bob")
        disk.open.clear()
        await alice.send("send hi")
        assert await bob.quiet() == []
        disk.open.set()
        assert (await bob.next("message"))["text"] == "hi"
        assert (await alice.next("sent"))["seq"] == 1


async def test_what_arrives_during_a_commit_goes_into_the_next_one(disk: GatedStore) -> None:
    async with run_server(store=disk) as running:
        peers = await running.peers("alice", "bob", "carol")
        disk.batches.clear()
        disk.open.clear()
        await peers[0].send("send first")
        await trio.testing.wait_all_tasks_blocked()
        for peer in peers:
            await peer.send("send a", "send b")
        await trio.testing.wait_all_tasks_blocked()
        disk.open.set()
        for _ in range(7):
            await peers[2].next("message")
        messages = [[type(change) for change in batch].count(NewMessage) for batch in disk.batches]
        assert messages == [1, 6]


async def test_others_are_served_while_the_disk_takes_its_time(disk: GatedStore) -> None:
    async with run_server(store=disk) as running:
        alice, bob = await running.peers("alice", "bob")
        disk.open.clear()
        await alice.send("send hi")
        assert (await bob.ask({"type": "history"}))["messages"] == []
        assert len((await bob.ask({"type": "users"}))["users"]) == 2
        disk.open.set()


async def test_a_full_disk_refuses_that_batch_and_recovers(disk: GatedStore) -> None:
    async with run_server(store=disk) as running:
        alice, bob = await running.peers("alice", "bob")
        await alice.ask("send one")
        disk.full = True
        await alice.send({"type": "send", "text": "two", "id": 1}, {"type": "send", "text": "3", "id": 2})
        for re in (1, 2):
            error = await alice.next("error")
            assert (error["re"], error["code"]) == (re, "storage-failed")
        assert [message["text"] for message in (await bob.ask("history"))["messages"]] == ["one"]
        disk.full = False
        assert (await alice.ask("send two"))["seq"] == 2, "no gap where the failed ones would have been"
        assert [line["text"] for line in bob.events + await bob.quiet()] == ["one", "two"]


async def test_a_key_of_a_send_that_failed_can_be_used_again(disk: GatedStore) -> None:
    async with run_server(store=disk) as running:
        (alice,) = await running.peers("alice")
        send = {"type": "send", "text": "x", "key": "k"}
        disk.full = True
        await alice.send(send | {"id": 1}, send | {"id": 2})
        assert [(await alice.next("error"))["re"] for _ in range(2)] == [1, 2]
        disk.full = False
        assert (await alice.ask(send))["type"] == "sent"


async def test_what_failed_is_undone(disk: GatedStore) -> None:
    async with run_server(store=disk) as running:
        alice, bob = await running.peers("alice", "bob")
        await alice.ask("send so that alice is kept")
        await alice.ask("send -t 60 pending")
        disk.full = True
        for line in ("send -t 60 x", "cancel", "report bob", "rename carol", "send -u bob x"):
            assert (await alice.ask(line))["code"] == "storage-failed", line
        assert [pending["text"] for pending in (await alice.ask("scheduled"))["messages"]] == ["pending"]
        assert [user["name"] for user in (await alice.ask("users"))["users"]] == ["alice", "bob"]
        assert (await bob.ask({"type": "rename", "name": "carol"}))["new"] == "carol", "the claim is released"
        disk.full = False
        assert (await alice.ask("report carol"))["reports"] == 1
        assert (await alice.ask("cancel"))["text"] == "pending"


async def test_a_due_message_that_the_disk_refused_is_sent_later(
    disk: GatedStore, mock_clock: trio.testing.MockClock
) -> None:
    async with run_server(store=disk) as running:
        alice, bob = await running.peers("alice", "bob")
        await alice.ask("send -t 10 patience")
        disk.full = True
        mock_clock.jump(10)
        while not running.log.named("storage failed"):
            await bob.quiet()
        disk.full = False
        mock_clock.jump(2)
        assert (await bob.next("message"))["text"] == "patience"
        assert await bob.quiet() == []


async def test_a_mute_that_was_not_kept_does_not_hold(disk: GatedStore) -> None:
    async with run_server(store=disk) as running:
        bob, *others = await running.peers("bob", "a", "b", "c", "d")
        for other in others[:3]:
            await other.ask("report bob")
        disk.full = True
        assert (await others[3].ask("report bob"))["code"] == "storage-failed"
        disk.full = False
        assert (await bob.ask("send free"))["type"] == "sent"
        assert (await others[3].ask("report bob"))["reports"] == 4


class Undecidable(SendMessages):
    """An operation with a bug."""

    def decide(self, draft: Draft) -> None:
        raise ZeroDivisionError


class Inconclusive(SendMessages):
    """An operation with a bug that shows when it is on disk."""

    def conclude(self, state: ServerState, fanout: Fanout) -> None:
        raise ZeroDivisionError


@pytest.mark.parametrize(("kind", "texts"), [(Undecidable, ["on we go"]), (Inconclusive, ["x", "on we go"])])
async def test_a_bug_in_an_operation_hurts_only_its_requester(
    running: RunningServer, kind: type[SendMessages], texts: list[str]
) -> None:
    """What is on disk by then is sent out all the same."""
    alice, bob = await running.peers("alice", "bob")
    user = running.user("alice")
    requester: Any = user.connections[0]
    operation = kind(author=user.id, room="lobby", name="alice", texts=["x"], mentions=[])
    operation.requester, operation.ids = requester, [77]
    requester.unsettled += 1
    running.node.pipeline.submit(operation)
    assert (await alice.next("error"))["code"] == "internal"
    assert (await alice.ask("send on we go"))["type"] == "sent"
    for text in texts:
        assert (await bob.next("message"))["text"] == text


async def test_a_thousand_arrivals_cost_a_few_lines(mock_clock: trio.testing.MockClock) -> None:
    async with run_server() as running:
        (first,) = await running.peers("first")
        for _ in range(1000):
            await running.peer()
        mock_clock.jump(10)
        lines = await first.quiet()
        mock_clock.jump(10)
        lines += await first.quiet()
        assert sum(len(line["users"]) for line in lines) == 1000
        assert len(lines) <= 4


async def test_who_stays_and_speaks_was_announced_before(running: RunningServer) -> None:
    """Messages wait for no presence, so presence goes with them."""
    (first,) = await running.peers("first")
    guest = await running.peer()
    await guest.ask({"type": "rename", "name": "alice"})
    running.state.presence.settle()
    await guest.ask("send hi")
    lines = [await first.line(), await first.line()]
    assert [line["type"] for line in lines] == ["joined", "message"]
    assert (lines[0]["users"], lines[1]["from"]) == (["alice"], "alice")


async def test_who_came_and_went_unseen_is_not_told_of(
    running: RunningServer, mock_clock: trio.testing.MockClock
) -> None:
    (first,) = await running.peers("first")
    for _ in range(3):
        await (await running.peer()).leave()
    mock_clock.jump(1)
    assert await first.quiet() == []


async def test_every_reader_gets_every_message_once_in_order(tmp_path: Path) -> None:
    """P2, with senders that pipeline and others that come and go meanwhile."""
    limits = Limits(messages_per_second=0)
    async with run_server(Settings(limits=limits), folder=tmp_path) as running:
        readers = await running.peers("r1", "r2", "r3")
        senders = await running.peers("s1", "s2", "s3", "s4")

        async def say(sender: Peer) -> None:
            for start in range(0, 300, 50):
                await sender.send(*[f"send {sender.name}-{n}" for n in range(start, start + 50)])
                await (await running.peer()).leave()
            for _ in range(300):
                await sender.next("sent")

        async with trio.open_nursery() as nursery:
            for sender in senders:
                nursery.start_soon(say, sender)
        for reader in readers:
            heard = [line for line in await reader.quiet() if line["type"] == "message"]
            assert [line["seq"] for line in heard] == list(range(1, 1201))
            for sender in senders:
                own = [line["text"] for line in heard if line["from"] == sender.name]
                assert own == [f"{sender.name}-{n}" for n in range(300)]


@pytest.mark.parametrize(
    ("step", "name"),
    [("flush_before_window", "flush before window"), ("_blanked", "blank ignored")],
)
async def test_a_bug_between_the_operations_ends_nothing(
    monkeypatch: pytest.MonkeyPatch, step: str, name: str
) -> None:
    async with run_server() as running:
        alice, bob = await running.peers("alice", "bob")
        await bob.ask("ignore alice")
        newcomer = await running.peer()

        def broken(about: object) -> None:
            raise KeyError("a bug")

        owner = running.node.pipeline if step == "_blanked" else running.state.audience
        monkeypatch.setattr(owner, step, broken)
        for line in ("send one", {"type": "send", "text": "two", "username": "bob"}):
            assert (await alice.ask(line))["type"] == "sent"
        assert running.log.named("bug")[0]["step"] == name
        assert (await newcomer.next("message"))["text"] == "one"
        assert (await bob.ask("ping"))["type"] == "pong"


async def test_nothing_to_say_is_no_write(monkeypatch: pytest.MonkeyPatch) -> None:
    """A write of nothing is an end to some streams."""
    written: list[bytes] = []
    write = Connection.write_nowait

    def record(connection: Connection, data: bytes) -> None:
        written.append(data)
        write(connection, data)

    async with run_server() as running:
        alice, bob = await running.peers("alice", "bob")
        await bob.ask("ignore alice")
        await alice.ask("rename carol")
        await alice.ask("rename alice")  # back again, which nobody else is told
        monkeypatch.setattr(Connection, "write_nowait", record)
        running.node.state.presence.settle()
        running.node.pipeline.announce()
        running.node.state.presence.settle()
        running.node.pipeline.announce()
        assert b"" not in written
        await alice.ask("send hi")
        assert (await bob.next("message"))["ignored"]
    assert written
