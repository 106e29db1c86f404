"""One plot for each benchmark, as SVG. The same results give the same file."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure as Canvas

from benchmarks.benchmark import Benchmark, Figure
from benchmarks.results import OWN, Outcome, Row
from benchmarks.servers import TITLES
from benchmarks.tables import amount, heading, title

OURS, OTHERS = "#0b6e99", ("#8a94a0", "#a3adb8", "#7b8794", "#bcc4cc", "#9aa5b1", "#b1bac4")
WIDTH, BAR, MARGIN = 8.0, 0.27, 0.95  # inches
LOGARITHMIC = 40  # times the smallest value; above it, small bars would be invisible
mpl.rcParams.update(
    {
        "svg.hashsalt": "tcpchat",  # else the ids differ in every run
        "svg.fonttype": "none",  # text stays text: small, and in the reader's own font
        "font.family": "sans-serif",
        "font.size": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
    }
)


def draw(benchmark: Benchmark, outcome: Outcome, path: Path) -> None:
    """Plot the first figure of a benchmark: a group of bars for each case, medians with their spread."""
    figure = benchmark.figures[0]
    bars = _bars(benchmark, outcome)
    canvas = Canvas(figsize=(WIDTH, MARGIN + BAR * len(bars)), facecolor="white", layout="constrained")
    axes = canvas.add_subplot()
    medians = [row.median(figure.name) if row else 0.0 for row, _ in bars]
    known = [value for value in medians if value > 0]
    if known and max(known) > LOGARITHMIC * min(known):
        axes.set_xscale("log")
    for place, (row, _) in enumerate(bars):
        if row is not None:
            _bar(axes, place, row, figure)
    axes.set_yticks(
        [place for place, (row, _) in enumerate(bars) if row], [name for row, name in bars if row]
    )
    for place, (row, name) in enumerate(bars):
        if row is None:  # the head of a group
            axes.annotate(
                name, (0, place), xycoords=("axes fraction", "data"), xytext=(2, 0),
                textcoords="offset points", va="center", weight="bold",
            )  # fmt: skip
    axes.set_ylim(len(bars) - 0.4, -0.7)  # from the top, with space for the first name
    axes.margins(x=0.12)
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_formatter(lambda value, _: amount(value) if value else "0")
    better = "more is better" if figure.more_is_better else "less is better"
    scale = ", logarithmic" if axes.get_xscale() == "log" else ""
    axes.set_title(f"{benchmark.title}: {heading(figure)} ({better}{scale})", loc="left", fontsize=10, pad=8)
    canvas.savefig(path, metadata={"Date": None, "Creator": None})


def _bars(benchmark: Benchmark, outcome: Outcome) -> list[tuple[Row | None, str]]:
    """Return the bars with their names, from the top; the head of a group has no row."""
    servers = outcome.servers(TITLES)
    if len(servers) == 1:
        rows = [(outcome.row(case, servers[0]), title(benchmark, case)) for case in benchmark.cases]
        return [(row, name) for row, name in rows if row]
    bars: list[tuple[Row | None, str]] = []
    for case in benchmark.cases:
        bars.append((None, title(benchmark, case)))
        bars += [(row, TITLES[server]) for server in servers if (row := outcome.row(case, server))]
    return bars


def _bar(axes: mpl.axes.Axes, place: int, row: Row, figure: Figure) -> None:
    median, (low, high) = row.median(figure.name), row.spread(figure.name)
    colour = OURS if row.server == OWN else OTHERS[list(TITLES).index(row.server) % len(OTHERS)]
    spread = [[median - low], [high - median]]
    axes.barh(place, median, height=0.78, color=colour, xerr=spread, ecolor="#333333", capsize=2)
    axes.annotate(
        amount(median) + (" †" if row.limited_by_load else ""), (high, place), xytext=(5, 0),
        textcoords="offset points", va="center",
    )  # fmt: skip
