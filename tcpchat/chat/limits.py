"""Limits of one user, one address and all together. Pure; time comes as an argument, in seconds."""

from __future__ import annotations

from collections import Counter

from tcpchat.address import owner_network
from tcpchat.errors import ChatError

FULL_RETRY = 5.0  # seconds; a guess, so that clients of a full server do not come back all the time


class TokenBucket:
    """Allows `rate` actions a second on average and `burst` at once. If either is 0 there is no limit.

    An action refused costs nothing, so that a caller that waits as told is not refused again.
    """

    __slots__ = ("_at", "_burst", "_rate", "_tokens")

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = 0.0
        self._tokens = 0.0
        self._at: float | None = None
        self.allow(rate, burst)

    def allow(self, rate: float, burst: float) -> None:
        """Allow so much from now on; who had no limit may begin with a burst."""
        unlimited = not self._rate
        self._rate = rate if burst else 0.0
        self._burst = max(1.0, burst)
        self._tokens = self._burst if unlimited else min(self._tokens, self._burst)

    def take(self, now: float, count: int = 1) -> float:
        """Take tokens; return 0, or the seconds until there is one. Who has one may owe the others."""
        if not self._rate:
            return 0.0
        if self._at is not None:
            self._tokens = min(self._burst, self._tokens + max(0.0, now - self._at) * self._rate)
        self._at = now
        if self._tokens >= 1:
            self._tokens -= count
            return 0.0
        return (1 - self._tokens) / self._rate


class ConnectionSlots:
    """Counts connections, in all and by the owner of the address; 0 is no limit."""

    def __init__(self, total: int, per_address: int) -> None:
        self.total = total
        self.per_address = per_address
        self._by_owner: Counter[str] = Counter()
        self.taken = 0

    def take(self, address: str) -> None:
        """Take a slot, to be given back with `free`. Raises ChatError `server-full`, `address-full`."""
        if self.total and self.taken >= self.total:
            message = f"the server has reached its limit of {_connections(self.total)}; try again later"
            raise ChatError("server-full", message, limit=self.total, retry_after=FULL_RETRY)
        owner = owner_network(address)
        if self.per_address and self._by_owner[owner] >= self.per_address:
            message = (
                f"your address has reached its limit of {_connections(self.per_address)}; close one first"
            )
            raise ChatError("address-full", message, limit=self.per_address)
        self.taken += 1
        self._by_owner[owner] += 1

    def free(self, address: str) -> None:
        """Give a slot back."""
        self.taken -= 1
        owner = owner_network(address)
        self._by_owner[owner] -= 1
        if not self._by_owner[owner]:
            del self._by_owner[owner]


class Meter:
    """Counts what happened in the last 60 seconds, by the second."""

    def __init__(self) -> None:
        self._counts = [0] * 60
        self._second = 0

    def add(self, count: int, now: float) -> None:
        self._forget(int(now))
        self._counts[int(now) % 60] += count

    def last_minute(self, now: float) -> int:
        self._forget(int(now))
        return sum(self._counts)

    def _forget(self, second: int) -> None:
        for gone in range(max(self._second + 1, second - 59), second + 1):
            self._counts[gone % 60] = 0
        self._second = max(self._second, second)


def _connections(count: int) -> str:
    return "1 connection" if count == 1 else f"{count} connections"
