"""Everything fails in every order and no promise is broken; and a server that breaks one is found out."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from pathlib import Path
from random import Random
from typing import Any

import pytest
import trio
from trio._core import _run as scheduler

from chaos import house
from chaos.clock import JumpingClock
from chaos.disk import Disk, MortalStore, rows
from chaos.gremlins import Rates
from chaos.house import House
from chaos.ledger import Ledger
from chaos.network import Cable, Network
from chaos.trace import Trace
from chaos.world import Outcome, Plan, run
from tcpchat.chat.entry import Delivery, Post
from tcpchat.chat.user import User
from tcpchat.client import Client
from tcpchat.link.inbox import Inbox
from tcpchat.serving.connection import Connection
from tcpchat.serving.delivery import Pipeline
from tcpchat.store.changes import Change, NewMessage

ROUGH = Rates(trouble=60, weather=300, disk=300, death=200)
FEW: Any = {"registered": ("alice1", "alice2", "bob"), "guests": ("carol",)}


def short(seed: int, hours: float = 0.5) -> Outcome:
    return run(Plan(seed=seed, hours=hours, rates=ROUGH, later=300, **FEW))


@pytest.mark.parametrize("seed", [1, 2])
def test_no_promise_is_broken(seed: int) -> None:
    outcome = short(seed, 1)
    assert outcome.problem is None, "\n".join(["", *outcome.last, str(outcome.problem)])
    assert (outcome.lost, outcome.doubled) == (0, 0)
    assert outcome.acknowledged > 50
    assert {"dropped", "stalled", "killed", "stopped", "came back", "storage failed"} <= outcome.counts.keys()


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
    """Say that it is kept, and keep nothing of it."""
    commit = MortalStore.commit

    def lose(self: MortalStore, changes: Iterable[Change]) -> None:
        rows = list(changes)
        if any(isinstance(row, NewMessage) and row.seq % 10 == 0 for row in rows):
            return
        commit(self, rows)

    patch.setattr(MortalStore, "commit", lose)


def acknowledges_before_the_commit(patch: pytest.MonkeyPatch) -> None:
    async def settle_first(self: Any, batch: Any, changes: Any) -> None:
        self._release(batch)
        await commit(self, batch, changes)
        batch.clear()

    commit = Pipeline._commit
    patch.setattr(Pipeline, "_commit", settle_first)


def repeats_a_batch(patch: pytest.MonkeyPatch) -> None:
    tell = Pipeline.tell

    def twice(self: Pipeline, lines: bytes = b"", *rest: Any) -> None:
        tell(self, lines * 2, *rest)

    patch.setattr(Pipeline, "tell", twice)


def forgets_keys(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("tcpchat.chat.context.Context.repeat", lambda *_: None)


def tells_in_another_order(patch: pytest.MonkeyPatch) -> None:
    tell = Pipeline.tell

    def backwards(self: Pipeline, lines: bytes = b"", *rest: Any) -> None:
        tell(self, b"".join(reversed(lines.splitlines(keepends=True))), *rest)

    patch.setattr(Pipeline, "tell", backwards)


def loses_what_was_missed(patch: pytest.MonkeyPatch) -> None:
    """In the library: take it that nothing was said while the connection was lost."""

    def nothing(self: Inbox, seq: int, *_: object) -> int:
        self._lobby.last = seq
        self._begun = self._known = True
        return 0

    patch.setattr(Inbox, "welcome", nothing)


def tells_others_what_is_private(patch: pytest.MonkeyPatch) -> None:
    authors: dict[User, None] = {}
    settle = Post._settle_private

    def tell(self: Post, recipient: User, delivery: Delivery) -> None:
        settle(self, recipient, delivery)
        authors[self.author] = None
        for author in authors.keys() - {self.author, recipient}:
            delivery.to(author, self._line)

    patch.setattr(Post, "_settle_private", tell)


def waits_for_who_does_not_read(patch: pytest.MonkeyPatch) -> None:
    commit_next = Pipeline._commit_next

    async def wait(self: Pipeline) -> Any:
        for connection in list(self._chat.hub.connections):
            assert isinstance(connection, Connection)
            await connection.wait_drained()
        return await commit_next(self)

    patch.setattr(Pipeline, "_commit_next", wait)


def says_no_farewell(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("tcpchat.server.farewell", lambda *_: b"")


@pytest.mark.parametrize(
    ("broken", "promise"),
    [
        (loses_a_commit, "P1"),
        (acknowledges_before_the_commit, "P1"),
        (repeats_a_batch, "P2"),
        (forgets_keys, "P2"),
        (tells_in_another_order, "P2"),
        (loses_what_was_missed, "P2"),
        (tells_others_what_is_private, "P5"),
        (says_no_farewell, "P7"),
    ],
)
def test_a_broken_promise_is_found(broken: Broken, promise: str, monkeypatch: pytest.MonkeyPatch) -> None:
    broken(monkeypatch)
    outcome = short(1, 2)
    assert outcome.problem is not None
    assert outcome.problem.startswith(promise), outcome.problem


@pytest.mark.parametrize("killed", [False, True])
def test_a_kill_loses_what_was_not_committed(tmp_path: Path, killed: bool) -> None:
    network, disk = Network(Random(1)), Disk(tmp_path, Random(1))

    async def live() -> None:
        async with trio.open_nursery() as nursery:
            built = House(disk, network, Ledger(Trace()), Random(1), nursery)
            await built.start()
            cable = await network.connect("someone")
            disk.slow = 1e5  # so that the kill comes between the send and its commit
            await cable.client.send_all(b"send this\n")
            await trio.sleep(5)
            assert rows(tmp_path) == []
            if killed:
                await built.kill()
            await trio.sleep(1e4)  # until the disk is asked for it
            nursery.cancel_scope.cancel()

    trio.run(live, clock=JumpingClock())
    assert len(rows(tmp_path)) == (not killed)


def test_a_run_that_is_cut_short_leaves_the_store_closed(tmp_path: Path) -> None:
    network, disk = Network(Random(1)), Disk(tmp_path, Random(1))

    async def live() -> MortalStore:
        async with trio.open_nursery() as nursery:
            built = House(disk, network, Ledger(Trace()), Random(1), nursery)
            await built.start()
            nursery.cancel_scope.cancel()
        return built._store

    store = trio.run(live, clock=JumpingClock())
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        store.rows(0)


TEXTS = 400  # of 3.9 kB: more than the backlog


def test_who_stops_reading_delays_nobody_by_anything(tmp_path: Path) -> None:
    """P3: everybody else hears the same at the same moments, and who does not read is soon let go."""
    stopped, usual = both_ways(tmp_path)
    assert stopped.ledger.problems == usual.ledger.problems == []
    assert stopped.heard == usual.heard
    assert len(stopped.heard) == TEXTS
    assert stopped.lines < usual.lines == TEXTS
    assert house.BACKLOG // 2 < stopped.highest < house.BACKLOG + 4096


def test_a_server_that_waits_for_who_does_not_read_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits_for_who_does_not_read(monkeypatch)
    stopped, usual = both_ways(tmp_path)
    assert stopped.heard != usual.heard


def both_ways(folder: Path) -> tuple[Talk, Talk]:
    """Return what was heard while somebody stopped reading, and while nobody did."""
    stopped, usual = Talk(folder / "stopped"), Talk(folder / "usual")
    trio.run(stopped.run, 1000, clock=JumpingClock())
    trio.run(usual.run, 0, clock=JumpingClock())
    return stopped, usual


def test_more_than_a_backlog_for_who_stops_reading_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for bound in ("BACKLOG", "BATCH"):
        monkeypatch.setattr(house, bound, house.BACKLOG // 4)  # while the server's stays
    talk = Talk(tmp_path)
    trio.run(talk.run, 1000, clock=JumpingClock())
    assert "P3" in talk.ledger.problems[0]


class Talk:
    """One who talks, one who listens, and another who does too, or not for so many seconds."""

    def __init__(self, folder: Path) -> None:
        self.ledger = Ledger(Trace())
        self.heard: list[float] = []
        """When somebody was told each message."""
        self.lines = 0
        """What the other was told."""
        self.highest = 0
        self._network, self._disk = Network(Random(1)), Disk(folder, Random(1))
        self._network.latency, self._disk.slow = (0.01, 0.01), 0

    async def run(self, stops_reading: float) -> None:
        async with trio.open_nursery() as nursery:
            built = House(self._disk, self._network, self.ledger, Random(1), nursery)
            await built.start()
            reader, other = await self._network.connect("reader"), await self._network.connect("other")
            other.stop_reading(stops_reading)
            nursery.start_soon(self._listen, reader)
            nursery.start_soon(self._listen_too, other)
            async with Client(open_stream=self._connect, name="talker", patient=True) as client:
                for _ in range(TEXTS):
                    await client.send(self.ledger.say("talker", None, 3900, later=False))
            await trio.sleep(stops_reading + 10)
            await built.stop()
            self.highest = built.highest
            nursery.cancel_scope.cancel()

    async def _connect(self) -> trio.abc.Stream:
        return (await self._network.connect("talker")).client

    async def _listen(self, cable: Cable) -> None:
        while data := await cable.client.receive_some():
            self.heard += [trio.current_time()] * data.count(b'{"type":"message"')

    async def _listen_too(self, cable: Cable) -> None:
        while data := await cable.client.receive_some():
            self.lines += data.count(b'{"type":"message"')
