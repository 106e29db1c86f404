"""Points in time and durations, parsed and formatted; and the clock that the server is given. Pure."""

from __future__ import annotations

import re
import time
from datetime import datetime
from functools import lru_cache
from typing import Protocol

MILLISECONDS = 1000  # in a second; all points in time inside the server are integers of this unit

FOREVER = 253_402_300_799_999  # ms since 1970: the last moment that RFC 3339 can write

DURATION_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_PART = r"(?: ?(\d{1,15})%s)?"  # `1h 30m` too, where a blank can be given
_DURATION = re.compile("".join(_PART % unit for unit in "wdhms"), re.ASCII)
_FRACTION = re.compile(r"(\d{1,15}\.\d{1,6})([wdhms])", re.ASCII)
_CLOCK = re.compile(r"(?:(today|tomorrow) +)?([01]?\d|2[0-3]):([0-5]\d)", re.ASCII)
_SECONDS = re.compile(r"\d{1,15}(?:\.\d{1,6})?", re.ASCII)


class Clock(Protocol):
    """A source of time, which tests replace."""

    def now(self) -> int:
        """Return the time of day: milliseconds since 1970-01-01 UTC."""

    def monotonic(self) -> float:
        """Return seconds since an arbitrary start, which never go back: for rates and uptime."""


class SystemClock:
    """The clock of this machine."""

    def now(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        return time.monotonic()


@lru_cache(maxsize=64)  # all messages of a batch have the same
def timestamp(at: int) -> str:
    """Return a point in time as RFC 3339 in UTC with milliseconds."""
    seconds, milliseconds = divmod(at, MILLISECONDS)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{milliseconds:03d}Z"


def parse_timestamp(text: str) -> int | None:
    """Return an RFC 3339 time as milliseconds since 1970, or None if it is none or has no offset."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if moment.tzinfo is None else round(moment.timestamp() * MILLISECONDS)


def parse_duration(text: str) -> float:
    """Return the seconds of `90`, `1.5`, `10m`, `1h30m`, `1h 30m`, `1.5h`, `2d`, `2w` and the like.

    Raises ValueError with a text for the user, which gives examples.
    """
    if _SECONDS.fullmatch(text):
        return float(text)
    fraction = _FRACTION.fullmatch(text)
    if fraction is not None:
        return float(fraction[1]) * DURATION_UNITS[fraction[2]]
    match = _DURATION.fullmatch(text)
    if not text or match is None or text.startswith(" "):
        raise ValueError(f"{text[:64]!r} is not a duration: give seconds, or for example 10m, 1h30m, 2d")
    counts = (int(part or 0) for part in match.groups())
    return float(sum(count * DURATION_UNITS[unit] for count, unit in zip(counts, "wdhms", strict=True)))


def parse_delay(text: str, now: float) -> float:
    """Return the seconds of a duration, or those until `14:30`, `today 14:30` or `tomorrow 9:00`.

    `now` is in seconds since 1970. The time of day is that of this machine's zone, at the offset of that day;
    one that is over today is tomorrow's. Raises ValueError with a text for the user.
    """
    match = _CLOCK.fullmatch(text)
    if match is None:
        return parse_duration(text)
    day, hour, minute = match[1], int(match[2]), int(match[3])

    def at(days: int) -> float:
        today = time.localtime(now)
        return time.mktime((today.tm_year, today.tm_mon, today.tm_mday + days, hour, minute, 0, 0, 0, -1))

    if day is None:
        return (at(0) if at(0) > now else at(1)) - now
    if day == "today" and at(0) <= now:
        raise ValueError(f"{text} is over")
    return at(1 if day == "tomorrow" else 0) - now


def format_duration(seconds: float) -> str:
    """Return a duration for people to read, in whole seconds rounded up: `1h30m`, `45s`."""
    rest = max(0, int(-(-seconds // 1)))
    parts = []
    for unit in ("d", "h", "m", "s"):
        count, rest = divmod(rest, DURATION_UNITS[unit])
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
