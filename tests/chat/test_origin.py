"""Addresses, and who is likely behind one."""

from __future__ import annotations

import pytest

from tcpchat.chat.origin import is_attributable, network


@pytest.mark.parametrize(
    ("address", "owner"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8::ffff:1", "2001:db8::/64"),
        ("2001:db8:0:1::1", "2001:db8:0:1::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("gone", "gone"),
    ],
)
def test_addresses_are_grouped_by_their_likely_owner(address: str, owner: str) -> None:
    assert network(address) == owner


@pytest.mark.parametrize(
    ("address", "attributable"),
    [("192.0.2.7", True), ("2001:db8::1", True), ("127.0.0.1", False), ("127.9.9.9", False), ("::1", False),
     ("::ffff:127.0.0.1", False), ("SocketStream", False), ("gone", False)],
)  # fmt: skip
def test_all_addresses_but_the_machines_own_identify_a_client(address: str, attributable: bool) -> None:
    assert is_attributable(address) == attributable
