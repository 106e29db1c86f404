"""What happened in a run, in order: the last of it to be read, all of it as one number to compare."""

from __future__ import annotations

import hashlib
from collections import Counter, deque

import trio

KEPT = 60  # events that are shown of a run that failed


class Trace:
    """The events of one run. Two runs of the same seed have the same `digest`."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._last: deque[str] = deque(maxlen=KEPT)
        self._hash = hashlib.sha256()

    def __call__(self, who: str, what: str, about: str = "") -> None:
        """Note that something happened to somebody; `what` is one of few words, which are counted."""
        line = f"{trio.current_time():.6f} {who}: {what} {about}".rstrip()
        self.counts[what] += 1
        self._last.append(line)
        self._hash.update(line.encode() + b"\n")

    @property
    def digest(self) -> str:
        """What two runs have in common only if all events are the same, at the same times."""
        return self._hash.hexdigest()

    @property
    def last(self) -> list[str]:
        """The last events, oldest first."""
        return list(self._last)
