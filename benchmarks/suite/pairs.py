"""Private messages between many pairs at the same time."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks import loads
from benchmarks.benchmark import P50, P99, Benchmark, Figure, Lab
from benchmarks.servers import OWN_BUILDS, running

WINDOW = 4


def measure(lab: Lab, case: str, server: str) -> Mapping[str, float]:
    with running(server, lab.folder) as reached:
        where = (reached.protocol, "127.0.0.1", reached.port)
        words = (int(case), WINDOW, lab.seconds, loads.PAYLOAD)
        return loads.run(lab.folder, "pairs", reached, "pair", *where, *words)


BENCHMARK = Benchmark(
    name="pairs",
    title="Private messages between pairs",
    what="Each sender sends messages of 64 bytes to its own receiver, with 4 messages under way. A message "
    "counts when it arrives. With tcpchat it is on disk by then, and its author gets an acknowledgement "
    "and a receipt; the other servers only forward it.",
    figures=(Figure(name="per_s", title="messages a second", unit="/s", more_is_better=True), P50, P99),
    cases={"100": (*OWN_BUILDS, "redis", "nats", "ngircd")},
    case_title="{} pairs",
    measure=measure,
)
