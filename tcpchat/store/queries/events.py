"""Queries for events of rooms: history, the log, unread messages and their number, what a user wrote."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from heapq import merge
from itertools import chain, islice
from operator import attrgetter
from typing import NamedTuple

from tcpchat.store.changes import peer_of
from tcpchat.store.rows import EventRow, PagedMessage, UnreadCount, UnreadRange
from tcpchat.store.sql import Parameters, columns, fetch, fetch_one, fetch_value, row_reader

_EVENT = columns(EventRow)
ROOMS = 64  # in one statement; SQLite compiles one for each number of them
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
    messages and on edits, not on the messages of others. In a direct room only two can be an author, so
    whom else the user ignores costs nothing there, and one statement counts many rooms.
    """
    direct = [one for one in ranges if _is_direct(one) and peer_of(one.room, user) not in {user, *ignored}]
    found = {}
    for start in range(0, len(direct), ROOMS):
        found.update(_count_direct(db, user, direct[start : start + ROOMS]))
    nothing = UnreadCount(messages=0, mentioned=False)
    return [
        found.get(one.room, nothing) if _is_direct(one) else _count_public(db, user, one, ignored)
        for one in ranges
    ]


def _is_direct(wanted: UnreadRange) -> bool:
    return wanted.room.startswith("@")


def _count_direct(db: sqlite3.Connection, user: str, ranges: Sequence[UnreadRange]) -> dict[str, UnreadCount]:
    """Return by room how many messages are by the other user; nobody is mentioned in a direct room."""
    between = "event.room = wanted.room AND seq > after AND seq <= until"
    query = f"""
        WITH wanted (room, after, until) AS (VALUES {", ".join(["(?, ?, ?)"] * len(ranges))})
        SELECT room, until - after
        - (SELECT count(*) FROM event WHERE author = ? AND {between})
        - (SELECT count(*) FROM event WHERE author <> ? AND {between} AND kind <> 'message')
        FROM wanted
        """
    rows = db.execute(query, (*chain.from_iterable(ranges), user, user))
    return {room: UnreadCount(messages=count, mentioned=False) for room, count in rows}


def _count_public(
    db: sqlite3.Connection, user: str, wanted: UnreadRange, ignored: Collection[str]
) -> UnreadCount:
    silent = sorted({user, *ignored})
    authors = f"({_places(silent)})"
    between = "room = ? AND seq > ? AND seq <= ?"
    own = f"SELECT count(*) FROM event WHERE author IN {authors} AND {between}"
    others = f"SELECT count(*) FROM event WHERE {between} AND kind <> 'message' AND author NOT IN {authors}"
    mention = (
        # In this order: a user is mentioned in few messages.
        "SELECT 1 FROM mention CROSS JOIN event USING (room, seq)"
        " WHERE user = ? AND mention.room = ? AND mention.seq > ? AND mention.seq <= ?"
        f" AND author NOT IN {authors} LIMIT 1"
    )
    silent_events = fetch_value(db, own, (*silent, *wanted)) + fetch_value(db, others, (*wanted, *silent))
    return UnreadCount(
        messages=wanted.until - wanted.after - silent_events,
        mentioned=fetch_value(db, mention, (user, *wanted, *silent)) is not None,
    )


def _places(values: Collection[str]) -> str:
    return ", ".join("?" * len(values))


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
    silent = {user, *ignored}
    found = []
    for wanted in ranges:
        authors = sorted(silent)
        if _is_direct(wanted):
            if peer_of(wanted.room, user) in silent:
                continue
            authors = [user]
        others = f"{_IS_MESSAGE} AND author NOT IN ({_places(authors)})"
        where = f"room = ? AND seq > ? AND seq <= ? AND id > ? AND {others} ORDER BY seq LIMIT ?"
        found.append(_page(db, where, (*wanted, cursor, *authors, count)))
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
