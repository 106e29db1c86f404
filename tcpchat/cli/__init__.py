"""The `tcpchat` command. Imports what a command needs only when it runs."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from tcpchat import streams
from tcpchat._version import __version__
from tcpchat.cli.meant import meant
from tcpchat.cli.overview import OVERVIEW

PREFIX = "TCPCHAT_"  # of environment variables


def main() -> None:
    """Run the command line. Exit codes: see `tcpchat.cli.exit_codes`."""
    streams.open_standard_streams()
    arguments = sys.argv[1:]
    if arguments[:1] == ["serve"] and not os.isatty(streams.STDIN):
        # Without a terminal that can hang up, SIGHUP asks for a reload, which may come during these imports.
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    sys.exit(_printing(lambda: run(arguments)))


def _printing(command: Callable[[], int]) -> int:
    """Return the exit code of a command, or of output that cannot be written and is the task."""
    try:
        code = command()
        sys.stdout.flush()
    except streams.OutputError as error:
        if error.gone:
            return 0
        from tcpchat.cli.exit_codes import FAILED, complain

        complain(str(error))
        return FAILED
    return code


def run(arguments: Sequence[str]) -> int:
    """Do what the command line says, or clearly means, and return the exit code."""
    arguments = meant(arguments)
    if arguments == ["--version"]:
        print(__version__)
        return 0
    if arguments in (["--help"], ["-h"]):
        print(OVERVIEW, end="")
        return 0
    call = fast_path(arguments, os.environ)
    if call is not None:
        return call()
    from tcpchat.cli.app import parse_and_run

    return parse_and_run(arguments)


def fast_path(arguments: Sequence[str], environ: Mapping[str, str]) -> Callable[[], int] | None:
    """Return what the most frequent command lines call, or None if this is not one of them.

    Importing the parser takes longer than everything else until the input line is shown. Therefore `tcpchat`
    and `tcpchat connect [ADDRESS] [--name NAME]` are read here, unless the environment has settings. A test
    compares this with the parser.
    """
    command, rest = [*arguments[:1]], [*arguments[1:]]
    if command not in ([], ["connect"]) or any(name.startswith(PREFIX) for name in environ):
        return None
    from tcpchat.cli import client_runner

    if not command:
        host = partial(client_runner.host, None)
        return lambda: client_runner.talk(client_runner.make_plan(host=host))
    name = None
    if rest[-2:-1] == ["--name"]:
        *rest, _, name = rest
    address, *more = rest or [client_runner.HERE]
    if more or not client_runner.is_plain(address, name):
        return None
    return lambda: client_runner.talk(client_runner.make_plan(address, name=name))
