"""The prompt, the toolbar and the lines of unsent messages."""

from __future__ import annotations

from typing import Any

import pytest

from tcpchat.client import Closed, Offline, Online
from tcpchat.protocol import Send
from tcpchat.repl.model.place import Place
from tcpchat.repl.view.status import SHOWN, Status, changes_at, clock, held_line, prompt, toolbar, waiting
from tcpchat.repl.view.text import plain
from tcpchat.repl.view.widths import columns

AWAY = Offline(since=100.0, retry_at=146.0, reason="it was killed")


def status(**fields: Any) -> Status:
    defaults: dict[str, Any] = {"address": "here:8000", "me": "alice", "state": Online()}
    return Status(**defaults | fields)


@pytest.mark.parametrize(
    ("fields", "now", "says"),
    [
        ({}, 0, "alice → lobby ▸ "),
        ({"place": Place.direct("bob")}, 0, "alice → bob ▸ "),
        ({"question": "y or n"}, 0, "[y or n] ▸ "),
        ({"question": "y or n", "state": AWAY}, 142, "[y or n] ▸ "),
        ({"state": AWAY}, 100, "[offline 0:00, next try in 46 s] alice → lobby ▸ "),
        ({"state": AWAY}, 142, "[offline 0:42, next try in 4 s] alice → lobby ▸ "),
        ({"state": AWAY}, 142.5, "[offline 0:42, next try in 4 s] alice → lobby ▸ "),
        ({"state": AWAY}, 145.9, "[offline 0:45, next try in 1 s] alice → lobby ▸ "),
        ({"state": AWAY}, 146, "[offline 0:46, trying] alice → lobby ▸ "),
        ({"state": AWAY}, 150, "[offline 0:50, trying] alice → lobby ▸ "),
        ({"state": Closed("it gave up")}, 0, "[it gave up] alice → lobby ▸ "),
        ({"me": "", "state": Closed("connecting")}, 0, "[connecting] ▸ "),
        ({"place": Place.direct("b\x1b[2Job\u202e")}, 0, "alice → b␛[2Job<U+202E> ▸ "),
        ({"me": "al\nice", "state": Closed("\x07")}, 0, "[␇] al⏎ice → lobby ▸ "),
    ],
)
def test_the_prompt(fields: dict[str, Any], now: float, says: str) -> None:
    assert plain(prompt(status(**fields), now)) == says


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({}, " here:8000"),
        ({"latency": 0.0031}, " here:8000 3 ms"),
        ({"latency": 0.00001}, " here:8000 1 ms"),
        ({"latency": 0.2, "state": AWAY}, " here:8000 unreachable"),
        ({"latency": 0.2, "state": Closed("over")}, " here:8000"),
        ({"here": 3, "unread": 2, "scheduled": 1}, " here:8000 │ 3 here │ 2 unread private │ 1 scheduled"),
        ({"muted_until": 10.0}, " here:8000"),
        ({"muted_until": 10.1}, " here:8000 │ muted 0:01"),
        ({"muted_until": 610.0}, " here:8000 │ muted 10:00"),
        ({"muted_until": 7210.0}, " here:8000 │ muted 2:00:00"),
        ({"limited_until": 12.0}, " here:8000 │ too fast: wait 0:02"),
        ({"muted_until": 70.0, "limited_until": 12.0}, " here:8000 │ muted 1:00 │ too fast: wait 0:02"),
    ],
)
def test_the_toolbar(fields: dict[str, Any], says: str) -> None:
    assert plain(toolbar(status(**fields), 10.0)) == says


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0:00"),
        (0.9, "0:00"),
        (42, "0:42"),
        (60, "1:00"),
        (3599.9, "59:59"),
        (3600, "1:00:00"),
        (90_061, "25:01:01"),
    ],
)
def test_a_span_is_written_as_on_a_clock(seconds: float, shown: str) -> None:
    assert clock(seconds) == shown


@pytest.mark.parametrize(
    ("sends", "lines"),
    [
        ([], ""),
        ([Send(text="hi")], "… hi"),
        ([Send(text="hi", username="bob")], "… → bob  hi"),
        ([Send(text="hi", room="ops")], "… → ops  hi"),
        ([Send(text="waves", action=True)], "… * waves"),
        ([Send(text="waves", action=True, time=600)], "… (in 10m)  * waves"),
        ([Send(text="hi", time=600)], "… (in 10m)  hi"),
        ([Send(text="hi", username="b\nob", time=5)], "… → b⏎ob  (in 5s)  hi"),
        ([Send(text="one\ntwo\x1b]0;x\x07")], "… one⏎two␛]0;x␇"),
        ([Send(text="one"), Send(text="two")], "… one\n… two"),
    ],
)
def test_waiting_messages_are_shown_in_order(sends: list[Send], lines: str) -> None:
    assert plain(waiting(sends, 80)) == lines


def test_of_many_waiting_messages_the_first_are_shown() -> None:
    sends = [Send(text=str(number)) for number in range(SHOWN)]
    assert plain(waiting(sends, 80)).splitlines() == [f"… {number}" for number in range(SHOWN)]
    for more in (1, 2):
        lines = plain(waiting([*sends, *sends[:more]], 80)).splitlines()
        assert lines == [*(f"… {number}" for number in range(SHOWN)), f"… and {more} more"]


@pytest.mark.parametrize("text", ["x" * 19, "日" * 10, "x日" * 9, "🎉" * 30])
def test_waiting_messages_are_no_wider_than_the_terminal(text: str) -> None:
    line = plain(waiting([Send(text=text)], 20))
    assert columns(line) <= 20
    assert line.endswith("…")
    assert columns(line) >= 19
    assert plain(waiting([Send(text="x" * 18)], 20)) == "… " + "x" * 18


@pytest.mark.parametrize(
    ("fields", "at"),
    [
        ({}, None),
        ({"state": Closed("over")}, None),
        ({"state": AWAY}, 11.0),
        ({"muted_until": 10.0}, None),
        ({"muted_until": 10.5}, 11.0),
        ({"limited_until": 12.0}, 11.0),
    ],
)
def test_it_is_drawn_each_second_while_something_counts_down(
    fields: dict[str, Any], at: float | None
) -> None:
    assert changes_at(status(**fields), 10.0) == at


def test_many_messages_that_wait_for_the_limit_are_one_line() -> None:
    sends = [Send(text=str(number)) for number in range(20)]
    line = "… 20 messages wait: the server takes only so many a second"
    assert plain(waiting(sends, 80, held=20)).splitlines() == [line]
    assert plain(waiting(sends[:1], 80, held=1)) == "… 0"
    assert held_line(1).startswith("1 message waits")


def test_a_mute_for_ever_is_not_counted() -> None:
    assert "muted" in plain(toolbar(status(muted_until=1e9), 0.0))
    assert "muted 2" not in plain(toolbar(status(muted_until=1e9), 0.0))
    assert "muted 0:10" in plain(toolbar(status(muted_until=10.0), 0.0))
