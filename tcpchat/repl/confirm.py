"""Yes or no."""

from __future__ import annotations

import sys


def is_yes(answer: str) -> bool:
    """Say whether it is a yes; everything else is a no."""
    return answer.strip().lower() in {"y", "yes"}


def confirm(question: str) -> bool:
    """Ask on stderr, where nothing reads along; who ends it with Ctrl-D says no. Raises KeyboardInterrupt."""
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    answer = ""
    try:
        answer = sys.stdin.readline()
    finally:
        if not answer:
            print(file=sys.stderr)  # the cursor is still behind the question
    return is_yes(answer)
