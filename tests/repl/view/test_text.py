"""Parts of everything rendered: names, times, markers, tables."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpchat.protocol import History, Message
from tcpchat.repl.model.delivery import DeliveryState
from tcpchat.repl.view import render_replies
from tcpchat.repl.view.text import (
    Look,
    counted,
    hang,
    hour,
    in_columns,
    in_rows,
    local_time,
    moment,
    name_style,
    ticks,
    titled,
    with_local_times,
)
from tcpchat.repl.view.theme import NAME_COLOURS
from tests.repl.view.rendering import AT, LOOK, check, looks, shown, texts


def test_the_style_of_a_name_is_the_same_everywhere() -> None:
    assert name_style("bob") == "class:name.8"
    assert name_style("bob", "bob") == "class:me"
    assert {name_style(str(i)) for i in range(500)} == {f"class:name.{i}" for i in range(NAME_COLOURS)}
    assert name_style("\ud800").startswith("class:name.")


def test_without_colours_all_states_differ() -> None:
    assert len({ticks(state, colours=False)[1] for state in DeliveryState}) == len(DeliveryState)
    assert len({ticks(state, colours=True) for state in DeliveryState}) == len(DeliveryState)


@pytest.mark.parametrize(
    ("at", "time"),
    [
        (AT, datetime(2026, 11, 21, 9, 0, 0, 123000, UTC)),
        ("2026-11-21T10:00:00.123+01:00", datetime(2026, 11, 21, 9, 0, 0, 123000, UTC)),
        ("2026-11-21T09:00:00", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("soon", None),
        (5, None),
        (None, None),
    ],
)
def test_a_time_of_the_wire_that_cannot_be_read_is_none(at: object, time: datetime | None) -> None:
    assert local_time(at, UTC) == time
    assert (moment(at, LOOK) == "--:--") is (time is None)


@pytest.mark.parametrize(
    ("text", "local"),
    [
        ("until 2026-11-29T23:08:36.574Z", "until 30 Nov 00:08"),
        ("until 2026-07-01T22:30:00Z, or not", "until 2 Jul 00:30, or not"),
        ("from 2026-11-29T00:00:00.000Z to 2026-11-29T01:00:00.000Z", "from 29 Nov 01:00 to 29 Nov 02:00"),
        ("2026-99-99T00:00:00Z", "2026-99-99T00:00:00Z"),
        ("no time", "no time"),
    ],
)
def test_times_in_a_sentence_are_local(text: str, local: str) -> None:
    assert with_local_times(text, ZoneInfo("Europe/Berlin")) == local


def test_a_number_has_its_noun() -> None:
    assert [counted(n, "message") for n in (0, 1, 2)] == ["0 messages", "1 message", "2 messages"]


def test_cells_stand_beside_each_other_as_long_as_they_fit() -> None:
    look = attrs.evolve(LOOK, width=20)
    cells = [[("", name)] for name in ("ann", "bob", "carol", "dave")]
    assert shown(in_columns([*cells], look)) == ["ann    bob", "carol  dave"]
    assert in_columns([], look) == []


def test_pairs_stand_in_two_columns_or_below_each_other() -> None:
    look = attrs.evolve(LOOK, width=30)
    assert shown(in_rows([("a", "one"), ("abc", "two")], look)) == ["  a    one", "  abc  two"]
    wide = shown(in_rows([("a", "one"), ("x" * 20, "two")], look))
    assert wide == ["  a  one", "  " + "x" * 20, "     two"]


@given(st.lists(texts, min_size=2, max_size=6), looks)
def test_tables_are_clean_and_fit(parts: list[str], look: Look) -> None:
    check(in_rows(list(zip(parts, reversed(parts), strict=True)), look), look)
    check(titled("x" * 200, look), look)
    check(hang([("", "head ")], "", "word " * 50, look), look)


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the machine be in Berlin, without a file of time zones."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize(
    ("at", "shown"),
    [
        ("2026-07-01T22:30:00.000Z", "2 Jul 00:30"),
        ("2026-11-30T22:30:00.000Z", "30 Nov 23:30"),
        ("2026-10-25T00:59:59.000Z", "25 Oct 02:59"),
        ("2026-10-25T01:00:00.000Z", "25 Oct 02:00"),
        ("2026-03-29T00:59:59.000Z", "29 Mar 01:59"),
        ("2026-03-29T01:00:00.000Z", "29 Mar 03:00"),
        ("0001-01-01T00:00:00.000Z", None),
    ],
)
def test_a_time_of_another_season_has_the_offset_of_that_season(
    berlin: None, at: str, shown: str | None
) -> None:
    look = attrs.evolve(LOOK, zone=None)
    if shown is None:  # the system need not know it
        assert moment(at, look)
    else:
        assert moment(at, look) == shown
        assert hour(at, look) == shown[-5:]


def test_a_message_stands_under_the_day_that_it_was_on_in_its_season(berlin: None) -> None:
    messages = [
        Message(room="lobby", seq=seq, at=f"{at}.000Z", sender="bob", text="hi")
        for seq, at in enumerate(["2026-07-01T21:30:00", "2026-07-01T22:30:00", "2026-11-30T22:30:00"], 1)
    ]
    look = attrs.evolve(LOOK, zone=None)
    lines = shown(render_replies.reply(History(room="lobby", messages=messages, more=False), look))
    assert [line.strip("─ ") for line in lines] == [
        *("Wednesday 1 July 2026", "23:30 bob  hi", "Thursday 2 July 2026", "00:30 bob  hi"),
        *("Monday 30 November 2026", "23:30 bob  hi"),
    ]


def test_a_long_link_stands_at_the_beginning_of_a_line() -> None:
    link = "https://example.org/" + "x" * 60
    head = [("class:me", "alice  ")]
    assert shown(hang(head, "", f"see {link} and more", LOOK)) == ["alice  see", link, "       and more"]
    short = "https://example.org/" + "x" * 25
    assert shown(hang(head, "", f"see it at {short}", LOOK)) == ["alice  see it at", f"       {short}"]
