"""Exit codes, and what every command does when something goes wrong."""

from __future__ import annotations

import sys
from typing import Final

FAILED: Final = 1  # the server refused something, or could not start
CALLED_WRONGLY: Final = 2  # the parser's code too
NO_CONNECTION: Final = 3  # nothing answers there, or the connection was lost and could not be restored
INTERRUPTED: Final = 130  # as in shells, for a program that Ctrl-C ended


def cause(error: BaseException) -> BaseException:
    """Return the only error in a group of one, or the error itself."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def complain(what: str) -> None:
    """Write one line to stderr that says why something was not done. The text may come from others."""
    from tcpchat.repl.view.clean import clean_line  # rarely needed, and slow to import

    print(f"tcpchat: {clean_line(what)}", file=sys.stderr)
