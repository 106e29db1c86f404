"""Addresses as users write them, and IP addresses in one form for bans, limits and logs. Pure."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, Self, TypeAlias

import attrs

from tcpchat.errors import ChatError

DEFAULT_HOST: Final = "127.0.0.1"
DEFAULT_PORT: Final = 8000
TLS_PORT: Final = 8443  # the default with TLS
MAX_PORT: Final = 2**16 - 1
_ADDRESS: Final = re.compile(
    r"(?:\[(?P<ipv6>[^\[\]\s]+)\]|(?P<host>[^:\[\]\s@/]*))(?::(?P<port>\d{1,5}))?", re.ASCII
)


@attrs.frozen
class Address:
    """The host and port of a server."""

    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT

    @classmethod
    def parse(cls, text: str, default_port: int = DEFAULT_PORT) -> Self:
        """Read `example.org`, `example.org:9000`, `:9000`, `[::1]:9000` or `::1`. Raises ValueError."""
        if _is_ipv6(text):
            return cls(text, default_port)
        found = cls._match(text, default_port)
        if found is None or found.port == 0:
            raise ValueError(
                f"{text!r} is not HOST[:PORT], such as 127.0.0.1:8000, example.org or [::1]:8000"
            )
        return found

    @classmethod
    def parse_endpoint(cls, text: str) -> Self:
        """Read `9464` or `:9464` (on this machine only), or `0.0.0.0:9464`. Raises ValueError.

        Port 0 means a free one.
        """
        found = cls._match(text if ":" in text else f":{text}", None)
        if found is None:
            raise ValueError(f"{text!r} is not PORT or HOST:PORT, such as 9464 or 127.0.0.1:9464")
        return found

    @classmethod
    def _match(cls, text: str, default_port: int | None) -> Self | None:
        match = _ADDRESS.fullmatch(text)
        port = match and (match["port"] or default_port)
        if match is None or port is None or int(port) > MAX_PORT:
            return None
        return cls(match["ipv6"] or match["host"] or DEFAULT_HOST, int(port))

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def _is_ipv6(text: str) -> bool:
    if text.count(":") < 2:  # noqa: PLR2004  # each IPv6 address has two
        return False
    import ipaddress

    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


Ip: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

OWNED: Final = 64  # bits that all IPv6 addresses of one owner share (RFC 4291, 2.5.1)
_MAPPED: Final = 96  # bits before an IPv4 address that is written as an IPv6 address (RFC 4291, 2.5.5.2)


def parse_ip(text: str) -> Ip | None:
    """Read an address; None if it is none.

    An IPv4 address stays one if it is written as IPv6, as a socket for both kinds shows it. The zone
    (`%eth0`) goes, since the peer of a connection has none.
    """
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return found if isinstance(found, IPv4Address) else found.ipv4_mapped or IPv6Address(int(found))


def normal_ip(text: str) -> str:
    """Return the form in which an address is compared and logged; other text, such as `gone`, as it is."""
    found = parse_ip(text)
    return text if found is None else str(found)


def parse_network(text: str) -> Network | None:
    """Read an address or a network in CIDR form, as `parse_ip` does; None if it is neither.

    Raises ChatError `bad-value` for an address of a network with a prefix, which usually is a slip.
    """
    try:
        return _normal(ip_network(text))
    except ValueError:
        pass
    try:
        meant = _normal(ip_network(text, strict=False))
    except ValueError:
        return None
    message = f"{text} is an address in a network; the network is {meant}, the address alone has no /"
    raise ChatError("bad-value", message, field="target")


def _normal(network: Network) -> Network:
    if isinstance(network, IPv4Network):
        return network
    address, prefix = network.network_address, network.prefixlen
    if address.ipv4_mapped is not None and prefix >= _MAPPED:
        return IPv4Network((address.ipv4_mapped, prefix - _MAPPED))
    return IPv6Network((int(address), prefix))


def owner_network(address: str) -> str:
    """Return the addresses that belong to the owner of this one: with IPv6 everybody has 2^64."""
    found = parse_ip(address)
    if isinstance(found, IPv6Address):
        return str(IPv6Network((int(found), OWNED), strict=False))
    return address if found is None else str(found)


def is_loopback(address: str) -> bool:
    """Return whether only this machine reaches an address."""
    found = parse_ip(address)
    return found is not None and found.is_loopback


def is_attributable(address: str) -> bool:
    """Return whether an address identifies one client: that of this machine does not."""
    return parse_ip(address) is not None and not is_loopback(address)
