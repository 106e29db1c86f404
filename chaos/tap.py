"""What one connection is told, line by line: numbers without gaps, in time, and only what is its own."""

from __future__ import annotations

import orjson
import trio

from chaos.ledger import Ledger
from chaos.network import TICK, Cable, Network
from tcpchat.protocol import LOBBY

WINDOWS = 3  # a burst may fill what TCP has under way, and wait for that
HURRY = 0.001  # seconds; what rounding takes
NEWCOMER = 1.0  # seconds after which a connection surely hears what is said
TELLING = b'{"type":"message"'
SEEN = (b'{"type":"welcome"', b'{"type":"bye"', TELLING)


class Tap:
    """Hears what the client's end of a cable receives, below the library, which would put things right."""

    def __init__(self, cable: Cable, network: Network, ledger: Ledger) -> None:
        self._cable = cable
        self._network = network
        self._ledger = ledger
        self._last: dict[str, int] = {}
        self._rest = b""
        self._heard_from = trio.current_time() + NEWCOMER
        cable.client.hear = self.hear

    def hear(self, data: bytes) -> None:
        """Take what was received."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if line.startswith(SEEN):
                self._take(orjson.loads(line))

    def _take(self, line: dict[str, object]) -> None:
        match line:
            case {"type": "welcome", "seq": int(seq)}:
                self._cable.welcomed = True
                self._last[LOBBY] = seq
            case {"type": "bye", "code": str(code)}:
                self._cable.bye = code
            case {"type": "message", "seq": int(seq), "text": str(text)}:
                self._check(str(line.get("room") or line.get("conversation")), seq, text)

    def _check(self, place: str, seq: int, text: str) -> None:
        owner = self._cable.owner
        kept = self._ledger.check(owner, place, seq, text)
        last = self._last.get(place)
        if last is not None and seq != last + 1:
            self._ledger.doubled += seq <= last
            self._ledger.broken(f"P2: {owner} heard {place} {seq} after {last}")
        self._last[place] = seq
        if kept is None or max(self._heard_from, self._cable.clean_since) > kept.told:
            return
        late = trio.current_time() - kept.told - WINDOWS * (self._network.latency[1] + TICK)
        if late > HURRY:
            self._ledger.broken(f"P3: {owner} heard {place} {seq} late by {late:.3f} s")
