"""Points in time and durations, parsed and formatted; and the clock that the server is given. Pure."""

from __future__ import annotations

import re
import time
from datetime import datetime
from functools import lru_cache
from typing import Final, Protocol

MILLISECONDS = 1000  # in a second; all points in time inside the server are integers of this unit

FOREVER = 253_402_300_799_999  # ms since 1970: the last moment that RFC 3339 can write

DURATION_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_PART = r"(?: ?(\d{1,15})%s)?"  # `1h 30m` too, where a blank can be given
_DURATION = re.compile("".join(_PART % unit for unit in "wdhms"), re.ASCII)
_FRACTION = re.compile(r"(\d{1,15}\.\d{1,6})([wdhms])", re.ASCII)
_CLOCK = re.compile(r"(?:(yesterday|today|tomorrow) +)?([01]?\d|2[0-3]):([0-5]\d)", re.ASCII)
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
    times = _times_of_day(text, now)
    if times is None:
        return parse_duration(text)
    for at in times:
        if at > now:
            return at - now
    raise ValueError(f"{text} is over")


def parse_past(text: str, now: float) -> float:
    """Return the time of a duration ago, of an RFC 3339 time, or of `14:30` or `yesterday 9:00`.

    All is as for `parse_delay`, but a time of day that is still to come is yesterday's.
    """
    stamp = parse_timestamp(text)
    if stamp is not None:
        return stamp / MILLISECONDS
    times = _times_of_day(text, now)
    if times is None:
        return now - parse_duration(text)
    for at in reversed(times):
        if at <= now:
            return at
    raise ValueError(f"{text} is still to come")


_DAYS: Final = {None: (-1, 0, 1), "yesterday": (-1,), "today": (0,), "tomorrow": (1,)}


def _times_of_day(text: str, now: float) -> list[float] | None:
    """Return when `14:30` is on the days around now, or on the one that is named; None if it is none."""
    match = _CLOCK.fullmatch(text)
    if match is None:
        return None
    today = time.localtime(now)
    return [
        time.mktime(
            (today.tm_year, today.tm_mon, today.tm_mday + day, int(match[2]), int(match[3]), 0, 0, 0, -1)
        )
        for day in _DAYS[match[1]]
    ]


def format_duration(seconds: float) -> str:
    """Return a duration for people to read, in whole seconds rounded up: `1h30m`, `45s`."""
    rest = max(0, int(-(-seconds // 1)))
    parts = []
    for unit in ("d", "h", "m", "s"):
        count, rest = divmod(rest, DURATION_UNITS[unit])
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
