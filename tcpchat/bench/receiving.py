"""The receivers of a load: one process with many connections, which counts what comes."""

from __future__ import annotations

import selectors
import time
from collections import Counter
from collections.abc import Sequence
from multiprocessing.connection import Connection as Pipe

from tcpchat.bench.connection import Connection
from tcpchat.bench.plan import Plan, Receiving, Said
from tcpchat.bench.texts import Account, Finder
from tcpchat.errors import StartError

SAMPLED = 5  # connections of each process whose latencies are kept
SAMPLES = 200_000  # latencies of a process; the rest of a long run is not kept


class Receivers:
    """Connections that only read."""

    def __init__(self, plan: Plan, count: int) -> None:
        self._finder = Finder(plan.run)
        self._selector = selectors.DefaultSelector()
        self._accounts: dict[Connection, Account] = {}
        self._sampled: set[Connection] = set()
        self._closed: Counter[str] = Counter()
        self._latencies: list[float] = []
        self._total = count
        self.deliveries = 0
        self.last_at = 0.0
        for _ in range(count):
            connection = Connection(plan.address)
            self._accounts[connection] = Account(plan.senders)
            self._selector.register(connection.socket, selectors.EVENT_READ, connection)
            if len(self._sampled) < SAMPLED:
                self._sampled.add(connection)

    def watch(self, pipe: Pipe) -> None:
        """Let `step` return when there is something in the pipe."""
        self._selector.register(pipe.fileno(), selectors.EVENT_READ)

    @property
    def progress(self) -> float:
        """How many messages a connection got, on average."""
        return self.deliveries / (len(self._accounts) or 1)

    def step(self, seconds: float) -> None:
        """Read what is there; wait so long for it."""
        for key, _ in self._selector.select(seconds):
            if key.data is not None:
                self._read(key.data)

    def _read(self, connection: Connection) -> None:
        lines = connection.read()
        if lines is None:
            self._selector.unregister(connection.socket)
            connection.socket.close()
            self._closed[connection.bye] += 1
            del self._accounts[connection]
            return
        if not lines:
            return
        piece = self._finder.find(lines)
        if not piece.count:
            return
        self._accounts[connection].take(piece)
        self.deliveries += piece.count
        self.last_at = time.monotonic()
        if connection in self._sampled and len(self._latencies) < SAMPLES:
            now = time.monotonic_ns()
            self._latencies += [(now - at) / 1e6 for at in piece.sent_ns]

    def lost(self, said: Sequence[Said]) -> int:
        return sum(account.lost(said) for account in self._accounts.values())

    def result(self, said: Sequence[Said], core: float) -> Receiving:
        return Receiving(
            deliveries=self.deliveries,
            lost=self.lost(said),
            doubled=sum(account.doubled for account in self._accounts.values()),
            closed=dict(self._closed),
            latencies=tuple(self._latencies),
            last_at=self.last_at,
            core=core,
        )


def receive(plan: Plan, pipe: Pipe, board: list[float], place: int, count: int) -> None:
    """Run the process: say when all have joined, count until told what was said, wait for it, report.

    `board[2 * place]` tells the others how many messages a connection got, and the next one all deliveries.
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
        board[2 * place], board[2 * place + 1] = receivers.progress, receivers.deliveries
    core = (time.process_time() - used) / (time.monotonic() - began)
    said: tuple[Said, ...] = pipe.recv()
    before, until = receivers.deliveries, time.monotonic() + plan.patience
    while receivers.lost(said) and time.monotonic() < until:
        receivers.step(0.2)
        if receivers.deliveries > before:
            before, until = receivers.deliveries, time.monotonic() + plan.patience
    pipe.send(receivers.result(said, core))
