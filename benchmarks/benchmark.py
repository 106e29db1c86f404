"""The record of a benchmark: its load, its figures, its cases, and the servers of each case."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import attrs

PUSHING: Final = ("tcpchat", "redis", "nats", "ngircd", "trio", "asyncio")
"""Every server that copies each message to all other clients, ours first."""


@attrs.frozen(kw_only=True)
class Figure:
    """One measured number, such as deliveries a second."""

    name: str
    title: str
    unit: str
    more_is_better: bool
    compared: bool = True
    """Whether it is shown as a ratio to other servers."""


DELIVERIES: Final = Figure(
    name="deliveries_per_s", title="deliveries a second", unit="/s", more_is_better=True
)
P50: Final = Figure(name="p50_ms", title="latency, p50", unit="ms", more_is_better=False)
P99: Final = Figure(name="p99_ms", title="latency, p99", unit="ms", more_is_better=False)
MAX: Final = Figure(name="max_ms", title="latency, max", unit="ms", more_is_better=False)


@attrs.frozen(kw_only=True)
class Lab:
    """The place of a run: the folder with the loads and the servers' data, and the length of each load."""

    folder: Path
    seconds: float
    small: bool = False
    """Whether the run is a quick check: a tenth of every number of clients or messages."""

    def count(self, number: int) -> int:
        return number // 10 if self.small else number


Measure = Callable[[Lab, str, str], Mapping[str, float]]
"""Measures a case of a server; returns the figures, and `load_cores` and `server_cores` if known."""


@attrs.frozen(kw_only=True)
class Benchmark:
    """One file of `benchmarks/suite`."""

    name: str
    title: str
    what: str
    """The load, and what is counted, for the reader of the results."""
    figures: tuple[Figure, ...]
    """The first one is plotted."""
    cases: Mapping[str, tuple[str, ...]]
    """The servers of each case; a server that is not installed is left out."""
    measure: Measure
    once: bool = False
    """Whether it counts and does not time, so that one round of any length is enough."""
    case_title: str = "{}"
    """The title of a case, with its name inserted."""
    titles: Mapping[str, str] = attrs.field(factory=dict)
    """The titles of cases that need another one."""
