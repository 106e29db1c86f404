"""Points in time and spans: how they are read and written. Pure; the clock comes from outside."""

from __future__ import annotations

import re
import time
from functools import lru_cache
from typing import Protocol

MILLISECONDS = 1000  # in a second; all points in time inside the server are integers of this unit

FOREVER = 253_402_300_799_999  # ms since 1970: the last moment that RFC 3339 can write

SPAN_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_SPAN = re.compile(r"(?:(\d{1,15})d)?(?:(\d{1,15})h)?(?:(\d{1,15})m)?(?:(\d{1,15})s)?", re.ASCII)
_SECONDS = re.compile(r"\d{1,15}(?:\.\d{1,6})?", re.ASCII)


class Clock(Protocol):
    """Tells the time; tests bring their own."""

    def now(self) -> int:
        """Return the time of day: milliseconds since 1970-01-01 UTC."""

    def monotonic(self) -> float:
        """Return seconds that only ever grow, from an arbitrary start: for rates and uptime."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        return time.monotonic()


@lru_cache(maxsize=64)  # a batch of messages has one
def timestamp(at: int) -> str:
    """Write a point in time as RFC 3339 in UTC with milliseconds."""
    seconds, milliseconds = divmod(at, MILLISECONDS)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{milliseconds:03d}Z"


def parse_span(text: str) -> float:
    """Read seconds (`90`, `1.5`) or a span such as `10m`, `1h30m`, `2d`; the result is in seconds.

    Raises ValueError, whose text says what would be right.
    """
    if _SECONDS.fullmatch(text):
        return float(text)
    match = _SPAN.fullmatch(text)
    if not text or match is None:
        raise ValueError(f"{text[:64]!r} is not a span: give seconds, or for example 10m, 1h30m, 2d")
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return float(days * 86400 + hours * 3600 + minutes * 60 + seconds)


def format_span(seconds: float) -> str:
    """Write a span for people, in whole seconds rounded up: `1h30m`, `45s`."""
    rest = max(0, int(-(-seconds // 1)))
    parts = []
    for unit in ("d", "h", "m", "s"):
        count, rest = divmod(rest, SPAN_UNITS[unit])
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
