"""Queries for messages: history, unread messages and their number, and the messages of one user."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from heapq import merge
from itertools import islice
from operator import attrgetter
from typing import NamedTuple

from tcpchat.store.changes import NewMessage, peer_of
from tcpchat.store.rows import PagedMessage, UnreadCount, UnreadRange
from tcpchat.store.sql import Parameters, columns, fetch, fetch_value, row_reader

_MESSAGE = columns(NewMessage)


def read_history(
    db: sqlite3.Connection, room: str, count: int, *, before: int | None, after: int | None, until: int
) -> list[NewMessage]:
    """Return up to `count` messages of a room, in the order of `seq`, none after `until`.

    Those are the first ones after `after`, or else the last ones before `before`.
    """
    end = until + 1 if before is None else min(before, until + 1)
    where = f"SELECT {_MESSAGE} FROM message WHERE room = ? AND seq > ? AND seq < ? ORDER BY seq"
    if after is not None:
        return fetch(db, NewMessage, f"{where} LIMIT ?", (room, after, end, count))
    rows = fetch(db, NewMessage, f"{where} DESC LIMIT ?", (room, 0, end, count))
    rows.reverse()
    return rows


def count_unread(
    db: sqlite3.Connection, user: str, ranges: Sequence[UnreadRange], ignored: Collection[str]
) -> list[UnreadCount]:
    """Count the messages of each range that are neither the user's own nor by `ignored` users.

    They are counted by index, so that the cost depends on the user's own messages, not on those of others.
    """
    silent = sorted({user, *ignored})
    mentions = (
        # In this order: a user is mentioned in few messages.
        "SELECT 1 FROM mention CROSS JOIN message USING (room, seq)"
        " WHERE user = ? AND mention.room = ? AND mention.seq > ? AND mention.seq <= ?"
        f" AND author NOT IN ({_places(silent)}) LIMIT 1"
    )
    counts = []
    for room, after, until in ranges:
        if room.startswith("@"):
            peer = peer_of(room, user)
            count = 0 if peer in silent else _count_direct(db, peer, user, after, until)
        else:
            own = sum(_count_posted(db, author, room, after, until) for author in silent)
            count = until - after - own
        mention = fetch_value(db, mentions, (user, room, after, until, *silent))
        counts.append(UnreadCount(messages=count, mentioned=mention is not None))
    return counts


def _places(values: Collection[str]) -> str:
    return ", ".join("?" * len(values))


def _count_posted(db: sqlite3.Connection, author: str, room: str, after: int, until: int) -> int:
    where = "author = ? AND room = ? AND seq > ? AND seq <= ? AND recipient IS NULL"
    return int(fetch_value(db, f"SELECT count(*) FROM message WHERE {where}", (author, room, after, until)))


def _count_direct(db: sqlite3.Connection, author: str, recipient: str, after: int, until: int) -> int:
    where = "author = ? AND recipient = ? AND seq > ? AND seq <= ?"
    parameters = (author, recipient, after, until)
    return int(fetch_value(db, f"SELECT count(*) FROM message WHERE {where}", parameters))


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
    others = f"author NOT IN ({_places(silent)})"
    where = f"room = ? AND seq > ? AND seq <= ? AND id > ? AND {others} ORDER BY seq LIMIT ?"
    found = (_page(db, where, (*one, cursor, *silent, count)) for one in ranges)
    return list(islice(merge(*found, key=attrgetter("cursor")), count))


def messages_of(db: sqlite3.Connection, user: str, count: int, cursor: int) -> list[PagedMessage]:
    """Return messages by the user and direct messages to the user, in the order in which they were sent.

    Up to `count` of them, and only those after `cursor`, which is 0 for the first page. The table is read in
    its own order, so that all pages together cost as much as reading it once.
    """
    where = "id > ? AND (author = ? OR recipient = ?) ORDER BY id LIMIT ?"
    return _page(db, where, (cursor, user, user, count))


class _Id(NamedTuple):
    id: int


def _page(db: sqlite3.Connection, where: str, parameters: Parameters) -> list[PagedMessage]:
    cursor = db.execute(f"SELECT id, {_MESSAGE} FROM message WHERE {where}", parameters)
    key, message = row_reader(_Id, cursor), row_reader(NewMessage, cursor)
    return [PagedMessage(key(row).id, message(row)) for row in cursor]
