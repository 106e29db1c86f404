"""The mapping between classes and SQL, by name: columns, parameters, and rows as values of a class.

The order of a class's fields never matters: the columns of a statement are made from them, and a row is read
by the names of its columns.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias, TypeVar

R = TypeVar("R", bound=NamedTuple)
Parameters: TypeAlias = Sequence[Any] | Mapping[str, Any]


def columns(kind: type[NamedTuple]) -> str:
    """Return the fields of a class as a list of columns."""
    return ", ".join(kind._fields)


def insert(table: str, kind: type[NamedTuple], verb: str = "INSERT", /, **constants: str) -> str:
    """Return a statement that writes one value of the class, with named parameters, and constant columns."""
    names = ", ".join((*kind._fields, *constants))
    values = ", ".join(
        (*(f":{field}" for field in kind._fields), *(f"'{text}'" for text in constants.values()))
    )
    return f"{verb} INTO {table} ({names}) VALUES ({values})"


def fetch(db: sqlite3.Connection, kind: type[R], query: str, parameters: Parameters = ()) -> list[R]:
    """Return the rows of a query as values of the class. It may have columns that the class does not have."""
    cursor = db.execute(query, parameters)
    return list(map(row_reader(kind, cursor), cursor))


def fetch_one(db: sqlite3.Connection, kind: type[R], query: str, parameters: Parameters = ()) -> R | None:
    """Return the first row of a query as a value of the class, or None."""
    cursor = db.execute(query, parameters)
    row = cursor.fetchone()
    return None if row is None else row_reader(kind, cursor)(row)


def fetch_value(db: sqlite3.Connection, query: str, parameters: Parameters = ()) -> Any:
    """Return the first column of the first row of a query, or None if there is no row."""
    row = db.execute(query, parameters).fetchone()
    return None if row is None else row[0]


def row_reader(kind: type[R], cursor: sqlite3.Cursor) -> Callable[[Sequence[Any]], R]:
    """Return a function that makes a value of the class from a row of the cursor."""
    return _reader(kind, tuple(column[0] for column in cursor.description))


@lru_cache(maxsize=256)
def _reader(kind: type[R], names: tuple[str, ...]) -> Callable[[Sequence[Any]], R]:
    wrong = [field for field in kind._fields if names.count(field) != 1]
    if wrong:
        raise TypeError(f"a query for {kind.__name__} needs one column each named {', '.join(wrong)}")
    if names == kind._fields:
        return kind._make
    positions = [names.index(field) for field in kind._fields]
    return lambda row: kind._make([row[position] for position in positions])
