"""What a benchmark is: a record of what it measures, in which cases, of which servers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import attrs

PUSHING: Final = ("tcpchat", "redis", "nats", "ngircd", "trio", "asyncio")
"""Every server that copies what one says to all others, ours first."""


@attrs.frozen(kw_only=True)
class Figure:
    """One number that comes out, such as deliveries a second."""

    name: str
    title: str
    unit: str
    more_is_better: bool
    compared: bool = True
    """Whether it is divided by that of other servers."""


DELIVERIES: Final = Figure(
    name="deliveries_per_s", title="deliveries a second", unit="/s", more_is_better=True
)
P50: Final = Figure(name="p50_ms", title="latency, p50", unit="ms", more_is_better=False)
P99: Final = Figure(name="p99_ms", title="latency, p99", unit="ms", more_is_better=False)
MAX: Final = Figure(name="max_ms", title="latency, max", unit="ms", more_is_better=False)


@attrs.frozen(kw_only=True)
class Lab:
    """Where a run happens: the folder with the loads and everybody's data, and how long each load lasts."""

    folder: Path
    seconds: float
    small: bool = False
    """Whether this run is to be quick rather than right: a tenth of whatever is counted."""

    def count(self, number: int) -> int:
        return number // 10 if self.small else number


Measure = Callable[[Lab, str, str], Mapping[str, float]]
"""Given where, the case and the server; returns the figures, and `load_cores` and `server_cores` if known."""


@attrs.frozen(kw_only=True)
class Benchmark:
    """One file of `benchmarks/suite`."""

    name: str
    title: str
    what: str
    """What the load is and what is counted, for the reader of the results."""
    figures: tuple[Figure, ...]
    """The first one is drawn."""
    cases: Mapping[str, tuple[str, ...]]
    """Each case with the servers that it is measured with; a server that is not installed is left out."""
    measure: Measure
    once: bool = False
    """Whether it counts and does not time, so that one round tells all, however long it is."""
    case_title: str = "{}"
    """What a case is called, with its own name put in."""
    titles: Mapping[str, str] = attrs.field(factory=dict)
    """Cases that are called otherwise."""
