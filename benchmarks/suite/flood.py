"""The cost to others of one client that sends as fast as it can, with the server's default limits."""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from benchmarks import loads
from benchmarks.benchmark import MAX, P50, P99, Benchmark, Lab
from benchmarks.servers import OWN_BUILDS, Running, running

RECEIVERS, RATE, SENDERS = 1000, 300, 40  # so that each sender stays under ten messages a second
LINES = {"sends": b'{"type":"send","text":"flood"}\n', "requests": b'{"type":"users"}\n'}
BLOCK = 64 * 1024  # bytes written at once


@contextmanager
def flooding(server: Running, line: bytes) -> Iterator[None]:
    """Send this line without end, from one client in its own process."""
    pid = os.fork()
    if pid == 0:
        with suppress(BaseException):
            _flood(server.port, line)
        os._exit(0)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _flood(port: int, line: bytes) -> None:
    """Write and read whenever the server lets it."""
    block = line * (BLOCK // len(line))
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.settimeout(0)
        rest = block
        while True:
            readable, writable, _ = select.select([connection], [connection], [])
            if readable and not connection.recv(1 << 20):
                print("the server closed the flooding client", file=sys.stderr)
                return
            if writable:
                rest = rest[connection.send(rest) :] or block


def measure(lab: Lab, case: str, server: str) -> Mapping[str, float]:
    with running(server, lab.folder, options=()) as reached:
        words = (lab.folder, reached, lab.count(RECEIVERS), lab.seconds)
        if case == "nothing":
            return loads.fan_out(*words, rate=RATE, senders=SENDERS)
        with flooding(reached, LINES[case]):
            return loads.fan_out(*words, rate=RATE, senders=SENDERS)


BENCHMARK = Benchmark(
    name="flood",
    title="One flooding client",
    what="40 senders send 300 messages a second to 1,000 receivers, with all limits at their defaults. "
    "Meanwhile one more client sends as fast as the server reads: messages, nearly all of which are "
    "refused, or requests for the list of users. The latency is that of the other clients.",
    figures=(P99, P50, MAX),
    cases=dict.fromkeys(("nothing", "sends", "requests"), OWN_BUILDS),
    titles={
        "nothing": "nobody floods",
        "sends": "one floods with sends",
        "requests": "one floods with requests",
    },
    measure=measure,
)
