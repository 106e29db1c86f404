"""Acknowledged messages a second, each of them on disk."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks import loads
from benchmarks.benchmark import P50, P99, Benchmark, Figure, Lab
from benchmarks.servers import OWN_BUILDS, running

CASES = {
    "1": (1, 1),
    "1-window": (1, 64),
    "100": (100, 1),
    "1000": (1000, 1),
}  # senders, messages under way of each


def measure(lab: Lab, case: str, server: str) -> Mapping[str, float]:
    senders, window = CASES[case]
    with running(server, lab.folder) as reached:
        where = (reached.protocol, "127.0.0.1", reached.port)
        words = (senders, window, lab.seconds, loads.PAYLOAD)
        return loads.run(lab.folder, "pairs", reached, "keep", *where, *words)


BENCHMARK = Benchmark(
    name="sends",
    title="Durable sends",
    what="Each sender sends 64 bytes, waits for the acknowledgement, which means that the message is on "
    "disk, and sends again. Each sends private messages to itself, so that fan-out is not measured. "
    "Redis, with `appendfsync always`, appends the same bytes to one stream.",
    figures=(Figure(name="per_s", title="acknowledged a second", unit="/s", more_is_better=True), P50, P99),
    cases=dict.fromkeys(CASES, (*OWN_BUILDS, "redis-kept")),
    case_title="{} senders",
    titles={"1": "1 sender", "1-window": "1 sender, 64 under way"},
    measure=measure,
)
