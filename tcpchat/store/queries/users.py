"""Queries for users: one user with everything, passwords, names, accounts, reports."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from tcpchat.store.changes import NewKey, NewReport, SetSession, peer_of
from tcpchat.store.rows import AccountRow, AwayRow, Counterpart, MemberRow, UserRow
from tcpchat.store.sql import columns, fetch, fetch_one, fetch_value

_HEAD = """
    SELECT user.id, user.at, left, name, account.since AS registered, last_number, away, away_since, receipts
    FROM user LEFT JOIN name ON name.user = user.id LEFT JOIN account ON account.user = user.id
    """
_MEMBERS = """
    SELECT room, (SELECT coalesce(max(seq), 0) FROM event WHERE event.room = member.room) AS seq,
    read, delivered, role, since FROM member WHERE user = ?
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
        sessions=fetch(db, SetSession, sessions, user),
        ignored=[other for (other,) in ignored],
        keys=fetch(db, NewKey, newest, (head.id, keys))[::-1],
        members=fetch(db, MemberRow, _MEMBERS, user),
        standings=dict(db.execute("SELECT room, standing FROM standing WHERE user = ?", user).fetchall()),
    )


def _away(head: _Head) -> AwayRow | None:
    if head.away is None or head.away_since is None:
        return None
    return AwayRow(head.away, head.away_since)


def password_hash(db: sqlite3.Connection, user: str) -> str | None:
    """Return the password hash of a registered user."""
    found: str | None = fetch_value(db, "SELECT password FROM account WHERE user = ?", (user,))
    return found


def names_of(db: sqlite3.Connection, users: Sequence[str]) -> dict[str, str]:
    """Return the present or last names of users, by their ids; users without any are left out."""
    found = {}
    for user in users:
        if (name := _name(db, user)) is not None:
            found[user] = name
    return found


def _name(db: sqlite3.Connection, user: str) -> str | None:
    """Return the name that a user has, or had when the user was last in a room."""
    for query in (
        "SELECT name FROM name WHERE user = ?",
        "SELECT name FROM event WHERE author = ? ORDER BY room DESC, seq DESC LIMIT 1",
        "SELECT recipient_name FROM event WHERE recipient = ? ORDER BY id DESC LIMIT 1",
    ):
        name: str | None = fetch_value(db, query, (user,))
        if name is not None:
            return name
    return None


def counterparts(db: sqlite3.Connection, user: str, rooms: Sequence[str]) -> list[Counterpart]:
    """Return the other user of each of the user's direct rooms."""
    found = []
    for room in rooms:
        peer = peer_of(room, user)
        query = "SELECT read, delivered FROM member WHERE user = ? AND room = ?"
        read, delivered = db.execute(query, (peer, room)).fetchone() or (0, 0)
        receipts = fetch_value(db, "SELECT receipts FROM user WHERE id = ?", (peer,))
        found.append(
            Counterpart(
                name=_name(db, peer) or "?",
                delivered=delivered,
                read=read,
                receipts=receipts is None or bool(receipts),
            )
        )
    return found


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
