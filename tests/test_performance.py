"""docs/performance.md shows what a run said, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks import report, targets
from benchmarks.results import Outcome, Row, load, save
from benchmarks.servers import TITLES
from benchmarks.suite import BENCHMARKS, BY_NAME
from benchmarks.tables import amount, as_text, cell, table

PAGE = report.PAGE.read_text()
FANOUT = BY_NAME["fanout"]


def outcome(**rows: tuple[float, ...]) -> Outcome:
    """Return what a run of fan-out to 100 receivers says, by server."""
    made = Outcome(machine={"Python": "3.11.7"}, rounds=3, seconds=3)
    for server, values in rows.items():
        for value in values:
            made.add("100", server, {"deliveries_per_s": value, "load_cores": 0.5, "server_cores": 1.0})
    return made


def test_the_tables_are_what_the_results_say() -> None:
    """`make bench` writes both; who edits one by hand must not."""
    assert report.put_into(PAGE, report.render(load(report.RESULTS))) == PAGE


def test_every_benchmark_is_shown_with_its_plot() -> None:
    for benchmark in BENCHMARKS:
        assert f"(images/{report.picture(benchmark.name)})" in PAGE, benchmark.name
    for image in re.findall(r"\]\((images/[^)]+)\)", PAGE):
        assert (report.PAGE.parent / image).read_text().lstrip().startswith("<?xml"), image


def test_each_result_says_on_which_machine() -> None:
    results = load(report.RESULTS)
    assert set(results) == set(BY_NAME)
    for one in results.values():
        assert {"processor", "system", "disk", "Python", "trio", "tcpchat"} <= set(one.machine)


def test_results_are_kept(tmp_path: Path) -> None:
    results = load(report.RESULTS)
    again = tmp_path / "again.json"
    save(results, again)
    assert load(again) == results
    assert again.read_bytes() == report.RESULTS.read_bytes()


def test_a_ratio_is_of_medians_and_the_spread_is_shown() -> None:
    made = outcome(tcpchat=(1e6, 3e6, 2e6), redis=(4e6, 5e6, 3.9e6))
    assert made.ratio("100", "redis", "deliveries_per_s") == pytest.approx(0.5)
    shown = cell(made, made.row("100", "redis"), FANOUT.figures[0])
    assert shown == "4.00 M (3.90 M to 5.00 M) [**0.50**]"
    assert "[" not in cell(made, made.row("100", "tcpchat"), FANOUT.figures[0])
    assert table(FANOUT, made, FANOUT.figures[0])[1][0] == TITLES["tcpchat"]


@pytest.mark.parametrize(
    ("load_cores", "server_cores", "limited"), [(0.95, 0.5, True), (0.95, 0.95, False), (0.8, 0.5, False)]
)
def test_a_load_that_is_the_limit_is_marked(load_cores: float, server_cores: float, limited: bool) -> None:
    made = Outcome(machine={}, rounds=1, seconds=1)
    figures = {"deliveries_per_s": 1.0, "load_cores": load_cores, "server_cores": server_cores}
    made.add("100", "tcpchat", figures)
    assert ("†" in cell(made, made.row("100", "tcpchat"), FANOUT.figures[0])) == limited
    assert ("limited by the load" in as_text(FANOUT, made)) == limited


def test_a_target_is_reached_or_not() -> None:
    results = {"fanout": outcome(tcpchat=(0.9e6,), redis=(1e6,))}
    assert ["100 receivers: ≥ 0.8 times Redis", "0.90 times", "reached"] in targets.rows(results)
    results = {"fanout": outcome(tcpchat=(0.7e6,), redis=(1e6,))}
    assert ["100 receivers: ≥ 0.8 times Redis", "0.70 times", "**not reached**"] in targets.rows(results)
    added = Outcome(machine={}, rounds=1, seconds=1)
    for case, p99 in (("nobody", 4.0), ("one receiver", 5.0)):
        added.rows.append(Row(case, "tcpchat", {"p99_ms": [p99]}))
    (row,) = [row for row in targets.rows({"stalled": added}) if row[0].startswith("a stalled")]
    assert row[1:] == ["1.00 ms", "**not reached**"]
    assert ["10,000 idle connections: ≤ 10 KB each", "", "not measured"] in targets.rows({})


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (9_312_000, "9.31 M"),
        (45_600, "45.6 k"),
        (9_999, "9,999"),
        (123.4, "123"),
        (38.12, "38.1"),
        (0.417, "0.42"),
    ],
)
def test_numbers_have_three_digits_that_count(value: float, text: str) -> None:
    assert amount(value) == text
