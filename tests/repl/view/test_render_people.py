"""Rendered replies about people: sessions, markers, who is away."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpchat.client import Reconnected
from tcpchat.protocol import REPLIES as ALL_REPLIES
from tcpchat.protocol import (
    Absent,
    Away,
    Back,
    ConversationInfo,
    Conversations,
    History,
    Ignoring,
    LoggedIn,
    LoggedOut,
    Message,
    PasswordChanged,
    Read,
    Receipts,
    Registered,
    Reply,
    Resumed,
    Revoked,
    SessionInfo,
    Sessions,
    Unread,
    UnreadInfo,
    UserInfo,
    Users,
    Whois,
)
from tcpchat.repl.view import render, render_people, render_replies
from tcpchat.repl.view.render_people import DATA_RESET, back
from tcpchat.repl.view.text import Look, plain
from tests.repl.view.rendering import AT, LOOK, check, looks, shown, texts

WIDE = attrs.evolve(LOOK, width=100)
MONO = attrs.evolve(WIDE, colours=False)
SESSION: dict[str, Any] = {"device": "laptop", "address": "10.0.0.7", "since": AT, "used": AT}
SESSIONS = [
    SessionInfo(number=1, here=True, current=True, **SESSION),
    SessionInfo(number=12, here=True, current=False, **SESSION | {"device": ""}),
    SessionInfo(number=13, here=False, current=False, **SESSION),
]
ROOMS = [
    UnreadInfo(room="lobby", count=12, mentioned=True, read=1, seq=13),
    UnreadInfo(username="bob", room="@b", count=3, mentioned=False, read=1, seq=4),
]
DIRECT_ROOMS = [
    ConversationInfo(username="bob", room="@b", seq=4, read=4, delivered=4, seen=2),
    ConversationInfo(username="eve", room="@e", seq=1, read=0, delivered=1, seen=1),
    ConversationInfo(username="zoe", room="@z", seq=2, read=1, delivered=1),
]
REPLIES: list[tuple[Reply, list[str]]] = [
    (Resumed(user="alice", registered=True, session=2, seq=1), ["· you are alice (registered)"]),
    (Resumed(user="alice", registered=False, session=2, seq=1), ["· you are alice"]),
    (LoggedIn(user="alice", session=2, token="t-secret", seq=1), ["· you are alice (registered)"]),
    (LoggedOut(user="guest-2", token="t-secret"), ["· you are logged out, and now a new guest: guest-2"]),
    (LoggedOut(), ["· you are logged out; /login NAME logs in again"]),
    (
        Registered(user="alice"),
        ["· alice is now registered to you. On another device, type: /login alice"],
    ),
    (PasswordChanged(revoked=0), ["· your password is changed"]),
    (PasswordChanged(revoked=1), ["· your password is changed; your other session has ended"]),
    (PasswordChanged(revoked=2), ["· your password is changed; your 2 other sessions have ended"]),
    (
        Sessions(sessions=SESSIONS),
        [
            "3 sessions",
            "  1  laptop · 10.0.0.7 · since 21 Nov 09:00 · this session",
            " 12  no name · 10.0.0.7 · since 21 Nov 09:00 · connected",
            " 13  laptop · 10.0.0.7 · since 21 Nov 09:00 · last used 21 Nov 09:00",
        ],
    ),
    (
        Sessions(sessions=SESSIONS[:1]),
        ["1 session", "  1  laptop · 10.0.0.7 · since 21 Nov 09:00 · this session"],
    ),
    (Revoked(number=3), ["· session 3 has ended"]),
    (Read(room="lobby", seq=812), ["· the lobby is marked as read up to 812"]),
    (Read(username="bob", room="@b", seq=3), ["· your conversation with bob is marked as read up to 3"]),
    (Unread(rooms=ROOMS), ["· unread: lobby 12 (you are mentioned), bob 3"]),
    (Unread(rooms=[]), ["· nothing is unread"]),
    (
        Conversations(conversations=DIRECT_ROOMS, more=True),
        [
            "  bob  ✓✓  4 messages, all read",
            "  eve  ✓✓  1 message, read up to 0",
            "  zoe  2 messages, read up to 1",
            "· there are more: /conversations --after @z",
        ],
    ),
    (Conversations(conversations=[], more=False), ["· no private conversations yet"]),
    (Receipts(on=True), ["· read receipts are on, for both sides"]),
    (Receipts(on=False), ["· read receipts are off, for both sides"]),
    (Away(text="lunch", since=AT), ["· others see that you are away: lunch. /back ends it"]),
    (Away(text="", since=AT), ["· others see that you are away. /back ends it"]),
    (Back(), ["· you are no longer away"]),
    (
        Whois(name="bob", registered=True, here=True, since=AT, away="lunch", away_since=AT, muted_until=AT),
        [
            "  bob    registered since 21 Nov 09:00",
            "  here   connected now",
            "  away   lunch (since 21 Nov 09:00)",
            "  muted  until 21 Nov 09:00",
        ],
    ),
    (
        Whois(name="bob", registered=False, here=False, since=AT, seen=AT),
        ["  bob      a guest since 21 Nov 09:00", "  offline  last connected 21 Nov 09:00"],
    ),
    (Ignoring(users=["bob", "eve"]), ["· you ignore bob, eve"]),
    (Ignoring(users=[]), ["· you ignore nobody"]),
]


@pytest.mark.parametrize(("reply", "lines"), REPLIES, ids=[type(reply).__name__ for reply, _ in REPLIES])
def test_a_reply(reply: Reply, lines: list[str]) -> None:
    assert shown(render_replies.reply(reply, WIDE)) == lines
    for width in (20, 33, 80):
        look = attrs.evolve(LOOK, width=width)
        check(render_replies.reply(reply, look), look)


def test_each_reply_about_people_is_rendered() -> None:
    assert {type(reply) for reply, _ in REPLIES} == set(render_people.REPLIES)
    assert set(render_people.REPLIES) | set(render_replies._REPLIES) <= set(ALL_REPLIES)


def test_a_reply_without_a_rendering_of_its_own_is_shown_by_its_fields() -> None:
    one = Whois(name="bob", since=AT, registered=True, here=True)
    assert shown(render_replies.by_fields(one, WIDE)) == [
        "· the server answered with whois",
        "  name        bob",
        "  registered  true",
        "  here        true",
        f"  since       {AT}",
    ]
    for reply, _ in REPLIES:
        assert "t-secret" not in plain(render_replies.by_fields(reply, WIDE))


def test_no_token_is_ever_shown() -> None:
    for reply, _ in REPLIES:
        assert "t-secret" not in plain(render_replies.reply(reply, WIDE)) + repr(reply)


def test_without_colours_read_is_a_word() -> None:
    lines = shown(render_replies.reply(Conversations(conversations=DIRECT_ROOMS, more=False), MONO))
    assert lines[:2] == ["  bob  ✓✓  4 messages, all read", "  eve  ✓✓ (read)  1 message, read up to 0"]


# Users who are away, or registered.


def test_away_and_muted_users_have_a_line_each() -> None:
    users = [
        UserInfo(name="ann", since=AT, registered=True),
        UserInfo(name="bob", since=AT, away="lunch\nback at one", registered=True),
        UserInfo(name="eve", since=AT, away="", muted_until=AT),
        UserInfo(name="zoe", since=AT),
    ]
    assert shown(render_replies.reply(Users(users=users, more=False), WIDE)) == [
        "4 users",
        "ann 21 Nov 09:00 registered  zoe 21 Nov 09:00",
        "bob 21 Nov 09:00 registered away: lunch⏎back at one",
        "eve 21 Nov 09:00 muted until 21 Nov 09:00 away",
    ]


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (
            Absent(username="bob", here=False),
            "· bob is offline; your message will be delivered when bob is back",
        ),
        (Absent(username="bob", here=True, text="", since=AT), "· bob is away"),
        (Absent(username="bob", here=True, text="lu\x1bnch", since=AT), "· bob is away: lu␛nch"),
    ],
)
def test_an_absent_user(event: Absent, line: str) -> None:
    assert shown(render_people.absent(event, WIDE)) == [line]


def test_an_event_without_unread_rooms_shows_nothing() -> None:
    assert render_people.unread(Unread(rooms=[]), WIDE) == []
    assert shown(render_people.unread(Unread(rooms=ROOMS), WIDE)) == [
        "· unread: lobby 12 (you are mentioned), bob 3"
    ]


@pytest.mark.parametrize(("count", "hint"), [(20, False), (21, True)])
def test_hidden_unread_messages_have_a_hint(count: int, hint: bool) -> None:
    places = [
        UnreadInfo(room="lobby", count=count, mentioned=False, read=1, seq=90),
        UnreadInfo(room="@b", username="bob", count=99, mentioned=False, read=1, seq=100),
    ]
    line = " ".join(shown(render_people.unread(Unread(rooms=places), WIDE)))
    assert ("/history --unread shows" in line) is hint


# Ticks.


def private(seq: int, sender: str = "alice", **fields: Any) -> Message:
    to = "bob" if sender == "alice" else "alice"
    return Message(to=to, room="@b", seq=seq, at=AT, sender=sender, text="hi", **fields)


MARKERS = {"@b": (3, 2), "@c": (9, 9)}


@pytest.mark.parametrize(
    ("seq", "colours", "mark", "style"),
    [
        (4, True, "✓ ", "class:own"),
        (3, True, "✓✓ ", "class:receipt"),
        (2, True, "✓✓ ", "class:receipt.seen"),
        (3, False, "✓✓ ", "class:receipt"),
        (2, False, "✓✓ (read) ", "class:receipt.seen"),
    ],
)
def test_an_own_message_in_history_has_its_ticks(seq: int, colours: bool, mark: str, style: str) -> None:
    look = attrs.evolve(LOOK, markers=MARKERS, colours=colours)
    assert (style, mark) in render.message(private(seq), look)
    again = render_replies.history(History(username="bob", messages=[private(seq)], more=False), look)
    assert (style, mark) in again


def test_others_and_the_lobby_have_no_more_ticks_than_before() -> None:
    look = attrs.evolve(LOOK, markers={"lobby": (0, 0)} | MARKERS)
    assert shown(render.message(private(1, "bob"), look)) == ["09:00 bob → alice  hi"]
    said = Message(room="lobby", seq=1, at=AT, sender="alice", text="hi")
    assert shown(render.message(said, attrs.evolve(LOOK, markers=MARKERS))) == ["09:00 alice ✓ hi"]


def test_messages_of_ignored_users_are_not_in_history() -> None:
    messages = [private(1, "bob", ignored=True), private(3)]
    lines = shown(render_replies.history(History(username="bob", messages=messages, more=False), LOOK))
    assert [line for line in lines if "──" not in line] == ["09:00 alice → bob ✓ hi"]


def test_the_next_unread_page_has_a_cursor() -> None:
    page = History(messages=[private(1)], more=True, cursor=7)
    assert shown(render_replies.reply(page, LOOK))[-1] == "· there are more: /history --unread --cursor 7"
    page = History(username="bob", messages=[private(1)], more=True, cursor=7)
    assert (
        shown(render_replies.reply(page, LOOK))[-1] == "· there are more: /history --unread -u bob --cursor 7"
    )


@given(st.lists(texts, min_size=6, max_size=6), looks)
def test_hostile_replies_are_clean_and_fit(parts: list[str], look: Look) -> None:
    a, b, c, d, e, f = parts
    session = SessionInfo(number=1, device=a, address=b, since=c, used=d, here=False, current=False)
    unread = UnreadInfo(room=a, count=1, mentioned=True, read=0, seq=1)
    direct = ConversationInfo(username=a, room=b, seq=1, read=0, delivered=0)
    answers: list[Reply] = [
        Resumed(user=a, registered=True, session=1, seq=1),
        LoggedOut(user=b),
        Registered(user=c),
        Sessions(sessions=[session, attrs.evolve(session, current=True)]),
        Read(room="@b", username=a, seq=1),
        Read(room=b, seq=1),
        Unread(rooms=[unread, attrs.evolve(unread, username=c)]),
        Conversations(conversations=[direct], more=True),
        Away(text=a, since=b),
        Whois(name=a, registered=False, here=False, since=b, seen=c, away=d, away_since=e, muted_until=f),
        Ignoring(users=parts),
        Users(users=[UserInfo(name=a, since=b, registered=True, away=c)], more=False),
    ]
    for answer in answers:
        check(render_replies.reply(answer, look), look)
    check(render_people.absent(Absent(username=a, here=True, text=b), look), look)
    check(render_people.absent(Absent(username=c, here=False), look), look)


BACK = {"user": "alice", "seconds": 4.0, "missed": 0}


RESTORED = BACK | {"data_reset": True, "same_user": False}


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        (BACK, "back as alice after 0:04; nothing new"),
        (BACK | {"missed": 1}, "back as alice after 0:04; 1 message was missed:"),
        (BACK | {"missed": 2}, "back as alice after 0:04; 2 messages were missed:"),
        (BACK | {"user": ""}, "back after 0:04, not logged in: /login NAME logs in"),
        (RESTORED, f"back as alice, a new guest, after 0:04; {DATA_RESET}. Its lobby is empty"),
        (
            RESTORED | {"registered": True, "missed": 1},
            f"back as alice, logged in again, after 0:04; {DATA_RESET}. 1 message of its lobby follows:",
        ),
        (
            RESTORED | {"same_user": True, "missed": 3},
            f"back as alice after 0:04; {DATA_RESET}. 3 messages of its lobby follow:",
        ),
        (
            RESTORED | {"user": ""},
            f"back after 0:04, not logged in: /login NAME logs in; {DATA_RESET}",
        ),
    ],
)
def test_one_sentence_after_a_reconnect(fields: dict[str, Any], text: str) -> None:
    assert back(Reconnected(**fields)) == text
