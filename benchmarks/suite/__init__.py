"""All benchmarks, in the order in which they run and are shown."""

from __future__ import annotations

from typing import Final

from benchmarks.benchmark import Benchmark
from benchmarks.suite import day, fanout, flood, joins, latency, memory, pairs, resume, sends, stalled

BENCHMARKS: Final[tuple[Benchmark, ...]] = (
    fanout.BENCHMARK,
    latency.BENCHMARK,
    stalled.BENCHMARK,
    flood.BENCHMARK,
    sends.BENCHMARK,
    pairs.BENCHMARK,
    joins.BENCHMARK,
    memory.BENCHMARK,
    resume.BENCHMARK,
    day.BENCHMARK,
)
BY_NAME: Final = {benchmark.name: benchmark for benchmark in BENCHMARKS}
