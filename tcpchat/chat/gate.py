"""How often somebody may guess a password, or register."""

from __future__ import annotations

import math
from ipaddress import IPv4Address, IPv6Network, ip_address

from tcpchat.chat.guesses import Guesses
from tcpchat.errors import ChatError
from tcpchat.times import Clock

NAME_GUESSES = 5  # wrong passwords for a name in a row, before the next guess has to wait
ADDRESS_GUESSES = 20  # the same from one address, where many may sit behind one
REGISTRATIONS = 10  # of one address, before the next one has to wait
LONGEST = 60.0  # seconds that a guess has to wait at most; a guesser must not lock the owner out for long
MOST = 50_000  # names and as many addresses are remembered: more than two hashers can try in an hour


class Gate:
    """Counts before the answer is known, so that guessing on many connections at once is no way around."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._names = Guesses(NAME_GUESSES, LONGEST, MOST)
        self._addresses = Guesses(ADDRESS_GUESSES, LONGEST, MOST)
        self._registrations = Guesses(REGISTRATIONS, LONGEST, MOST)

    def count_guess(self, name: str, address: str) -> None:
        """Note that a password is tried. Raises ChatError `rate-limited`."""
        now, address = self._clock.monotonic(), _network(address)
        wait = max(self._names.check(name, now), self._addresses.check(address, now))
        if wait:
            raise _too_fast(wait, "wrong passwords")
        self._names.failed(name, now)
        self._addresses.failed(address, now)

    def was_right(self, name: str, address: str) -> None:
        """Note that it was the password: that guess does not count, nor those of this name before."""
        self._names.succeeded(name)
        self._addresses.forgive(_network(address))

    def count_registration(self, address: str) -> None:
        """Note that somebody registers. Raises ChatError `rate-limited`."""
        now, address = self._clock.monotonic(), _network(address)
        wait = self._registrations.check(address, now)
        if wait:
            raise _too_fast(wait, "registrations from your address")
        self._registrations.failed(address, now)


def _network(address: str) -> str:
    """Return who an address belongs to: with IPv6 everybody has 2^64 of them (RFC 4291, section 2.5.1)."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    return address if isinstance(parsed, IPv4Address) else str(IPv6Network((int(parsed), 64), strict=False))


def _too_fast(wait: float, what: str) -> ChatError:
    message = f"there were too many {what}; wait {math.ceil(wait)} s"
    return ChatError("rate-limited", message, retry_after=wait)
