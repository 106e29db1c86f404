"""How private messages do: many pairs at the same time."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks import loads
from benchmarks.benchmark import P50, P99, Benchmark, Figure, Lab
from benchmarks.servers import running

WINDOW = 4


def measure(lab: Lab, case: str, server: str) -> Mapping[str, float]:
    with running(server, lab.folder) as reached:
        where = (reached.protocol, "127.0.0.1", reached.port)
        words = (int(case), WINDOW, lab.seconds, loads.PAYLOAD)
        return loads.run(lab.folder, "pairs", reached, "pair", *where, *words)


BENCHMARK = Benchmark(
    name="pairs",
    title="Private messages between pairs",
    what="Each sender writes 64 bytes to a receiver of its own, with 4 messages under way. A message "
    "counts when it is there. With tcpchat it is on disk by then, and the author is told that it "
    "is kept and that it was delivered; the others hand it on.",
    figures=(Figure(name="per_s", title="messages a second", unit="/s", more_is_better=True), P50, P99),
    cases={"100": ("tcpchat", "redis", "nats", "ngircd")},
    case_title="{} pairs",
    measure=measure,
)
