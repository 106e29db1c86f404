"""What goes wrong, and when: the network, the disk, and the server's process."""

from __future__ import annotations

from random import Random
from typing import NoReturn

import attrs
import trio

from chaos.disk import Disk
from chaos.house import House
from chaos.ledger import Ledger
from chaos.network import Network


@attrs.frozen(kw_only=True)
class Rates:
    """How often each happens: seconds between two, about."""

    trouble: float = 300.0
    """Of each connection."""
    weather: float = 3600.0
    disk: float = 2400.0
    death: float = 1800.0
    """Of the server, one way or the other."""


TROUBLES = ("cut", "half-open", "unnoticed", "stall", "held down")
WEATHER = ((0.002, 0.05), (0.002, 0.05), (0.05, 0.2), (0.3, 1.5))
"""Seconds that bytes are under way: from, to."""
STALLS = (0.5, 5, 20, 60)  # seconds
SPELLS = (5, 60, 300)  # seconds that a disk is not well
SLOWNESS = (10, 100, 1000)  # times slower than normal
DOWN = 15.0  # seconds that the server is away, about
KILLS = 0.7  # of all deaths
COLD = 0.3  # of all starts, how many the disk is slow after


@attrs.define(eq=False)
class Gremlins:
    """All that goes wrong in one run, by the seed."""

    rates: Rates
    network: Network
    disk: Disk
    house: House
    ledger: Ledger
    random: Random

    def start(self, nursery: trio.Nursery) -> None:
        """Let things go wrong until the nursery is cancelled."""
        for each in (self._trouble, self._weather, self._disk, self._death):
            nursery.start_soon(each)

    async def _pause(self, rate: float) -> None:
        await trio.sleep(self.random.expovariate(1 / rate))

    async def _trouble(self) -> NoReturn:
        """Cut, stall or lose one connection or the other."""
        while True:
            await self._pause(self.rates.trouble / max(1, len(self.network.cables)))
            cables = [cable for cable in self.network.cables if cable.alive]
            if not cables:
                continue
            cable, kind = self.random.choice(cables), self.random.choice(TROUBLES)
            match kind:
                case "cut":
                    cable.cut()
                case "half-open" | "unnoticed":
                    cable.half_open(client_knows=kind == "half-open")
                case "stall":
                    cable.stall(self.random.choice(STALLS))
                case "held down":
                    cable.stop_reading(self.random.choice(STALLS))
            self.ledger.trace("network", "stalled" if cable.alive else "dropped", f"{cable.owner} {kind}")

    async def _weather(self) -> NoReturn:
        """Let everything take longer, or less long again."""
        while True:
            await self._pause(self.rates.weather)
            self.network.set_latency(*self.random.choice(WEATHER))
            self.ledger.trace("network", "weather", str(self.network.latency))

    async def _disk(self) -> NoReturn:
        """Let the disk be slow, full or broken for a while."""
        while True:
            await self._pause(self.rates.disk)
            disk, kind = self.disk, self.random.choice(("slow", "full", "broken"))
            self.ledger.trace("disk", kind)
            try:
                disk.slow = self.random.choice(SLOWNESS) if kind == "slow" else 1.0
                disk.full, disk.broken = kind == "full", kind == "broken"
                await trio.sleep(self.random.choice(SPELLS))
            finally:
                disk.slow, disk.full, disk.broken = 1.0, False, False
            self.ledger.trace("disk", "well")

    async def _death(self) -> NoReturn:
        """Kill the server or stop it, at any moment, and start it again."""
        while True:
            await self._pause(self.rates.death)
            with trio.CancelScope(shield=True):  # there is a server when all is over
                if self.random.random() < KILLS:
                    await self.house.kill()
                else:
                    await self.house.stop()
                await self._pause(DOWN)
                await self.house.start()
            if self.random.random() < COLD:
                await self._cold_start()

    async def _cold_start(self) -> None:
        """Let the disk be slow when everybody comes back, and connections break before they are answered."""
        self.ledger.trace("disk", "cold")
        usual = self.disk.slow
        with trio.move_on_after(self.random.choice(SPELLS[:2])):
            try:
                while True:
                    self.disk.slow = self.random.choice(SLOWNESS)
                    await trio.sleep(self.random.uniform(0.1, 2))
                    if cables := [cable for cable in self.network.cables if cable.alive]:
                        cables[-1].cut()  # whose resume is under way
            finally:
                self.disk.slow = usual
                self.ledger.trace("disk", "warm")
