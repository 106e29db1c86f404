"""The results of runs, stored as JSON: figures, their medians, spreads and ratios, and failures."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import attrs
import orjson

OWN = "tcpchat"
ELAPSED = "elapsed_s"
"""A figure of each measurement that is not shown: its whole duration."""
LEAST_ROUNDS, LEAST_SECONDS = 3, 2.0  # fewer show no spread; shorter ones measure mainly the start
FULL = 0.9  # of a core; a process that uses more is at its limit


@attrs.frozen
class Row:
    """One server in one case: each figure of each round."""

    case: str
    server: str
    values: dict[str, list[float]] = attrs.field(factory=dict)

    def add(self, figures: Mapping[str, float]) -> None:
        for name, value in figures.items():
            self.values.setdefault(name, []).append(value)

    def median(self, figure: str) -> float:
        return statistics.median(self.values[figure])

    def spread(self, figure: str) -> tuple[float, float]:
        return min(self.values[figure]), max(self.values[figure])

    @property
    def limited_by_load(self) -> bool:
        """Whether the load was at its limit while the server was not."""
        if "load_cores" not in self.values:
            return False
        return self.median("load_cores") > FULL > self.median("server_cores")


@attrs.frozen
class Failure:
    """One case that a server could not do, and the reason, for the reader of the results."""

    case: str
    server: str
    reason: str


@attrs.frozen
class Outcome:
    """All rows of one benchmark, from one run on one machine."""

    machine: dict[str, str]
    rounds: int
    seconds: float
    """The length of each load; 0 if the benchmark counts and does not time."""
    rows: list[Row] = attrs.field(factory=list)
    failures: list[Failure] = attrs.field(factory=list)
    load_averages: list[float] = attrs.field(factory=list)
    """The machine's, over one minute, before the run and after this benchmark; empty if unknown."""

    @property
    def is_short(self) -> bool:
        """Whether the run only shows that the benchmark works."""
        return self.rounds < LEAST_ROUNDS or self.seconds < LEAST_SECONDS

    @property
    def is_timed(self) -> bool:
        return self.seconds > 0

    def row(self, case: str, server: str) -> Row | None:
        return next((row for row in self.rows if (row.case, row.server) == (case, server)), None)

    def add(self, case: str, server: str, figures: Mapping[str, float]) -> None:
        row = self.row(case, server)
        if row is None:
            self.rows.append(row := Row(case, server))
        row.add(figures)

    def fail(self, case: str, server: str, reason: str) -> None:
        """Record the reason and drop the figures, since the rounds that did not fail would look too good."""
        self.rows[:] = [row for row in self.rows if (row.case, row.server) != (case, server)]
        self.failures.append(Failure(case, server, reason))

    def failure(self, case: str, server: str) -> Failure | None:
        return next((one for one in self.failures if (one.case, one.server) == (case, server)), None)

    def servers(self, order: Iterable[str]) -> list[str]:
        """Return the servers that were measured or failed, in this order."""
        found = {row.server for row in self.rows} | {one.server for one in self.failures}
        return [server for server in order if server in found]

    def ratio(self, case: str, server: str, figure: str) -> float | None:
        """Return our median divided by that of the server."""
        own, other = self.row(case, OWN), self.row(case, server)
        if own is None or other is None or not other.median(figure):
            return None
        return own.median(figure) / other.median(figure)


Results = dict[str, Outcome]
"""By the name of the benchmark."""


def save(results: Results, path: Path) -> None:
    plain = {name: attrs.asdict(outcome) for name, outcome in sorted(results.items())}
    path.write_bytes(orjson.dumps(plain, option=orjson.OPT_INDENT_2) + b"\n")


def load(path: Path) -> Results:
    """Return the results that `save` wrote; none if there is no file."""
    if not path.exists():
        return {}
    plain: dict[str, dict[str, Any]] = orjson.loads(path.read_bytes())
    return {
        name: Outcome(
            **outcome
            | {
                "rows": [Row(**row) for row in outcome["rows"]],
                "failures": [Failure(**one) for one in outcome["failures"]],
            }
        )
        for name, outcome in plain.items()
    }
