"""The targets of the project, and the verdict of a run on each of them. Pure.

Both sides of a target are measured one right after the other in each round. Rounds are therefore compared in
pairs: the median of their ratios or differences counts. If the rounds are inconclusive, there is no verdict.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from operator import sub, truediv
from typing import Final

import attrs

from benchmarks.results import LEAST_ROUNDS, LEAST_SECONDS, OWN, Results
from benchmarks.servers import TITLES

REACHED, NOT_REACHED = "reached", "**not reached**"
NOT_MEASURED, NOT_MEASURABLE = "not measured", "not measurable in this run"


@attrs.frozen
class Found:
    """The measurement of a target: a value for each round, or the reason for having none."""

    values: Sequence[float] = ()
    noise: float | None = None
    """The larger spread of both sides' rounds; None for a ratio."""
    failed: str = ""
    short: bool = False
    """Whether there were too few rounds, or too short ones."""

    @property
    def median(self) -> float:
        return statistics.median(self.values)


@attrs.frozen
class Target:
    """One figure to reach."""

    text: str
    goal: float
    more_is_better: bool
    unit: str
    measured: Callable[[Results], Found | None]

    def reached(self, value: float) -> bool:
        return value >= self.goal if self.more_is_better else value < self.goal

    def verdict(self, found: Found | None) -> str:
        if found is None:
            return NOT_MEASURED
        if found.failed:
            return f"{NOT_MEASURED}: {found.failed}"
        if found.short:
            return f"{NOT_MEASURABLE} (fewer than {LEAST_ROUNDS} rounds of {LEAST_SECONDS:g} s)"
        if found.noise is not None and found.noise > self.goal + max(found.median, 0):
            return f"{NOT_MEASURABLE} (spread {found.noise:.2f}{self.unit})"
        verdicts = {self.reached(value) for value in found.values}
        if found.noise is None and len(verdicts) > 1:
            return f"{NOT_MEASURABLE} (rounds on both sides of the target)"
        return REACHED if self.reached(found.median) else NOT_REACHED

    def amount(self, found: Found | None) -> str:
        """Return the median of the rounds, and their range."""
        if found is None or not found.values:
            return ""
        text = f"{found.median:.2f}{self.unit}"
        if len(found.values) > 1:
            text += f" ({min(found.values):.2f} to {max(found.values):.2f})"
        return text


Side = tuple[str, str]
"""Case and server."""


def _paired(
    benchmark: str, figure: str, sides: tuple[Side, Side], effect: Callable[[float, float], float], unit: str
) -> Callable[[Results], Found | None]:
    """Compare both sides in each round; a difference, which has a unit, is as noisy as either side."""

    def measured(results: Results) -> Found | None:
        outcome = results.get(benchmark)
        if outcome is None:
            return None
        if failed := [TITLES[server] for case, server in sides if outcome.failure(case, server)]:
            return Found(failed=f"{failed[0]} failed")
        rows = [outcome.row(*side) for side in sides]
        values = [row.values[figure] for row in rows if row is not None]
        if len(values) < len(sides):
            return None
        effects = [effect(*both) for both in zip(*values, strict=True)]
        noise = max(max(side) - min(side) for side in values) if unit else None
        return Found(effects, noise, short=outcome.is_short)

    return measured


def _memory(results: Results) -> Found | None:
    """Return kilobytes, which are counted and not timed, so that one round is enough."""
    outcome = results.get("memory")
    row = outcome.row("10000", OWN) if outcome else None
    return Found(row.values["kb"]) if row else None


def _times(receivers: str, title: str, goal: float, server: str) -> Target:
    words = f"{receivers} receivers: ≥ {goal:g} times {title}"
    case = receivers.replace(",", "")
    measured = _paired("fanout", "deliveries_per_s", ((case, OWN), (case, server)), truediv, "")
    return Target(words, goal, more_is_better=True, unit=" times", measured=measured)


def _harm(text: str, most: float, benchmark: str, calm: str, troubled: str) -> Target:
    words = f"{text} adds < {most:g} ms to the others' p99"
    sides = ((troubled, OWN), (calm, OWN))
    measured = _paired(benchmark, "p99_ms", sides, sub, " ms")
    return Target(words, most, more_is_better=False, unit=" ms", measured=measured)


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
    """Return the rows of a table, head first."""
    found = [(target, target.measured(results)) for target in TARGETS]
    lines = [[target.text, target.amount(one), target.verdict(one)] for target, one in found]
    return [["target", "measured, median of the rounds", ""], *lines]


def summary(results: Results) -> str:
    """List the targets that were not reached, and those that this run could not judge."""
    verdicts = [(target.text, target.verdict(target.measured(results))) for target in TARGETS]
    missed = [text for text, verdict in verdicts if verdict == NOT_REACHED]
    unknown = [text for text, verdict in verdicts if verdict not in {REACHED, NOT_REACHED}]
    parts = [_listed("Not reached", missed)] if missed else []
    parts += [_listed("Not measured, or not measurable in this run", unknown)] if unknown else []
    return "\n\n".join(parts) or "All targets are reached."


def _listed(head: str, lines: Sequence[str]) -> str:
    return "\n".join([f"{head}:", "", *(f"* {line}" for line in lines)])
