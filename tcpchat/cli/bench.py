"""Asks whether a server may be loaded, shows how far it is, and prints what came out."""

from __future__ import annotations

import secrets
import sys

import attrs
import orjson

from tcpchat.bench.load import Progress, Show, run
from tcpchat.bench.plan import Plan
from tcpchat.bench.summary import as_json, as_text
from tcpchat.cli.outcome import CALLED_WRONGLY, FAILED, INTERRUPTED, complain
from tcpchat.errors import StartError
from tcpchat.repl.clean import clean
from tcpchat.repl.confirm import confirm

WARNING = (
    "This talks in the lobby of {address} for real: everybody there reads it, and it stays in the history."
)


def bench(plan: Plan, *, yes: bool, json: bool) -> int:
    """Load the server and return the exit code: 0 if everybody got once what was acknowledged.

    It is INTERRUPTED after Ctrl-C, also where there is a result.
    """
    try:
        if not yes and not sys.stdin.isatty():
            complain(f"this talks in the lobby of {plan.address} for real; --yes says that it is wanted")
            return CALLED_WRONGLY
        if not yes and not _is_wanted(plan):
            return FAILED
        summary = run(attrs.evolve(plan, run=secrets.token_hex(4)), _show(plan))
    except StartError as error:
        complain(str(error))
        return FAILED
    except KeyboardInterrupt:
        print("\nended early; there is no result", file=sys.stderr)
        return INTERRUPTED
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr, flush=True)
    print(orjson.dumps(as_json(summary)).decode() if json else clean(as_text(summary)))
    if summary.ended_early:
        return INTERRUPTED
    return 0 if summary.ok else FAILED


def _is_wanted(plan: Plan) -> bool:
    print(WARNING.format(address=plan.address), file=sys.stderr)
    return confirm("Load it?")


def _show(plan: Plan) -> Show:
    """Return what shows how far it is: one line that changes on a terminal, else a line for each second."""
    terminal = sys.stderr.isatty()
    shown = -1

    def show(progress: Progress) -> None:
        nonlocal shown
        second = int(min(progress.seconds, plan.seconds))  # begun ones are not over
        if not terminal and second == shown:
            return
        shown = second
        left = "" if not progress.refused else f", {progress.refused:,} refused"
        text = f"{second} of {plan.seconds:g} s: {progress.sent:,} sent{left}, "
        text += f"{progress.acknowledged:,} acknowledged, {progress.deliveries:,} delivered"
        print(
            f"\r\033[K{text}" if terminal else text, end="" if terminal else "\n", file=sys.stderr, flush=True
        )

    return show
