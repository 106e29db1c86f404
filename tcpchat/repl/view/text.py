"""What all that is shown has in common: styled fragments, names, times, hanging text. Pure."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from datetime import datetime, tzinfo
from enum import Enum
from functools import lru_cache
from typing import Any, Final, TypeAlias

import attrs

from tcpchat.repl.view.theme import NAME_COLOURS
from tcpchat.repl.view.wrap import columns, place, wrap

Fragments: TypeAlias = list[tuple[str, str]]
"""Pairs of style and text, as prompt-toolkit takes them; each thing rendered ends with a line break."""

UNWRAPPED: Final = 1_000_000  # columns of what is no terminal, or wraps by itself
NARROWEST: Final = 20  # columns; a terminal that is narrower wraps by itself
DEEP_INDENT: Final = 6  # columns of hanging indent below a head that takes more than a third of the width
GAP: Final = "  "
NO_TIME: Final = "--:--"
BREAK: Final = ("", "\n")


@attrs.frozen(kw_only=True)
class Look:
    """How things are to be shown: `width` in columns, `me` is the name whose messages are own."""

    width: int
    me: str
    timestamps: bool = True
    zone: tzinfo
    colours: bool = True
    """Else what only a colour tells is told in words."""
    marks: Mapping[str, tuple[int, int]] = attrs.field(factory=dict)
    """By conversation up to which message it was delivered, and read."""


class DeliveryState(Enum):
    """How far a message of yours got: to the server, to a device of whom it is to, under that one's eyes."""

    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"


def how_far(seq: int, marks: tuple[int, int]) -> DeliveryState:
    """Return how far a message got, of a conversation that was delivered and read up to these numbers."""
    delivered, seen = marks
    if seq <= seen:
        return DeliveryState.READ
    return DeliveryState.DELIVERED if seq <= delivered else DeliveryState.SENT


def ticks(got: DeliveryState, *, colours: bool) -> tuple[str, str]:
    """Return the mark of a message that got so far."""
    if got is DeliveryState.READ:
        return "class:receipt.seen", "✓✓" if colours else "✓✓ (read)"
    return ("class:receipt", "✓✓") if got is DeliveryState.DELIVERED else ("class:own", "✓")


def get(item: object, name: str) -> Any:
    """Return a field of an item of a list, which is an object or, as it came, a mapping."""
    return item.get(name) if isinstance(item, Mapping) else getattr(item, name, None)


def plain(fragments: Fragments) -> str:
    """Return the text without the styles."""
    return "".join(text for _, text in fragments)


@lru_cache(maxsize=4096)  # as many people as one sees in a session
def name_style(name: str, me: str | None = None) -> str:
    """Return the style of a name: the same on every machine and in every session."""
    if name == me:
        return "class:me"
    return f"class:name.{zlib.crc32(name.encode(errors='replace')) % NAME_COLOURS}"


def local_time(at: object, zone: tzinfo) -> datetime | None:
    """Read a time of the wire; None if it is none."""
    try:
        time = datetime.fromisoformat(at)  # type: ignore[arg-type]  # or TypeError
        return None if time.tzinfo is None else time.astimezone(zone)
    except (TypeError, ValueError, OverflowError):
        return None


def hour(at: object, look: Look) -> str:
    time = local_time(at, look.zone)
    return NO_TIME if time is None else f"{time.hour:02}:{time.minute:02}"


def moment(at: object, look: Look) -> str:
    time = local_time(at, look.zone)
    return NO_TIME if time is None else f"{time.day} {time:%b %H:%M}"


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
        fragments += [("", " " * indent), (style, line), BREAK] if line else [BREAK]
    return fragments


def _broken(head: Fragments, width: int) -> Fragments:
    """Break a head that leaves no room for text: no name is ever cut short, since its end may matter."""
    fragments: Fragments = []
    used = 0
    for style, text in head:
        first, *others = place(text, "", width - used, width) if used + columns(text) > width else [text]
        fragments.append((style, first))
        used += columns(first)
        for line in others:
            fragments += [BREAK, (style, line)]
            used = columns(line)
    return [*fragments, BREAK, ("", " " * DEEP_INDENT)]
