"""Queries for events of rooms: history, the log, unread messages and their number, what a user wrote."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from heapq import merge
from itertools import islice
from operator import attrgetter
from typing import NamedTuple

from tcpchat.store.rows import EventRow, PagedMessage, UnreadCount, UnreadRange
from tcpchat.store.sql import Parameters, columns, fetch, fetch_one, fetch_value, row_reader

_EVENT = columns(EventRow)
_IS_MESSAGE = "kind = 'message'"


def read_history(
    db: sqlite3.Connection, room: str, count: int, *, before: int | None, after: int | None, until: int
) -> list[EventRow]:
    """Return up to `count` messages of a room as they are now, in the order of `seq`, none after `until`.

    Those are the first ones after `after`, or else the last ones before `before`.
    """
    end = until + 1 if before is None else min(before, until + 1)
    where = f"room = ? AND seq > ? AND seq < ? AND {_IS_MESSAGE}"
    query = f"SELECT {_EVENT} FROM event WHERE {where} ORDER BY seq"
    if after is not None:
        return fetch(db, EventRow, f"{query} LIMIT ?", (room, after, end, count))
    rows = fetch(db, EventRow, f"{query} DESC LIMIT ?", (room, 0, end, count))
    rows.reverse()
    return rows


def read_events(db: sqlite3.Connection, room: str, after: int, count: int, until: int) -> list[EventRow]:
    """Return up to `count` events of a room of every kind, those after `after`, none after `until`."""
    query = f"SELECT {_EVENT} FROM event WHERE room = ? AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?"
    return fetch(db, EventRow, query, (room, after, until, count))


def find_event(db: sqlite3.Connection, room: str, seq: int) -> EventRow | None:
    """Return the event of this number."""
    return fetch_one(db, EventRow, f"SELECT {_EVENT} FROM event WHERE room = ? AND seq = ?", (room, seq))


def count_unread(
    db: sqlite3.Connection, user: str, ranges: Sequence[UnreadRange], ignored: Collection[str]
) -> list[UnreadCount]:
    """Count the messages of each range that are neither the user's own nor by `ignored` users.

    They are counted by index, as all events but the others, so that the cost depends on the user's own
    messages and on edits, not on the messages of others.
    """
    silent = sorted({user, *ignored})
    mentions = (
        # In this order: a user is mentioned in few messages.
        "SELECT 1 FROM mention CROSS JOIN event USING (room, seq)"
        " WHERE user = ? AND mention.room = ? AND mention.seq > ? AND mention.seq <= ?"
        f" AND author NOT IN ({_places(silent)}) LIMIT 1"
    )
    counts = []
    for room, after, until in ranges:
        own = sum(_count_by(db, author, room, after, until) for author in silent)
        others = _count_other_kinds(db, room, after, until, silent)
        mention = fetch_value(db, mentions, (user, room, after, until, *silent))
        counts.append(UnreadCount(messages=until - after - own - others, mentioned=mention is not None))
    return counts


def _places(values: Collection[str]) -> str:
    return ", ".join("?" * len(values))


def _count_by(db: sqlite3.Connection, author: str, room: str, after: int, until: int) -> int:
    query = "SELECT count(*) FROM event WHERE author = ? AND room = ? AND seq > ? AND seq <= ?"
    return int(fetch_value(db, query, (author, room, after, until)))


def _count_other_kinds(
    db: sqlite3.Connection, room: str, after: int, until: int, silent: Sequence[str]
) -> int:
    query = (
        "SELECT count(*) FROM event WHERE room = ? AND seq > ? AND seq <= ? AND kind <> 'message'"
        f" AND author NOT IN ({_places(silent)})"
    )
    return int(fetch_value(db, query, (room, after, until, *silent)))


def unread_messages(
    db: sqlite3.Connection,
    user: str,
    ranges: Sequence[UnreadRange],
    ignored: Collection[str],
    count: int,
    cursor: int,
) -> list[PagedMessage]:
    """Return the messages that `count_unread` counts, of all rooms in the order in which they were sent.

    Up to `count` of them, and only those after `cursor`, which is 0 for the first page.
    """
    silent = sorted({user, *ignored})
    others = f"{_IS_MESSAGE} AND author NOT IN ({_places(silent)})"
    where = f"room = ? AND seq > ? AND seq <= ? AND id > ? AND {others} ORDER BY seq LIMIT ?"
    found = (_page(db, where, (*one, cursor, *silent, count)) for one in ranges)
    return list(islice(merge(*found, key=attrgetter("cursor")), count))


def messages_of(db: sqlite3.Connection, user: str, count: int, cursor: int) -> list[PagedMessage]:
    """Return messages by the user and direct messages to the user, in the order in which they were sent.

    Up to `count` of them, and only those after `cursor`, which is 0 for the first page. The table is read in
    its own order, so that all pages together cost as much as reading it once.
    """
    where = f"id > ? AND (author = ? OR recipient = ?) AND {_IS_MESSAGE} ORDER BY id LIMIT ?"
    return _page(db, where, (cursor, user, user, count))


class _Id(NamedTuple):
    id: int


def _page(db: sqlite3.Connection, where: str, parameters: Parameters) -> list[PagedMessage]:
    cursor = db.execute(f"SELECT id, {_EVENT} FROM event WHERE {where}", parameters)
    key, message = row_reader(_Id, cursor), row_reader(EventRow, cursor)
    return [PagedMessage(key(row).id, message(row)) for row in cursor]
