"""The SQL of each change: every field is written to the column of its name, in few statements."""

from __future__ import annotations

import re
from typing import Any, NamedTuple, get_args

import pytest

from tcpchat.store.changes import (
    Change,
    EditMessage,
    EndSession,
    NewKey,
    NewMention,
    NewMessage,
    NewReport,
    NewRoom,
    NewScheduled,
    NewUser,
    SetAccount,
    SetBan,
    SetIgnored,
    SetLeft,
    SetMember,
    SetMute,
    SetName,
    SetSession,
)
from tcpchat.store.room_changes import EnterRoom, NewNamedRoom, NewRoomEvent, SetStanding
from tcpchat.store.sqlite import SqliteStore
from tcpchat.store.statements import _MANY, _ONE, ROWS, _rows, statements
from tests.store.rows import NOW, message

KINDS: tuple[type[NamedTuple], ...] = get_args(Change)
INSERTS: dict[type[Any], str] = {
    NewUser: "user",
    SetSession: "device",
    SetAccount: "account",
    SetName: "name",
    NewRoom: "room",
    NewMessage: "event",
    EditMessage: "event",
    NewKey: "sent_key",
    NewMention: "mention",
    NewScheduled: "scheduled",
    NewReport: "report",
    SetMember: "member",
    SetIgnored: "ignored",
    SetMute: "mute",
    SetBan: "ban",
    NewNamedRoom: "room",
    EnterRoom: "member",
    SetStanding: "standing",
    NewRoomEvent: "event",
}
"""The changes that are one row of a table, column by column."""
ONCE = {NewMessage, EditMessage, NewReport, NewScheduled, NewNamedRoom, NewRoomEvent}
"""Those that cannot be written twice."""
ROOM = {"key", "private", "topic", "closed"}
LATER: dict[type[Any], set[str]] = {
    NewRoom: ROOM, NewNamedRoom: {"closed"}, NewMessage: {"change"}, EditMessage: {"change"},
    SetMember: {"since"}, NewRoomEvent: {"action"},
}  # fmt: skip
"""The columns that other changes write, or none does for this kind."""


def example(kind: type[Any]) -> Any:
    """Return a change whose values all differ."""
    types = {"int": int, "str": str, "bytes": str.encode}
    values = {}
    for number, (field, type_) in enumerate(kind.__annotations__.items(), 1):
        convert = types[str(getattr(type_, "__forward_arg__", type_)).removesuffix(" | None")]
        values[field] = convert(f"{number}")  # type: ignore[operator]
    return kind(**values)


def test_each_change_is_written_one_by_one_or_many_at_once() -> None:
    assert {*_ONE, *_MANY} == {*KINDS}
    assert not {*_ONE} & {*_MANY}


@pytest.mark.parametrize("kind", _ONE, ids=lambda kind: str(kind.__name__))
def test_each_parameter_is_a_field_and_each_field_a_parameter(kind: Any) -> None:
    used = {name for sql in _ONE[kind] for name in re.findall(r":(\w+)", sql)}
    assert used == {*kind._fields}
    assert not [sql for sql in _ONE[kind] if "?" in sql]


@pytest.mark.parametrize("kind", INSERTS, ids=lambda kind: str(kind.__name__))
@pytest.mark.parametrize("count", [1, 2])
def test_each_field_is_written_to_the_column_of_its_name(
    store: SqliteStore, kind: type[Any], count: int
) -> None:
    change = example(kind)
    store.commit([change] * (1 if kind in ONCE else count))
    cursor = store._writer.execute(f"SELECT * FROM {INSERTS[kind]}")
    names = [column[0] for column in cursor.description]
    (row,) = [row for row in cursor if "lobby" not in row]  # that room is there from the beginning
    stored = dict(zip(names, row, strict=True))
    assert stored | change._asdict() == stored
    left = stored.keys() - change._asdict().keys()
    assert left <= {
        "id", "left", "last_number", "away", "away_since", "receipts", "role", "kind", "target", "edited",
        *LATER.get(kind, ()),
    }  # fmt: skip


def test_columns_that_are_not_called_as_their_field_are_written_too(store: SqliteStore) -> None:
    store.commit([SetLeft(user="u1", at=1, left=2)])
    assert store._writer.execute("SELECT id, at, left FROM user").fetchall() == [("u1", 1, 2)]


class Reordered(NamedTuple):
    """A message with its fields in another order."""

    action: int
    text: str
    recipient_name: str | None
    recipient: str | None
    name: str
    author: str
    at: int
    seq: int
    room: str


def test_the_order_of_fields_means_nothing(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sorted(Reordered._fields) == sorted(NewMessage._fields)
    monkeypatch.setitem(_MANY, Reordered, _rows("INSERT", "event", Reordered))
    many = [message(seq, f"text {seq}") for seq in range(1, 4)]
    for one in many:
        store.commit([Reordered(**one._asdict())])  # type: ignore[list-item]
    assert store._writer.execute("SELECT seq, at, text FROM event").fetchall() == [
        (seq, NOW + seq, f"text {seq}") for seq in range(1, 4)
    ]


def test_messages_with_keys_members_and_mentions_take_as_few_statements_as_kinds_of_rows() -> None:
    batch: list[Change] = []
    for seq in range(1, ROWS + 1):
        batch += [message(seq), NewMention("u2", "lobby", seq), SetMember("u1", "lobby", seq, seq)]
        batch += [NewKey("u1", f"k{seq}", NOW, "lobby", None, seq, None, NOW)]
    assert len(list(statements(batch))) == 4


def test_many_sessions_end_in_one_statement_whatever_the_reasons() -> None:
    batch = [EndSession(f"{number}".encode(), "revoked" if number % 2 else None) for number in range(ROWS)]
    assert len(list(statements(batch))) == 1
