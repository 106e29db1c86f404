"""One run: people, strangers, a server and all that goes wrong, on a clock that jumps; all from one seed."""

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

from chaos.clock import JumpingClock
from chaos.disk import Disk, rows
from chaos.gremlins import Gremlins, Rates
from chaos.house import House
from chaos.ledger import Ledger
from chaos.network import Network
from chaos.person import Person
from chaos.settled import check_everybody
from chaos.strangers import Stranger
from chaos.trace import Trace

HOUR = 3600.0  # seconds
DAWN, DUSK = 7, 23  # hours of the day between which people are awake
BUSY, ASLEEP = 60.0, 1200.0  # seconds between two things that somebody does, about
REGISTERED = ("alice1", "alice2", "bob", "carol", "dave", "erin")
GUESTS = ("frank", "grace", "heidi")
SETTLING = 200.0  # seconds until everybody is back, also from a connection that is dead and not known to be
PROGRESS = HOUR

Progress = Callable[[float], None]
"""Called each simulated hour with how many there were."""


@attrs.define(eq=False)
class World:
    """What people are among, and what is known of it."""

    ledger: Ledger
    network: Network
    disk: Disk
    random: Random
    later: float
    read: dict[str, dict[str, int]] = attrs.field(factory=dict, init=False)
    people: list[Person] = attrs.field(factory=list, init=False)
    calming: trio.Event = attrs.field(factory=trio.Event, init=False)

    def others(self, person: Person) -> list[Person]:
        return [one for one in self.people if one.name != person.name]

    def awake(self) -> bool:
        hour = 9 + trio.current_time() / HOUR  # since the first day begins at nine
        return DAWN <= hour % 24 < DUSK

    def pace(self) -> float:
        return BUSY if self.awake() else ASLEEP

    def populate(self, registered: tuple[str, ...], guests: tuple[str, ...]) -> None:
        """Let these people be there."""
        for name in (*registered, *guests):
            random = Random(self.random.random())
            self.people.append(Person(name, self, random, registered=name in registered))

    def stranger(self, label: str) -> Stranger:
        return Stranger(label, self.network, self.ledger, Random(self.random.random()))


@attrs.frozen(kw_only=True)
class Outcome:
    """What came of one run."""

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
    doubled: int
    backlog: int
    """Bytes of the largest."""


@attrs.frozen(kw_only=True)
class Plan:
    """What is to happen in a run."""

    seed: int
    hours: float = 24.0
    rates: Rates = attrs.field(factory=Rates)
    registered: tuple[str, ...] = REGISTERED
    guests: tuple[str, ...] = GUESTS
    later: float = 2 * HOUR
    """Seconds that messages are scheduled ahead at most."""


def run(plan: Plan, on_progress: Progress | None = None) -> Outcome:
    """Do a run; the same plan gives the same events, as long as hashes of strings are the same."""
    with _same_order(plan.seed), TemporaryDirectory(prefix="tcpchat-chaos-") as folder:
        one = _Run(plan, Path(folder), on_progress)
        trio.run(one.run, clock=JumpingClock())
    return one.outcome()


@contextmanager
def _same_order(seed: int) -> Iterator[None]:
    """Let Trio take tasks in an order that the seed alone decides; afterwards in its own again.

    It takes those that are ready in any order, so that nobody relies on one. pytest-trio and Hypothesis seed
    it in this way too, and go on where they were.
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
    """The parts of one run, and its order of events."""

    def __init__(self, plan: Plan, folder: Path, on_progress: Progress | None) -> None:
        self._plan = plan
        self._on_progress = on_progress
        self._random = Random(plan.seed)
        self._trace = Trace()
        self._ledger = Ledger(self._trace)
        self._disk = Disk(folder, self._fork())
        self._network = Network(self._fork())
        self._world = World(self._ledger, self._network, self._disk, self._fork(), plan.later)
        self._world.populate(plan.registered, plan.guests)

    def _fork(self) -> Random:
        """Return a source of randomness of its own, so that one part's use does not change another's."""
        return Random(self._random.random())

    async def run(self) -> None:
        with trio.CancelScope() as scope:
            self._ledger.on_problem = scope.cancel
            try:
                async with trio.open_nursery() as servers:
                    self._house = House(self._disk, self._network, self._ledger, self._fork(), servers)
                    await self._house.start()
                    await self._live()
                    servers.cancel_scope.cancel()
            except Exception:
                self._ledger.broken(traceback.format_exc())
        if not self._ledger.problems:
            self._ledger.compare(rows(self._disk.folder))
            self._ledger.settle_accounts()

    async def _live(self) -> None:
        world = self._world
        for person in {person.name: person for person in world.people if person.registered}.values():
            await person.register()
        async with trio.open_nursery() as everybody:
            for person in world.people:
                everybody.start_soon(person.live)
            strangers = [self._world.stranger(label) for label in ("watcher", "lurker", "vandal")]
            for stranger, what in zip(strangers, ("watch", "lurk", "vandalize"), strict=True):
                everybody.start_soon(getattr(stranger, what))
            await self._let_go_wrong()
            await self._settle()
            await check_everybody(self._ledger, world.people)
            await self._house.stop()
            everybody.cancel_scope.cancel()

    async def _let_go_wrong(self) -> None:
        gremlins = Gremlins(
            self._plan.rates, self._network, self._disk, self._house, self._ledger, self._fork()
        )
        async with trio.open_nursery() as nursery:
            gremlins.start(nursery)
            end = self._plan.hours * HOUR
            while (now := trio.current_time()) < end:
                if self._on_progress is not None:
                    self._on_progress(now / HOUR)
                await trio.sleep(min(PROGRESS, end - now))
            nursery.cancel_scope.cancel()

    async def _settle(self) -> None:
        """Let everybody come back, everything be answered, and what is scheduled be sent."""
        self._world.calming.set()
        self._network.set_latency(0.002, 0.05)
        self._trace("world", "calm")
        end = trio.current_time() + self._plan.later + SETTLING
        await trio.sleep(SETTLING)
        while self._ledger.open and trio.current_time() < end:  # noqa: ASYNC110  # which is simulated
            await trio.sleep(SETTLING)
        await trio.sleep(SETTLING)

    def outcome(self) -> Outcome:
        ledger, problems = self._ledger, self._ledger.problems
        return Outcome(
            seed=self._plan.seed,
            hours=self._plan.hours,
            digest=self._trace.digest,
            counts=dict(self._trace.counts),
            problem=problems[0] if problems else None,
            last=self._trace.last,
            sent=len(ledger.sayings),
            acknowledged=ledger.acknowledged,
            delivered=ledger.delivered,
            lost=ledger.lost,
            doubled=ledger.doubled,
            backlog=self._house.highest,
        )
