"""Bans of users by id, and of addresses by the network."""

from __future__ import annotations

import pytest

from tcpchat.chat.bans import Bans
from tcpchat.errors import ChatError
from tcpchat.store.changes import SetBan
from tcpchat.times import FOREVER
from tests.rows import rows

NOW = 1_795_251_600_123


def banned(*targets: str, until: int = FOREVER) -> Bans:
    return Bans(SetBan("address", target, until, None) for target in targets)


@rows(
    ("target", "inside", "outside"),
    [
        ("192.0.2.7", "192.0.2.7", "192.0.2.8"),
        ("192.0.2.0/24", "192.0.2.255", "192.0.3.0"),
        ("0.0.0.0/0", "255.255.255.255", "::1"),
        ("2001:db8::/64", "2001:db8::ffff:1", "2001:db8:0:1::1"),
        ("2001:db8::1", "2001:0DB8:0::1", "2001:db8::2"),
        ("192.0.2.7", "::ffff:192.0.2.7", "::ffff:192.0.2.8"),
        ("fe80::/64", "fe80::1%eth0", "fe80:1::1%eth0"),
        ("fe80::5%lo", "fe80::5", "fe80::6"),
        ("fe80::%lo/64", "fe80::5", "fe80:1::5"),
        ("::ffff:192.0.2.7", "192.0.2.7", "192.0.2.8"),
        ("::ffff:192.0.2.0/120", "192.0.2.255", "192.0.3.0"),
    ],
)
def test_an_address_is_banned_with_its_network(target: str, inside: str, outside: str) -> None:
    bans = banned("198.51.100.0/24", target)
    assert bans.of_address(inside, NOW)
    assert bans.of_address(outside, NOW) is None


@rows("peer", ["gone", "StapledStream", ""])
def test_a_peer_without_an_address_is_not_banned(peer: str) -> None:
    assert banned("0.0.0.0/0", "::/0").of_address(peer, NOW) is None


def test_a_ban_ends_at_its_time_and_not_before() -> None:
    bans = banned("192.0.2.7", until=NOW)
    bans.put(SetBan("user", "u1", NOW, None))
    assert bans.of_address("192.0.2.7", NOW - 1)
    assert bans.of_user("u1", NOW - 1)
    assert bans.of_address("192.0.2.7", NOW) is None
    assert bans.of_user("u1", NOW) is None
    assert bans.all(NOW) == []
    assert bans.all(NOW - 1) == []  # they are gone


def test_a_ban_takes_the_place_of_the_one_before() -> None:
    bans = banned("192.0.2.0/24", until=NOW + 1)
    bans.put(SetBan("address", "192.0.2.0/24", NOW + 2, "again"))
    (ban,) = bans.all(NOW)
    assert ban.reason == "again"
    assert bans.take("address", "192.0.2.0/24") == ban
    assert bans.of_address("192.0.2.7", NOW) is None
    assert bans.take("address", "192.0.2.0/24") is None


def test_a_shorter_ban_does_not_hide_a_longer_one_of_a_larger_network() -> None:
    bans = banned("192.0.2.0/24")
    bans.put(SetBan("address", "192.0.2.7", NOW, None))
    assert bans.of_address("192.0.2.7", NOW)


@rows(
    ("ban", "message", "until"),
    [
        (SetBan("user", "u1", FOREVER, None), "the operator banned you for good", None),
        (SetBan("user", "u1", FOREVER, "spam"), r"the operator banned you \(spam\) for good", None),
        (
            SetBan("user", "u1", NOW + 1500, None),
            "the operator banned you until ",
            "2026-11-21T09:00:01.623Z",
        ),
    ],
)
def test_a_banned_user_learns_why_and_for_how_long(ban: SetBan, message: str, until: str | None) -> None:
    bans = Bans([ban])
    with pytest.raises(ChatError, match=f"^{message}") as refused:
        bans.check_user("u1", NOW)
    assert refused.value.code == "banned"
    details = refused.value.details
    assert (details.get("until"), details.get("reason")) == (until, ban.reason)
    assert details.get("retry_after") == (None if until is None else 1.5)
    bans.check_user("u2", NOW)


def test_a_banned_address_learns_that_it_is_the_address() -> None:
    with pytest.raises(ChatError, match="the operator banned your address for good"):
        banned("192.0.2.0/24").check_address("192.0.2.7", NOW)
    banned("192.0.2.0/24").check_address("198.51.100.7", NOW)
