"""Rendered replies."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpchat.protocol import (
    Bye,
    Cancelled,
    CommandInfo,
    Edited,
    Error,
    FieldInfo,
    Help,
    History,
    Log,
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
from tcpchat.repl.model.place import Place
from tcpchat.repl.view import render_replies
from tcpchat.repl.view.text import Look
from tests.repl.view.rendering import AT, LOOK, check, looks, said, shown, texts

MESSAGES = [attrs.evolve(said("a"), seq=4), said("b", "carol", "alice")]
PENDING = [
    PendingMessage(number=1, at=AT, room="lobby", text="tea"),
    PendingMessage(number=22, at=AT, room="@b", username="bob", text="x"),
]
USERS = [
    UserInfo(name="bob", since=AT),
    UserInfo(name="x", since=AT, muted_until=AT),
    UserInfo(name="carol", since="soon"),
]
REPLIES: list[tuple[Reply, list[str]]] = [
    (Sent(room="lobby", seq=1, at=AT), []),
    (
        Scheduled(number=1, room="lobby", at=AT),
        ["· 21 Nov 09:00 → lobby: scheduled as 1; /cancel 1 stops it"],
    ),
    (Schedule(messages=[], more=False), ["· nothing is scheduled"]),
    (
        Schedule(messages=PENDING, more=True),
        [
            "  1  21 Nov 09:00 → lobby  tea",
            " 22  21 Nov 09:00 → bob  x",
            "· there are more: /scheduled --after 22",
        ],
    ),
    (Cancelled(number=1, text="tea"), ["· cancelled 1: tea"]),
    (Renamed(old="a", new="b"), ["· you are now b"]),
    (
        Users(users=USERS, more=True),
        [
            "3 users",
            "bob 21 Nov 09:00  carol --:--",
            "x 21 Nov 09:00 muted until 21 Nov 09:00",
            "· there are more: /users --after carol",
        ],
    ),
    (Users(users=[], more=False), ["0 users"]),
    (History(room="lobby", messages=[], more=False), ["· no messages"]),
    (
        History(username="bob", messages=MESSAGES, more=True),
        [
            "── Saturday 21 November 2026 ".ljust(60, "─"),
            "09:00 bob  a",
            "09:00 carol → alice  b",
            "· there are more: /history -u bob --before 4",
        ],
    ),
    (Log(room="lobby", events=[], first=1, more=False), ["· no events"]),
    (
        Log(
            room="@b",
            username="bob",
            events=[
                attrs.evolve(said("a"), seq=4),
                Edited(room="@b", seq=5, at=AT, sender="bob", target=4, text="b"),
                attrs.evolve(said(""), seq=6, ignored=True),
                Unknown(fields={"type": "later", "seq": 7}),
            ],
            first=1,
            more=True,
        ),
        [
            "── Saturday 21 November 2026 ".ljust(60, "─"),
            "     4 09:00 bob  a",
            "     5 09:00 bob edited 4: b",
            "· there are more: /log -u bob --after 7",
        ],
    ),
    (Reported(username="bob", reports=1), ["· bob was reported: 1 report"]),
    (
        Reported(username="bob", reports=4, muted_until=AT),
        ["· bob was reported: 4 reports; muted until 21 Nov 09:00"],
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
            "  /ping  check that the server answers, and get its time",
            "fields",
            "  id (JSON)  returned as `re` of the reply",
            "examples",
            "  /ping",
            '  {"type":"ping"}',
        ],
    ),
    (Pong(at=AT), ["· pong; the server's clock says 09:00"]),
    (Bye(code="exit", message="bye, bob"), ["· bye, bob"]),
    (Error(code="x", message="no"), ["✗ no"]),
    (Schema(schema={"a": [1]}), ["{", '  "a": [', "    1", "  ]", "}"]),
    (
        Unknown(fields={"type": "later\x1b", "n": [1], "text": "a\nb", "token": "t-secret", "none": None}),
        ["· the server answered with later␛", "  n     [1]", "  text  a⏎b"],
    ),
]  # fmt: skip


def test_a_scheduled_action_is_shown_as_one() -> None:
    page = Schedule(messages=[attrs.evolve(PENDING[0], action=True)], more=False)
    assert shown(render_replies.reply(page, LOOK)) == ["  1  21 Nov 09:00 → lobby  * tea"]


@pytest.mark.parametrize(("reply", "lines"), REPLIES, ids=[type(reply).__name__ for reply, _ in REPLIES])
def test_a_reply(reply: Reply, lines: list[str]) -> None:
    assert shown(render_replies.reply(reply, LOOK)) == lines


def test_the_next_page_of_the_lobby_is_named_where_the_prompt_is_elsewhere() -> None:
    look = attrs.evolve(LOOK, place=Place.direct("bob"))
    page = History(room="lobby", messages=[said("a")], more=True)
    assert shown(render_replies.reply(page, look))[-1] == "· there are more: /history -r lobby --before 1"
    assert shown(render_replies.history(page, LOOK, newer=True))[-1] == "· there are more: /history --after 1"


@pytest.mark.parametrize("reply", [reply for reply, _ in REPLIES] + [explain(None), explain("send")])
@pytest.mark.parametrize("width", [20, 33, 80, 200])
def test_no_line_of_a_reply_is_too_wide(reply: Reply, width: int) -> None:
    look = attrs.evolve(LOOK, width=width)
    check(render_replies.reply(reply, look), look)


def test_the_summaries_of_help_are_aligned() -> None:
    look = attrs.evolve(LOOK, width=100)
    lines = shown(render_replies.reply(explain(None), look))
    assert "  /help [COMMAND]                list the commands, or explain one" in lines
    assert "                                 send a message to everyone or to one user, now or later" in lines


@given(st.lists(texts, min_size=6, max_size=6), looks)
def test_hostile_replies_are_clean_and_fit(parts: list[str], look: Look) -> None:
    a, b, c, d, e, f = parts
    message = Message(room=a, seq=1, at=d, sender=a, to=b, text=c)
    field = FieldInfo(name=f, required=True, plain=c, help=d)
    command = CommandInfo(name=f, usage=a, summary=b, fields=[field], examples=[e])
    pending = PendingMessage(number=1, at=b, room=c, text=d)
    answers: list[Reply] = [
        Users(users=[UserInfo(name=a, since=b, muted_until=c), UserInfo(name=d, since=e, away=f)], more=True),
        History(messages=[message, said(f)], username=e, more=True),
        Schedule(messages=[pending, attrs.evolve(pending, username=e)], more=True),
        Scheduled(number=1, room="@b", username=a, at=b),
        Cancelled(number=1, text=a),
        Reported(username=a, reports=2, muted_until=b),
        Renamed(old=a, new=b),
        Bye(code=a, message=b),
        Help(commands=[command]),
        Schema(schema={"a": a}),
        Unknown(fields={"type": b}),
        Status(
            server=a, uptime=1.0, users=1, connections=1, messages=1, messages_per_minute=1, scheduled=1,
            limits={b: 1.0},
        ),
    ]  # fmt: skip
    for answer in answers:
        check(render_replies.reply(answer, look), look)
