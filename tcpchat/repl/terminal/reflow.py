"""The rows that drawn lines take after a terminal has become narrower. Pure.

Some terminals wrap what no longer fits, and move the cursor with it; others cut it off. Which of the two one
does is known by its name and by what it puts into the environment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

NAMES: Final = ("tmux", "xterm-kitty", "alacritty", "foot", "wezterm", "xterm-ghostty", "konsole", "vte")
VARIABLES: Final = ("TMUX", "VTE_VERSION", "KITTY_WINDOW_ID", "KONSOLE_VERSION", "ALACRITTY_WINDOW_ID")


def wraps_when_resized(environ: Mapping[str, str]) -> bool:
    """Return whether the terminal of this environment is known to wrap lines again when it is resized."""
    return environ.get("TERM", "").startswith(NAMES) or any(name in environ for name in VARIABLES)


def rows_above(lengths: Sequence[int], column: int, columns: int) -> int:
    """Return how many rows are above the cursor once lines are wrapped at so many columns.

    `lengths` are those of the lines above the one of the cursor, which stands in this column of it.
    """
    return sum(max(1, -(-length // columns)) for length in lengths) + column // columns
