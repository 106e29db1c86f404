"""No promise is broken, whatever fails in whatever order; and a server that breaks one is found."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from pathlib import Path
from random import Random
from typing import Any

import pytest
import trio
from trio._core import _run as scheduler

from chaos import node
from chaos.checker import Checker
from chaos.clock import JumpingClock
from chaos.disk import CrashableStore, Disk, rows
from chaos.nemesis import Rates
from chaos.network import Link, Network
from chaos.node import SimulatedNode
from chaos.scenario import Plan, Result, run
from chaos.trace import Trace
from tcpchat.chat.draft import Draft
from tcpchat.chat.fanout import Fanout
from tcpchat.chat.operations.messages import PostEvents
from tcpchat.chat.room import Logged, Room
from tcpchat.chat.sent_keys import SentKeys
from tcpchat.chat.state import ServerState
from tcpchat.client import Client, FlowControl
from tcpchat.link.inbox import Inbox
from tcpchat.serving.connection import Connection
from tcpchat.serving.delivery import Pipeline
from tcpchat.store.changes import Change, EditMessage, NewMessage, NewRoom, NewUser, peer_of

ROUGH = Rates(partition=60, latency=300, disk=300, crash=200)
FEW: Any = {
    "registered": ("alice1", "alice2", "bob"), "guests": ("carol",),
    "devices": ("ivan1", "ivan2"), "guest_devices": (),
}  # fmt: skip


def short(seed: int, hours: float = 0.5) -> Result:
    return run(Plan(seed=seed, hours=hours, rates=ROUGH, schedule_ahead=300, **FEW))


@pytest.mark.parametrize("seed", [1, 2])
def test_no_promise_is_broken(seed: int) -> None:
    result = short(seed, 1)
    assert result.problem is None, "\n".join(["", *result.last, str(result.problem)])
    assert (result.lost, result.duplicated) == (0, 0)
    assert result.acknowledged > 50
    faults = {"dropped", "stalled", "killed", "stopped", "storage failed"}
    assert faults | {"reconnected"} <= result.counts.keys()


def test_the_same_seed_is_the_same_run() -> None:
    assert short(3, 0.1).digest == short(3, 0.1).digest
    assert short(3, 0.01).digest != short(4, 0.01).digest


@pytest.mark.parametrize("was", [False, True])
def test_a_run_leaves_the_order_of_tasks_as_it_was(monkeypatch: pytest.MonkeyPatch, was: bool) -> None:
    monkeypatch.setattr(scheduler, "_ALLOW_DETERMINISTIC_SCHEDULING", was)
    state = scheduler._r.getstate()
    short(3, 0.01)
    assert (scheduler._ALLOW_DETERMINISTIC_SCHEDULING, scheduler._r.getstate() == state) == (was, True)


Broken = Callable[[pytest.MonkeyPatch], None]


def loses_a_commit(patch: pytest.MonkeyPatch) -> None:
    """Acknowledge messages without storing them, where later rows do not refer to what is lost."""
    commit = CrashableStore.commit

    def lose(self: CrashableStore, changes: Iterable[Change]) -> None:
        rows = list(changes)
        lost = any(isinstance(row, NewMessage) and row.seq % 10 == 0 for row in rows)
        if not lost or any(isinstance(row, NewUser | NewRoom) for row in rows):
            commit(self, rows)

    patch.setattr(CrashableStore, "commit", lose)


def acknowledges_before_the_commit(patch: pytest.MonkeyPatch) -> None:
    async def settle_first(self: Any, batch: Any, *rest: Any) -> None:
        self._release(batch)
        await commit(self, batch, *rest)
        batch.clear()

    commit = Pipeline._commit
    patch.setattr(Pipeline, "_commit", settle_first)


def repeats_a_batch(patch: pytest.MonkeyPatch) -> None:
    publish = Pipeline._publish

    def twice(self: Pipeline, posts: list[Logged], direct: Any) -> None:
        publish(self, posts * 2, direct)

    patch.setattr(Pipeline, "_publish", twice)


def forgets_keys(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(SentKeys, "find", lambda *_: None)
    patch.setattr(Draft, "sent_under", lambda *_: (None, False))


def delivers_in_another_order(patch: pytest.MonkeyPatch) -> None:
    publish = Pipeline._publish

    def backwards(self: Pipeline, posts: list[Logged], direct: Any) -> None:
        publish(self, posts[::-1], direct)

    patch.setattr(Pipeline, "_publish", backwards)


def edits_another_message(patch: pytest.MonkeyPatch) -> None:
    commit = CrashableStore.commit

    def swap(self: CrashableStore, changes: Iterable[Change]) -> None:
        rows = (
            row._replace(target=row.target - 1) if isinstance(row, EditMessage) else row for row in changes
        )
        commit(self, rows)

    patch.setattr(CrashableStore, "commit", swap)


def skips_missed_messages(patch: pytest.MonkeyPatch) -> None:
    """In the library: assume that nothing was sent while the connection was lost."""

    def nothing(self: Inbox, seq: int, *_: object) -> int:
        self._lobby.last = seq
        self._complete = True
        return 0

    patch.setattr(Inbox, "welcome", nothing)


def leaks_private_messages(patch: pytest.MonkeyPatch) -> None:
    authors: dict[str, None] = {}
    deliver = PostEvents._deliver_direct

    def leak(self: PostEvents, state: ServerState, fanout: Fanout, room: Room) -> None:
        lines = b"".join(event.line for event in room._appended)
        deliver(self, state, fanout, room)
        authors[self.author] = None
        for id in authors.keys() - {self.author, peer_of(self.room, self.author)}:
            author = state.users.get(id)
            if author is not None:
                fanout.to_user(author, lines)

    patch.setattr(PostEvents, "_deliver_direct", leak)


def waits_for_slow_readers(patch: pytest.MonkeyPatch) -> None:
    commit_next = Pipeline._commit_next

    async def wait(self: Pipeline, draft: Draft) -> Any:
        for connection in list(self._state.audience.subscribed):
            assert isinstance(connection, Connection)
            await connection.wait_drained()
        return await commit_next(self, draft)

    patch.setattr(Pipeline, "_commit_next", wait)


def sends_no_bye(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("tcpchat.server.close_line", lambda *_: b"")


@pytest.mark.parametrize(
    ("broken", "promise"),
    [
        (loses_a_commit, "P1"),
        (acknowledges_before_the_commit, "P1"),
        (repeats_a_batch, "P2"),
        (forgets_keys, "P2"),
        (delivers_in_another_order, "P2"),
        (edits_another_message, "P2"),
        (skips_missed_messages, "P2"),
        (leaks_private_messages, "P5"),
        (sends_no_bye, "P7"),
    ],
)
def test_a_broken_promise_is_found(broken: Broken, promise: str, monkeypatch: pytest.MonkeyPatch) -> None:
    broken(monkeypatch)
    result = short(1, 2)
    assert result.problem is not None
    assert result.problem.startswith(promise), result.problem


@pytest.mark.parametrize("killed", [False, True])
def test_a_kill_loses_what_was_not_committed(tmp_path: Path, killed: bool) -> None:
    network, disk = Network(Random(1)), Disk(tmp_path, Random(1))

    async def live() -> None:
        async with trio.open_nursery() as nursery:
            server = SimulatedNode(disk, network, Checker(Trace()), Random(1), nursery)
            await server.start()
            link = await network.connect("someone")
            disk.slow = 1e5  # so that the kill comes between the send and its commit
            await link.client.send_all(b"send this\n")
            await trio.sleep(5)
            assert rows(tmp_path) == []
            if killed:
                await server.kill()
            await trio.sleep(1e4)  # until the disk is asked for it
            nursery.cancel_scope.cancel()

    trio.run(live, clock=JumpingClock())
    assert len(rows(tmp_path)) == (not killed)


def test_a_run_that_is_cut_short_leaves_the_store_closed(tmp_path: Path) -> None:
    network, disk = Network(Random(1)), Disk(tmp_path, Random(1))

    async def live() -> CrashableStore:
        async with trio.open_nursery() as nursery:
            server = SimulatedNode(disk, network, Checker(Trace()), Random(1), nursery)
            await server.start()
            nursery.cancel_scope.cancel()
        return server._store

    store = trio.run(live, clock=JumpingClock())
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        store.rows(0)


TEXTS = 400  # of 3.9 kB, together more than the backlog


def test_a_client_that_stops_reading_delays_nobody(tmp_path: Path) -> None:
    """P3: all others receive the same at the same moments, and the slow client is soon disconnected."""
    stopped, usual = both_ways(tmp_path)
    assert stopped.checker.problems == usual.checker.problems == []
    assert stopped.received == usual.received
    assert len(stopped.received) == TEXTS
    assert stopped.lines < usual.lines == TEXTS
    assert node.BACKLOG // 2 < stopped.highest < node.BACKLOG + 4096


def test_a_server_that_waits_for_slow_readers_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits_for_slow_readers(monkeypatch)
    stopped, usual = both_ways(tmp_path)
    assert stopped.received != usual.received


def both_ways(folder: Path) -> tuple[Exchange, Exchange]:
    """Return the exchange in which a client stopped reading, and the same one in which none did."""
    stopped, usual = Exchange(folder / "stopped"), Exchange(folder / "usual")
    trio.run(stopped.run, 1000, clock=JumpingClock())
    trio.run(usual.run, 0, clock=JumpingClock())
    return stopped, usual


def test_a_backlog_beyond_its_limit_is_found(tmp_path: Path) -> None:
    exchange = Exchange(tmp_path, bound=node.BACKLOG // 3)
    trio.run(exchange.run, 1000, clock=JumpingClock())
    assert "P3" in exchange.checker.problems[0]


class Exchange:
    """One client sends, one reads, and another reads too or stops for some seconds."""

    def __init__(self, folder: Path, bound: int | None = None) -> None:
        self._bound = bound
        self.checker = Checker(Trace())
        self.received: list[float] = []
        """When the reader received each message."""
        self.lines = 0
        """The number of messages that the other client received."""
        self.highest = 0
        self._network, self._disk = Network(Random(1)), Disk(folder, Random(1))
        self._network.latency, self._disk.slow = (0.01, 0.01), 0

    async def run(self, stops_reading: float) -> None:
        async with trio.open_nursery() as nursery:
            server = SimulatedNode(self._disk, self._network, self.checker, Random(1), nursery)
            server.bound = self._bound or server.bound
            await server.start()
            reader, other = await self._network.connect("reader"), await self._network.connect("other")
            other.stop_reading(stops_reading)
            nursery.start_soon(self._read, reader)
            nursery.start_soon(self._count, other)
            flow = FlowControl(patient=True)
            async with Client(open_stream=self._connect, name="talker", flow=flow) as client:
                for _ in range(TEXTS):
                    await client.send(self.checker.invoke("talker", None, 3900))
            await trio.sleep(stops_reading + 10)
            await server.stop()
            self.highest = server.highest
            nursery.cancel_scope.cancel()

    async def _connect(self) -> trio.abc.Stream:
        return (await self._network.connect("talker")).client

    async def _read(self, link: Link) -> None:
        while data := await link.client.receive_some():
            self.received += [trio.current_time()] * data.count(b'{"type":"message"')

    async def _count(self, link: Link) -> None:
        while data := await link.client.receive_some():
            self.lines += data.count(b'{"type":"message"')
