"""How near words are to commands."""

from __future__ import annotations

import pytest

from tcpchat.commands import BY_NAME
from tcpchat.repl.typos import distance, typo_of
from tcpchat.repl.words import NEAR_EVERYTHING, ORDINARY


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


def test_short_names_have_too_many_neighbours() -> None:
    assert typo_of("tp", ["to", "top"]) is None
    assert typo_of("hekp", ["help"]) == "help"
    assert typo_of("paswrod", ["password", "help"]) == "password"
    assert typo_of("loign", ["login"]) == "login"
    assert typo_of("lgion", ["login"]) is None


def test_every_ordinary_word_is_near_a_command() -> None:
    looked_at = [name for name in BY_NAME if name not in NEAR_EVERYTHING]
    assert [word for word in ORDINARY if word in BY_NAME or typo_of(word, looked_at) is None] == []
