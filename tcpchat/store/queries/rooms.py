"""Queries for named rooms: which there are, who is in one, invitations, heirs."""

from __future__ import annotations

import sqlite3

from tcpchat.store.changes import DELETED
from tcpchat.store.rows import Invitation, ListedMember, ListedRoom
from tcpchat.store.sql import fetch, fetch_value

_LISTED = """
    SELECT room.name, topic, private, closed, own.role,
    (SELECT count(*) FROM member WHERE member.room = room.name) AS members
    FROM room LEFT JOIN member AS own ON own.room = room.name AND own.user = :user
    WHERE kind = 'named' AND room.name > :after
    """
_OWN = "AND own.user IS NOT NULL"
_VISIBLE = """
    AND (own.user IS NOT NULL OR private = 0
    OR room.name IN (SELECT room FROM standing WHERE user = :user AND standing = 'invited'))
    """


def list_rooms(
    db: sqlite3.Connection, user: str, after: str, count: int, *, others: bool
) -> list[ListedRoom]:
    """Return up to `count` rooms of the user in the order of their names, those after the name `after`.

    With `others` also those in which the user is not, as far as the user may know of them.
    """
    query = f"{_LISTED} {_VISIBLE if others else _OWN} ORDER BY room.name LIMIT :count"
    return fetch(db, ListedRoom, query, {"user": user, "after": after, "count": count})


def count_members(db: sqlite3.Connection, room: str) -> int:
    """Return how many members a room has."""
    found: int = fetch_value(db, "SELECT count(*) FROM member WHERE room = ?", (room,))
    return found


def list_members(db: sqlite3.Connection, room: str, after: str, count: int) -> list[ListedMember]:
    """Return up to `count` members of a room in the order of their names, those after the name `after`."""
    query = """
        SELECT member.user, name.name, role, since FROM member JOIN name ON name.user = member.user
        WHERE room = ? AND name.name > ? ORDER BY name.name LIMIT ?
        """
    return fetch(db, ListedMember, query, (room, after, count))


def list_invitations(db: sqlite3.Connection, user: str) -> list[Invitation]:
    """Return the invitations of a user, oldest first; they outlive who sent them."""
    query = """
        SELECT standing.room, coalesce(name.name, :deleted) AS by, standing.at, room.topic
        FROM standing JOIN room ON room.name = standing.room LEFT JOIN name ON name.user = standing.by
        WHERE standing.user = :user AND standing = 'invited' ORDER BY standing.at, standing.room
        """
    return fetch(db, Invitation, query, {"user": user, "deleted": DELETED})


def heirs(db: sqlite3.Connection, owner: str) -> dict[str, str | None]:
    """Return who is to own each room of which this user is the only owner: None if nobody else is in it.

    That is a moderator, or else a member; of several the one who has been there longest. Only registered
    users own rooms.
    """
    rooms = db.execute(
        """
        SELECT room FROM member JOIN room ON room.name = member.room
        WHERE user = :owner AND role = 'owner' AND kind = 'named' AND closed IS NULL AND NOT EXISTS
        (SELECT 1 FROM member AS other WHERE other.room = member.room AND role = 'owner' AND user <> :owner)
        """,
        {"owner": owner},
    ).fetchall()
    heir = """
        SELECT member.user FROM member JOIN account ON account.user = member.user
        WHERE room = ? AND member.user <> ?
        ORDER BY role = 'moderator' DESC, member.since, member.user LIMIT 1
        """
    return {room: fetch_value(db, heir, (room, owner)) for (room,) in rooms}
