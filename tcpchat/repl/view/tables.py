"""Several things below and beside each other: columns, pairs, titles. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from tcpchat.repl.view.clean import clean_line
from tcpchat.repl.view.text import GAP, NARROWEST, Fragments, Look, hang, plain
from tcpchat.repl.view.wrap import columns


def in_columns(cells: Sequence[Fragments], look: Look) -> Fragments:
    """Set cells side by side, as many in a line as fit, in columns of one width."""
    sizes = [columns(plain(cell)) for cell in cells]
    widest = max(sizes, default=0) + len(GAP)
    across = max(1, look.width // widest)
    fragments: Fragments = []
    for i, (cell, size) in enumerate(zip(cells, sizes, strict=True), 1):
        if i % across == 0 or i == len(cells):
            fragments += hang(cell[:-1], *cell[-1], look)
        else:
            fragments += [*cell, ("", " " * (widest - size))]
    return fragments


def in_rows(rows: Sequence[tuple[str, str]], look: Look) -> Fragments:
    """Set pairs in two columns; where the left one is too wide, the right one goes below it."""
    cleaned = [(clean_line(left), clean_line(right)) for left, right in rows]
    limit = max(look.width, NARROWEST) // 3 - len(GAP) * 2
    column = max((size for left, _ in cleaned if (size := columns(left)) <= limit), default=0)
    blank = [("", " " * (column + len(GAP) * 2))]
    fragments: Fragments = []
    for left, right in cleaned:
        missing = column - columns(left)
        if missing >= 0:
            head = [("", GAP), ("class:usage", left), ("", " " * missing + GAP)]
            fragments += hang(head, "", right, look)
        else:
            fragments += hang([("", GAP)], "class:usage", left, look) + hang(blank, "", right, look)
    return fragments


def titled(text: str, look: Look) -> Fragments:
    return hang([], "class:title", text, look)
