"""The receivers of a load: one process with many connections that counts their messages."""

from __future__ import annotations

import selectors
import time
from collections import Counter
from collections.abc import Sequence
from multiprocessing.connection import Connection as Pipe

from tcpchat.bench.connection import Connection
from tcpchat.bench.payload import Scanner, Tally
from tcpchat.bench.plan import Plan, Receiving, SendLog
from tcpchat.errors import StartError

SAMPLED = 5  # connections of each process whose latencies are recorded
SAMPLES = 200_000  # latencies of a process; the rest of a long run is not recorded


class Receivers:
    """The connections of one process, which only read."""

    def __init__(self, plan: Plan, count: int) -> None:
        self._scanner = Scanner(plan.run)
        self._selector = selectors.DefaultSelector()
        self._tallies: dict[Connection, Tally] = {}
        self._sampled: set[Connection] = set()
        self._closed: Counter[str] = Counter()
        self._latencies: list[float] = []
        self.deliveries = 0
        self.last_at = 0.0
        for _ in range(count):
            connection = Connection(plan.address)
            self._tallies[connection] = Tally(plan.senders)
            self._selector.register(connection.socket, selectors.EVENT_READ, connection)
            if len(self._sampled) < SAMPLED:
                self._sampled.add(connection)

    def close(self) -> None:
        for connection in self._tallies:
            connection.socket.close()
        self._selector.close()

    def watch(self, pipe: Pipe) -> None:
        """Let `step` return early when there is something in the pipe."""
        self._selector.register(pipe.fileno(), selectors.EVENT_READ)

    @property
    def progress(self) -> float:
        """The messages that a connection has received, on average."""
        return self.deliveries / (len(self._tallies) or 1)

    def step(self, seconds: float) -> None:
        """Read what has arrived; wait for it this long at most."""
        for key, _ in self._selector.select(seconds):
            if key.data is not None:
                self._read(key.data)

    def _read(self, connection: Connection) -> None:
        lines = connection.read()
        if lines is None:
            self._selector.unregister(connection.socket)
            connection.socket.close()
            self._closed[connection.bye] += 1
            del self._tallies[connection]
            return
        if not lines:
            return
        chunk = self._scanner.scan(lines)
        if not chunk.count:
            return
        self._tallies[connection].take(chunk)
        self.deliveries += chunk.count
        self.last_at = time.monotonic()
        if connection in self._sampled and len(self._latencies) < SAMPLES:
            now = time.monotonic_ns()
            self._latencies += [(now - at) / 1e6 for at in chunk.sent_ns]

    def lost(self, logs: Sequence[SendLog]) -> int:
        return sum(tally.lost(logs) for tally in self._tallies.values())

    def result(self, logs: Sequence[SendLog], core: float) -> Receiving:
        return Receiving(
            deliveries=self.deliveries,
            lost=self.lost(logs),
            doubled=sum(tally.doubled for tally in self._tallies.values()),
            closed=dict(self._closed),
            latencies=tuple(self._latencies),
            last_at=self.last_at,
            core=core,
        )


def receive(plan: Plan, pipe: Pipe, counters: list[float], index: int, count: int) -> None:
    """Run the process: report that all have joined, count until the logs of the senders come, report.

    Two of the shared `counters` are for process `index`: its `progress`, and its deliveries.
    """
    try:
        receivers = Receivers(plan, count)
    except StartError as error:
        pipe.send(error)
        return
    receivers.watch(pipe)
    pipe.send(count)
    began, used = time.monotonic(), time.process_time()
    while not pipe.poll():
        receivers.step(1)
        counters[2 * index], counters[2 * index + 1] = receivers.progress, receivers.deliveries
    core = (time.process_time() - used) / (time.monotonic() - began)
    logs: tuple[SendLog, ...] = pipe.recv()
    before, until = receivers.deliveries, time.monotonic() + plan.patience
    while receivers.lost(logs) and time.monotonic() < until:
        receivers.step(0.2)
        if receivers.deliveries > before:
            before, until = receivers.deliveries, time.monotonic() + plan.patience
    pipe.send(receivers.result(logs, core))
