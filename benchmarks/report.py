"""Writes what runs said into docs/performance.md, between two markers, and draws the plots beside it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from benchmarks import machine, targets
from benchmarks.benchmark import Benchmark
from benchmarks.results import Outcome, Results
from benchmarks.servers import TITLES
from benchmarks.suite import BENCHMARKS
from benchmarks.tables import LIMITED, RATIO, as_markdown, cores, table

ROOT: Final = Path(__file__).parent.parent
RESULTS: Final = ROOT / "benchmarks/results.json"
PAGE: Final = ROOT / "docs/performance.md"
IMAGES: Final = ROOT / "docs/images"
_BETWEEN = re.compile(r"(<!-- results: .*? -->\n).*(<!-- end of results -->)", re.DOTALL)


def picture(name: str) -> str:
    return f"bench-{name}.svg"


def render(results: Results) -> str:
    """Return the part of the page that runs write."""
    parts = ["## Figures to reach", as_markdown(targets.rows(results))]
    for benchmark in BENCHMARKS:
        if (outcome := results.get(benchmark.name)) is not None:
            parts += _section(benchmark, outcome)
    return "\n\n".join(parts)


def _section(benchmark: Benchmark, outcome: Outcome) -> list[str]:
    parts = [
        f"## {benchmark.title}",
        benchmark.what,
        f"![{benchmark.title}](images/{picture(benchmark.name)})",
    ]
    parts += [as_markdown(table(benchmark, outcome, figure)) for figure in benchmark.figures]
    if len(outcome.servers(TITLES)) > 1:
        parts.append(RATIO)
    if used := [line.strip() for line in cores(benchmark, outcome)]:
        listed = "\n".join(f"* {line}" for line in used)
        parts.append(f"<details><summary>Cores used (†: {LIMITED})</summary>\n\n{listed}\n\n</details>")
    rounds = f"{outcome.rounds} rounds of {outcome.seconds:g} s each"
    return [*parts, f"<sub>{rounds} · {machine.in_one_line(outcome.machine)}</sub>"]


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
