"""The wait after each wrong password. Pure; time comes as an argument, in seconds."""

from __future__ import annotations

from collections import OrderedDict
from math import ceil, log2

FORGET = 3600.0  # seconds without a failure, at least
_DOUBLINGS = 64  # more are longer than any `longest`, and too many are no float


class Guesses:
    """Counts failures in a row by key, such as a name's skeleton or an address.

    `free` failures cost nothing. After each further one the key must wait 1, 2, 4 … seconds, at most
    `longest`. `at_once` is how many tries that gives before each costs `longest`.

    A key is forgotten after an hour without a failure, or after `at_once * longest` seconds if that is more:
    who waits to be forgotten gets no more than who goes on. So in any `span` of seconds a key that only fails
    gets at most `at_once + span / longest` tries, if each begins when the one before is counted. Where tries
    overlap, as in threads, count each as `failed` when it begins.

    At most `most` keys are kept; the one that failed least recently goes first. So to have a key forgotten
    early, others must fail `most` times after its last failure, which is worth it only if the server can
    hash so many passwords before it would have been forgotten anyway.
    """

    __slots__ = ("_failures", "_forget", "_free", "_longest", "_most", "at_once")

    def __init__(self, free: int, longest: float, most: int) -> None:
        self._free = free
        self._longest = longest
        self._most = most
        self.at_once = free + 1 + ceil(log2(max(1.0, longest)))
        self._forget = max(FORGET, self.at_once * longest)
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()
        """How many and when the last one was; the least recent first."""

    def check(self, key: str, now: float) -> float:
        """Return the seconds to wait before the next try; 0 if there may be one now. Changes nothing."""
        count, at = self._failures.get(key, (0, now))
        if count <= self._free:
            return 0.0
        wait = min(self._longest, 2.0 ** min(count - self._free - 1, _DOUBLINGS))
        return max(0.0, at + wait - now)

    def failed(self, key: str, now: float) -> None:
        """Count one more failure, which makes the key the last one to be forgotten."""
        self._drop_forgotten(now)
        count, _ = self._failures.pop(key, (0, now))
        self._failures[key] = count + 1, now
        if len(self._failures) > self._most:
            self._failures.popitem(last=False)

    def succeeded(self, key: str) -> None:
        """Forget the key.

        Not for an address: who is a registered user too could log in now and then, and guess on.
        """
        self._failures.pop(key, None)

    def forgive(self, key: str) -> None:
        """Take back one failure: it turned out not to be one."""
        failures, at = self._failures.get(key, (0, 0.0))
        if failures > 1:
            self._failures[key] = failures - 1, at
        else:
            self._failures.pop(key, None)

    def _drop_forgotten(self, now: float) -> None:
        while self._failures:
            key = next(iter(self._failures))
            if now - self._failures[key][1] < self._forget:
                return
            del self._failures[key]
