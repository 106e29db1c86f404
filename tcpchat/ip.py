"""IP addresses in one form, and who is likely behind one: for bans, limits, logs and listening. Pure."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias

from tcpchat.errors import ChatError

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
