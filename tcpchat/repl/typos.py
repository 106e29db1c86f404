"""How near a word is to the name of a command. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

LONG_NAME: Final = 7  # letters; a command's name of this length may have two typos
SHORTEST_TYPO: Final = 4  # letters; names below have too many neighbours


def typo_of(word: str, commands: Iterable[str]) -> str | None:
    """Return the command that a word in lower case is a typo of, if there is one."""
    near = [(distance(word, name), name) for name in commands if abs(len(word) - len(name)) <= _typos(name)]
    return min(((count, name) for count, name in near if count <= _typos(name)), default=(0, None))[1]


def _typos(name: str) -> int:
    if len(name) < SHORTEST_TYPO:
        return 0
    return 2 if len(name) >= LONG_NAME else 1


def distance(one: str, other: str) -> int:
    """Return the Damerau-Levenshtein distance (optimal string alignment): `sned` is 1 from `send`."""
    before: list[int] = []
    above = list(range(len(other) + 1))
    for i, char in enumerate(one, 1):
        row = [i]
        for j, another in enumerate(other, 1):
            cost = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (char != another))
            if i > 1 and j > 1 and char == other[j - 2] and one[i - 2] == another:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before, above = above, row
    return above[-1]
