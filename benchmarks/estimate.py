"""An estimate of how long a run takes, from the durations of the last one. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from benchmarks.benchmark import Benchmark
from benchmarks.results import ELAPSED, Results

OVERHEAD = 3.0  # seconds to start a server, connect and stop it, if no duration is known


def runs(benchmark: Benchmark, rounds: int, servers: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield each case and server, in the order of measurement."""
    for _ in range(1 if benchmark.once else rounds):
        for case, those in benchmark.cases.items():
            yield from ((case, server) for server in those if server in servers)


def estimate(
    benchmarks: Sequence[Benchmark], rounds: int, seconds: float, servers: Collection[str], known: Results
) -> float:
    """Return the seconds that a run will probably take."""
    return sum(
        _one(one.name, case, server, 0 if one.once else seconds, known)
        for one in benchmarks
        for case, server in runs(one, rounds, servers)
    )


def _one(name: str, case: str, server: str, seconds: float, known: Results) -> float:
    outcome = known.get(name)
    row = outcome.row(case, server) if outcome else None
    if outcome is None or row is None or ELAPSED not in row.values:
        return seconds + OVERHEAD
    return max(row.median(ELAPSED) - outcome.seconds, 0) + seconds


def in_words(seconds: float) -> str:
    """Return a duration for people to read: `45 s`, `11 min 20 s`."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
