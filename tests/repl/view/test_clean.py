"""Nothing that another user sends does anything but be read (promise P6)."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tcpchat.repl.view.clean import MAX_MARKS, MAX_NONSPACING, clean, clean_line

BIDI = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
INVISIBLE = set(
    "\u00ad\u115f\u1160\u180e\u200b\u2060\u2061\u2062\u2063\u2064\u3164\ufeff\uffa0\ufff9\ufffa\ufffb"
)
VISIBLE_FORMATS = set(
    "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"  # drawn
)
JOINERS = set("\u200c\u200d")
FORBIDDEN_ALONE = JOINERS | {chr(code) for code in range(0xE0020, 0xE0080)}
TAGS = {chr(code) for code in range(0xE0020, 0xE0080)}
ODD = "a \n\r\t\x1b\u0301\u0e47\u093e\u094d\u0915\u200c\u200d\ufe0f\ufe00\U000e0100"
ODD += "\U0001f468\U0001f3f4\U000e0067"
ODD += "\U000e007f\U0001f3fd漢#\u20e3\u202e\u034f\u05b0א"
texts = st.text() | st.text(ODD, max_size=30)

ENGLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"


def is_noncharacter(char: str) -> bool:
    return 0xFDD0 <= ord(char) <= 0xFDEF or ord(char) & 0xFFFE == 0xFFFE


def is_harmful(char: str) -> bool:
    kind = unicodedata.category(char)
    if char == "\n" or char in VISIBLE_FORMATS | JOINERS | TAGS:
        return False
    return kind in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"} or is_noncharacter(char) or char in BIDI | INVISIBLE


@pytest.mark.parametrize("plane", range(17))
def test_no_code_point_alone_is_harmful(plane: int) -> None:
    first, end = plane * 0x10000, (plane + 1) * 0x10000
    step = 1 if plane in {0, 1, 2, 14} else 16  # of the others all but the last two are alike
    for code in [*range(first, end - 2, step), end - 2, end - 1]:
        char = chr(code)
        cleaned = clean(char)
        if cleaned != char:
            assert cleaned
            assert clean(cleaned) == cleaned, hex(code)
            assert not any(is_harmful(part) or part in FORBIDDEN_ALONE for part in cleaned), hex(code)
        else:
            assert not is_harmful(char), hex(code)
            assert char not in FORBIDDEN_ALONE, hex(code)


@given(texts)
@example("\r\n\x85\u2028\u2029\x0b\x0c")
@example("\x1b]52;c;aGk=\x07\x1b[2J\x9b31m")
def test_no_text_is_harmful(text: str) -> None:
    assert not any(map(is_harmful, clean(text)))


@given(texts)
def test_cleaning_again_changes_nothing(text: str) -> None:
    assert clean(clean(text)) == clean(text)
    assert clean_line(clean_line(text)) == clean_line(text)


@given(texts)
def test_a_cleaned_line_is_one_line(text: str) -> None:
    assert len(clean_line(text).splitlines()) <= 1


@given(texts)
def test_no_base_carries_more_marks_than_a_script_needs(text: str) -> None:
    marks = nonspacing = 0
    for char in clean(text):
        kind = unicodedata.category(char)
        marks = marks + 1 if kind[0] == "M" else marks * (char in JOINERS)
        nonspacing = nonspacing + (kind in {"Mn", "Me"}) if kind[0] == "M" else nonspacing * (char in JOINERS)
        assert marks <= MAX_MARKS
        assert nonspacing <= MAX_NONSPACING


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E)))
def test_plain_text_stays(text: str) -> None:
    assert clean(text) is text


@pytest.mark.parametrize(
    "text",
    [
        "naïve Größe, Ελληνικά, Кириллица",
        "日本語のテキスト。한국어 中文",
        unicodedata.normalize("NFD", "한국어 값 뷁") + " \u1112\u119e\u11ab",
        "שָׁלוֹם עֲלֵיכֶם",
        "בְּרֵאשִׁ֖ית בָּרָ֣א",
        "مُحَمَّدٌ",
        "ภาษาไทย น้ำ กี่ ปู่",
        unicodedata.normalize("NFD", "Tiếng Việt ở Huế"),
        "नमस्ते क्षत्रिय",
        "क्‍ष",
        "র‍্যাব",
        "ශ්‍රී",
        "ന്‍",
        "می‌خواهم",
        "လျှော့",
        "བསྒྲུབས",
        "👨‍👩‍👧‍👦",
        "👩🏻‍❤️‍💋‍👨🏼",
        "🏳️‍🌈 1️⃣ #️⃣ ☺️ ❤️",
        "🙂‍↔️",
        "葛\U000e0100城",
        ENGLAND,
        "a → b ≤ c ✓ ﷽",
        "def f():\n    return 1",
    ],
)
def test_text_of_all_scripts_stays(text: str) -> None:
    assert clean(text) == text


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("\x1b[31mred", "␛[31mred"),
        ("0\u1161\u11a8\u093e", "0<U+1161><U+11A8>\u093e"),
        ("\x00\x07\x7f", "␀␇␡"),
        ("\x9b31m", "<U+009B>31m"),
        ("a\r\nb\rc\x85d\u2028e\u2029f\x0bg\x0ch", "a\nb\nc\nd\ne\nf\ng\nh"),
        ("\tx", "    x"),
        ("ab\u202ecd", "ab<U+202E>cd"),
        ("pay\u200bpal", "pay<U+200B>pal"),
        ("a\u200db\u200cc", "a<U+200D>b<U+200C>c"),
        ("\u200d", "<U+200D>"),
        ("אב\u200d", "אב<U+200D>"),
        ("x\ue000\ud800\uffff\U0010ffff", "x<U+E000><U+D800><U+FFFF><U+10FFFF>"),
        ("\U0001f3f4\U000e0067\U000e007f", "🏴<U+E0067><U+E007F>"),
        ("a\U000e0041", "a<U+E0041>"),
        ("\U000e0001", "<U+E0001>"),
        ("a\ufe0f", "a<U+FE0F>"),
        ("\u2764\ufe0f\ufe0f", "\u2764\ufe0f<U+FE0F>"),
        ("a" + "\u0301" * 30, "a" + "\u0301" * MAX_NONSPACING),
        ("\u0e01" + "\u0e47" * 30, "\u0e01" + "\u0e47" * MAX_NONSPACING),
        ("\u0915" + "\u093e" * 30, "\u0915" + "\u093e" * MAX_MARKS),
        ("\u0301x\n\u0302y \u0303", "\u25cc\u0301x\n\u25cc\u0302y \u25cc\u0303"),
        ("\U0001f468" + "\u200d\U0001f468" * 4, "\U0001f468" + "\u200d\U0001f468" * 3 + "<U+200D>\U0001f468"),
    ],
)
def test_harmful_characters_are_named_or_dropped(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


def test_a_line_shows_its_breaks() -> None:
    assert clean_line("a\r\nb\nc\u2028d") == "a⏎b⏎c⏎d"
