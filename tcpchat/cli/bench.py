"""`tcpchat bench`: the arguments, confirmation, progress and result of a load."""

from __future__ import annotations

import secrets
import sys
from typing import Annotated

import attrs
import orjson
from cyclopts import Parameter
from cyclopts.validators import Number

from tcpchat import streams
from tcpchat.address import Address
from tcpchat.bench.load import Progress, Show, run
from tcpchat.bench.plan import Plan
from tcpchat.bench.summary import as_json, as_text
from tcpchat.cli.client_commands import check_address
from tcpchat.cli.client_runner import HERE
from tcpchat.cli.confirm import confirm
from tcpchat.cli.exit_codes import CALLED_WRONGLY, FAILED, INTERRUPTED, NO_CONNECTION, complain
from tcpchat.cli.tls_options import Switch
from tcpchat.errors import StartError, UnreachableError
from tcpchat.repl.view.clean import clean
from tcpchat.settings import Limits

WARNING = (
    "This sends messages to the lobby of {address}: all its users see them, and they stay in the history."
)


def bench(
    address: Annotated[str, Parameter(validator=check_address)] = HERE,
    *,
    receivers: Annotated[int, Parameter(validator=Number(gte=1, lte=10_000))] = 100,
    senders: Annotated[int, Parameter(validator=Number(gte=1, lte=1000))] = 4,
    seconds: Annotated[float, Parameter(validator=Number(gt=0, lte=3600))] = 10,
    rate: Annotated[float, Parameter(validator=Number(gte=0))] = 0,
    size: Annotated[int, Parameter(validator=Number(gte=64, lte=4000))] = 64,
    yes: Switch = False,
    json: Switch = False,
) -> int:
    """Put a load on your own server and print figures.

    It sends real messages to the lobby, and asks first. Ctrl-C ends it early and prints the result so far.
    The exit code is 0 if every receiver got every acknowledged message once, 3 if no server answers, and 130
    after Ctrl-C.

    For example:

    tcpchat bench localhost:9000 --receivers 50 --seconds 5 --yes

    Parameters
    ----------
    address
        The server: HOST, HOST:PORT or [IPV6]:PORT. Always the port without TLS, also with TCPCHAT_TLS in the
        environment.
    receivers
        Number of connections that receive.
    senders
        Number of connections that send.
    seconds
        Duration of the load.
    rate
        Messages per second of all senders together; 0: as many as possible.
    size
        Size of a message in bytes.
    yes
        Do not ask for confirmation.
    json
        Print the result as JSON.
    """
    where = Address.parse(address)
    plan = Plan(address=where, receivers=receivers, senders=senders, seconds=seconds, rate=rate, size=size)
    return run_plan(plan, yes=yes, json=json)


def run_plan(plan: Plan, *, yes: bool, json: bool) -> int:
    """Load the server and return the exit code: 0 if every receiver got every acknowledged message once.

    It is INTERRUPTED after Ctrl-C, even if there is a result.
    """
    try:
        if not yes and not sys.stdin.isatty():
            complain(f"this sends messages to the lobby of {plan.address}; confirm it with --yes")
            return CALLED_WRONGLY
        if refusals := _expected_refusals(plan):
            print(refusals, file=sys.stderr)
        if not yes and not _confirmed(plan):
            return FAILED
        summary = run(attrs.evolve(plan, run=secrets.token_hex(4)), _show(plan))
    except StartError as error:
        complain(str(error))
        return NO_CONNECTION if isinstance(error, UnreachableError) else FAILED
    except KeyboardInterrupt:
        print("\nended early; there is no result", file=sys.stderr)
        return INTERRUPTED
    if streams.can_draw(sys.stderr):
        print("\r\033[K", end="", file=sys.stderr, flush=True)
    streams.write_result(orjson.dumps(as_json(summary)).decode() if json else clean(as_text(summary)))
    if summary.ended_early:
        return INTERRUPTED
    return 0 if summary.ok else FAILED


def _expected_refusals(plan: Plan) -> str | None:
    """Return a warning if a server with default limits refuses a part of the load."""
    limit = Limits().messages_per_second
    if plan.rate and plan.rate <= limit * plan.senders:
        return None
    return (
        f"A server with default settings takes {limit:g} messages a second of each sender and refuses others:"
        " start it with --messages-per-second 0 to measure what it can do,"
        f" or give --rate {limit * plan.senders:g} at most."
    )


def _confirmed(plan: Plan) -> bool:
    print(WARNING.format(address=plan.address), file=sys.stderr)
    return confirm("Load it?")


def _show(plan: Plan) -> Show:
    """Return a function that shows progress: one changing line on a terminal, or a line each second."""
    terminal = streams.can_draw(sys.stderr)
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
