from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpchat.address import Address


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
        "a:\u0661", "[::1 ]", "::1 ", "::g", "[a]b",
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
