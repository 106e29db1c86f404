"""Rendered events, refusals and notices: no line is wider than the terminal or does anything to it."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import attrs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tcpchat.errors import ChatError
from tcpchat.protocol import Edited, Error, Joined, Left, Message, Renamed
from tcpchat.repl.view import render
from tcpchat.repl.view.text import Look, name_style
from tests.repl.view.rendering import AT, LOOK, check, looks, names, said, shown, texts

NARROW = attrs.evolve(LOOK, width=20)


@pytest.mark.parametrize(
    ("message", "lines"),
    [
        (said("hi"), ["09:00 bob  hi"]),
        (said("hi", "alice"), ["09:00 alice ✓ hi"]),
        (said("psst", "alice", "bob"), ["09:00 alice → bob ✓ psst"]),
        (said("psst", "bob", "alice"), ["09:00 bob → alice  psst"]),
        (said("hi", at="soon"), ["--:-- bob  hi"]),
        (said("hi", at="2026-11-21T09:00:00"), ["--:-- bob  hi"]),
        (said("hi", at="0001-01-01T00:00:00+14:00"), ["--:-- bob  hi"]),
        (said("a\x1b[2Jb", "b\x07b"), ["09:00 b␇b  a␛[2Jb"]),
        (said(""), ["09:00 bob  "]),
        (said("a\n\n  b\n\n"), ["09:00 bob  a", "", "             b"]),
        (said("word " * 11), ["09:00 bob  " + "word " * 9 + "word", "           word"]),
        (said("x" * 60), ["09:00 bob  " + "x" * 49, "           " + "x" * 11]),
        (said("see " + "x" * 50), ["09:00 bob  see " + "x" * 45, "           " + "x" * 5]),
        (said("日本" * 13), ["09:00 bob  " + "日本" * 12, "           日本"]),
        (said("👨‍👩‍👧‍👦" * 7), ["09:00 bob  " + "👨‍👩‍👧‍👦" * 6, "           👨‍👩‍👧‍👦"]),
        (said("hi", "x" * 20), ["09:00 " + "x" * 20 + "  hi"]),
        (said("a " * 20, "x" * 20), ["09:00 " + "x" * 20 + "  " + "a " * 15 + "a", "      a a a a"]),
        (said("hi", "x" * 56), ["09:00 ", "x" * 56 + "  ", "      hi"]),
        (said(" " * 40 + "x" * 12), ["09:00 bob  " + " " * 36 + "x" * 12]),
    ],
)  # fmt: skip
def test_a_message(message: Message, lines: list[str]) -> None:
    assert shown(render.message(message, LOOK)) == lines


def test_an_edit_is_shown_with_a_mark_and_so_is_an_edited_message() -> None:
    edit = Edited(room="lobby", seq=7, at=AT, sender="bob", target=1, text="see you at five")
    assert shown(render.message(edit, LOOK)) == ["09:00 bob edited 1: see you at five"]
    mine = attrs.evolve(edit, sender="alice", to="bob", room="@b")
    assert shown(render.message(mine, LOOK)) == ["09:00 alice → bob edited 1: see you at five"]
    assert shown(render.message(attrs.evolve(said("hi"), edited=AT), LOOK)) == ["09:00 bob  (edited) hi"]
    assert shown(render.message(attrs.evolve(said("hi", "alice"), edited=AT), LOOK)) == [
        "09:00 alice ✓ (edited) hi"
    ]
    assert shown(render.message(edit, LOOK, numbered=True)) == ["     7 09:00 bob edited 1: see you at five"]


def test_an_action_is_one_phrase() -> None:
    wave = attrs.evolve(said("waves"), action=True)
    assert shown(render.message(wave, LOOK)) == ["09:00 * bob waves"]
    assert shown(render.message(attrs.evolve(wave, edited=AT), LOOK)) == ["09:00 (edited) * bob waves"]
    mine = attrs.evolve(wave, sender="alice")
    assert shown(render.message(mine, LOOK)) == ["09:00 ✓ * alice waves"]
    private = attrs.evolve(mine, to="bob", room="@b")
    assert shown(render.message(private, LOOK)) == ["09:00 ✓ * alice → bob waves"]
    edit = Edited(room="lobby", seq=7, at=AT, sender="bob", target=1, text="nods", action=True)
    assert shown(render.message(edit, LOOK)) == ["09:00 edited 1: * bob nods"]
    assert ("class:mention", "waves at @alice") in render.message(
        attrs.evolve(wave, text="waves at @alice"), LOOK
    )


def test_a_message_is_styled_by_author_and_recipient() -> None:
    assert render.message(said("hi"), LOOK) == [
        ("class:time", "09:00 "), (name_style("bob"), "bob"), ("", "  "), ("", "hi"), ("", "\n"),
    ]  # fmt: skip
    assert render.message(said("hi", "alice", "bob"), LOOK) == [
        ("class:time", "09:00 "), ("class:me", "alice"), ("class:private", " → "), (name_style("bob"), "bob"),
        ("", " "), ("class:own", "✓ "), ("class:private", "hi"), ("", "\n"),
    ]  # fmt: skip
    assert ("class:mention", "hi @Alice!") in render.message(said("hi @Alice!"), LOOK)
    assert ("", "alice is me") in render.message(said("alice is me", "alice"), LOOK)


def test_times_have_the_given_zone_and_can_be_left_out() -> None:
    berlin = attrs.evolve(LOOK, zone=ZoneInfo("Europe/Berlin"))
    assert shown(render.message(said("hi"), berlin)) == ["10:00 bob  hi"]
    assert shown(render.message(said("hi"), attrs.evolve(LOOK, timestamps=False))) == ["bob  hi"]


@given(texts, names, st.none() | names, looks)
@example("ᄀ" * 80, "bob", None, NARROW)
@example("क्" * 80, "bob", None, NARROW)
@example("\u0600" * 80 + "a", "bob", None, NARROW)
@example("👨\u200d" * 80, "bob", None, NARROW)
@example("日" * 80, "日" * 60, "日" * 60, NARROW)
@example(" " * 80 + "x" * 80, "bob", None, NARROW)
@example("\u3000" * 80 + "日" * 80, "bob", None, NARROW)
def test_no_line_of_a_message_is_too_wide_or_does_harm(
    text: str, sender: str, to: str | None, look: Look
) -> None:
    check(render.message(said(text, sender, to), look), look)


@pytest.mark.parametrize("width", [-1, 0, 1, 5])
def test_a_terminal_of_no_width_is_no_reason_to_fail(width: int) -> None:
    look = attrs.evolve(LOOK, width=width)
    assert shown(render.message(said("hi " * 30), look))
    assert shown(render.day(date(2026, 11, 21), look))


@pytest.mark.parametrize(
    ("text", "me", "mentioned"),
    [
        ("hi alice", "alice", False),
        ("@alice: look", "alice", True),
        ("alice: look", "alice", True),
        ("look, alice: there", "alice", False),
        ("ALICE: look", "alice", True),
        ("@ALICE!", "alice", True),
        ("@alice's", "alice", True),
        ("is it @alice.", "alice", True),
        ("(@alice)", "alice", True),
        ("日本、@alice、", "alice", True),
        ("@malice", "alice", False),
        ("@alices", "alice", False),
        ("@alice-2 is here", "alice", False),
        ("@x.alice", "alice", False),
        ("me@alice.example", "alice", False),
        ("@guest-71", "guest-7", False),
        ("hi @guest-7, yes", "guest-7", True),
        ("@a.c", "a.c", True),
        ("@abc", "a.c", False),
        ("hi", "", False),
        ("@ЖЕНЯ привет", "женя", True),
    ],
)
def test_a_mention_is_the_whole_name_in_any_case(text: str, me: str, mentioned: bool) -> None:
    assert render.is_mention(text, me) is mentioned


def test_long_messages_are_folded() -> None:
    lines = shown(render.message(said("\n" * 3999 + "x"), LOOK))
    assert len(lines) == render.MOST_LINES + 1
    assert lines[-1].endswith("… 3960 more lines")
    assert len(shown(render.message(said("x\n" * render.MOST_LINES), LOOK))) == render.MOST_LINES


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (Joined(room="lobby", users=["bob", "carol"]), "→ bob, carol joined"),
        (Left(room="lobby", users=["bob"]), "← bob left"),
        (Left(room="lobby", users=[]), "←  left"),
        (Renamed(old="bob", new="robert"), "bob is now robert"),
        (Joined(room="lobby", users=["b\x1b"]), "→ b␛ joined"),
        (
            Joined(room="lobby", users=[f"user{i}" for i in range(40)]),
            "→ user0, user1, user2, user3, user4 and 35 more joined",
        ),
    ],
)
def test_presence(event: Joined | Left | Renamed, line: str) -> None:
    fragments = render.presence(event, LOOK)
    assert shown(fragments) == [line]
    assert {style for style, _ in fragments} == {"class:presence", ""}


def test_a_day() -> None:
    assert shown(render.day(date(2026, 11, 1), LOOK)) == ["── Sunday 1 November 2026 ".ljust(60, "─")]


@pytest.mark.parametrize(
    ("error", "lines"),
    [
        (Error(code="x", message="no"), ["✗ no"]),
        (ChatError("bad-usage", "no", usage="send TEXT"), ["✗ no", "  /send TEXT"]),
        (Error(code="x", message="no", usage="send TEXT"), ["✗ no", "  /send TEXT"]),
        (Error(code="x", message="no", usage="/to [NAME]"), ["✗ no", "  /to [NAME]"]),
        (Error(code="muted", message="no", retry_after=600), ["✗ no", "  works again in 10m"]),
        (Error(code="rate-limited", message="wait 0.1 s", retry_after=0.1), ["✗ wait 0.1 s"]),
        (Error(code="x", message="a\x1bb", usage="c\x1bd"), ["✗ a␛b", "  /c␛d"]),
    ],
)
def test_a_refusal(error: Error | ChatError, lines: list[str]) -> None:
    assert shown(render.refusal(error, LOOK)) == lines


def test_a_notice() -> None:
    assert render.notice("a\x07", LOOK) == [("class:notice", "· "), ("class:notice", "a␇"), ("", "\n")]


@given(st.lists(texts, min_size=6, max_size=6), looks)
def test_hostile_names_are_clean_and_fit(parts: list[str], look: Look) -> None:
    a, b, c, d, e, f = parts
    for event in (Joined(room=a, users=parts), Left(room=a, users=[d]), Renamed(old=e, new=f)):
        check(render.presence(event, look), look)
    check(render.refusal(Error(code=a, message=b, usage=c, retry_after=5), look), look)
    check(render.notice(d, look), look)
