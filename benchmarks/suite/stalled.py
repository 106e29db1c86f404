"""The cost to others of one receiver that never reads."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from benchmarks import loads
from benchmarks.benchmark import MAX, P50, P99, Benchmark, Lab
from benchmarks.servers import OWN_BUILDS, Running, running

RECEIVERS, RATE = 1000, 300
SMALL_BUFFER = 4096  # bytes; small, so that the backlog begins early


@contextmanager
def stalled_reader(server: Running) -> Iterator[None]:
    """Connect a client that receives the lobby and never reads."""
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
        connection.connect(("127.0.0.1", server.port))
        connection.sendall(b"ping\n")
        yield


def measure(lab: Lab, case: str, server: str) -> Mapping[str, float]:
    with running(server, lab.folder) as reached:
        if case == "nobody":
            return loads.fan_out(lab.folder, reached, lab.count(RECEIVERS), lab.seconds, rate=RATE)
        with stalled_reader(reached):
            return loads.fan_out(lab.folder, reached, lab.count(RECEIVERS), lab.seconds, rate=RATE)


BENCHMARK = Benchmark(
    name="stalled",
    title="A receiver that never reads",
    what="300 messages a second go to 1,000 receivers, with and without one more that never reads, for "
    "which the server keeps a backlog. The latency is that of the other receivers.",
    figures=(P99, P50, MAX),
    cases=dict.fromkeys(("nobody", "one receiver"), OWN_BUILDS),
    titles={"nobody": "everybody reads", "one receiver": "one receiver never reads"},
    measure=measure,
)
