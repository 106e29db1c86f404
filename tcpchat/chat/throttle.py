"""The throttle of guesses at passwords and of registrations."""

from __future__ import annotations

import math

from tcpchat.address import owner_network
from tcpchat.chat.guesses import Guesses
from tcpchat.errors import ChatError
from tcpchat.times import Clock

NAME_GUESSES = 5  # wrong passwords for a name in a row and from one address, before the next one has to wait
ANYWHERE_GUESSES = 100  # the same from all addresses together, so that one cannot lock the owner out
ADDRESS_GUESSES = 20  # the same from one address, where many may sit behind one
REGISTRATIONS = 10  # of one address, before the next one has to wait
LONGEST = 60.0  # seconds that a guess has to wait at most; a guesser must not lock the owner out for long
MOST = 50_000  # names and as many addresses are remembered: more than two hashers can try in an hour


class Throttle:
    """Counts before the answer is known, so that guessing on many connections at once is no way around."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._names = Guesses(ANYWHERE_GUESSES, LONGEST, MOST)
        self._pairs = Guesses(NAME_GUESSES, LONGEST, MOST)  # a name from an address
        self._addresses = Guesses(ADDRESS_GUESSES, LONGEST, MOST)
        self._registrations = Guesses(REGISTRATIONS, LONGEST, MOST)

    def count_guess(self, name: str, address: str) -> None:
        """Note that a password is tried. Raises ChatError `rate-limited`."""
        now, address = self._clock.monotonic(), owner_network(address)
        counts = self._counts(name, address)
        wait = max(guesses.check(key, now) for guesses, key in counts)
        if wait:
            raise _too_fast(wait, "wrong passwords")
        for guesses, key in counts:
            guesses.failed(key, now)

    def _counts(self, name: str, address: str) -> list[tuple[Guesses, str]]:
        return [
            (self._names, name),
            (self._pairs, f"{address} {name}"),
            (self._addresses, address),
        ]

    def was_not_tried(self, name: str, address: str) -> None:
        """Take back a guess that nobody looked at."""
        for guesses, key in self._counts(name, owner_network(address)):
            guesses.forgive(key)

    def was_right(self, name: str, address: str) -> None:
        """Note that it was the password: that does not count, nor what was wrong from there before."""
        self.was_not_tried(name, address)
        self._pairs.succeeded(f"{owner_network(address)} {name}")

    def count_registration(self, address: str) -> None:
        """Note that somebody registers. Raises ChatError `rate-limited`."""
        now, address = self._clock.monotonic(), owner_network(address)
        wait = self._registrations.check(address, now)
        if wait:
            raise _too_fast(wait, "registrations from your address")
        self._registrations.failed(address, now)


def _too_fast(wait: float, what: str) -> ChatError:
    message = f"there were too many {what}; wait {math.ceil(wait)} s"
    return ChatError("rate-limited", message, retry_after=wait)
