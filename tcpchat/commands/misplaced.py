"""Options that stand after the text they are meant for: `send secret -u bob`. Pure.

Text is the rest of a line as typed, so that such an option would be part of it, and a private message public.
What reads like one at the end of the text is therefore refused, with the right order and how to say it all
the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol

from tcpchat.errors import ChatError

if TYPE_CHECKING:
    import attrs

SHOWN: Final = 64  # characters of a text that an error repeats
_WORDS = re.compile(r"[^ \t\n]+")
_LIKE_OPTION = re.compile(r"--?[A-Za-z]")


class TakesValue(Protocol):
    """An option as the grammar knows it."""

    @property
    def short(self) -> str | None: ...
    @property
    def metavar(self) -> str | None: ...
    @property
    def parse(self) -> Callable[[str], object]: ...


class MisplacedOptionError(ChatError):
    """Text that ends with what reads like an option of its command."""

    def __init__(self, name: str, before: str, text: str, start: int, usage: str) -> None:
        options, rest = " ".join(text[start:].split()), text[:start].rstrip(" \t\n")
        dashes = "-- " if _LIKE_OPTION.match(rest) else ""
        self.moved = f"{name} {_blank(f'{options} {before.strip()}')}{dashes}{rest}"
        """The line with the options where they belong."""
        self.literal = f"{name} {_blank(before)}-- {text}"
        """The line that sends all of it as text."""
        super().__init__(
            "bad-usage",
            f"{options[:SHOWN]!r} at the end reads like an option, and options come before the text:"
            f" {_short(self.moved)}. If it is text, put -- before it: {_short(self.literal)}",
            usage=usage,
        )


def _blank(words: str) -> str:
    """Return the words with one blank after them, if there are any."""
    return f"{words.strip()} " if words.strip() else ""


def _short(line: str) -> str:
    return line if len(line) <= SHOWN else f"{line[:SHOWN]}…"


def first_misplaced(
    text: str, options: Sequence[tuple[attrs.Attribute[Any], TakesValue]], given: Collection[str]
) -> int | None:
    """Return where the options begin with which a text ends; None if it does not end with any.

    Those that were `given` before the text can be no options again, so that they are text.
    """
    words = list(_WORDS.finditer(text))
    start, last = None, len(words)
    while last > 1:
        count = next(
            (n for n in (1, 2) if last > n and _is_option(words[last - n : last], options, given)), 0
        )
        if not count:
            break
        last -= count
        start = words[last].start()
    return start


def _is_option(
    words: list[re.Match[str]],
    options: Sequence[tuple[attrs.Attribute[Any], TakesValue]],
    given: Collection[str],
) -> bool:
    """Whether these words are one option with its value, as the grammar would read it."""
    name, *values = (word[0] for word in words)
    for field, option in options:
        if field.name in given or option.metavar is None:
            continue
        value = values[0] if values else _attached(name, f"--{field.name}", option.short)
        if value and (not values or name in {f"--{field.name}", f"-{option.short}"}):
            try:
                option.parse(value)
            except ValueError:
                continue
            return True
    return False


def _attached(word: str, long: str, short: str | None) -> str | None:
    """Return the value that stands in one word with the name of the option, as in `-ubob`."""
    if word.startswith(f"{long}="):
        return word.removeprefix(f"{long}=")
    if short is not None and word.startswith(f"-{short}"):
        return word.removeprefix(f"-{short}").removeprefix("=")
    return None
