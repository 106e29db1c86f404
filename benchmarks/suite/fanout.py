"""How many deliveries a second: what four senders say, to everybody."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks import loads
from benchmarks.benchmark import DELIVERIES, PUSHING, Benchmark, Lab
from benchmarks.servers import running


def measure(lab: Lab, case: str, server: str) -> Mapping[str, float]:
    with running(server, lab.folder) as reached:
        return loads.fan_out(lab.folder, reached, int(case), lab.seconds)


BENCHMARK = Benchmark(
    name="fanout",
    title="Fan-out",
    what="4 senders say 64 bytes at a time to everybody, as fast as 64 messages under way let them. "
    "Each delivery to each receiver is counted. tcpchat has each message on disk before it tells "
    "anybody; the others keep nothing. The C loop copies lines to sockets and does nothing else: "
    "it is what the system allows. With 5,000, ngIRCd takes minutes until all are in, since it "
    "tells each of each one, and the plain servers are far over their limit: they are left out. "
    "The plain servers are measured with 1,000 only.",
    figures=(DELIVERIES,),
    cases={
        "100": ("tcpchat", "limit", "redis", "nats", "ngircd"),
        "1000": ("tcpchat", "limit", *PUSHING[1:]),
        "5000": ("tcpchat", "limit", "redis", "nats"),
    },
    case_title="{} receivers",
    measure=measure,
)
