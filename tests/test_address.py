from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpchat.address import Address, is_attributable, is_loopback, normal_ip, owner_network, parse_network
from tcpchat.errors import ChatError


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("", "127.0.0.1", 8000),
        ("example.org", "example.org", 8000),
        ("example.org:9000", "example.org", 9000),
        (":9000", "127.0.0.1", 9000),
        ("10.0.0.1:1", "10.0.0.1", 1),
        ("a:65535", "a", 65535),
        ("a:00080", "a", 80),
        ("[::1]", "::1", 8000),
        ("[::1]:9000", "::1", 9000),
        ("::1", "::1", 8000),
        ("::", "::", 8000),
        ("::ffff:10.0.0.1", "::ffff:10.0.0.1", 8000),
        ("fe80::1%eth0", "fe80::1%eth0", 8000),
        ("[fe80::1%eth0]:9000", "fe80::1%eth0", 9000),
        ("bücher.example", "bücher.example", 8000),
    ],
)
def test_an_address_is_read(text: str, host: str, port: int) -> None:
    assert Address.parse(text) == Address(host, port)


@pytest.mark.parametrize(
    "text",
    [
        "a:", ":", "a:0", "a:65536", "a:123456", "a:-1", "a:x", "a:80:90x", "[::1", "::1]", "[]", "[]:80",
        "[::1]80", "[::1]:", "x[::1]", "http://a", "http://a:80", "a b", " a", "a\n", "a:80\n", "a:8\t0",
        "a:\u0661", "[::1 ]", "::1 ", "::g", "[a]b", "bob@a", "bob@a:80", "a/80",
    ],
)  # fmt: skip
def test_what_is_no_address_is_said(text: str) -> None:
    with pytest.raises(ValueError, match="is not HOST") as caught:
        Address.parse(text)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize(
    ("address", "text"),
    [
        (Address(), "127.0.0.1:8000"),
        (Address("example.org", 1), "example.org:1"),
        (Address("::1", 9000), "[::1]:9000"),
        (Address("::", 80), "[::]:80"),
    ],
)
def test_an_address_is_written_as_it_is_read(address: Address, text: str) -> None:
    assert str(address) == text


@given(st.ip_addresses().map(str) | st.from_regex(r"[a-z0-9.-]+", fullmatch=True), st.integers(1, 65535))
def test_reading_undoes_writing(host: str, port: int) -> None:
    assert Address.parse(str(Address(host, port))) == Address(host, port)


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("9464", "127.0.0.1", 9464),
        (":9464", "127.0.0.1", 9464),
        ("0.0.0.0:0", "0.0.0.0", 0),
        ("[::1]:9464", "::1", 9464),
        ("chat.example.org:1", "chat.example.org", 1),
    ],
)
def test_where_something_is_to_listen(text: str, host: str, port: int) -> None:
    assert Address.parse_endpoint(text) == Address(host, port)


@pytest.mark.parametrize("text", ["", "localhost", "::1", "1.2.3.4:", "65536", "-1", "a b:1", "[::1]", "٣"])
def test_where_nothing_can_listen(text: str) -> None:
    with pytest.raises(ValueError, match="is not PORT or HOST:PORT"):
        Address.parse_endpoint(text)


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
