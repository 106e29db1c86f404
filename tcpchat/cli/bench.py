"""`tcpchat bench`: confirmation, progress and result of a load."""

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
from tcpchat.repl.confirm import confirm
from tcpchat.repl.view.clean import clean

WARNING = (
    "This sends messages to the lobby of {address}: all its users see them, and they stay in the history."
)


def bench(plan: Plan, *, yes: bool, json: bool) -> int:
    """Load the server and return the exit code: 0 if every receiver got every acknowledged message once.

    It is INTERRUPTED after Ctrl-C, even if there is a result.
    """
    try:
        if not yes and not sys.stdin.isatty():
            complain(f"this sends messages to the lobby of {plan.address}; confirm it with --yes")
            return CALLED_WRONGLY
        if not yes and not _confirmed(plan):
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


def _confirmed(plan: Plan) -> bool:
    print(WARNING.format(address=plan.address), file=sys.stderr)
    return confirm("Load it?")


def _show(plan: Plan) -> Show:
    """Return a function that shows progress: one changing line on a terminal, or a line each second."""
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
