"""How long a message is under way when a given number of them is said each second."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks import loads
from benchmarks.benchmark import MAX, P50, P99, PUSHING, Benchmark, Lab
from benchmarks.servers import running

RECEIVERS = 1000


def measure(lab: Lab, case: str, server: str) -> Mapping[str, float]:
    with running(server, lab.folder) as reached:
        return loads.fan_out(lab.folder, reached, lab.count(RECEIVERS), lab.seconds, rate=int(case))


BENCHMARK = Benchmark(
    name="latency",
    title="Latency at a fixed rate",
    what="4 senders say so many messages a second, whether the ones before have arrived or not, to "
    "1,000 receivers. The time from the moment of sending until each of ten receivers has it. The "
    "plain servers are at or over their limit with 100 messages a second to 1,000: what they show "
    "there is a queue. At 300 they are left out.",
    figures=(P99, P50, MAX),
    cases={
        "30": PUSHING,
        "100": PUSHING,
        "300": ("tcpchat", "redis", "nats", "ngircd"),
    },
    case_title="{} messages a second",
    measure=measure,
)
