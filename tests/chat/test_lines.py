"""Events as lines of the wire: what everybody gets, and what is left out for some."""

from __future__ import annotations

import orjson
from hypothesis import given
from hypothesis import strategies as st

from tcpchat.chat.lines import (
    event_line,
    is_action,
    message_line,
    with_text,
    without_author,
    without_text,
)
from tcpchat.chat.room import public_id
from tcpchat.protocol import MAX_EXACT, Message, encode
from tcpchat.store.changes import NewMessage
from tcpchat.store.rows import EventRow
from tcpchat.times import FOREVER, timestamp
from tests.chat.harness import Line
from tests.chat.parts import AT, NOW, message
from tests.rows import rows

LATER = "2026-11-21T09:00:01.123Z"


def row(
    seq: int = 7, *, to: str | None = None, target: int | None = None, edited: int | None = None
) -> EventRow:
    fields = message(seq, to=to, room="lobby" if to is None else "@1@2")._asdict()
    return EventRow(**fields, kind="message" if target is None else "edited", target=target, edited=edited)


def read(line: bytes) -> Line:
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    decoded: Line = orjson.loads(line)
    return decoded


IN_LOBBY = {"type": "message", "room": "lobby", "seq": 7, "at": AT, "from": "alice", "text": "hi"}


def test_a_message_of_a_room_is_written_with_the_room() -> None:
    assert read(event_line(row())) == IN_LOBBY
    assert event_line(row()) == message_line(message(7))


def test_a_direct_message_is_written_with_its_recipient_and_without_the_hidden_room() -> None:
    shown = read(event_line(row(to="bob")))
    assert shown == IN_LOBBY | {"room": public_id("@1@2"), "to": "bob"}
    assert "@1@2" not in repr(shown)


texts = st.text()


@given(texts, texts, st.none() | texts, st.integers(1, MAX_EXACT), st.integers(0, FOREVER), st.booleans())
def test_the_line_of_a_message_is_that_of_its_class(
    name: str, text: str, to: str | None, seq: int, at: int, action: bool
) -> None:
    room = "lobby" if to is None else "@1@2"
    change = NewMessage(room, seq, at, "1", name, to and "2", to, text, int(action))
    told = Message(
        room=public_id(room),
        to=to,
        seq=seq,
        at=timestamp(at),
        sender=name,
        text=text,
        action=action or None,
    )
    assert message_line(change) == encode(told)
    assert is_action(message_line(change)) == action


def test_an_action_and_its_edits_are_written_as_such() -> None:
    action = row()._replace(action=1)
    assert read(event_line(action)) == IN_LOBBY | {"action": True}
    edit = row(9, target=7)._replace(action=1)
    assert read(event_line(edit)) == IN_LOBBY | {"type": "edited", "seq": 9, "target": 7, "action": True}


def test_an_edited_message_is_written_as_it_is_now_and_since_when() -> None:
    assert read(event_line(row(edited=NOW + 1000))) == IN_LOBBY | {"edited": LATER}
    assert event_line(row(edited=NOW + 1000)) == with_text(event_line(row()), "hi", NOW + 1000)


def test_an_edit_is_an_event_of_its_own_with_its_target() -> None:
    assert read(event_line(row(9, target=7))) == IN_LOBBY | {"type": "edited", "seq": 9, "target": 7}
    shown = read(event_line(row(9, target=7, to="bob")))
    assert (shown["room"], shown["to"]) == (public_id("@1@2"), "bob")


@rows("to", [None, "bob"])
def test_a_message_takes_another_text_and_keeps_its_number_and_time(to: str | None) -> None:
    line = event_line(row(to=to))
    once = with_text(line, "two\nlines \u2028 \U0001f600", NOW + 1000)
    assert read(once) == read(line) | {"text": "two\nlines \u2028 \U0001f600", "edited": LATER}
    assert read(with_text(once, "hi", NOW)) == read(line) | {"edited": AT}, "the last edit counts"


@rows("event", [row(), row(9, target=7), row(edited=NOW), row(to="bob")])
def test_an_event_of_an_ignored_author_has_a_number_and_no_text(event: EventRow) -> None:
    line = event_line(event)
    assert read(without_text(line)) == read(line) | {"text": "", "ignored": True}


@rows("event", [row(), row(9, target=7), row(edited=NOW), row(to="bob")])
def test_of_a_deleted_author_number_and_time_are_left(event: EventRow) -> None:
    """As what is on disk then, so that a restart shows the same."""
    line = event_line(event)
    assert read(without_author(line)) == read(line) | {"from": "deleted", "text": ""}
    assert without_author(line) == event_line(event._replace(name="deleted", text=""))
