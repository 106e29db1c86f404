"""A probe on one connection: numbers without gaps, messages in time, and nothing that is not for its user."""

from __future__ import annotations

import orjson
import trio

from chaos.checker import Checker
from chaos.network import TICK, Link, Network
from tcpchat.protocol import LOBBY

WINDOWS = 3  # times the latency; a burst may fill what TCP has under way, and wait for that
ROUNDING = 0.001  # seconds
NEWCOMER = 1.0  # seconds after which a connection certainly receives the lobby
CHECKED = tuple(b'{"type":"%s"' % type for type in (b"welcome", b"bye", b"message", b"edited"))


class WireProbe:
    """Reads along at the client's end of a link, below the library, which would repair gaps."""

    def __init__(self, link: Link, network: Network, checker: Checker) -> None:
        self._link = link
        self._network = network
        self._checker = checker
        self._places: dict[str, int] = {}
        self._rest = b""
        self._subscribed = trio.current_time() + NEWCOMER
        link.client.on_receive = self.feed

    def feed(self, data: bytes) -> None:
        """Check the bytes that the client received."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if line.startswith(CHECKED):
                self._check(orjson.loads(line))

    def _check(self, line: dict[str, object]) -> None:
        match line:
            case {"type": "welcome", "seq": int(seq)}:
                self._link.welcomed = True
                self._places[LOBBY] = seq
            case {"type": "bye", "code": str(code)}:
                self._link.bye = code
            case {"type": "message" | "edited" as type, "seq": int(seq), "text": str(text)}:
                self._check_event(str(line["room"]), seq, text, edit=type == "edited")

    def _check_event(self, place: str, seq: int, text: str, *, edit: bool) -> None:
        owner = self._link.owner
        stored = self._checker.check(owner, place, seq, text, edit=edit)
        self._checker.check_follows(owner, self._places, place, seq)
        if stored is None or max(self._subscribed, self._link.healthy_since) > stored.committed:
            return
        late = trio.current_time() - stored.committed - WINDOWS * (self._network.latency[1] + TICK)
        if late > ROUNDING:
            self._checker.fail(f"P3: {owner} received {place} {seq} late by {late:.3f} s")
