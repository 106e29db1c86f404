"""The verdicts of a run on the targets: none if its rounds are inconclusive."""

from __future__ import annotations

import pytest

from benchmarks import report, targets
from benchmarks.results import Outcome

REDIS = "100 receivers: ≥ 0.8 times Redis"
STALLED = "a stalled reader adds < 1 ms to the others' p99"
MEMORY = "10,000 idle connections: ≤ 10 KB each"
Rounds = tuple[float, ...]


def run(benchmark: str, figure: str, sides: dict[tuple[str, str], Rounds], seconds: float = 3) -> Outcome:
    made = Outcome(machine={}, rounds=len(next(iter(sides.values()))), seconds=seconds)
    for (case, server), values in sides.items():
        for value in values:
            made.add(case, server, {figure: value})
    return made


def fanout(ours: Rounds, theirs: Rounds, seconds: float = 3) -> Outcome:
    return run("fanout", "deliveries_per_s", {("100", "tcpchat"): ours, ("100", "redis"): theirs}, seconds)


def stalled(before: Rounds, after: Rounds, seconds: float = 3) -> Outcome:
    sides = {("nobody", "tcpchat"): before, ("one receiver", "tcpchat"): after}
    return run("stalled", "p99_ms", sides, seconds)


def judge(target: str, **results: Outcome) -> list[str]:
    """Return the measurement and the verdict."""
    (row,) = [row for row in targets.rows(results) if row[0] == target]
    return row[1:]


@pytest.mark.parametrize(
    ("ours", "verdict"),
    [
        ((0.9, 1.7, 3.6), "reached"),
        ((0.8, 1.6, 3.2), "reached"),
        ((0.7, 1.5, 3.1), "**not reached**"),
        ((0.7, 1.7, 3.6), "not measurable in this run (rounds on both sides of the target)"),
    ],
)
def test_a_ratio_is_that_of_each_round(ours: Rounds, verdict: str) -> None:
    """A machine that is four times as fast in the third round changes no ratio."""
    measured, found = judge(REDIS, fanout=fanout(ours, (1.0, 2.0, 4.0)))
    assert found == verdict
    ratios = [ours[0], ours[1] / 2, ours[2] / 4]
    assert measured == f"{sorted(ratios)[1]:.2f} times ({min(ratios):.2f} to {max(ratios):.2f})"


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [
        ((4.0, 4.2, 4.1), (4.5, 4.3, 4.4), "reached"),
        ((4.0, 4.2, 4.1), (5.0, 5.2, 5.1), "**not reached**"),
        ((4.0, 4.2, 4.1), (50.0, 59.0, 40.0), "**not reached**"),
        ((4.0, 5.9, 4.1), (4.5, 5.8, 4.6), "not measurable in this run (spread 1.90 ms)"),
        ((184.0, 294.0, 239.0), (99.0, 112.0, 106.0), "not measurable in this run (spread 110.00 ms)"),
    ],
)
def test_noise_gives_no_verdict(before: Rounds, after: Rounds, verdict: str) -> None:
    assert judge(STALLED, stalled=stalled(before, after))[1] == verdict


def test_a_difference_is_the_median_of_the_differences_of_rounds() -> None:
    measured, _ = judge(STALLED, stalled=stalled((4.0, 5.0, 6.0), (4.1, 5.6, 6.2)))
    assert measured == "0.20 ms (0.10 to 0.60)"


def test_a_short_run_gives_no_verdict() -> None:
    short = "not measurable in this run (fewer than 3 rounds of 2 s)"
    assert judge(REDIS, fanout=fanout((9.0,) * 2, (1.0,) * 2)) == ["9.00 times (9.00 to 9.00)", short]
    assert judge(REDIS, fanout=fanout((9.0,) * 3, (1.0,) * 3, seconds=1.9))[1] == short
    assert judge(STALLED, stalled=stalled((4.0,) * 2, (4.0,) * 2))[1] == short
    assert judge(REDIS, fanout=fanout((9.0,) * 3, (1.0,) * 3, seconds=2))[1] == "reached"


def test_memory_is_counted_and_needs_one_round() -> None:
    memory = run("memory", "kb", {("10000", "tcpchat"): (7.97,)}, seconds=0.5)
    assert judge(MEMORY, memory=memory) == ["7.97 KB", "reached"]


def test_a_failed_or_missing_benchmark_gives_no_verdict() -> None:
    made = fanout((9.0,) * 3, (1.0,) * 3)
    made.fail("100", "redis", "it broke")
    assert judge(REDIS, fanout=made) == ["", "not measured: Redis Pub/Sub failed"]
    assert judge(MEMORY) == ["", "not measured"]


def test_the_page_lists_what_was_not_reached() -> None:
    results = {
        "fanout": fanout((0.5,) * 3, (1.0,) * 3),
        "stalled": stalled((4.0, 9.0, 4.0), (4.0,) * 3),
        "memory": run("memory", "kb", {("10000", "tcpchat"): (7.0,) * 3}),
    }
    missed, unknown = targets.summary(results).split("Not measured, or not measurable in this run:")
    assert missed.strip() == f"Not reached:\n\n* {REDIS}"
    assert f"* {STALLED}" in unknown
    assert REDIS not in unknown
    assert MEMORY not in missed + unknown
    assert targets.summary(results) in report.render(results)
