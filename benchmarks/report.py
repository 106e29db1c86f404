"""Writes what runs said into docs/performance.md, between two markers, and draws the plots beside it.

What it says about the run itself (how long, how busy the machine) comes from the results, too.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from benchmarks import machine, targets
from benchmarks.benchmark import Benchmark
from benchmarks.results import Outcome, Results
from benchmarks.servers import TITLES
from benchmarks.suite import BENCHMARKS
from benchmarks.tables import LIMITED, RATIO, as_markdown, cores, failures, rounds, table

ROOT: Final = Path(__file__).parent.parent
RESULTS: Final = ROOT / "benchmarks/results.json"
PAGE: Final = ROOT / "docs/performance.md"
IMAGES: Final = ROOT / "docs/images"
_BETWEEN = re.compile(r"(<!-- results: .*? -->\n).*(<!-- end of results -->)", re.DOTALL)


def picture(name: str) -> str:
    return f"bench-{name}.svg"


def render(results: Results) -> str:
    """Return the part of the page that runs write."""
    parts = [about(results), "## Figures to reach", as_markdown(targets.rows(results))]
    parts.append(targets.summary(results))
    for benchmark in BENCHMARKS:
        if (outcome := results.get(benchmark.name)) is not None:
            parts += _section(benchmark, outcome)
    return "\n\n".join(parts)


def about(results: Results) -> str:
    """Say how much was measured, and that it tells nothing if it was little."""
    ran = [outcome for outcome in results.values() if outcome.is_timed]
    if not ran:
        return "Nothing has been measured."
    said = " and of ".join(sorted({rounds(outcome) for outcome in ran}))
    parts = [f"The figures below are of {said} for each measurement."]
    if any(outcome.is_short for outcome in ran):
        parts.append("**This was a short run: its figures show only that it works.**")
    if averages := [average for outcome in ran for average in outcome.load_averages]:
        parts.append(
            f"The load average of the machine was between {min(averages):.2f} and {max(averages):.2f}; "
            "the benchmarks themselves are in it, except at the start."
        )
    else:
        parts.append("How busy the machine was is not known.")
    return " ".join(parts)


def _section(benchmark: Benchmark, outcome: Outcome) -> list[str]:
    parts = [
        f"## {benchmark.title}",
        benchmark.what,
        f"![{benchmark.title}](images/{picture(benchmark.name)})",
    ]
    parts += [as_markdown(table(benchmark, outcome, figure)) for figure in benchmark.figures]
    if len(outcome.servers(TITLES)) > 1:
        parts.append(RATIO)
    if failed := failures(benchmark, outcome):
        parts.append("\n".join(f"* {line}" for line in failed))
    if used := [line.strip() for line in cores(benchmark, outcome)]:
        listed = "\n".join(f"* {line}" for line in used)
        parts.append(f"<details><summary>Cores used (†: {LIMITED})</summary>\n\n{listed}\n\n</details>")
    return [*parts, f"<sub>{footer(outcome)}</sub>"]


def footer(outcome: Outcome) -> str:
    """Say in one line what the figures are of."""
    ran = rounds(outcome) + (" each" if outcome.rounds > 1 else "")
    known = machine.in_one_line(outcome.machine)
    if not outcome.load_averages:
        return f"{ran} · load average not known · {known}"
    first, last = outcome.load_averages
    return f"{ran} · load average {first:.2f} at the start of the run, {last:.2f} after it · {known}"


def put_into(page: str, rendered: str) -> str:
    """Return the page with this between its markers."""
    if not _BETWEEN.search(page):
        raise SystemExit(f"{PAGE.name} has lost its markers")
    return _BETWEEN.sub(lambda match: f"{match[1]}\n{rendered}\n\n{match[2]}", page)


def write(results: Results) -> None:
    """Write page and plots. Drawing needs matplotlib, which `make bench` installs."""
    from benchmarks import plots

    for benchmark in BENCHMARKS:
        if (outcome := results.get(benchmark.name)) is not None:
            plots.draw(benchmark, outcome, IMAGES / picture(benchmark.name))
    PAGE.write_text(put_into(PAGE.read_text(), render(results)))
