"""The faults of a run, and when they happen: to connections, the network, the disk and the process."""

from __future__ import annotations

from random import Random
from typing import NoReturn

import attrs
import trio

from chaos.checker import Checker
from chaos.disk import Disk
from chaos.network import Network
from chaos.node import SimulatedNode


@attrs.frozen(kw_only=True)
class Rates:
    """Mean seconds between two faults of each kind."""

    partition: float = 300.0
    """Of each connection."""
    latency: float = 3600.0
    disk: float = 2400.0
    crash: float = 1800.0
    """Of the server, killed or stopped."""


PARTITIONS = ("cut", "half-open", "unnoticed", "stall", "held down")
LATENCIES = ((0.002, 0.05), (0.002, 0.05), (0.05, 0.2), (0.3, 1.5))
"""Least and most seconds that bytes are under way."""
STALLS = (0.5, 5, 20, 60)  # seconds
DISK_FAULTS = (5, 60, 300)  # seconds that the disk stays faulty
SLOWNESS = (10, 100, 1000)  # times slower than normal
DOWN = 15.0  # mean seconds until the server is started again
KILLS = 0.7  # the share of crashes that are kills; the others are stops
COLD_STARTS = 0.3  # the share of starts after which the disk is slow


@attrs.define(eq=False)
class Nemesis:
    """Causes the faults of one run, by its seed."""

    rates: Rates
    network: Network
    disk: Disk
    node: SimulatedNode
    checker: Checker
    random: Random

    def start(self, nursery: trio.Nursery) -> None:
        """Cause faults until the nursery is cancelled."""
        for each in (self._partition, self._latency, self._disk, self._crash):
            nursery.start_soon(each)

    async def _pause(self, rate: float) -> None:
        await trio.sleep(self.random.expovariate(1 / rate))

    async def _partition(self) -> NoReturn:
        """Cut, stall or lose one connection after another."""
        while True:
            await self._pause(self.rates.partition / max(1, len(self.network.links)))
            links = [link for link in self.network.links if link.alive]
            if not links:
                continue
            link, kind = self.random.choice(links), self.random.choice(PARTITIONS)
            match kind:
                case "cut":
                    link.cut()
                case "half-open" | "unnoticed":
                    link.half_open(client_knows=kind == "half-open")
                case "stall":
                    link.stall(self.random.choice(STALLS))
                case "held down":
                    link.stop_reading(self.random.choice(STALLS))
            self.checker.trace("network", "stalled" if link.alive else "dropped", f"{link.owner} {kind}")

    async def _latency(self) -> NoReturn:
        """Make everything slower, or fast again."""
        while True:
            await self._pause(self.rates.latency)
            self.network.set_latency(*self.random.choice(LATENCIES))
            self.checker.trace("network", "latency", str(self.network.latency))

    async def _disk(self) -> NoReturn:
        """Make the disk slow, full or broken for a while."""
        while True:
            await self._pause(self.rates.disk)
            disk, kind = self.disk, self.random.choice(("slow", "full", "broken"))
            self.checker.trace("disk", kind)
            try:
                disk.slow = self.random.choice(SLOWNESS) if kind == "slow" else 1.0
                disk.full, disk.broken = kind == "full", kind == "broken"
                await trio.sleep(self.random.choice(DISK_FAULTS))
            finally:
                disk.slow, disk.full, disk.broken = 1.0, False, False
            self.checker.trace("disk", "well")

    async def _crash(self) -> NoReturn:
        """Kill the server or stop it, at any moment, and start it again."""
        while True:
            await self._pause(self.rates.crash)
            with trio.CancelScope(shield=True):  # a run ends with a server
                if self.random.random() < KILLS:
                    await self.node.kill()
                else:
                    await self.node.stop()
                await self._pause(DOWN)
                await self.node.start()
            if self.random.random() < COLD_STARTS:
                await self._cold_start()

    async def _cold_start(self) -> None:
        """Make the disk slow while clients come back, and cut connections before they are answered."""
        self.checker.trace("disk", "cold")
        usual = self.disk.slow
        with trio.move_on_after(self.random.choice(DISK_FAULTS[:2])):
            try:
                while True:
                    self.disk.slow = self.random.choice(SLOWNESS)
                    await trio.sleep(self.random.uniform(0.1, 2))
                    if links := [link for link in self.network.links if link.alive]:
                        links[-1].cut()  # its resume is under way
            finally:
                self.disk.slow = usual
                self.checker.trace("disk", "warm")
