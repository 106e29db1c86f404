"""The columns that text takes: what most of eleven terminals count."""

from __future__ import annotations

import pytest

from tcpchat.repl.view.widths import columns, is_disputed, shorten

TABLE = {
    "ascii": 5,
    "Grüße": 5,
    "привет": 6,
    "🇩🇪": 2,  # wcwidth 0.6 and later count 2 for each half
    "🇩🇪🇫🇷": 4,
    "🇩": 1,
    "⚠️": 1,  # with a selector for the picture, which does not make it wider; wcswidth says 2
    "❤️": 1,
    "1️⃣": 1,
    "😀": 2,
    "😀\ufe0e": 2,
    "👍🏽": 4,  # a skin tone stands beside the hand
    "👨\u200d👩\u200d👧": 6,
    "🤷\u200d♂️": 3,
    "🏳️\u200d🌈": 3,
    "🏴\U000e0067\U000e0062\U000e007f": 2,
    "é": 1,
    "e\u0301": 1,
    "a\u20dd": 1,
    "한국": 4,
    "\u1112\u1161\u11ab": 2,  # a syllable in its parts
    "漢字": 4,
    "か\u3099": 2,
    "ｱ": 1,
    "Ａ": 2,
    "\u3000": 2,
    "\ue0b0": 1,  # private use
    "a\u00adb": 3,  # a soft hyphen is shown
    "a\u200bb": 2,
    "a\u2060b": 2,
    "नि": 2,  # a mark that takes room; wcwidth says 0
    "க்ஷி": 3,
    "กำ": 2,
    "क्" * 40: 40,
    "ᄀ" * 40: 80,
    "▸ ✓ … → ·": 9,
}


@pytest.mark.parametrize(("text", "count"), TABLE.items(), ids=map(ascii, TABLE))
def test_text_takes_the_columns_that_most_terminals_give_it(text: str, count: int) -> None:
    assert columns(text) == count


@pytest.mark.parametrize("cell", ["🇩", "⚠️", "👨\u200d", "🏽", "नि", "e\u0301", "☰", "🫨"])
def test_terminals_may_differ_about_joined_and_new_characters(cell: str) -> None:
    assert is_disputed(cell)


@pytest.mark.parametrize("cell", ["", "a", "ü", "ж", "漢", "한", "→", "─", "▸", "…"])
def test_nobody_differs_about_letters(cell: str) -> None:
    assert not is_disputed(cell)


@pytest.mark.parametrize(
    ("line", "width", "shown"),
    [
        ("four", 4, "four"),
        ("five!", 4, "fiv…"),
        ("日本語", 6, "日本語"),
        ("日本語", 5, "日本…"),
        ("日本語", 4, "日…"),
        ("🇩🇪🇩🇪", 4, "🇩🇪🇩🇪"),
        ("", 0, ""),
    ],
)
def test_a_line_is_shortened_to_the_columns_that_there_are(line: str, width: int, shown: str) -> None:
    assert shorten(line, width) == shown
