"""A yes or no from the person at the terminal."""

from __future__ import annotations

import sys

from tcpchat import streams


def confirm(question: str) -> bool:
    """Ask on stderr, which no pipe reads; the end of the input is a no.

    Raises KeyboardInterrupt, and StartError if stdin cannot be read.
    """
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    answer = ""
    try:
        answer = streams.read_line()
    finally:
        if not answer:
            print(file=sys.stderr)  # the cursor is still behind the question
    return answer.strip().lower() in {"y", "yes"}
