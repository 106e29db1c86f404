"""The `tcpchat` command. Imports what a command needs only when it runs."""

from __future__ import annotations

import os
import signal
import sys

from tcpchat import __version__

STDIN = 0  # file descriptor


def main() -> None:
    """Run the command line. Exit codes: see `tcpchat.cli.talk`."""
    arguments = sys.argv[1:]
    if arguments == ["--version"]:  # the answer of a moment must not wait for everything else
        print(__version__)
        return
    if arguments[:1] == ["serve"] and not os.isatty(STDIN):
        # Where no terminal can hang up SIGHUP asks for a reload, and that may be while all this is imported.
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    sys.exit(_run(arguments))


def _run(arguments: list[str]) -> int:
    """Run what people type most without the parser of everything else, which takes long to import."""
    if not any(name.startswith("TCPCHAT_") for name in os.environ):
        from tcpchat.cli import talk

        match arguments:
            case []:
                return talk.talk(talk.make_plan(host=lambda: talk.host(None)))
            case ["connect"]:
                return talk.talk(talk.make_plan())
            case ["connect", address] if talk.is_address(address):
                return talk.talk(talk.make_plan(address))
            case ["connect", "--name", name] if not name.startswith("-"):
                return talk.talk(talk.make_plan(name=name))
            case ["connect", address, "--name", name] if talk.is_address(address) and not name.startswith(
                "-"
            ):
                return talk.talk(talk.make_plan(address, name=name))
    from tcpchat.cli.app import run

    return run(arguments)
