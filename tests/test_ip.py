"""IP addresses in one form, and who is likely behind one."""

from __future__ import annotations

import pytest

from tcpchat.errors import ChatError
from tcpchat.ip import is_attributable, is_loopback, normal_ip, owner_network, parse_network


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
    assert owner_network(address) == owner


@pytest.mark.parametrize(
    ("address", "attributable"),
    [("192.0.2.7", True), ("2001:db8::1", True), ("127.0.0.1", False), ("127.9.9.9", False), ("::1", False),
     ("::ffff:127.0.0.1", False), ("SocketStream", False), ("gone", False)],
)  # fmt: skip
def test_all_addresses_but_the_machines_own_identify_a_client(address: str, attributable: bool) -> None:
    assert is_attributable(address) == attributable


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("::FFFF:c000:207", "192.0.2.7"),
        ("2001:0DB8:0::1", "2001:db8::1"),
        ("fe80::5%lo", "fe80::5"),
        ("gone", "gone"),
        ("192.0.2.7%lo", "192.0.2.7%lo"),
    ],
)
def test_an_address_has_one_form(text: str, normal: str) -> None:
    assert normal_ip(text) == normal
    assert normal_ip(normal) == normal


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("192.0.2.7", "192.0.2.7/32"),
        ("192.0.2.0/24", "192.0.2.0/24"),
        ("::ffff:127.0.0.1", "127.0.0.1/32"),
        ("::ffff:127.0.0.0/104", "127.0.0.0/8"),
        ("::ffff:0:0/96", "0.0.0.0/0"),
        ("::/0", "::/0"),
        ("fe80::5%lo", "fe80::5/128"),
        ("fe80::%lo/64", "fe80::/64"),
    ],
)
def test_a_network_has_one_form(text: str, network: str) -> None:
    assert str(parse_network(text)) == network


@pytest.mark.parametrize("text", ["bob", "1", "192.0.2.7/33", "192.0.2", "::1::", ""])
def test_what_is_no_network_is_none(text: str) -> None:
    assert parse_network(text) is None


@pytest.mark.parametrize(
    ("text", "meant"),
    [("192.0.2.7/24", r"192\.0\.2\.0/24"), ("::ffff:192.0.2.7/120", r"192\.0\.2\.0/24")],
)
def test_an_address_in_a_network_is_a_slip(text: str, meant: str) -> None:
    with pytest.raises(ChatError, match=f"the network is {meant}"):
        parse_network(text)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
def test_only_this_machine_reaches_a_loopback_address(address: str) -> None:
    assert is_loopback(address)


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.0.2.7", "fe80::5%lo", "gone"])
def test_others_may_reach_any_other_address(address: str) -> None:
    assert not is_loopback(address)
