"""What is typed before there is a connection: kept for the Controller to come, and seen meanwhile."""

from __future__ import annotations

import re
from collections.abc import Iterator

from wcwidth import clip

from tcpchat.repl.view.clean import clean_line
from tcpchat.repl.view.wrap import columns

SECRET = re.compile(r"\s*[/\\]?(login|register|password|resume)\b|.*--(password|new)\b", re.IGNORECASE)
"""What may have a password in it or after it, as far as that is known without the rest of the client."""
_LEAVES = re.compile(r"\s*[/\\]?exit\s*", re.IGNORECASE)
_HIDDEN = "…"  # stands for a line that may hold a password


class Typeahead:
    """Lines in the order in which they were entered."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def add(self, line: str) -> None:
        self._lines.append(line)

    def next(self) -> str | None:
        """Take the first line away and return it; None if there is none."""
        return self._lines.pop(0) if self._lines else None

    def may_be_asked(self) -> bool:
        """Say whether what is entered next may be the answer to a question for a password."""
        return any(map(SECRET.match, self._lines))

    @staticmethod
    def leaves(line: str) -> bool:
        """Say whether it is the command to leave, for which nobody has to be connected."""
        return _LEAVES.fullmatch(line) is not None

    def waiting(self, width: int) -> list[tuple[str, str]]:
        """Return the lines above the input, as styled fragments."""
        fragments: list[tuple[str, str]] = []
        for shown in self._shown():
            line = f"… {shown}"
            line = line if columns(line) <= width else f"{clip(line, 0, width - 1)}…"
            fragments += [("class:waiting", line), ("", "\n")]
        return fragments[:-1]

    def unsent(self) -> Iterator[str]:
        """Yield what to tell a person who leaves, or who got no connection."""
        for shown in self._shown():
            yield f"not sent: {shown}"

    def _shown(self) -> Iterator[str]:
        for line in self._lines:
            yield _HIDDEN if SECRET.match(line) else clean_line(line)
