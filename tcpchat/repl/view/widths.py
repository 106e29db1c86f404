"""The columns that text takes in a terminal: the only place where the client decides about them. Pure.

Terminals add up the columns of single characters, as docs/terminals.md shows. Tables of Unicode's
clusters, such as `wcwidth.wcswidth`, say what a terminal should do, which few do: a family that is joined in
one picture takes the columns of its parts, and the sign ⚠️ with a selector as many as without. Where terminals
differ, most of them count here; `is_disputed` names such text, for whoever must know where the cursor is.
"""

from __future__ import annotations

import re
from typing import Final
from unicodedata import category

from wcwidth import wcwidth

ELLIPSIS: Final = "…"
_HALF_FLAG: Final = re.compile("[\U0001f1e6-\U0001f1ff]")
_UNDISPUTED: Final = re.compile(
    "[ -~\u00a0-\u00ac\u00ae-\u02ff\u0370-\u0482\u048a-\u0590\u2010-\u2027\u2030-\u205e\u2190-\u22ff"
    "\u2500-\u25ff\u3000-\u3029\u3041-\u3096\u30a0-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uff01-\uff9f]?"
)
"""Single characters that had their columns before emoji, and keep them in every terminal."""


class _Columns(dict[str, int]):
    """The columns of each character that was asked for."""

    def __missing__(self, char: str) -> int:
        least = 1 if category(char) == "Mc" else 0  # a mark that stands beside its letter
        self[char] = 1 if _HALF_FLAG.match(char) else max(wcwidth(char), least)
        return self[char]


_COLUMNS: Final = _Columns()


def char_columns(char: str) -> int:
    """Return how many columns a single character takes after another one; controls take none."""
    return _COLUMNS[char]


def columns(text: str) -> int:
    """Return how many columns a cleaned line takes."""
    return len(text) if text.isascii() else sum(map(_COLUMNS.__getitem__, text))


def shorten(line: str, width: int) -> str:
    """Return a cleaned line, or as much of it as fits into the width with an ellipsis after it."""
    if columns(line) <= width:
        return line
    used = columns(ELLIPSIS)
    for at, char in enumerate(line):
        used += _COLUMNS[char]
        if used > width:
            return line[:at] + ELLIPSIS
    return line


def is_disputed(cell: str) -> bool:
    """Return whether terminals may differ about the columns of a character with all that joins it."""
    return _UNDISPUTED.fullmatch(cell) is None
