"""The width of text in columns, and its line breaks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpchat.repl.view import wrap
from tcpchat.repl.view.clean import clean
from tcpchat.repl.view.widths import columns
from tests.repl.view.rendering import texts


@given(texts, st.integers(10, 80), st.integers(10, 80))
def test_wrapping_loses_nothing_but_blanks(text: str, first: int, rest: int) -> None:
    line = clean(text).replace("\n", " ")
    lines = wrap.wrap(line, first, rest)
    assert "".join("".join(lines).split()) == "".join(line.split())
    assert columns(lines[0]) <= first
    assert all(columns(line) <= rest for line in lines[1:])


def test_no_line_begins_with_a_mark_of_the_last_one() -> None:
    assert wrap.wrap("日日\u093e日", 4, 4) == ["日", "日\u093e", "日"]
    assert wrap.wrap("日日\u0301日", 4, 4) == ["日日\u0301", "日"]
    assert wrap.wrap("日本。日本", 4, 6) == ["日", "本。日", "本"]


LINK = "https://example.org/" + "x" * 30


@pytest.mark.parametrize(
    ("line", "lines"),
    [
        (f"see {LINK} there", ["see", LINK, "there"]),
        (f"{LINK}", ["", LINK]),
        (f"{LINK} {LINK}", ["", LINK, LINK]),
        (f"   {LINK}", ["", LINK]),
        ("see http://a.org/bcdefg there", ["see", "http://a.org/bcdefg", "there"]),
        (f"{LINK}日本語", ["", f"{LINK}日本語"]),
        ("x" * 25 + "://y", ["x" * 20, "xxxxx://y"]),
    ],
)
def test_a_link_is_never_broken(line: str, lines: list[str]) -> None:
    assert wrap.wrap(line, 20, 20) == lines
