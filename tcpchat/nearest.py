"""The name nearest to a mistyped word, for every "did you mean". Pure, and quick to import."""

from __future__ import annotations

import re
from collections.abc import Iterable

LONGEST = 64  # characters of a word that are looked at, so that a long line costs little
SHORTEST_NAME = 4  # characters; shorter names have too many neighbours
CHARACTERS_PER_TYPO = 3  # a name of 4 characters may have one typo, one of 6 two, one of 9 three
SHORTEST_BEGINNING = 3  # characters; `hist` is near `history`, `h` is near nothing

_WORD = re.compile(r"/?[\w-]*")  # in `send,hi` only `send` can be the name


def nearest(word: str, names: Iterable[str]) -> str | None:
    """Return the name that `word` was probably meant to be, in any case; the first of equally near ones."""
    word = _WORD.match(word[: LONGEST + 1].lower())[0]  # type: ignore[index]  # it matches the empty word too
    best: str | None = None
    least = float("inf")
    for name in names:
        typos = _typos(word, name.lower())
        if typos is not None and typos < least:
            best, least = name, typos
    return best


def _typos(word: str, name: str) -> int | None:
    """Return how many typos make `word` of `name`; None if these are more than the name may have."""
    if len(name) < SHORTEST_NAME:
        return 0 if word == name else None
    most = max(1, len(name) // CHARACTERS_PER_TYPO)
    if len(word.lstrip("-")) >= SHORTEST_BEGINNING and name.startswith(word):
        return min(1, len(name) - len(word))
    if abs(len(word) - len(name)) > most:
        return None
    typos = distance(word, name)
    return typos if typos <= most else None


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
