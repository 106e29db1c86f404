"""Connections without the library: one only reads, one stops reading, one sends garbage."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from random import Random

import trio

from chaos.checker import Checker
from chaos.network import Link, Network
from chaos.wire_probe import WireProbe

LOST = (trio.BrokenResourceError, trio.ClosedResourceError)
RETURN = 300.0  # mean seconds until an adversary connects again
GARBAGE = (
    b'{"type":"send","text":"half a li',
    b'{"type":"send","text":5}\n{"type":',
    b"\xff\xfe\x00\n\n\r\nsend",
    b'{"type":"resume","token":"' + b"x" * 40 + b'"}\nhistory -n 5\nusers\nsend',
    b"x" * 70_000,
)
"""Bytes of which nothing may be stored."""


class Adversary:
    """A guest to whom nobody writes, so that every private line it receives is a leak."""

    def __init__(self, label: str, network: Network, checker: Checker, random: Random) -> None:
        self.label = label
        self._network = network
        self._checker = checker
        self._random = random

    async def observe(self) -> None:
        """Read everything, on one connection after another."""
        await self._reconnect_forever(self._read_to_end)

    async def stop_reading(self) -> None:
        """Read some, then nothing for hours, on one connection after another."""
        await self._reconnect_forever(self._stop_reading)

    async def send_garbage(self) -> None:
        """Send garbage slowly and disconnect, on one connection after another."""
        await self._reconnect_forever(self._dribble)

    async def _reconnect_forever(self, visit: Callable[[Link], Awaitable[None]]) -> None:
        while True:
            await trio.sleep(self._random.expovariate(1 / RETURN))
            with suppress(ConnectionRefusedError):
                link = await self._network.connect(self.label)
                WireProbe(link, self._network, self._checker)
                with suppress(*LOST):
                    await visit(link)
                await link.client.aclose()
                self._checker.trace(self.label, "ended", link.bye)

    async def _read_to_end(self, link: Link) -> None:
        while await link.client.receive_some():
            pass

    async def _stop_reading(self, link: Link) -> None:
        with trio.move_on_after(self._random.uniform(1, 60)):
            await self._read_to_end(link)
        hours = self._random.uniform(0.5, 12)
        self._checker.trace(self.label, "stops reading", f"{hours:.1f} h")
        link.stop_reading(hours * 3600)
        await self._read_to_end(link)

    async def _dribble(self, link: Link) -> None:
        data = self._random.choice(GARBAGE)
        size = max(1, len(data) // 20)
        for start in range(0, len(data), size):
            await link.client.send_all(data[start : start + size])
            await trio.sleep(self._random.expovariate(1))
        await trio.sleep(self._random.expovariate(1 / RETURN))
