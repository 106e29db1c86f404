"""The `tcpchat` command. Imports what a command needs only when it runs."""

from __future__ import annotations

import sys

from tcpchat import __version__


def main() -> None:
    """Run the command line. Exit codes: 0 well, 1 it failed, 2 it was called wrongly."""
    if sys.argv[1:] == ["--version"]:  # the answer of a moment must not wait for everything else
        print(__version__)
        return
    from tcpchat.cli.app import run

    sys.exit(run(sys.argv[1:]))
