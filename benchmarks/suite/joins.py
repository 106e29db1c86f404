"""The time until all users are in the chat when they connect at once."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks import loads
from benchmarks.benchmark import Benchmark, Figure, Lab
from benchmarks.servers import OWN_BUILDS, running


def measure(lab: Lab, case: str, server: str) -> Mapping[str, float]:
    with running(server, lab.folder) as reached:
        where = (reached.protocol, "127.0.0.1", reached.port)
        return loads.run(lab.folder, "joins", reached, "storm", *where, lab.count(int(case)))


BENCHMARK = Benchmark(
    name="joins",
    title="Join storm",
    what="All users connect at once, and each takes a name. The figures are the seconds until ten users who "
    "were there before know of every one of them, and until the last one has its name. Each user is also "
    "notified of all who come later. ngIRCd queues only ten new connections, so that at most eight are "
    "made at the same time; with 5,000 users it takes minutes and is left out.",
    figures=(
        Figure(name="told_s", title="ten others know everybody", unit="s", more_is_better=False),
        Figure(name="named_s", title="everybody has a name", unit="s", more_is_better=False),
    ),
    cases={"1000": (*OWN_BUILDS, "ngircd"), "5000": OWN_BUILDS},
    case_title="{} users",
    measure=measure,
)
