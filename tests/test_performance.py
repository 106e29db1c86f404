"""docs/performance.md shows the results of the last run, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks import loads, report
from benchmarks.estimate import estimate, in_words
from benchmarks.results import ELAPSED, Outcome, load, save
from benchmarks.servers import TITLES
from benchmarks.suite import BENCHMARKS, BY_NAME
from benchmarks.tables import amount, as_text, cell, rounds, table

PAGE = report.PAGE.read_text()
FANOUT = BY_NAME["fanout"]


def outcome(**rows: tuple[float, ...]) -> Outcome:
    """Return the results of fan-out to 100 receivers, by server."""
    made = Outcome(machine={"Python": "3.11.7"}, rounds=3, seconds=3)
    for server, values in rows.items():
        for value in values:
            made.add("100", server, {"deliveries_per_s": value, "load_cores": 0.5, "server_cores": 1.0})
    return made


def test_the_tables_show_the_results() -> None:
    """`make bench` writes both; neither is edited by hand."""
    assert report.put_into(PAGE, report.render(load(report.RESULTS))) == PAGE


def test_every_benchmark_is_shown_with_its_plot() -> None:
    for benchmark in BENCHMARKS:
        assert f"(images/{report.picture(benchmark.name)})" in PAGE, benchmark.name
    for image in re.findall(r"\]\((images/[^)]+)\)", PAGE):
        assert (report.PAGE.parent / image).read_text().lstrip().startswith("<?xml"), image


def test_each_result_names_its_machine() -> None:
    results = load(report.RESULTS)
    assert set(results) == set(BY_NAME)
    for one in results.values():
        assert {"processor", "system", "disk", "Python", "trio", "tcpchat"} <= set(one.machine)


def test_results_are_loaded_as_they_were_saved(tmp_path: Path) -> None:
    results = load(report.RESULTS)
    again = tmp_path / "again.json"
    save(results, again)
    assert load(again) == results
    assert again.read_bytes() == report.RESULTS.read_bytes()


def test_a_ratio_is_of_medians_and_the_spread_is_shown() -> None:
    made = outcome(tcpchat=(1e6, 3e6, 2e6), redis=(4e6, 5e6, 3.9e6))
    assert made.ratio("100", "redis", "deliveries_per_s") == pytest.approx(0.5)
    shown = cell(made, "100", "redis", FANOUT.figures[0])
    assert shown == "4.00 M (3.90 M to 5.00 M) [**0.50**]"
    assert "[" not in cell(made, "100", "tcpchat", FANOUT.figures[0])
    assert table(FANOUT, made, FANOUT.figures[0])[1][0] == TITLES["tcpchat"]


@pytest.mark.parametrize(
    ("load_cores", "server_cores", "limited"), [(0.95, 0.5, True), (0.95, 0.95, False), (0.8, 0.5, False)]
)
def test_a_result_limited_by_the_load_is_marked(
    load_cores: float, server_cores: float, limited: bool
) -> None:
    made = Outcome(machine={}, rounds=1, seconds=1)
    figures = {"deliveries_per_s": 1.0, "load_cores": load_cores, "server_cores": server_cores}
    made.add("100", "tcpchat", figures)
    assert ("†" in cell(made, "100", "tcpchat", FANOUT.figures[0])) == limited
    assert ("limited by the load" in as_text(FANOUT, made)) == limited


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
def test_numbers_have_three_significant_digits(value: float, text: str) -> None:
    assert amount(value) == text


def test_a_failed_server_has_a_reason_and_no_figure() -> None:
    made = outcome(tcpchat=(1e6, 1e6, 1e6), redis=(4e6, 5e6))
    made.fail("100", "redis", "nothing arrived")
    assert cell(made, "100", "redis", FANOUT.figures[0]) == "failed"
    assert cell(made, "100", "nats", FANOUT.figures[0]) == "–"
    assert made.ratio("100", "redis", "deliveries_per_s") is None
    assert made.row("100", "redis") is None  # so that neither plots nor tables show it
    assert [line[0] for line in table(FANOUT, made, FANOUT.figures[0])[1:]] == ["tcpchat", "Redis Pub/Sub"]
    reason = "100 receivers, Redis Pub/Sub: failed: nothing arrived"
    assert reason in as_text(FANOUT, made)
    assert f"* {reason}" in report.render({"fanout": made})


@pytest.mark.parametrize("name", ["deliveries_per_s", "per_s", "p50_ms"])
def test_a_load_in_which_nothing_arrived_gives_no_figure(name: str) -> None:
    loads.check({name: 0.01, "lost": 0, "load_cores": 0})
    with pytest.raises(loads.LoadError, match="nothing arrived"):
        loads.check({name: 0, "lost": 0})


def test_no_stored_figure_comes_from_a_load_in_which_nothing_arrived() -> None:
    for one in load(report.RESULTS).values():
        for row in one.rows:
            for at in range(len(next(iter(row.values.values())))):
                loads.check({name: values[at] for name, values in row.values.items()})


def test_rounds_are_counted_in_words() -> None:
    assert rounds(Outcome(machine={}, rounds=1, seconds=0.5)) == "1 round of 0.5 s"
    assert rounds(Outcome(machine={}, rounds=1, seconds=0)) == "1 round"
    assert rounds(Outcome(machine={}, rounds=3, seconds=3.0)) == "3 rounds of 3 s"


@pytest.mark.parametrize(("count", "seconds", "short"), [(3, 2.0, False), (2, 2.0, True), (3, 1.9, True)])
def test_a_short_run_has_a_warning(count: int, seconds: float, short: bool) -> None:
    made = Outcome(machine={}, rounds=count, seconds=seconds, load_averages=[0.1, 1.25])
    said = report.about({"fanout": made})
    assert ("short run" in said) == short
    assert f"{count} rounds of {seconds:g} s" in said
    assert "between 0.10 and 1.25" in said


def test_a_benchmark_that_counts_does_not_make_a_run_short() -> None:
    memory = Outcome(machine={}, rounds=1, seconds=0)
    assert "short run" not in report.about(
        {"fanout": Outcome(machine={}, rounds=3, seconds=2), "memory": memory}
    )


def test_the_load_of_the_machine_is_shown() -> None:
    made = Outcome(machine={"Python": "3"}, rounds=3, seconds=3.0, load_averages=[0.1, 1.25])
    said = "load average 0.10 at the start of the run, 1.25 after it"
    assert report.footer(made) == f"3 rounds of 3 s each · {said} · Python 3"
    assert "load average not known" in report.footer(outcome(tcpchat=(1.0,)))
    assert "is not known" in report.about({"fanout": outcome(tcpchat=(1.0,))})


def test_the_estimate_comes_from_the_last_run() -> None:
    made = Outcome(machine={}, rounds=1, seconds=1.0)
    for case, server, took in (("100", "tcpchat", 4.0), ("1000", "trio", 6.0)):
        made.add(case, server, {ELAPSED: took})
    takes = estimate([FANOUT], 2, 3.0, ("tcpchat", "trio"), {"fanout": made})
    unknown = 2  # tcpchat with 1,000 and 5,000 has no known duration
    assert takes == 2 * ((4 - 1 + 3) + (6 - 1 + 3) + unknown * (3 + 3))
    memory = BY_NAME["memory"]
    assert estimate([memory], 3, 3.0, ("tcpchat",), {}) == 3  # once, and no seconds of load
    assert in_words(680.4) == "11 min 20 s"
    assert in_words(45) == "45 s"
