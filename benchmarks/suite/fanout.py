"""Deliveries a second: messages of four senders to all receivers."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks import loads
from benchmarks.benchmark import DELIVERIES, PUSHING, Benchmark, Lab
from benchmarks.servers import OWN_BUILDS, running


def measure(lab: Lab, case: str, server: str) -> Mapping[str, float]:
    with running(server, lab.folder) as reached:
        return loads.fan_out(lab.folder, reached, int(case), lab.seconds)


BENCHMARK = Benchmark(
    name="fanout",
    title="Fan-out",
    what="4 senders send messages of 64 bytes to all receivers, as fast as 64 messages under way allow. "
    "Each delivery to each receiver is counted. tcpchat has each message on disk before it delivers it; "
    "the other servers store nothing. The C loop copies lines to sockets and does nothing else, so that it "
    "shows what the system can do. With 5,000 receivers, ngIRCd is left out, since it takes minutes to "
    "admit them: it announces each one to all others. The plain servers, which are far above their limit "
    "there, are measured with 1,000 receivers only.",
    figures=(DELIVERIES,),
    cases={
        "100": (*OWN_BUILDS, "limit", "redis", "nats", "ngircd"),
        "1000": (*OWN_BUILDS, "limit", *PUSHING[1:]),
        "5000": (*OWN_BUILDS, "limit", "redis", "nats"),
    },
    case_title="{} receivers",
    measure=measure,
)
