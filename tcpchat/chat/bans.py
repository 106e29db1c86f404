"""Bans: users, addresses and networks that may not connect. Pure; time comes as an argument."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from ipaddress import ip_network

from tcpchat.address import Network, parse_ip, parse_network
from tcpchat.errors import ChatError
from tcpchat.store.changes import SetBan
from tcpchat.times import FOREVER, MILLISECONDS, timestamp

USER = "user"
ADDRESS = "address"


class Bans:
    """Everybody who is banned. One whose time is over is not, and goes when others are asked for.

    `kept` is what is on disk when the server starts.
    """

    def __init__(self, kept: Iterable[SetBan] = ()) -> None:
        self._users: dict[str, SetBan] = {}
        self._networks: dict[Network, SetBan] = {}
        self._prefixes: Counter[tuple[int, int]] = Counter()  # version and length, of the networks
        for ban in kept:
            self.put(ban)

    def put(self, ban: SetBan) -> None:
        """Ban a user, or a network."""
        self.take(ban.kind, ban.target)
        if ban.kind == USER:
            self._users[ban.target] = ban
            return
        network = _network(ban.target)
        self._networks[network] = ban
        self._prefixes[network.version, network.prefixlen] += 1

    def take(self, kind: str, target: str) -> SetBan | None:
        """Remove a ban; return it, or None, if there was one."""
        if kind == USER:
            return self._users.pop(target, None)
        network = _network(target)
        ban = self._networks.pop(network, None)
        if ban is not None:
            self._prefixes[network.version, network.prefixlen] -= 1
            self._prefixes += Counter()  # which drops what is zero
        return ban

    def all(self, now: int) -> list[SetBan]:
        """Return all bans that hold, those of users first."""
        for ban in (*self._users.values(), *self._networks.values()):
            if ban.until <= now:
                self.take(ban.kind, ban.target)
        return [*self._users.values(), *self._networks.values()]

    def of_user(self, id: str, now: int) -> SetBan | None:
        """Return the ban of the user of this id."""
        return _holds(self._users.get(id), now)

    def of_address(self, address: str, now: int) -> SetBan | None:
        """Return the ban of an address; of a peer without one there is none."""
        if not self._networks:
            return None
        found = parse_ip(address)
        if found is None:
            return None
        for version, length in self._prefixes:
            if version == found.version:
                network = ip_network((found, length), strict=False)
                if ban := _holds(self._networks.get(network), now):
                    return ban
        return None

    def check_user(self, id: str, now: int) -> None:
        """Raise ChatError `banned` if the user of this id is."""
        _check(self.of_user(id, now), "you", now)

    def check_address(self, address: str, now: int) -> None:
        """Raise ChatError `banned` if the address is."""
        _check(self.of_address(address, now), "your address", now)


def _network(target: str) -> Network:
    """Read what `ban` wrote, which an earlier version did in other forms."""
    found = parse_network(target)
    assert found is not None
    return found


def _holds(ban: SetBan | None, now: int) -> SetBan | None:
    return ban if ban is not None and ban.until > now else None


def _check(ban: SetBan | None, whom: str, now: int) -> None:
    if ban is None:
        return
    reason = f" ({ban.reason})" if ban.reason else ""
    if ban.until == FOREVER:
        raise ChatError("banned", f"the operator banned {whom}{reason} for good", reason=ban.reason)
    until = timestamp(ban.until)
    message = f"the operator banned {whom}{reason} until {until}"
    wait = (ban.until - now) / MILLISECONDS
    raise ChatError("banned", message, until=until, retry_after=wait, reason=ban.reason)
