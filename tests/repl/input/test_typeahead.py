"""Lines that are typed before there is a connection."""

from __future__ import annotations

import pytest

from tcpchat.repl.input.typeahead import Typeahead


def entered(*lines: str) -> Typeahead:
    early = Typeahead()
    for line in lines:
        early.add(line)
    return early


def shown(early: Typeahead, width: int = 40) -> list[str]:
    return [text for _, text in early.waiting(width) if text != "\n"]


def test_they_are_shown_until_they_are_taken() -> None:
    early = entered("one", "two")
    assert shown(early) == ["… one", "… two"]
    assert list(early.unsent()) == ["not sent: one", "not sent: two"]
    early.add("three\nfour", pasted=True)
    taken = [early.next() for _ in range(4)]
    assert taken == [("one", False), ("two", False), ("three\nfour", True), None]
    assert shown(early) == list(early.unsent()) == []


def test_they_fit_into_the_screen_and_cannot_move_its_cursor() -> None:
    early = entered("日本" * 40, "a\x1b[2Jb\nc")
    wide, bad = shown(early, 21)
    assert wide == "… " + "日本" * 4 + "日…"
    assert "\x1b" not in bad
    assert "\n" not in bad


@pytest.mark.parametrize(
    "line", ["login alice correct", "/register correct", "password --new correct", "resume t"]
)
def test_a_possible_password_is_not_shown(line: str) -> None:
    early = entered(line)
    assert early.may_be_asked()
    assert shown(early) == ["… …"]
    assert list(early.unsent()) == ["not sent: …"]


@pytest.mark.parametrize(
    ("line", "leaves"),
    [
        ("exit", True),
        (" /EXIT ", True),
        ("/quit", True),
        ("quit", False),
        ("exit now", False),
        ("", False),
    ],
)
def test_leaving_needs_no_connection(line: str, leaves: bool) -> None:
    assert Typeahead.leaves(line) is leaves
