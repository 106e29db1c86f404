"""Mentions: the rule itself. The tests of the directory and of messages on the screen have more of it."""

from __future__ import annotations

import pytest

from tcpchat.names import LONGEST_NAME
from tcpchat.wire.mentions import can_mention, mentioned

NAMES = {"al", "bob", "bob.smith", "e-f"}


def names(text: str) -> list[str]:
    return mentioned(text, lambda name: name if name in NAMES else None)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("@bob's turn", ["bob"]),
        ("bob: your turn", ["bob"]),
        ("BOB: your turn", ["bob"]),
        ("e-f: @al said so", ["e-f", "al"]),
        ("@bob.smith, hi", ["bob.smith"]),
        ("@bob.smithy", []),
        ("well, bob: no", []),
        ("bob:8000 is a port", []),
        ("bob said", []),
        ("nobody: hi", []),
        (": bob", []),
    ],
)
def test_an_at_names_anywhere_and_a_colon_at_the_beginning(text: str, found: list[str]) -> None:
    assert names(text) == found
    assert can_mention(text) or not found


def test_most_texts_need_not_be_searched() -> None:
    assert not can_mention("hi all, it is me")
    assert not can_mention("x" * (LONGEST_NAME + 1) + ": no name is so long")
