"""Mentions: whom a text names, by one rule for the server, which counts them, and the client. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import islice
from typing import Final, TypeVar

from tcpchat.names import LONGEST_NAME, RESERVED

T = TypeVar("T")

MENTIONS: Final = 20  # in one message; more do not count
_RESERVED: Final = re.compile(f"[{re.escape(''.join(RESERVED))}]")
# The @ stands first, and what must not be before it second, since a search for a character is fast.
_MENTION: Final = re.compile(rf"@(?<![\w.-]@)(\w[^\s@]{{0,{LONGEST_NAME - 1}}})")
_ADDRESSED: Final = re.compile(rf"(\w[^\s@:]{{0,{LONGEST_NAME - 1}}}):(?!\S)")


def can_mention(text: str) -> bool:
    """Return whether it is worth looking for mentions; quick, and right for most texts that have none."""
    return "@" in text or ":" in text[: LONGEST_NAME + 1]


def mentioned(text: str, find: Callable[[str], T | None]) -> list[T]:
    """Return those whom a text names, at most `MENTIONS`: as `@name`, or as `name:` at its beginning.

    Case does not matter. `find` returns who has a name in lower case, or None.
    """
    found: list[T] = []
    addressed = _ADDRESSED.match(text)
    if addressed is not None and (one := find(addressed[1].lower())) is not None:
        found.append(one)
    for match in islice(_MENTION.finditer(text), MENTIONS - len(found)):
        word = match[1].lower()
        for name in (word, _without_end(word), _without_end(_RESERVED.split(word, maxsplit=1)[0])):
            if (one := find(name)) is not None:
                found.append(one)
                break
    return found


def _without_end(word: str) -> str:
    """Return a word without `'s` and what is no letter or digit at its end, such as the ) of (@bob)."""
    end = len(word)
    while end and not (word[end - 1].isalnum() or word[end - 1] == "_"):
        end -= 1
    return word[:end].removesuffix("'s").removesuffix("\u2019s")
