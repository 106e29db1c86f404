"""The events of a run in order: the last ones to read, all of them as a digest to compare."""

from __future__ import annotations

import hashlib
from collections import Counter, deque

import trio

SHOWN = 60  # events that are shown of a run that failed


class Trace:
    """The events of one run. Two runs of the same seed have the same `digest`."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._last: deque[str] = deque(maxlen=SHOWN)
        self._hash = hashlib.sha256()

    def __call__(self, who: str, what: str, details: str = "") -> None:
        """Record an event. `what` is one of a few words, which are counted."""
        line = f"{trio.current_time():.6f} {who}: {what} {details}".rstrip()
        self.counts[what] += 1
        self._last.append(line)
        self._hash.update(line.encode() + b"\n")

    @property
    def digest(self) -> str:
        """A hash that two runs share only if all their events are equal, at the same times."""
        return self._hash.hexdigest()

    @property
    def last(self) -> list[str]:
        """The last events, oldest first."""
        return list(self._last)
