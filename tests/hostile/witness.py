"""Two innocent users in a process of their own, who talk and ask all the while and time it.

Run as `python -m tests.hostile.witness PORT`. Each line on stdin asks for what happened since the one before.
"""

from __future__ import annotations

import json
import select
import socket
import sys
import time
from typing import Any

from tcpchat.bench.summary import nearest_rank

PING = 0.04  # seconds between two pings
SAY = 0.125  # seconds between two messages; less often than anybody may send
TALK = b'"text":"witness '


class Line:
    """One connection of a user, read without waiting."""

    def __init__(self, port: int, name: str) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._tail = b""
        self.name = name
        self.socket.sendall(f"rename {name}\n".encode())
        while b'"renamed"' not in self._tail:
            self._tail += self.socket.recv(65536)
        self._tail = b""

    def lines(self) -> list[bytes]:
        data = self.socket.recv(1 << 18)
        if not data:
            raise EOFError(f"the connection of {self.name} ended: {self._tail!r}")
        *lines, self._tail = (self._tail + data).split(b"\n")
        return lines


class Witness:
    """Notes when each ping was answered and when each message came."""

    def __init__(self, port: int) -> None:
        self._talks, self._hears = Line(port, "witness-a"), Line(port, "witness-b")
        self._said = self._heard = self._asked = self._answered = 0
        self._at: dict[str, float] = {}
        self._waits: list[float] = []
        self._delays: list[float] = []

    def run(self) -> None:
        """Talk and ask until stdin ends."""
        next_ping = next_say = time.monotonic()
        print("ready", flush=True)
        while True:
            wait = max(0.0, min(next_ping, next_say) - time.monotonic())
            ready, _, _ = select.select([self._talks.socket, self._hears.socket, sys.stdin], [], [], wait)
            now = time.monotonic()
            for source in ready:
                if isinstance(source, socket.socket):
                    self._read(self._talks if source is self._talks.socket else self._hears, now)
                elif not source.readline():
                    return
                else:
                    self._finish()
                    print(json.dumps(self._report()), flush=True)
                    next_ping = next_say = now = time.monotonic()
            if now >= next_ping:
                self._ask(now)
                next_ping += PING
            if now >= next_say:
                self._say(now)
                next_say += SAY

    def _ask(self, now: float) -> None:
        self._at[f"p{self._asked}"] = now
        self._hears.socket.sendall(b'{"type":"ping","id":%d}\n' % self._asked)
        self._asked += 1

    def _say(self, now: float) -> None:
        self._at[f"m{self._said}"] = now
        self._talks.socket.sendall(b"send witness %d\n" % self._said)
        self._said += 1

    def _read(self, line: Line, now: float) -> None:
        for data in line.lines():
            if line is self._talks:
                if b'"error"' in data:
                    raise RuntimeError(data.decode())
            elif TALK in data:
                number = int(json.loads(data)["text"].split()[1])
                if number != self._heard:
                    raise RuntimeError(f"heard {number} after {self._heard - 1}")
                self._heard += 1
                self._delays.append(now - self._at.pop(f"m{number}"))
            elif b'"pong"' in data:
                if json.loads(data)["re"] != self._answered:
                    raise RuntimeError(f"{data!r} after {self._answered}")
                self._waits.append(now - self._at.pop(f"p{self._answered}"))
                self._answered += 1

    def _finish(self) -> None:
        """Wait until all that was asked is answered, and all that was said is heard."""
        deadline = time.monotonic() + 20
        while self._at:
            lines = [self._talks.socket, self._hears.socket]
            ready, _, _ = select.select(lines, [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise RuntimeError(f"unanswered or unheard: {list(self._at)[:10]}")
            for source in ready:
                self._read(self._talks if source is self._talks.socket else self._hears, time.monotonic())

    def _report(self) -> dict[str, Any]:
        report = {
            "messages": len(self._delays),
            **_times("ping", self._waits),
            **_times("said", self._delays),
        }
        self._waits, self._delays = [], []
        return report


def _times(what: str, seconds: list[float]) -> dict[str, float]:
    if not seconds:
        return {}
    ordered = sorted(seconds)
    parts = {"p50": 50, "p99": 99, "max": 100}
    return {f"{what}_{name}": 1000 * nearest_rank(ordered, percent) for name, percent in parts.items()}


if __name__ == "__main__":
    Witness(int(sys.argv[1])).run()
