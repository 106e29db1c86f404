from __future__ import annotations

import pytest

from tcpchat.chat.origin import network, tells


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
def test_who_an_address_belongs_to(address: str, owner: str) -> None:
    assert network(address) == owner


@pytest.mark.parametrize(
    ("address", "tell"),
    [("192.0.2.7", True), ("2001:db8::1", True), ("127.0.0.1", False), ("127.9.9.9", False), ("::1", False),
     ("::ffff:127.0.0.1", False), ("SocketStream", False), ("gone", False)],
)  # fmt: skip
def test_only_the_machines_own_addresses_and_none_tell_nothing(address: str, tell: bool) -> None:
    assert tells(address) == tell
