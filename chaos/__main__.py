"""`make chaos`: simulated days, one seed after another or the one that is given, each with its result."""

from __future__ import annotations

import argparse
import sys
import time

from chaos.scenario import Plan, Result, run

HOURS = 24.0  # simulated, of a run
BUDGET = 600.0  # seconds for which new runs are started if no seed is given
COUNTED = ("action", "dropped", "stalled", "killed", "stopped")
"""The words of the trace whose counts are printed."""
HEAD = (
    "seed", "hours", "actions", "drops", "stalls", "kills", "stops", "sent", "acknowledged", "delivered",
    "lost", "duplicated", "hours/minute",
)  # fmt: skip


def main() -> int:
    """Do runs; return the exit code, which is 1 if a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m chaos", description=__doc__)
    parser.add_argument("--seed", type=int, help="do only this run")
    parser.add_argument("--hours", type=float, default=HOURS, help="simulated hours of each run")
    arguments = parser.parse_args()
    if sys.flags.hash_randomization:
        print("to replay a run exactly, set PYTHONHASHSEED=0, as make chaos does", file=sys.stderr)
    began = time.monotonic()
    seed = int(time.time()) if arguments.seed is None else arguments.seed
    print(_row(HEAD), flush=True)
    while True:
        if not _run(seed, arguments.hours):
            return 1
        seed += 1
        if arguments.seed is not None or time.monotonic() - began > BUDGET:
            return 0


def _run(seed: int, hours: float) -> bool:
    """Do one run and print its row; return whether all promises were kept."""
    began = time.monotonic()
    result = run(Plan(seed=seed, hours=hours), _show_progress)
    speed = hours / (time.monotonic() - began) * 60
    counts = [str(result.counts.get(what, 0)) for what in COUNTED]
    messages = (result.sent, result.acknowledged, result.delivered, result.lost, result.duplicated)
    print(_row((str(seed), f"{hours:g}", *counts, *map(str, messages), f"{speed:.0f}")), flush=True)
    if result.problem is not None:
        _explain(result)
    return result.problem is None


def _row(cells: tuple[str, ...]) -> str:
    return "  ".join(cell.rjust(len(head)) for head, cell in zip(HEAD, cells, strict=True))


def _show_progress(hours: float) -> None:
    if sys.stderr.isatty():
        print(f"hour {hours:.0f}", end="\r", file=sys.stderr, flush=True)


def _explain(result: Result) -> None:
    print("\nthe last events:", *result.last, sep="\n  ")
    print(f"\n{result.problem}")
    print(f"\nto replay this run: make chaos SEED={result.seed} HOURS={result.hours:g}")


if __name__ == "__main__":
    sys.exit(main())
