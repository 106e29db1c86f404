"""`make chaos`: runs with one seed after the other, or the one that is given, and tells what came of them."""

from __future__ import annotations

import argparse
import sys
import time

from chaos.world import Outcome, Plan, run

HOURS = 24.0  # simulated, of a run
AGAIN = 600.0  # seconds for which runs are begun if no seed is given
SHOWN = ("does", "dropped", "stalled", "killed", "stopped")
"""What is counted in a trace and shown, by its word."""
HEAD = (
    "seed", "hours", "actions", "drops", "stalls", "kills", "stops", "sent", "acknowledged", "delivered",
    "lost", "doubled", "hours/minute",
)  # fmt: skip


def main() -> int:
    """Do runs; return the exit code, which is 1 if a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m chaos", description=__doc__)
    parser.add_argument("--seed", type=int, help="do this run only")
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
        if arguments.seed is not None or time.monotonic() - began > AGAIN:
            return 0


def _run(seed: int, hours: float) -> bool:
    """Do one run and print its row; return whether all promises were kept."""
    began = time.monotonic()
    outcome = run(Plan(seed=seed, hours=hours), _progress)
    speed = hours / (time.monotonic() - began) * 60
    counts = [str(outcome.counts.get(what, 0)) for what in SHOWN]
    said = (outcome.sent, outcome.acknowledged, outcome.delivered, outcome.lost, outcome.doubled)
    print(_row((str(seed), f"{hours:g}", *counts, *map(str, said), f"{speed:.0f}")), flush=True)
    if outcome.problem is not None:
        _explain(outcome)
    return outcome.problem is None


def _row(cells: tuple[str, ...]) -> str:
    return "  ".join(cell.rjust(len(head)) for head, cell in zip(HEAD, cells, strict=True))


def _progress(hours: float) -> None:
    if sys.stderr.isatty():
        print(f"hour {hours:.0f}", end="\r", file=sys.stderr, flush=True)


def _explain(outcome: Outcome) -> None:
    print("\nthe last that happened:", *outcome.last, sep="\n  ")
    print(f"\n{outcome.problem}")
    print(f"\nto replay it: make chaos SEED={outcome.seed} HOURS={outcome.hours:g}")


if __name__ == "__main__":
    sys.exit(main())
