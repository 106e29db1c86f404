"""A realistic load: few users send most messages, in bursts, and connections break."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks import loads
from benchmarks.benchmark import MAX, P50, P99, Benchmark, Figure, Lab
from benchmarks.servers import OWN_BUILDS, running

RATE, RECONNECTS = 100, 20  # messages and broken connections a second
BURSTS = 5  # seconds from one burst to the next


def measure(lab: Lab, case: str, server: str) -> Mapping[str, float]:
    with running(server, lab.folder) as reached:
        seconds = max(lab.seconds, 2 * BURSTS)
        words = ("127.0.0.1", reached.port, lab.count(int(case)), seconds, RATE, RECONNECTS)
        figures = loads.run(lab.folder, "day", reached, *words)
    if figures["lost"] or figures["doubled"]:
        raise loads.LoadError(f"messages are missing or arrived twice: {figures}")
    return figures


BENCHMARK = Benchmark(
    name="day",
    title="A realistic day",
    what="1,000 users send 100 messages a second on average. The user of rank r sends 1/r as many as the "
    "first one (Zipf). In one second of five there are five times as many messages as in the others, and "
    "one message in ten is private. Every second 20 connections break, and come back within a second with "
    "`resume TOKEN --after SEQ`. Each connection checks that no message is missing and none arrives twice, "
    "also across reconnects.",
    figures=(
        P99,
        P50,
        MAX,
        Figure(name="resume_p99_ms", title="time to resume, p99", unit="ms", more_is_better=False),
        Figure(name="server_cores", title="the server's share of a core", unit="cores", more_is_better=False),
    ),
    cases={"1000": OWN_BUILDS},
    case_title="{} users",
    measure=measure,
)
