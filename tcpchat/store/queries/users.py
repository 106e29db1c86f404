"""Queries for users: one user with everything, passwords, names, accounts, reports."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from tcpchat.store.changes import NewKey, NewReport, SetSession, peer_of
from tcpchat.store.rows import AccountRow, AwayRow, ConversationRow, Counterpart, MarkRow, UserRow
from tcpchat.store.sql import columns, fetch, fetch_one, fetch_value
from tcpchat.wire.base import LOBBY

_HEAD = """
    SELECT user.id, user.at, left, name, account.since AS registered, last_number, away, away_since, receipts
    FROM user LEFT JOIN name ON name.user = user.id LEFT JOIN account ON account.user = user.id
    """
_CONVERSATIONS = """
    SELECT room, (SELECT coalesce(max(seq), 0) FROM message WHERE message.room = mark.room) AS last,
    read, delivered FROM mark WHERE user = ? AND room GLOB '@*'
    """


class _Head(NamedTuple):
    """What the tables with one row for each user know."""

    id: str
    at: int
    left: int | None
    name: str | None
    registered: int | None
    last_number: int
    away: str | None
    away_since: int | None
    receipts: int


def find_user(db: sqlite3.Connection, who: bytes | str, keys: int) -> UserRow | None:
    """Return the user of this id, or with a session whose token has this hash, with up to `keys` keys."""
    by = "?" if isinstance(who, str) else "(SELECT user FROM device WHERE hash = ?)"
    head = fetch_one(db, _Head, f"{_HEAD} WHERE user.id = {by}", (who,))
    if head is None:
        return None
    user = (head.id,)
    newest = f"SELECT {columns(NewKey)} FROM sent_key WHERE user = ? ORDER BY id DESC LIMIT ?"
    sessions = f"SELECT {columns(SetSession)} FROM device WHERE user = ? ORDER BY number"
    ignored = db.execute("SELECT other FROM ignored WHERE user = ?", user)
    return UserRow(
        user=head.id,
        at=head.at,
        left=head.left,
        name=head.name,
        registered=head.registered,
        last_number=head.last_number,
        away=_away(head),
        receipts=bool(head.receipts),
        lobby=_mark(db, head.id, LOBBY),
        sessions=fetch(db, SetSession, sessions, user),
        ignored=[other for (other,) in ignored],
        keys=fetch(db, NewKey, newest, (head.id, keys))[::-1],
        conversations=fetch(db, ConversationRow, _CONVERSATIONS, user),
    )


def _away(head: _Head) -> AwayRow | None:
    if head.away is None or head.away_since is None:
        return None
    return AwayRow(head.away, head.away_since)


def _mark(db: sqlite3.Connection, user: str, room: str) -> MarkRow | None:
    query = "SELECT read, delivered FROM mark WHERE user = ? AND room = ?"
    return fetch_one(db, MarkRow, query, (user, room))


def password_hash(db: sqlite3.Connection, user: str) -> str | None:
    """Return the password hash of a registered user."""
    found: str | None = fetch_value(db, "SELECT password FROM account WHERE user = ?", (user,))
    return found


def names_of(db: sqlite3.Connection, users: Sequence[str]) -> dict[str, str]:
    """Return the present or last names of users, by their ids; users without any are left out."""
    posted = "SELECT name FROM message WHERE author = ? AND recipient"  # each kind has an index of its own
    return _first_found(
        db,
        users,
        "SELECT name FROM name WHERE user = ?",
        f"{posted} IS NULL ORDER BY room DESC, seq DESC LIMIT 1",
        f"{posted} IS NOT NULL ORDER BY recipient DESC, seq DESC LIMIT 1",
    )


def _first_found(db: sqlite3.Connection, users: Sequence[str], *queries: str) -> dict[str, str]:
    found = {}
    for user in users:
        names = (fetch_value(db, query, (user,)) for query in queries)
        if (name := next((name for name in names if name is not None), None)) is not None:
            found[user] = name
    return found


def counterparts(db: sqlite3.Connection, user: str, rooms: Sequence[str]) -> list[Counterpart]:
    """Return the other user of each of the user's direct rooms."""
    found = []
    for room in rooms:
        peer = peer_of(room, user)
        mark = _mark(db, peer, room) or MarkRow(read=0, delivered=0)
        receipts = fetch_value(db, "SELECT receipts FROM user WHERE id = ?", (peer,))
        found.append(
            Counterpart(
                name=_name(db, user, peer),
                delivered=mark.delivered,
                read=mark.read,
                receipts=receipts is None or bool(receipts),
            )
        )
    return found


def _name(db: sqlite3.Connection, user: str, peer: str) -> str:
    """Return the present name of a user, or the last one in the direct room with another."""
    posted = "FROM message WHERE author = ? AND recipient = ? ORDER BY seq DESC LIMIT 1"
    for query, parameters in (
        ("SELECT name FROM name WHERE user = ?", (peer,)),
        (f"SELECT name {posted}", (peer, user)),
        (f"SELECT recipient_name {posted}", (user, peer)),
    ):
        if (name := fetch_value(db, query, parameters)) is not None:
            return str(name)
    return "?"


def accounts(db: sqlite3.Connection, after: str, count: int) -> list[AccountRow]:
    """Return up to `count` registered users in the order of their names, those after the name `after`."""
    query = """
        SELECT user.id AS user, name, account.since AS registered, left,
        (SELECT count(*) FROM device WHERE device.user = user.id) AS sessions
        FROM account JOIN user ON user.id = account.user JOIN name ON name.user = user.id
        WHERE name > ? ORDER BY name LIMIT ?
        """
    return fetch(db, AccountRow, query, (after, count))


def reports_of(db: sqlite3.Connection, user: str) -> list[NewReport]:
    """Return the reports by the user and about the user, oldest first."""
    query = f"SELECT {columns(NewReport)} FROM report WHERE target = :user OR reporter = :user ORDER BY at"
    return fetch(db, NewReport, query, {"user": user})
