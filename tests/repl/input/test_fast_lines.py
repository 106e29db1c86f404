"""Lines that come faster than a person types."""

from __future__ import annotations

import pytest

from tcpchat.repl.input.fast_lines import FAST, QUIET, FastLines, hint


def typed(*times: float) -> FastLines:
    lines = FastLines()
    for time in times:
        lines.key(time)
    return lines


@pytest.mark.parametrize(
    ("pause", "held"), [(0.0, True), (FAST * 0.9, True), (FAST * 1.1, False), (9.0, False)]
)
def test_enter_right_after_a_key_may_be_that_of_a_paste(pause: float, held: bool) -> None:
    assert typed(5.0, 5.0 + pause).hold("line") is held


def test_the_first_key_and_an_empty_line_are_no_paste() -> None:
    assert not typed(5.0).hold("line")
    assert not typed(5.0, 5.0).hold("")


def test_it_is_over_when_no_key_has_come_for_a_moment() -> None:
    lines = typed(5.0, 5.0)
    assert not lines.is_over(5.0 + QUIET * 0.9)
    assert lines.is_over(5.0 + QUIET * 1.1)
    lines.key(5.0 + QUIET)
    assert not lines.is_over(5.0 + QUIET * 1.1)


def test_while_lines_are_held_each_enter_is_a_break() -> None:
    lines = typed(5.0, 5.0)
    assert lines.hold("one")
    lines.key(5.0 + FAST * 1.5)
    assert lines.hold("one\n")


@pytest.mark.parametrize(
    ("first", "text", "line"),
    [
        ("one", "one\n", "one"),
        ("one", "one\n\n", "one"),
        ("one\ntwo", "one\ntwo\n", "one\ntwo"),
        ("one", "one\ntwo", None),
        ("one", "one\ntwo\n", None),
        ("one", "", None),
    ],
)
def test_one_line_with_enter_is_a_line_after_all(first: str, text: str, line: str | None) -> None:
    lines = typed(5.0, 5.0)
    lines.hold(first)
    assert lines.release(text) == line
    assert lines.release(text) is None
    lines.key(9.0)
    assert not lines.hold("next")


def test_the_hint_counts_the_lines() -> None:
    assert hint("one\n\nthree\n").startswith("3 lines ")


def test_enter_right_after_a_paste_with_brackets_is_enter() -> None:
    lines = typed(5.0, 5.0)
    lines.forget()
    lines.key(5.0)
    assert not lines.hold("one\ntwo")
