"""The latency of messages at a fixed rate."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks import loads
from benchmarks.benchmark import MAX, P50, P99, Benchmark, Lab
from benchmarks.servers import OWN_BUILDS, running

RECEIVERS = 1000


def measure(lab: Lab, case: str, server: str) -> Mapping[str, float]:
    with running(server, lab.folder) as reached:
        return loads.fan_out(lab.folder, reached, lab.count(RECEIVERS), lab.seconds, rate=int(case))


BENCHMARK = Benchmark(
    name="latency",
    title="Latency at a fixed rate",
    what="4 senders send messages to 1,000 receivers at a fixed rate, whether earlier messages have arrived "
    "or not. The latency is the time from sending a message until each of ten receivers has it. To keep "
    "the run short, the other servers are measured at one rate each: the plain servers at the lower one, "
    "since the higher one is at or above their limit and would only show a queue. The next benchmark "
    "includes 300 messages a second.",
    figures=(P99, P50, MAX),
    cases={
        "30": (*OWN_BUILDS, "trio", "asyncio"),
        "100": (*OWN_BUILDS, "redis", "nats"),
    },
    case_title="{} messages a second",
    measure=measure,
)
