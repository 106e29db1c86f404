"""Lines that come faster than a person types: a paste without brackets, whose lines are not sent one by one.

screen's own paste is one. Owns what counts as too fast; the time comes from outside. Pure.
"""

from __future__ import annotations

from typing import Final

FAST: Final = 0.03  # seconds between a key and Enter; nobody is faster, and a paste takes a fraction of it
QUIET: Final = 0.06  # seconds without a key after which it is known whether more lines follow
NEVER: Final = float("-inf")


class FastLines:
    """Knows when the last keys came, and the line after which more may follow."""

    def __init__(self) -> None:
        self._before = self._last = NEVER
        self._first: str | None = None

    def key(self, now: float) -> None:
        """Take it that a key came, before what it does."""
        self._before, self._last = self._last, now

    def forget(self) -> None:
        """Take it that the last key is no part of what is typed too fast: it was a paste with brackets."""
        self._before = self._last = NEVER

    def hold(self, line: str) -> bool:
        """Return whether Enter, the key that came last, is to be a line break until it is quiet."""
        if self._first is None and line and self._last - self._before < FAST:
            self._first = line
        return self._first is not None

    def is_over(self, now: float) -> bool:
        """Return whether no key has come for long enough."""
        return now - self._last >= QUIET

    def release(self, text: str) -> str | None:
        """End what was held: return the line if nothing came after it but Enter, None if it is a paste."""
        first, self._first = self._first, None
        return first if first is not None and text.rstrip("\n") == first.rstrip("\n") else None


def hint(text: str) -> str:
    """Return what is done about lines that were held."""
    count = len(text.strip("\n").split("\n"))
    return f"{count} lines at once, as of a paste: Enter sends one message, Ctrl-C drops it"
