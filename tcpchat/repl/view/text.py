"""Parts of everything rendered: styled fragments, names, times, hanging text, tables. Pure."""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from functools import lru_cache
from typing import Final, TypeAlias

import attrs

from tcpchat.repl.model.delivery import DeliveryState
from tcpchat.repl.model.place import LOBBY_PLACE, Place
from tcpchat.repl.view.clean import clean_line
from tcpchat.repl.view.theme import NAME_COLOURS
from tcpchat.repl.view.widths import columns
from tcpchat.repl.view.wrap import break_word, wrap

Fragments: TypeAlias = list[tuple[str, str]]
"""Pairs of style and text, as prompt-toolkit takes them; each thing rendered ends with a line break."""

UNWRAPPED: Final = 1_000_000  # columns of what is no terminal, or wraps by itself
NARROWEST: Final = 20  # columns; a terminal that is narrower wraps by itself
DEEP_INDENT: Final = 6  # columns of hanging indent below a head that takes more than a third of the width
GAP: Final = "  "
NO_TIME: Final = "--:--"
BREAK: Final = ("", "\n")


_TIME = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")


@attrs.frozen(kw_only=True)
class Look:
    """The way to show things: `width` in columns, `me` is the name whose messages are yours."""

    width: int
    me: str
    timestamps: bool = True
    zone: tzinfo | None
    """The time zone; None is that of the machine."""
    colours: bool = True
    """Whether colours are shown; if not, words say what otherwise only a colour does."""
    place: Place = LOBBY_PLACE
    """The place of the prompt, which commands need not name."""
    markers: Mapping[str, tuple[int, int]] = attrs.field(factory=dict)
    """The last message that was delivered, and the last that was read, by direct room."""


def ticks(state: DeliveryState, *, colours: bool) -> tuple[str, str]:
    """Return the mark of a message that got so far."""
    if state is DeliveryState.READ:
        return "class:receipt.seen", "✓✓" if colours else "✓✓ (read)"
    return ("class:receipt", "✓✓") if state is DeliveryState.DELIVERED else ("class:own", "✓")


def plain(fragments: Fragments) -> str:
    """Return the text without the styles."""
    return "".join(text for _, text in fragments)


@lru_cache(maxsize=4096)  # as many people as one sees in a session
def name_style(name: str, me: str | None = None) -> str:
    """Return the style of a name: the same on every machine and in every session."""
    if name == me:
        return "class:me"
    return f"class:name.{zlib.crc32(name.encode(errors='replace')) % NAME_COLOURS}"


def local_time(at: object, zone: tzinfo | None) -> datetime | None:
    """Return a time of the wire in a time zone, at the offset that holds then; None if it cannot be read.

    A zone of None is that of the machine: Python asks the system for each time, in summer and in winter.
    """
    try:
        time = datetime.fromisoformat(at)  # type: ignore[arg-type]  # or TypeError
        return None if time.tzinfo is None else time.astimezone(zone)
    except (TypeError, ValueError, OverflowError, OSError):
        return None


def hour(at: object, look: Look) -> str:
    """Return a time as `18:03`."""
    time = local_time(at, look.zone)
    return NO_TIME if time is None else f"{time.hour:02}:{time.minute:02}"


def moment(at: object, look: Look) -> str:
    """Return a time as `21 Nov 18:03`."""
    time = local_time(at, look.zone)
    return NO_TIME if time is None else f"{time.day} {time:%b %H:%M}"


def with_local_times(text: str, zone: tzinfo | None) -> str:
    """Return a sentence of the server with its times as `21 Nov 18:03` in a time zone."""

    def local(match: re.Match[str]) -> str:
        time = local_time(match[0], zone)
        return match[0] if time is None else f"{time.day} {time:%b %H:%M}"

    return _TIME.sub(local, text)


def counted(count: int, noun: str) -> str:
    """Return a number with its noun: `1 message`, `2 messages`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def hang(head: Fragments, style: str, text: str, look: Look) -> Fragments:
    """Put a cleaned text after a head; its further lines stand below its first, or a little to the right."""
    width = max(look.width, NARROWEST)
    head_text = plain(head)
    used = columns(head_text)
    if text.isascii() and used + len(text) <= width and "\n" not in text:
        return [*head, (style, text), BREAK]
    if used >= width - DEEP_INDENT:
        head, used = _broken(head, width), DEEP_INDENT
    indent = used if used * 3 <= width else DEEP_INDENT
    lines: list[str] = []
    for line in text.split("\n"):
        lines += wrap(line, width - (indent if lines else used), width - indent)
    fragments = [*head, (style, lines[0]), BREAK]
    for line in lines[1:]:
        if columns(line) > width - indent:  # a long link: an indent would go along where it is copied
            fragments += [(style, line), BREAK]
        else:
            fragments += [("", " " * indent), (style, line), BREAK] if line else [BREAK]
    return fragments


def _broken(head: Fragments, width: int) -> Fragments:
    """Break a head that leaves no room for text: no name is ever cut short, since its end may matter."""
    fragments: Fragments = []
    used = 0
    for style, text in head:
        first, *others = break_word(text, "", width - used, width) if used + columns(text) > width else [text]
        fragments.append((style, first))
        used += columns(first)
        for line in others:
            fragments += [BREAK, (style, line)]
            used = columns(line)
    return [*fragments, BREAK, ("", " " * DEEP_INDENT)]


def titled(text: str, look: Look) -> Fragments:
    """Return a title on a line of its own."""
    return hang([], "class:title", text, look)


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
