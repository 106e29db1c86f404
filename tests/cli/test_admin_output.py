"""Sentences and tables for the operator."""

from __future__ import annotations

from tcpchat.cli import admin_output


def test_text_by_users_cannot_move_the_cursor() -> None:
    row = {"user": "bob", "until": "2026-11-21T09:00:00.123Z", "reason": "a\x1b[2Jb"}
    assert "\x1b" not in admin_output.bans([row])


def test_the_addresses_of_a_banned_guest_are_shown() -> None:
    reply = {"type": "banned", "user": "bob", "ended": 1, "addresses": ["192.0.2.7", "2001:db8::1:2"]}
    assert admin_output.sentence(reply).splitlines() == [
        "bob is banned permanently; 1 connection ended.",
        "bob can return as another guest unless the address is banned too:",
        "  tcpchat admin ban 192.0.2.7",
        "  tcpchat admin ban 2001:db8::/64",
    ]
