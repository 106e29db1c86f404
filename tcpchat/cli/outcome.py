"""The exit codes, and what all commands do with what went wrong."""

from __future__ import annotations

import os
import sys
from typing import Final

FAILED: Final = 1  # the server refused something, or could not be started
CALLED_WRONGLY: Final = 2  # that is the parser's too
NO_CONNECTION: Final = 3  # nobody answered, or the connection was lost for good
INTERRUPTED: Final = 130  # as shells have it for what Ctrl-C ended


def cause(error: BaseException) -> BaseException:
    """Return what went wrong, where it is the only thing that did."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def print_no_more() -> None:
    """Let output go nowhere, since whoever read it has enough."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def complain(what: str) -> None:
    """Tell on stderr, in one line, why something was not done; it may be in the words of others."""
    from tcpchat.repl.view.clean import clean_line  # which takes a while, for the few who need it

    print(f"tcpchat: {clean_line(what)}", file=sys.stderr)
