"""Addresses, grouped by their likely owner. Pure."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address


def _parse(address: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found


def network(address: str) -> str:
    """Return the network of an address: with IPv6 everybody has 2^64 addresses (RFC 4291, 2.5.1)."""
    found = _parse(address)
    if isinstance(found, IPv6Address):
        return str(IPv6Network((int(found), 64), strict=False))
    return address if found is None else str(found)


def is_attributable(address: str) -> bool:
    """Return whether an address identifies one client: that of this machine does not."""
    found = _parse(address)
    return found is not None and not found.is_loopback
