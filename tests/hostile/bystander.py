"""Two innocent users in their own process, who send messages and pings and time them.

Run as `python -m tests.hostile.bystander PORT`. Each line on stdin asks for the times since the line before.
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
SEND = 0.125  # seconds between two messages, fewer than the rate limit allows
OWN_TEXT = b'"text":"bystander '


class Connection:
    """One user's connection, read without waiting."""

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


class Bystander:
    """Measures the time to each pong, and to the delivery of each message."""

    def __init__(self, port: int) -> None:
        self._sender, self._reader = Connection(port, "bystander-a"), Connection(port, "bystander-b")
        self._sent = self._received = self._pings = self._pongs = 0
        self._at: dict[str, float] = {}
        self._waits: list[float] = []
        self._delays: list[float] = []

    def run(self) -> None:
        """Send and ping until stdin ends."""
        next_ping = next_send = time.monotonic()
        print("ready", flush=True)
        while True:
            wait = max(0.0, min(next_ping, next_send) - time.monotonic())
            ready, _, _ = select.select([self._sender.socket, self._reader.socket, sys.stdin], [], [], wait)
            now = time.monotonic()
            for source in ready:
                if isinstance(source, socket.socket):
                    self._read(self._sender if source is self._sender.socket else self._reader, now)
                elif not source.readline():
                    return
                else:
                    self._finish()
                    print(json.dumps(self._report()), flush=True)
                    next_ping = next_send = now = time.monotonic()
            if now >= next_ping:
                self._ping(now)
                next_ping += PING
            if now >= next_send:
                self._send(now)
                next_send += SEND

    def _ping(self, now: float) -> None:
        self._at[f"p{self._pings}"] = now
        self._reader.socket.sendall(b'{"type":"ping","id":%d}\n' % self._pings)
        self._pings += 1

    def _send(self, now: float) -> None:
        self._at[f"m{self._sent}"] = now
        self._sender.socket.sendall(b"send bystander %d\n" % self._sent)
        self._sent += 1

    def _read(self, connection: Connection, now: float) -> None:
        for data in connection.lines():
            if connection is self._sender:
                if b'"error"' in data:
                    raise RuntimeError(data.decode())
            elif OWN_TEXT in data:
                number = int(json.loads(data)["text"].split()[1])
                if number != self._received:
                    raise RuntimeError(f"received {number} after {self._received - 1}")
                self._received += 1
                self._delays.append(now - self._at.pop(f"m{number}"))
            elif b'"pong"' in data:
                if json.loads(data)["re"] != self._pongs:
                    raise RuntimeError(f"{data!r} after {self._pongs}")
                self._waits.append(now - self._at.pop(f"p{self._pongs}"))
                self._pongs += 1

    def _finish(self) -> None:
        """Wait until every ping is answered, and every message delivered."""
        deadline = time.monotonic() + 20
        while self._at:
            sockets = [self._sender.socket, self._reader.socket]
            ready, _, _ = select.select(sockets, [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise RuntimeError(f"unanswered or undelivered: {list(self._at)[:10]}")
            for source in ready:
                self._read(self._sender if source is self._sender.socket else self._reader, time.monotonic())

    def _report(self) -> dict[str, Any]:
        report = {
            "messages": len(self._delays),
            **_times("ping", self._waits),
            **_times("message", self._delays),
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
    Bystander(int(sys.argv[1])).run()
