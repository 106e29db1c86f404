"""The figures that the project wants to reach, each with what a run says about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import attrs

from benchmarks.results import OWN, Results


@attrs.frozen
class Target:
    """One figure to reach."""

    text: str
    goal: float
    more_is_better: bool
    unit: str
    measured: Callable[[Results], float | None]

    def reached(self, value: float) -> bool:
        return value >= self.goal if self.more_is_better else value < self.goal


def _ratio(case: str, server: str) -> Callable[[Results], float | None]:
    """Return our deliveries a second divided by those of the server."""

    def measured(results: Results) -> float | None:
        outcome = results.get("fanout")
        return outcome.ratio(case, server, "deliveries_per_s") if outcome else None

    return measured


def _added(benchmark: str, calm: str, troubled: str) -> Callable[[Results], float | None]:
    """Return the milliseconds by which the p99 of one case is over that of the other."""

    def measured(results: Results) -> float | None:
        outcome = results.get(benchmark)
        rows = [outcome.row(case, OWN) for case in (calm, troubled)] if outcome else []
        before, after = rows or (None, None)
        return after.median("p99_ms") - before.median("p99_ms") if before and after else None

    return measured


def _memory(results: Results) -> float | None:
    outcome = results.get("memory")
    row = outcome.row("10000", OWN) if outcome else None
    return row.median("kb") if row else None


def _times(receivers: str, title: str, goal: float, server: str) -> Target:
    words = f"{receivers} receivers: ≥ {goal:g} times {title}"
    measured = _ratio(receivers.replace(",", ""), server)
    return Target(words, goal, more_is_better=True, unit=" times", measured=measured)


def _harm(text: str, most: float, benchmark: str, calm: str, troubled: str) -> Target:
    words = f"{text} adds < {most:g} ms to the others' p99"
    return Target(words, most, more_is_better=False, unit=" ms", measured=_added(benchmark, calm, troubled))


TARGETS: Final = (
    _times("1,000", "Redis", 1.3, "redis"),
    _times("1,000", "NATS", 3, "nats"),
    _times("1,000", "the plain Trio server", 15, "trio"),
    _times("100", "Redis", 0.8, "redis"),
    _harm("a stalled reader", 1, "stalled", "nobody", "one receiver"),
    _harm("a client that floods with sends", 5, "flood", "nothing", "sends"),
    _harm("a client that floods with requests", 5, "flood", "nothing", "requests"),
    Target("10,000 idle connections: ≤ 10 KB each", 10, more_is_better=False, unit=" KB", measured=_memory),
)


def rows(results: Results) -> list[list[str]]:
    """Return the rows of a table, its head first."""
    lines = []
    for target in TARGETS:
        value = target.measured(results)
        said = ["", "not measured"] if value is None else [
            f"{value:.2f}{target.unit}", "reached" if target.reached(value) else "**not reached**"
        ]  # fmt: skip
        lines.append([target.text, *said])
    return [["figure to reach", "measured", ""], *lines]
