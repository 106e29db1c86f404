"""The generated part of docs/performance.md, between two markers, and the plots beside it.

Statements about the run itself, such as its length and the load of the machine, come from the results too.
"""

from __future__ import annotations

import re
import textwrap
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
COLUMNS: Final = 100  # of a line of prose in the docs
_BETWEEN = re.compile(r"(<!-- results: .*? -->\n).*(<!-- end of results -->)", re.DOTALL)


def picture(name: str) -> str:
    return f"bench-{name}.svg"


def render(results: Results) -> str:
    """Return the generated part of the page."""
    parts = [about(results), "## Targets", as_markdown(targets.rows(results))]
    parts.append(targets.summary(results))
    for benchmark in BENCHMARKS:
        if (outcome := results.get(benchmark.name)) is not None:
            parts += _section(benchmark, outcome)
    return "\n\n".join(parts)


def about(results: Results) -> str:
    """Return how much was measured, with a warning if it was little."""
    ran = [outcome for outcome in results.values() if outcome.is_timed]
    if not ran:
        return "Nothing has been measured."
    measured = " or ".join(sorted({rounds(outcome) for outcome in ran}))
    parts = [f"Each figure below comes from {measured}."]
    if any(outcome.is_short for outcome in ran):
        parts.append("**This was a short run, which only shows that the benchmarks work.**")
    if averages := [average for outcome in ran for average in outcome.load_averages]:
        parts.append(
            f"The load average of the machine was between {min(averages):.2f} and {max(averages):.2f}. "
            "Except at the start, it includes the benchmarks themselves."
        )
    else:
        parts.append("The load of the machine is not known.")
    return prose(" ".join(parts))


def prose(text: str) -> str:
    """Return the text with one sentence a line, in lines of at most `COLUMNS`."""
    sentences = re.split(r"(?<=[.!?]) (?=[A-Z*0-9`]|tcpchat)", text)
    return "\n".join(textwrap.fill(one, COLUMNS, break_on_hyphens=False) for one in sentences)


def _section(benchmark: Benchmark, outcome: Outcome) -> list[str]:
    parts = [
        f"## {benchmark.title}",
        prose(benchmark.what),
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
    """Return the origin of the figures in one line."""
    ran = rounds(outcome) + (" each" if outcome.rounds > 1 else "")
    known = machine.in_one_line(outcome.machine)
    if not outcome.load_averages:
        return f"{ran} · load average not known · {known}"
    first, last = outcome.load_averages
    return f"{ran} · load average {first:.2f} at the start of the run, {last:.2f} after it · {known}"


def put_into(page: str, rendered: str) -> str:
    """Return the page with the generated part between its markers."""
    if not _BETWEEN.search(page):
        raise SystemExit(f"{PAGE.name} has lost its markers")
    return _BETWEEN.sub(lambda match: f"{match[1]}\n{rendered}\n\n{match[2]}", page)


def write(results: Results) -> None:
    """Write the page and the plots. Plots need matplotlib, which `make bench` installs."""
    from benchmarks import plots

    for benchmark in BENCHMARKS:
        if (outcome := results.get(benchmark.name)) is not None:
            plots.draw(benchmark, outcome, IMAGES / picture(benchmark.name))
    PAGE.write_text(put_into(PAGE.read_text(), render(results)))
