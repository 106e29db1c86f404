"""The answers of the terminal are no keys, in whatever pieces and however late they come."""

from __future__ import annotations

import pytest

from tcpchat.repl.input.reports import LONGEST, Reports

ANSWERS = {
    "background, ST": "\x1b]11;rgb:1e1e/1e1e/1e1e\x1b\\",
    "background, BEL": "\x1b]11;rgba:0000/0000/0000/ffff\x07",
    "palette": "\x1b]4;1;rgb:cd/00/00\x07",
    "clipboard": "\x1b]52;c;aGVsbG8=\x1b\\",
    "DA1": "\x1b[?64;1;2;6;9;15;22c",
    "DA2": "\x1b[>41;379;0c",
    "DA3": "\x1bP!|00000000\x1b\\",
    "XTVERSION": "\x1bP>|XTerm(379)\x1b\\",
    "DECRQSS": "\x1bP1$r0m\x1b\\",
    "XTGETTCAP": "\x1bP1+r544e=787465726d\x1b\\",
    "DECRQM": "\x1b[?2026;2$y",
    "ANSI mode": "\x1b[4;2$y",
    "kitty keyboard": "\x1b[?0u",
    "kitty graphics": "\x1b_Gi=31;OK\x1b\\",
    "state": "\x1b[0n",
    "colour scheme": "\x1b[?997;1n",
    "size": "\x1b[8;24;80t",
}
ESC, UP, SHIFT_F3, CPR = "\x1b", "\x1b[A", "\x1b[1;2R", "\x1b[12;40R"
KEYS = [
    "x", "é", ESC, "\r", "\x03", UP, "\x1b[1;5C", "\x1b[3~", "\x1bOP", "\x1bOM", "\x1b[c", "\x1b[23$",
    "\x1bb", "\x1b\r", "\x1b]", "\x1bP", "\x1b_", "\x1b\x1b", "\x1b[27;2;13~", "\x1b[13;2u", SHIFT_F3, CPR,
    "\x1b]1",
]  # fmt: skip


def keys_of(*pieces: str) -> str:
    """Return the keys of pieces with a pause after each."""
    reports = Reports()
    return "".join(reports.feed(piece) + reports.flush() for piece in pieces)


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_an_answer_is_taken_out_wherever_it_is_cut(answer: str) -> None:
    for at in range(1, len(answer)):
        reports = Reports()
        assert reports.feed(f"a{answer[:at]}") + reports.feed(f"{answer[at:]}b") + reports.flush() == "ab"


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_an_answer_may_come_byte_by_byte(answer: str) -> None:
    reports = Reports()
    assert "".join(map(reports.feed, f"a{answer}b")) == "ab"


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_an_answer_may_pause_once_no_key_begins_like_it(answer: str) -> None:
    sure = 5 if answer[1] != "[" or answer[2] in "?>" else len(answer)
    for at in range(sure, len(answer)):
        assert keys_of(f"a{answer[:at]}", f"{answer[at:]}b") == "ab"


@pytest.mark.parametrize("key", KEYS, ids=ascii)
def test_a_key_passes_unchanged_alone_and_between_answers(key: str) -> None:
    assert keys_of(key) == key
    for answer in ANSWERS.values():
        assert keys_of(answer + key) == key
        assert keys_of(key, answer) == key
        assert keys_of(answer, key, answer) == key


def test_a_key_comes_at_once_when_it_is_whole() -> None:
    reports = Reports()
    for key in (UP, "\x1bb", "\x1b[1;5C", "x"):
        assert reports.feed(key) == key


def test_escape_comes_after_a_moment() -> None:
    reports = Reports()
    assert reports.feed(ESC) == ""
    assert reports.flush() == ESC
    assert reports.flush() == ""
    assert reports.feed("x") == "x"


@pytest.mark.parametrize("key", ["\r", "\x03", UP])
@pytest.mark.parametrize("cut", ["\x1b]11;rgb:00", "\x1bP>|XTe", "\x1b_Gi=3", "\x1b[?64;1"])
def test_an_answer_that_ends_in_the_middle_is_dropped_at_the_next_control(cut: str, key: str) -> None:
    assert keys_of(cut, key, "x") == f"{key}x"


def test_escape_after_an_answer_that_ends_in_the_middle_comes_with_the_next_key() -> None:
    assert keys_of("\x1b]11;rgb:00", ESC, "x") == f"{ESC}x"
    assert keys_of("\x1b]11;rgb:00", ESC, UP) == f"{ESC}{UP}"


def test_an_answer_without_end_is_dropped_at_last() -> None:
    begin = "\x1b]11;"
    assert keys_of(begin + "x" * (LONGEST - len(begin)), "y") == "y"


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_a_paste_is_not_searched(answer: str) -> None:
    paste = f"\x1b[200~a{answer}\x1b[2b\x1b[201~"
    assert keys_of(paste + answer + "c") == f"{paste}c"
    for at in range(1, len(paste)):
        reports = Reports()
        assert reports.feed(paste[:at]) + reports.feed(paste[at:]) + reports.feed(answer + "c") == f"{paste}c"
