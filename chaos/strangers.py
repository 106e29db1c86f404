"""Connections without the library: one that only watches, one that stops reading, one that talks nonsense."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from random import Random

import trio

from chaos.ledger import Ledger
from chaos.network import Cable, Network
from chaos.tap import Tap

LOST = (trio.BrokenResourceError, trio.ClosedResourceError)
AGAIN = 300.0  # seconds until a stranger comes again, about
LINES = (
    b'{"type":"send","text":"half a li',
    b'{"type":"send","text":5}\n{"type":',
    b"\xff\xfe\x00\n\n\r\nsend",
    b'{"type":"resume","token":"' + b"x" * 40 + b'"}\nhistory -n 5\nusers\nsend',
    b"x" * 70_000,
)
"""What is said by who does not mean it; nothing of it may be kept."""


class Stranger:
    """Somebody whom nobody says anything to, so that every private line is one too many."""

    def __init__(self, label: str, network: Network, ledger: Ledger, random: Random) -> None:
        self.label = label
        self._network = network
        self._ledger = ledger
        self._random = random

    async def watch(self) -> None:
        """Read all that is said, for ever."""
        await self._again_and_again(self._read_to_end)

    async def lurk(self) -> None:
        """Read some, then stop for hours, for ever."""
        await self._again_and_again(self._stop_reading)

    async def vandalize(self) -> None:
        """Say nonsense, slowly, and go without a word; for ever."""
        await self._again_and_again(self._dribble)

    async def _again_and_again(self, visit: Callable[[Cable], Awaitable[None]]) -> None:
        while True:
            await trio.sleep(self._random.expovariate(1 / AGAIN))
            with suppress(ConnectionRefusedError):
                cable = await self._network.connect(self.label)
                Tap(cable, self._network, self._ledger)
                with suppress(*LOST):
                    await visit(cable)
                await cable.client.aclose()
                self._ledger.trace(self.label, "ended", cable.bye)

    async def _read_to_end(self, cable: Cable) -> None:
        while await cable.client.receive_some():
            pass

    async def _stop_reading(self, cable: Cable) -> None:
        with trio.move_on_after(self._random.uniform(1, 60)):
            await self._read_to_end(cable)
        hours = self._random.uniform(0.5, 12)
        self._ledger.trace(self.label, "stops reading", f"{hours:.1f} h")
        cable.stop_reading(hours * 3600)
        await self._read_to_end(cable)

    async def _dribble(self, cable: Cable) -> None:
        line = self._random.choice(LINES)
        size = max(1, len(line) // 20)
        for start in range(0, len(line), size):
            await cable.client.send_all(line[start : start + size])
            await trio.sleep(self._random.expovariate(1))
        await trio.sleep(self._random.expovariate(1 / AGAIN))
