"""Results as tables, for a terminal and for Markdown. Pure."""

from __future__ import annotations

from benchmarks.benchmark import Benchmark, Figure
from benchmarks.results import OWN, Outcome
from benchmarks.servers import TITLES

LIMITED = "limited by the load"
RATIO = "In brackets: the ratio of tcpchat's figure to this one."
FAILED = "failed"
NOT_TRIED = "–"  # noqa: RUF001
_EXACT = 100  # below it, a decimal is significant


def amount(value: float) -> str:
    """Return a number with three significant digits: `9.31 M`, `412 k`, `38.1`, `0.42`."""
    for size, letter in ((1e6, " M"), (1e4, " k")):
        if abs(value) >= size:
            scaled = value / (1e6 if letter == " M" else 1e3)
            return f"{scaled:.{_decimals(scaled)}f}{letter}"
    return f"{value:,.{_decimals(value)}f}"


def _decimals(value: float) -> int:
    return 0 if abs(value) >= _EXACT else 1 if abs(value) >= _EXACT / 10 else 2


def cell(outcome: Outcome, case: str, server: str, figure: Figure) -> str:
    """Return the median, the spread, and for other servers the ratio of our median to theirs."""
    if outcome.failure(case, server) is not None:
        return FAILED
    row = outcome.row(case, server)
    if row is None or figure.name not in row.values:
        return NOT_TRIED
    text = amount(row.median(figure.name))
    low, high = row.spread(figure.name)
    if outcome.rounds > 1:
        text += f" ({amount(low)} to {amount(high)})"
    ratio = outcome.ratio(row.case, row.server, figure.name)
    if row.server != OWN and ratio is not None:
        text += f" [**{ratio:.2f}**]"
    return text + (" †" if row.limited_by_load else "")


def table(benchmark: Benchmark, outcome: Outcome, figure: Figure) -> list[list[str]]:
    """Return the rows of a table, head first: a row for each server, a column for each case."""
    known = {row.case for row in outcome.rows} | {one.case for one in outcome.failures}
    cases = [case for case in benchmark.cases if case in known]
    servers = outcome.servers(TITLES)
    if len(servers) == 1:  # the cases are compared, not the servers
        lines = [[title(benchmark, case), cell(outcome, case, servers[0], figure)] for case in cases]
        return [["", heading(figure)], *lines]
    lines = [[TITLES[server], *(cell(outcome, case, server, figure) for case in cases)] for server in servers]
    return [[heading(figure), *(title(benchmark, case) for case in cases)], *lines]


def heading(figure: Figure) -> str:
    unit = "" if figure.unit in {"/s", "cores"} else f", {figure.unit}"
    return f"{figure.title}{unit}"


def title(benchmark: Benchmark, case: str) -> str:
    if case in benchmark.titles:
        return benchmark.titles[case]
    number = f"{int(case):,}" if case.isdigit() else case
    return benchmark.case_title.format(number)


def as_markdown(rows: list[list[str]]) -> str:
    head, *lines = rows
    ruler = ["---"] + ["---:"] * (len(head) - 1)
    return "\n".join("| " + " | ".join(line) + " |" for line in (head, ruler, *lines))


def as_text(benchmark: Benchmark, outcome: Outcome) -> str:
    """Return all tables of a benchmark for a terminal."""
    parts = [f"== {benchmark.title}: {rounds(outcome)}"]
    for figure in benchmark.figures:
        rows = [[word.replace("**", "") for word in row] for row in table(benchmark, outcome, figure)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for first, *others in rows:
            right = [word.rjust(width) for word, width in zip(others, widths[1:], strict=True)]
            parts.append("  ".join([first.ljust(widths[0]), *right]))
    if len(outcome.servers(TITLES)) > 1:
        parts.append(RATIO)
    parts += failures(benchmark, outcome)
    parts += cores(benchmark, outcome)
    return "\n".join(parts)


def rounds(outcome: Outcome) -> str:
    return f"{outcome.rounds} round{'' if outcome.rounds == 1 else 's'}" + (
        f" of {outcome.seconds:g} s" if outcome.is_timed else ""
    )


def failures(benchmark: Benchmark, outcome: Outcome) -> list[str]:
    """Return a line for each server that failed, with the case and the reason."""
    return [
        f"{title(benchmark, one.case)}, {TITLES[one.server]}: {FAILED}: {one.reason}"
        for one in outcome.failures
    ]


def cores(benchmark: Benchmark, outcome: Outcome) -> list[str]:
    """Return a line for each row: the cores that load and server used, and whether the load was the limit."""
    lines = []
    for row in outcome.rows:
        if "load_cores" not in row.values:
            continue
        used = f"load {row.median('load_cores'):.2f}, server {row.median('server_cores'):.2f} cores"
        limited = f"  † {LIMITED}" if row.limited_by_load else ""
        lines.append(f"   {title(benchmark, row.case)}, {TITLES[row.server]}: {used}{limited}")
    return lines
