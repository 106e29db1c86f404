"""One run: workers, adversaries, a server and every fault, on a clock that jumps; all from one seed."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import attrs
import trio
from trio._core import _run as scheduler

from chaos.adversaries import Adversary
from chaos.checker import Checker
from chaos.clock import JumpingClock
from chaos.devices import Device
from chaos.disk import Disk, rows
from chaos.environment import Participant
from chaos.final_checks import check_participants
from chaos.nemesis import Nemesis, Rates
from chaos.network import Network
from chaos.node import SETTINGS, SimulatedNode
from chaos.trace import Trace
from chaos.workload import Worker
from tcpchat.settings import Settings

HOUR = 3600.0  # seconds
MORNING, NIGHT = 7, 23  # hours of the day
PACE = 60.0  # mean seconds between two actions of a client by day
AT_NIGHT = 20  # times slower
REGISTERED = ("alice1", "alice2", "bob", "carol", "dave", "erin")
GUESTS = ("frank", "grace", "heidi")
DEVICES, GUEST_DEVICES = ("ivan1", "ivan2", "judy"), ("mike",)
SETTLE = 400.0  # seconds until every client is back, also from a connection that died unnoticed
# (twice that exceeds the 600 s for which the server reserves the name of a guest whose exit was lost)

Progress = Callable[[float], None]
"""Called at each simulated hour with the hours that have passed."""


@attrs.define(eq=False)
class Scenario:
    """The parts of a run that its clients share."""

    checker: Checker
    network: Network
    random: Random
    schedule_ahead: float
    pace_by_day: float
    edits: bool
    read: dict[str, dict[str, int]] = attrs.field(factory=dict, init=False)
    participants: list[Participant] = attrs.field(factory=list, init=False)
    calm: trio.Event = attrs.field(factory=trio.Event, init=False)

    def others(self, participant: Participant) -> list[Participant]:
        return [one for one in self.participants if one.name != participant.name]

    def is_day(self) -> bool:
        hour = 9 + trio.current_time() / HOUR  # since the first day begins at nine
        return MORNING <= hour % 24 < NIGHT

    def pace(self) -> float:
        return self.pace_by_day * (1 if self.is_day() else AT_NIGHT)

    def add(self, kind: type[Worker | Device], labels: tuple[str, ...], *, registered: bool) -> None:
        for label in labels:
            self.participants.append(kind(label, self, Random(self.random.random()), registered=registered))

    def new_adversary(self, label: str) -> Adversary:
        return Adversary(label, self.network, self.checker, Random(self.random.random()))


@attrs.frozen(kw_only=True)
class Result:
    """The result of one run."""

    seed: int
    hours: float
    digest: str
    counts: dict[str, int]
    problem: str | None
    last: list[str]
    sent: int
    acknowledged: int
    delivered: int
    lost: int
    duplicated: int
    backlog: int
    """Bytes of the largest backlog."""


@attrs.frozen(kw_only=True)
class Plan:
    """The parameters of a run."""

    seed: int
    hours: float = 24.0
    rates: Rates = attrs.field(factory=Rates)
    registered: tuple[str, ...] = REGISTERED
    guests: tuple[str, ...] = GUESTS
    devices: tuple[str, ...] = DEVICES
    guest_devices: tuple[str, ...] = GUEST_DEVICES
    pace: float = PACE
    """Mean seconds between two actions of a client by day."""
    edits: bool = True
    """Whether clients edit their messages."""
    settings: Settings = SETTINGS
    schedule_ahead: float = 2 * HOUR
    """The most seconds that messages are scheduled ahead."""


def run(plan: Plan, on_progress: Progress | None = None) -> Result:
    """Do a run. The same plan gives the same events, as long as hashes of strings are the same."""
    with _same_order(plan.seed), TemporaryDirectory(prefix="tcpchat-chaos-") as folder:
        one = _Run(plan, Path(folder), on_progress)
        trio.run(one.run, clock=JumpingClock())
    return one.result()


@contextmanager
def _same_order(seed: int) -> Iterator[None]:
    """Let the seed alone decide the order in which Trio runs tasks; restore Trio's own order afterwards.

    Trio runs ready tasks in a random order, so that no program relies on one. pytest-trio and Hypothesis seed
    it in this way too, and continue where they were.
    """
    was, state = scheduler._ALLOW_DETERMINISTIC_SCHEDULING, scheduler._r.getstate()
    scheduler._ALLOW_DETERMINISTIC_SCHEDULING = True  # type: ignore[misc]
    scheduler._r.seed(seed)
    try:
        yield
    finally:
        scheduler._ALLOW_DETERMINISTIC_SCHEDULING = was  # type: ignore[misc]
        scheduler._r.setstate(state)


class _Run:
    """The parts of one run, and the order of its phases."""

    def __init__(self, plan: Plan, folder: Path, on_progress: Progress | None) -> None:
        self._plan = plan
        self._on_progress = on_progress
        self._random = Random(plan.seed)
        self._trace = Trace()
        self._checker = Checker(self._trace)
        self._disk = Disk(folder, self._fork())
        self._network = Network(self._fork())
        self._scenario = Scenario(
            self._checker, self._network, self._fork(), plan.schedule_ahead, plan.pace, plan.edits
        )
        self._scenario.add(Worker, plan.registered, registered=True)
        self._scenario.add(Worker, plan.guests, registered=False)
        self._scenario.add(Device, plan.devices, registered=True)
        self._scenario.add(Device, plan.guest_devices, registered=False)

    def _fork(self) -> Random:
        """Return an independent source of randomness, so that one part's use does not change another's."""
        return Random(self._random.random())

    async def run(self) -> None:
        with trio.CancelScope() as scope:
            self._checker.on_problem = scope.cancel
            try:
                async with trio.open_nursery() as servers:
                    self._node = SimulatedNode(
                        self._disk, self._network, self._checker, self._fork(), servers, self._plan.settings
                    )
                    await self._node.start()
                    await self._run_clients()
                    servers.cancel_scope.cancel()
            except Exception:
                self._checker.fail(traceback.format_exc())
        if not self._checker.problems:
            self._checker.compare(rows(self._disk.folder))
            self._checker.check_outcomes()

    async def _run_clients(self) -> None:
        participants = self._scenario.participants
        for one in participants:
            await one.join()
        async with trio.open_nursery() as clients:
            for one in participants:
                clients.start_soon(one.run)
            observer, sleeper, vandal = map(self._scenario.new_adversary, ("observer", "sleeper", "vandal"))
            for run in (observer.observe, sleeper.stop_reading, vandal.send_garbage):
                clients.start_soon(run)
            await self._cause_faults()
            await self._settle()
            await check_participants(self._checker, participants)
            await self._node.check_state()
            await self._node.kill()  # what is true after a restart comes from the disk alone
            await self._node.start()
            await trio.sleep(SETTLE)
            await check_participants(self._checker, participants)
            await self._node.stop()
            clients.cancel_scope.cancel()

    async def _cause_faults(self) -> None:
        nemesis = Nemesis(
            self._plan.rates, self._network, self._disk, self._node, self._checker, self._fork()
        )
        async with trio.open_nursery() as nursery:
            nemesis.start(nursery)
            end = self._plan.hours * HOUR
            while (now := trio.current_time()) < end:
                if self._on_progress is not None:
                    self._on_progress(now / HOUR)
                await trio.sleep(min(HOUR, end - now))
            nursery.cancel_scope.cancel()

    async def _settle(self) -> None:
        """Wait until all clients are back, all requests answered, and all scheduled messages sent."""
        self._scenario.calm.set()
        self._network.set_latency(0.002, 0.05)
        self._trace("scenario", "calm")
        end = trio.current_time() + self._plan.schedule_ahead + SETTLE
        await trio.sleep(SETTLE)
        while self._checker.unfinished and trio.current_time() < end:  # noqa: ASYNC110  # time is simulated
            await trio.sleep(SETTLE)
        await trio.sleep(SETTLE)

    def result(self) -> Result:
        checker, problems = self._checker, self._checker.problems
        return Result(
            seed=self._plan.seed,
            hours=self._plan.hours,
            digest=self._trace.digest,
            counts=dict(self._trace.counts),
            problem=problems[0] if problems else None,
            last=self._trace.last,
            sent=len(checker.ops),
            acknowledged=checker.acknowledged,
            delivered=checker.delivered,
            lost=checker.lost,
            duplicated=checker.duplicated,
            backlog=self._node.highest,
        )
