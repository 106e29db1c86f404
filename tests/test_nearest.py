"""The distance at which a word is taken for a typo of a name."""

from __future__ import annotations

import pytest

from tcpchat.nearest import distance, nearest
from tcpchat.protocol import BY_NAME


@pytest.mark.parametrize(
    ("one", "other", "count"),
    [
        ("", "", 0),
        ("send", "send", 0),
        ("sned", "send", 1),
        ("sed", "send", 1),
        ("hello", "help", 2),
        ("", "ab", 2),
    ],
)
def test_distance(one: str, other: str, count: int) -> None:
    assert distance(one, other) == distance(other, one) == count


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("sned", "send"),
        ("SNED", "send"),
        ("send", "send"),
        ("send,hi", "send"),
        ("send\u00a0hi", "send"),
        ("/help", "help"),
        ("paswrod", "password"),
        ("converstaions", "conversations"),
        ("usrs", "users"),
        ("hist", "history"),
        ("hi", None),
        ("hello", None),
        ("", None),
        ("!", None),
        ("xyzzy", None),
        ("x" * 60_000, None),
    ],
)
def test_the_nearest_command(word: str, name: str | None) -> None:
    assert nearest(word, BY_NAME) == name


def test_short_names_have_too_many_neighbours() -> None:
    assert nearest("tp", ["to", "top"]) is None
    assert nearest("TO", ["to"]) == "to"


def test_longer_names_may_have_more_typos() -> None:
    assert [nearest("1bcd", ["abcd"]), nearest("12cd", ["abcd"])] == ["abcd", None]
    assert [nearest("12cdef", ["abcdef"]), nearest("123def", ["abcdef"])] == ["abcdef", None]


def test_the_least_typos_win_and_then_the_first() -> None:
    assert nearest("sending", ["seeding", "bending", "sendings"]) == "seeding"
    assert nearest("sendinx", ["sendiny", "sending", "mending"]) == "sendiny"
    assert nearest("sendinx", ["mendinx", "sendinx"]) == "sendinx"
