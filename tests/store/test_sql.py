"""The mapping between classes and SQL: columns and fields meet by name, never by position."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from inspect import getmembers, isclass
from random import Random
from typing import Any, NamedTuple

import pytest

from tcpchat.store import changes, rows
from tcpchat.store.sql import columns, fetch, fetch_one, fetch_value, insert

CLASSES = sorted(
    {
        kind
        for module in (changes, rows)
        for _, kind in getmembers(module, isclass)
        if hasattr(kind, "_fields")
    },
    key=lambda kind: str(kind.__name__),
)


class Pair(NamedTuple):
    left: int
    right: str


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    yield connection
    connection.close()


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: str(kind.__name__))
def test_a_row_of_each_class_is_read_by_the_names_of_its_columns(db: sqlite3.Connection, kind: Any) -> None:
    """In whatever order a query names them, so that the order of a class's fields means nothing."""
    names = [*kind._fields, "another"]
    expected = kind(**{field: f"value of {field}" for field in kind._fields})
    orders = [names[:-1], names[:-1][::-1], Random(1).sample(names, len(names))]
    for order in orders:
        query = "SELECT " + ", ".join(f"'value of {name}' AS [{name}]" for name in order)
        assert fetch(db, kind, query) == [expected]
        assert fetch_one(db, kind, query) == expected


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ("SELECT 1 AS left", "right"),
        ("SELECT 1", "left, right"),
        ("SELECT 1 AS left, 2 AS right, 3 AS right", "right"),
    ],
)
def test_a_column_that_is_missing_or_there_twice_is_refused(
    db: sqlite3.Connection, query: str, wrong: str
) -> None:
    with pytest.raises(TypeError, match=f"Pair needs one column each named {wrong}$"):
        fetch(db, Pair, query)


def test_no_row_is_no_value(db: sqlite3.Connection) -> None:
    query = "SELECT 1 AS left, 'a' AS right WHERE false"
    assert fetch(db, Pair, query) == []
    assert fetch_one(db, Pair, query) is None
    assert fetch_value(db, query) is None


def test_a_value_is_written_to_the_columns_of_its_names(db: sqlite3.Connection) -> None:
    db.execute("CREATE TABLE pair (right, other, left)")
    db.execute(insert("pair", Pair), Pair(1, "a")._asdict())
    assert db.execute("SELECT left, right FROM pair").fetchall() == [(1, "a")]
    assert fetch(db, Pair, f"SELECT {columns(Pair)} FROM pair") == [Pair(1, "a")]
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        db.execute(insert("triple", Pair, "INSERT OR REPLACE"), Pair(1, "a")._asdict())
