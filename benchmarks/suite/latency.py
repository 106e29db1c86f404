"""How long a message is under way when a given number of them is said each second."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks import loads
from benchmarks.benchmark import MAX, P50, P99, Benchmark, Lab
from benchmarks.servers import running

RECEIVERS = 1000


def measure(lab: Lab, case: str, server: str) -> Mapping[str, float]:
    with running(server, lab.folder) as reached:
        return loads.fan_out(lab.folder, reached, lab.count(RECEIVERS), lab.seconds, rate=int(case))


BENCHMARK = Benchmark(
    name="latency",
    title="Latency at a fixed rate",
    what="4 senders say so many messages a second, whether the ones before have arrived or not, to "
    "1,000 receivers. The time from the moment of sending until each of ten receivers has it. Others "
    "are measured at one rate each, to keep the run short: the plain servers at the lower one, "
    "since the higher one is at or over their limit and would only show a queue. How it is with 300 "
    "messages a second is what the next benchmark begins with.",
    figures=(P99, P50, MAX),
    cases={
        "30": ("tcpchat", "trio", "asyncio"),
        "100": ("tcpchat", "redis", "nats"),
    },
    case_title="{} messages a second",
    measure=measure,
)
