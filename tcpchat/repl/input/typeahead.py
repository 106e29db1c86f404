"""The lines that are entered before there is a connection: shown, and kept for the controller. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tcpchat.repl.view.clean import clean_line
from tcpchat.repl.view.widths import shorten

SECRET = re.compile(r"\s*[/\\]?(login|register|password|resume)\b|.*--(password|new)\b", re.IGNORECASE)
"""Lines that may hold a password, or be followed by one; the grammar is not imported yet."""
_LEAVES = re.compile(r"\s*(?:[/\\]?exit|[/\\]quit)\s*", re.IGNORECASE)
_HIDDEN = "…"  # stands for a line that may hold a password


class Typeahead:
    """Lines in the order in which they were entered."""

    def __init__(self) -> None:
        self._lines: list[tuple[str, bool]] = []

    def add(self, line: str, *, pasted: bool = False) -> None:
        """Add a line at the end; `pasted` if it begins with several pasted lines."""
        self._lines.append((line, pasted))

    def next(self) -> tuple[str, bool] | None:
        """Take the first line away and return it, with whether it was pasted; None if there is none."""
        return self._lines.pop(0) if self._lines else None

    def may_be_asked(self) -> bool:
        """Return whether the next line may be the answer to a question for a password."""
        return any(SECRET.match(line) for line, _ in self._lines)

    @staticmethod
    def leaves(line: str) -> bool:
        """Return whether a line is the command to leave, which needs no connection."""
        return _LEAVES.fullmatch(line) is not None

    def waiting(self, width: int) -> list[tuple[str, str]]:
        """Return the lines above the input, as styled fragments."""
        fragments: list[tuple[str, str]] = []
        for shown in self._shown():
            line = f"… {shown}"
            fragments += [("class:waiting", shorten(line, width)), ("", "\n")]
        return fragments[:-1]

    def unsent(self) -> Iterator[str]:
        """Yield a line about each, for a person who leaves or gets no connection."""
        for shown in self._shown():
            yield f"not sent: {shown}"

    def harmless(self) -> Iterator[str]:
        """Yield the lines that hold no password."""
        return (line for line, _ in self._lines if not SECRET.match(line))

    def _shown(self) -> Iterator[str]:
        for line, _ in self._lines:
            yield _HIDDEN if SECRET.match(line) else clean_line(line)
