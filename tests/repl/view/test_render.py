"""How things look, and that no line is wider than the terminal or does anything to it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from unicodedata import category
from zoneinfo import ZoneInfo

import attrs
import pytest
import wcwidth
from hypothesis import example, given
from hypothesis import strategies as st
from prompt_toolkit.styles import Style

from tcpchat.errors import ChatError
from tcpchat.protocol import (
    Bye,
    Cancelled,
    CommandInfo,
    Error,
    Event,
    FieldInfo,
    Help,
    History,
    Joined,
    Left,
    Message,
    PendingMessage,
    Pong,
    Renamed,
    Reply,
    Reported,
    Schedule,
    Scheduled,
    Schema,
    Sent,
    Status,
    Unknown,
    UserInfo,
    Users,
    explain,
)
from tcpchat.repl.view import render, wrap
from tcpchat.repl.view import render_replies as replies
from tcpchat.repl.view import text as shape
from tcpchat.repl.view.clean import clean
from tcpchat.repl.view.text import Fragments, Look, name_style, plain
from tcpchat.repl.view.theme import NAME_COLOURS, STYLES

AT = "2026-11-21T09:00:00.123Z"
LOOK = Look(width=60, me="alice", zone=UTC)
NARROW = attrs.evolve(LOOK, width=20)
ODD = "a bc,\n\t 日本、🇩🇪👨\u200d👩\U0001f3fb\ufe0f\u0301"
ODD += "\u0915\u094d\u093f\u1100\u1161\u0600\ufdfd\u3000\u00a0ж\x1b"
texts = st.text(max_size=60) | st.text(ODD, max_size=80)
names = st.text(max_size=12) | st.text(ODD, max_size=40) | st.just("x" * 128)
looks = st.builds(attrs.evolve, st.just(LOOK), width=st.integers(20, 90), timestamps=st.booleans())


def said(text: str, sender: str = "bob", to: str | None = None, at: str = AT) -> Message:
    return Message(room="@b" if to else "lobby", to=to, seq=1, at=at, sender=sender, text=text)


def shown(fragments: Fragments) -> list[str]:
    text = plain(fragments)
    assert not text or text.endswith("\n")
    return text.split("\n")[:-1]


def is_part(char: str) -> bool:
    """Say whether a character is harmless as a part of another."""
    return category(char)[0] == "M" or char in "\u200c\u200d" or "\U000e0020" <= char <= "\U000e007f"


def check(fragments: Fragments, look: Look) -> None:
    """Assert what holds for everything rendered."""
    assert not fragments or fragments[-1][1] == "\n"
    for line in shown(fragments):
        assert wrap.columns(line) <= look.width, line
        assert wcwidth.wcswidth(line) <= look.width, line
        assert all(clean(char) == char or is_part(char) for char in line), line


# Messages.


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
        (said("👨‍👩‍👧‍👦" * 25), ["09:00 bob  " + "👨‍👩‍👧‍👦" * 24, "           👨‍👩‍👧‍👦"]),
        (said("hi", "x" * 20), ["09:00 " + "x" * 20 + "  hi"]),
        (said("a " * 20, "x" * 20), ["09:00 " + "x" * 20 + "  " + "a " * 15 + "a", "      a a a a"]),
        (said("hi", "x" * 56), ["09:00 ", "x" * 56 + "  ", "      hi"]),
        (said(" " * 40 + "x" * 12), ["09:00 bob  " + " " * 36 + "x" * 12]),
    ],
)  # fmt: skip
def test_a_message(message: Message, lines: list[str]) -> None:
    assert shown(render.message(message, LOOK)) == lines


def test_a_message_is_styled_by_who_says_it_to_whom() -> None:
    assert render.message(said("hi"), LOOK) == [
        ("class:time", "09:00 "), (name_style("bob"), "bob"), ("", "  "), ("", "hi"), ("", "\n"),
    ]  # fmt: skip
    assert render.message(said("hi", "alice", "bob"), LOOK) == [
        ("class:time", "09:00 "), ("class:me", "alice"), ("class:private", " → "), (name_style("bob"), "bob"),
        ("class:own", " ✓ "), ("class:private", "hi"), ("", "\n"),
    ]  # fmt: skip
    assert ("class:mention", "hi @Alice!") in render.message(said("hi @Alice!"), LOOK)
    assert ("", "alice is me") in render.message(said("alice is me", "alice"), LOOK)


def test_times_are_of_the_injected_zone_and_can_be_left_out() -> None:
    berlin = attrs.evolve(LOOK, zone=ZoneInfo("Europe/Berlin"))
    assert shown(render.message(said("hi"), berlin)) == ["10:00 bob  hi"]
    assert shown(render.message(said("hi"), attrs.evolve(LOOK, timestamps=False))) == ["bob  hi"]
    assert shape.local_time(AT, UTC) == datetime(2026, 11, 21, 9, 0, 0, 123000, UTC)


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


@given(texts, st.integers(10, 80), st.integers(10, 80))
def test_wrapping_loses_nothing_but_blanks(text: str, first: int, rest: int) -> None:
    line = clean(text).replace("\n", " ")
    lines = wrap.wrap(line, first, rest)
    assert "".join("".join(lines).split()) == "".join(line.split())
    assert wrap.columns(lines[0]) <= first
    assert all(wrap.columns(line) <= rest for line in lines[1:])


def test_what_no_terminal_joins_is_as_wide_as_its_parts() -> None:
    assert wrap.columns("👩🏻‍❤️‍💋‍👨🏼") == 2
    assert wrap.columns("क्" * 40) == 40
    assert wrap.columns("ᄀ" * 40) == 80


def test_no_line_begins_with_a_mark_of_the_line_before() -> None:
    assert wrap.wrap("日日\u093e日", 4, 4) == ["日日\u093e", "日"]
    assert wrap.wrap("日本。日本", 4, 6) == ["日", "本。日", "本"]


@pytest.mark.parametrize("width", [-1, 0, 1, 5])
def test_a_terminal_of_no_width_is_no_reason_to_fail(width: int) -> None:
    look = attrs.evolve(LOOK, width=width)
    assert shown(render.message(said("hi " * 30), look))
    assert shown(render.day(date(2026, 11, 21), look))
    assert shown(replies.reply(Users(users=[UserInfo(name="b", since=AT)], more=True), look))


@pytest.mark.parametrize(
    ("text", "me", "mentioned"),
    [
        ("hi alice", "alice", True),
        ("@alice: look", "alice", True),
        ("ALICE!", "alice", True),
        ("alice's", "alice", True),
        ("is it alice.", "alice", True),
        ("(alice)", "alice", True),
        ("日本、alice、", "alice", True),
        ("malice", "alice", False),
        ("alices", "alice", False),
        ("alice-2 is here", "alice", False),
        ("x.alice", "alice", False),
        ("me@alice.example", "alice", False),
        ("guest-71", "guest-7", False),
        ("hi guest-7, yes", "guest-7", True),
        ("a.c", "a.c", True),
        ("abc", "a.c", False),
        ("hi", "", False),
        ("ЖЕНЯ привет", "женя", True),
    ],
)
def test_a_mention_is_the_whole_name_in_any_case(text: str, me: str, mentioned: bool) -> None:
    assert render.is_mention(text, me) is mentioned


# Colours.


def test_the_style_of_a_name_is_the_same_everywhere() -> None:
    assert name_style("bob") == "class:name.8"
    assert name_style("bob", "bob") == "class:me"
    assert {name_style(str(i)) for i in range(500)} == {f"class:name.{i}" for i in range(NAME_COLOURS)}
    assert name_style("\ud800").startswith("class:name.")


def luminance(colour: str) -> float:
    """Return the relative luminance of `#rrggbb` (WCAG 2.2)."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize(
    ("theme", "ground"),
    [("dark", "#1e1e1e"), ("dark", "#000000"), ("light", "#ffffff"), ("light", "#fdf6e3")],
)
def test_every_colour_can_be_read(theme: str, ground: str) -> None:
    for role, style in STYLES[theme].items():
        for colour in (word for word in style.split() if word.startswith("#")):
            grounds = [word[3:] for word in style.split() if word.startswith("bg:")] or [ground]
            dim, bright = sorted([luminance(colour), luminance(grounds[0])])
            assert (bright + 0.05) / (dim + 0.05) >= 4.5, role


def test_the_themes_have_the_same_classes_and_names_differ() -> None:
    assert STYLES["dark"].keys() == STYLES["light"].keys() == STYLES["mono"].keys()
    for theme in ("dark", "light"):
        assert len({STYLES[theme][f"name.{i}"] for i in range(NAME_COLOURS)}) == NAME_COLOURS
    allowed = {"noreverse", "bold", "reverse", "underline"}
    assert {word for style in STYLES["mono"].values() for word in style.split()} <= allowed
    for styles in STYLES.values():
        Style.from_dict(styles)


# Other events, and what is refused.


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
        (ChatError("bad-usage", "no", usage="send TEXT"), ["✗ no", "  send TEXT"]),
        (Error(code="x", message="no", usage="send TEXT"), ["✗ no", "  send TEXT"]),
        (Error(code="muted", message="no", retry_after=600), ["✗ no", "  works again in 10m"]),
        (Error(code="rate-limited", message="wait 0.1 s", retry_after=0.1), ["✗ wait 0.1 s"]),
        (Error(code="x", message="a\x1bb", usage="c\x1bd"), ["✗ a␛b", "  c␛d"]),
    ],
)
def test_a_refusal(error: Error | ChatError, lines: list[str]) -> None:
    assert shown(render.refusal(error, LOOK)) == lines


def test_a_notice() -> None:
    assert render.notice("a\x07", LOOK) == [("class:notice", "· "), ("class:notice", "a␇"), ("", "\n")]


# Replies.

MESSAGES: list[Any] = [{"from": "bob", "text": "a", "at": AT, "seq": 4}, said("b", "carol", "alice")]
PENDING: list[Any] = [
    PendingMessage(number=1, at=AT, room="lobby", text="tea"),
    {"number": 22, "at": AT, "username": "bob", "text": "x"},
]
USERS: list[Any] = [
    UserInfo(name="bob", since=AT),
    {"name": "x", "since": AT, "muted_until": AT},
    UserInfo(name="carol", since="soon"),
]
REPLIES: list[tuple[Reply, list[str]]] = [
    (Sent(room="lobby", seq=1, at=AT), []),
    (Scheduled(number=1, room="lobby", at=AT), ["· 21 Nov 09:00 → lobby: scheduled as 1; cancel 1 stops it"]),
    (Schedule(messages=[], more=False), ["· nothing is scheduled"]),
    (
        Schedule(messages=PENDING, more=True),
        [
            "  1  21 Nov 09:00 → lobby  tea",
            " 22  21 Nov 09:00 → bob  x",
            "· there are more: scheduled --after 22",
        ],
    ),
    (Cancelled(number=1, text="tea"), ["· cancelled 1: tea"]),
    (Renamed(old="a", new="b"), ["· you are b now"]),
    (
        Users(users=USERS, more=True),
        [
            "3 users",
            "bob 21 Nov 09:00  carol --:--",
            "x 21 Nov 09:00 muted until 21 Nov 09:00",
            "· there are more: users --after carol",
        ],
    ),
    (Users(users=[], more=False), ["0 users"]),
    (History(room="lobby", messages=[], more=False), ["· nothing was said"]),
    (
        History(username="bob", messages=MESSAGES, more=True),
        [
            "── Saturday 21 November 2026 ".ljust(60, "─"),
            "09:00 bob  a",
            "09:00 carol → alice  b",
            "· there is more: history -u bob --before 4",
        ],
    ),
    (Reported(username="bob", reports=1), ["· bob is reported: 1 report"]),
    (
        Reported(username="bob", reports=4, muted_until=AT),
        ["· bob is reported: 4 reports; muted until 21 Nov 09:00"],
    ),
    (
        Status(
            server="t 1", uptime=61.0, users=1, connections=2, messages=3, messages_per_minute=2, scheduled=1,
            limits={"text_characters": 4000.0, "rate": 0.5, "backlog": 0.0},
        ),
        [
            "  server           t 1",
            "  up               1m1s",
            "  users            1 with 2 connections",
            "  messages         3, 2 in the last minute",
            "  scheduled        1",
            "  text characters  4,000",
            "  rate             0.5",
            "  backlog          unlimited",
        ],
    ),
    (
        explain("ping"),
        [
            "  ping  a sign of life, with the server's time",
            "fields",
            "  id (JSON)  comes back as `re` of the reply",
            "examples",
            "  ping",
            '  {"type":"ping"}',
        ],
    ),
    (Pong(at=AT), ["· pong; the server says that it is 09:00"]),
    (Bye(code="exit", message="bye, bob"), ["· bye, bob"]),
    (Error(code="x", message="no"), ["✗ no"]),
    (Schema(schema={"a": [1]}), ["{", '  "a": [', "    1", "  ]", "}"]),
    (Unknown(fields={"type": "later\x1b"}), ["· the server answered with later␛"]),
]  # fmt: skip


@pytest.mark.parametrize(("reply", "lines"), REPLIES, ids=[type(reply).__name__ for reply, _ in REPLIES])
def test_a_reply(reply: Reply, lines: list[str]) -> None:
    assert shown(replies.reply(reply, LOOK)) == lines


@pytest.mark.parametrize("reply", [reply for reply, _ in REPLIES] + [explain(None), explain("send")])
@pytest.mark.parametrize("width", [20, 33, 80, 200])
def test_no_line_of_a_reply_is_too_wide(reply: Reply, width: int) -> None:
    look = attrs.evolve(LOOK, width=width)
    check(replies.reply(reply, look), look)


def test_the_summaries_of_help_are_aligned() -> None:
    look = attrs.evolve(LOOK, width=100)
    lines = shown(replies.reply(explain(None), look))
    assert "  help [COMMAND]              list the commands, or explain one" in lines
    assert "                              say something to everyone or to one user, now or later" in lines


def loose(*items: object) -> list[Any]:
    """Return items that need not be of the class of a reply's items."""
    return list(items)


@given(st.lists(texts, min_size=8, max_size=8), looks)
def test_whatever_a_server_says_is_clean_and_fits(parts: list[str], look: Look) -> None:
    a, b, c, d, e, f, g, h = parts
    answers: list[Reply] = [
        Users(users=loose({"name": a, "since": b, "muted_until": c}, UserInfo(name=d, since=e)), more=True),
        History(messages=loose({"from": a, "to": b, "text": c, "at": d}, {}, 5), username=e, more=True),
        Schedule(messages=loose({"number": a, "at": b, "room": c, "text": d}, {"username": e}), more=True),
        Scheduled(number=1, room="@b", username=a, at=b),
        Cancelled(number=1, text=a),
        Reported(username=a, reports=2, muted_until=b),
        Renamed(old=a, new=b),
        Bye(code=a, message=b),
        Help(commands=[CommandInfo(
            name=f, usage=a, summary=b, examples=[e],
            fields=[FieldInfo(name=g, required=True, plain=c, help=d)],
        )]),
        Schema(schema={"a": a}),
        Unknown(fields={"type": b}),
        Status(
            server=a, uptime=1.0, users=1, connections=1, messages=1, messages_per_minute=1, scheduled=1,
            limits={b: 1.0},
        ),
    ]  # fmt: skip
    events: list[Event] = [Joined(room=a, users=parts), Left(room=a, users=[h]), Renamed(old=f, new=g)]
    for answer in answers:
        check(replies.reply(answer, look), look)
    for event in events:
        assert isinstance(event, Joined | Left | Renamed)
        check(render.presence(event, look), look)
    check(render.refusal(Error(code=a, message=b, usage=c, retry_after=5), look), look)
    check(render.notice(d, look), look)


def test_nobody_can_push_everything_else_off_the_screen() -> None:
    lines = shown(render.message(said("\n" * 3999 + "x"), LOOK))
    assert len(lines) == render.MOST_LINES + 1
    assert lines[-1].endswith("… 3960 more lines")
    assert len(shown(render.message(said("x\n" * render.MOST_LINES), LOOK))) == render.MOST_LINES
