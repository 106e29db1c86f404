"""What is read from the database: each function is one question. They block, and raise sqlite3.Error."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from heapq import merge
from itertools import islice

from tcpchat.store import (
    Account,
    Identity,
    Named,
    NewKey,
    NewMessage,
    NewReport,
    NewScheduled,
    Other,
    SetBan,
    SetDevice,
    SetMute,
    Snapshot,
    other_end,
)
from tcpchat.store.statements import DEVICE, KEY, MESSAGE, REPORT, SCHEDULED

LOBBY = "lobby"
_MARKS = "SELECT read, delivered FROM mark WHERE user = ? AND room = ?"
_NAMED = "SELECT user.id, key, name, account.since, left FROM user JOIN name ON name.user = user.id"


def snapshot(db: sqlite3.Connection, lobby: str, recent: int, since: int) -> Snapshot:
    query = db.execute
    last = query("SELECT coalesce(max(seq), 0) FROM message WHERE room = ?", (lobby,)).fetchone()[0]
    conduct = "SELECT target FROM report UNION SELECT user FROM mute"
    guests = (
        "SELECT coalesce(max(CAST(substr(name, 7) AS INTEGER)), 0) FROM name WHERE name GLOB 'guest-[0-9]*'"
    )
    registered = query(f"{_NAMED} JOIN account ON account.user = user.id")
    absent = query(
        f"{_NAMED} LEFT JOIN account ON account.user = user.id WHERE account.user IS NULL"
        " AND user.id IN (SELECT user FROM device) AND coalesce(left, ?) >= ?"
        " ORDER BY coalesce(left, ?), user.id",
        (since, since, 2**53),
    )
    return Snapshot(
        journal=query("SELECT id FROM journal").fetchone()[0],
        lobby_seq=last,
        messages=query("SELECT coalesce(max(id), 0) FROM message").fetchone()[0],
        recent=history(db, lobby, recent, before=None, after=None, until=last),
        scheduled=[NewScheduled(*row) for row in query(f"SELECT {SCHEDULED} FROM scheduled ORDER BY id")],
        reports=[NewReport(*row) for row in query(f"SELECT {REPORT} FROM report")],
        mutes=[SetMute(*row) for row in query("SELECT user, until, reason, operator FROM mute")],
        bans=[SetBan(*row) for row in query("SELECT kind, target, until, reason FROM ban")],
        names=dict(query(f"SELECT key, user FROM name WHERE user IN ({conduct})").fetchall()),
        registered=[Named(*row) for row in registered],
        absent=[Named(*row) for row in absent],
        guests=query(guests).fetchone()[0],
        scheduled_id=query("SELECT coalesce(max(id), 0) FROM scheduled").fetchone()[0],
    )


def history(
    db: sqlite3.Connection, room: str, count: int, *, before: int | None, after: int | None, until: int
) -> list[NewMessage]:
    end = until + 1 if before is None else min(before, until + 1)
    where = f"SELECT {MESSAGE} FROM message WHERE room = ? AND seq > ? AND seq < ? ORDER BY seq"
    if after is not None:
        rows = db.execute(f"{where} LIMIT ?", (room, after, end, count)).fetchall()
    else:
        rows = db.execute(f"{where} DESC LIMIT ?", (room, 0, end, count)).fetchall()
        rows.reverse()
    return [NewMessage(*row) for row in rows]


def identity(db: sqlite3.Connection, who: bytes | str, keys: int) -> Identity | None:
    query = db.execute
    found = query(
        "SELECT user.id, user.at, left, name, account.since, last_number, away, away_since, receipts"
        " FROM user LEFT JOIN name ON name.user = user.id LEFT JOIN account ON account.user = user.id"
        " WHERE user.id = " + ("?" if isinstance(who, str) else "(SELECT user FROM device WHERE hash = ?)"),
        (who,),
    ).fetchone()
    if found is None:
        return None
    user, at, left, name, registered, last_number, away, away_since, receipts = found
    newest = query(f"SELECT {KEY} FROM sent_key WHERE user = ? ORDER BY id DESC LIMIT ?", (user, keys))
    conversations = query(
        "SELECT room, (SELECT coalesce(max(seq), 0) FROM message WHERE message.room = mark.room),"
        " read, delivered FROM mark WHERE user = ? AND room GLOB '@*'",
        (user,),
    )
    return Identity(
        user=user,
        at=at,
        left=left,
        name=name,
        registered=registered,
        last_number=last_number,
        away=None if away is None else (away, away_since),
        receipts=bool(receipts),
        lobby=query(_MARKS, (user, LOBBY)).fetchone(),
        devices=[
            SetDevice(*row)
            for row in query(f"SELECT {DEVICE} FROM device WHERE user = ? ORDER BY number", (user,))
        ],
        ignored=[row[0] for row in query("SELECT other FROM ignored WHERE user = ?", (user,))],
        keys=[NewKey(*row) for row in reversed(newest.fetchall())],
        conversations=conversations.fetchall(),
    )


def password(db: sqlite3.Connection, user: str) -> str | None:
    found = db.execute("SELECT password FROM account WHERE user = ?", (user,)).fetchone()
    return None if found is None else str(found[0])


def unread(
    db: sqlite3.Connection, user: str, rooms: Sequence[tuple[str, int, int]], ignored: Collection[str]
) -> list[tuple[int, bool]]:
    """Count by index, so that it costs by the user's own messages and not by those of others."""
    silent = sorted({user, *ignored})
    mentions = (
        # In this order: a user is mentioned in few messages.
        "SELECT 1 FROM mention CROSS JOIN message USING (room, seq)"
        " WHERE user = ? AND mention.room = ? AND mention.seq > ? AND mention.seq <= ?"
        f" AND author NOT IN ({_places(silent)}) LIMIT 1"
    )
    counts = []
    for room, after, until in rooms:
        if room.startswith("@"):
            other = other_end(room, user)
            count = 0 if other in silent else _count_private(db, other, user, after, until)
        else:
            own = sum(_count_said(db, author, room, after, until) for author in silent)
            count = until - after - own
        mention = db.execute(mentions, (user, room, after, until, *silent))
        counts.append((count, mention.fetchone() is not None))
    return counts


def _places(values: Collection[str]) -> str:
    return ", ".join("?" * len(values))


def _count_said(db: sqlite3.Connection, author: str, room: str, after: int, until: int) -> int:
    where = "author = ? AND room = ? AND seq > ? AND seq <= ? AND recipient IS NULL"
    count = db.execute(f"SELECT count(*) FROM message WHERE {where}", (author, room, after, until))
    return int(count.fetchone()[0])


def _count_private(db: sqlite3.Connection, author: str, recipient: str, after: int, until: int) -> int:
    where = "author = ? AND recipient = ? AND seq > ? AND seq <= ?"
    count = db.execute(f"SELECT count(*) FROM message WHERE {where}", (author, recipient, after, until))
    return int(count.fetchone()[0])


def unread_messages(
    db: sqlite3.Connection,
    user: str,
    rooms: Sequence[tuple[str, int, int]],
    ignored: Collection[str],
    count: int,
    cursor: int,
) -> list[tuple[int, NewMessage]]:
    silent = sorted({user, *ignored})
    others = f"author NOT IN ({_places(silent)})"
    where = f"room = ? AND seq > ? AND seq <= ? AND id > ? AND {others} ORDER BY seq LIMIT ?"
    found = (
        db.execute(f"SELECT id, {MESSAGE} FROM message WHERE {where}", (*room, cursor, *silent, count))
        for room in rooms
    )
    return [(row[0], NewMessage(*row[1:])) for row in islice(merge(*found), count)]


def others(db: sqlite3.Connection, user: str, rooms: Sequence[str]) -> list[Other]:
    found = []
    for room in rooms:
        other = other_end(room, user)
        delivered, read = db.execute(
            "SELECT coalesce(max(delivered), 0), coalesce(max(read), 0) FROM mark"
            " WHERE user = ? AND room = ?",
            (other, room),
        ).fetchone()
        receipts = db.execute("SELECT receipts FROM user WHERE id = ?", (other,)).fetchone()
        name = _name(db, user, other)
        found.append(Other(name, delivered, read, receipts is None or bool(receipts[0])))
    return found


def names(db: sqlite3.Connection, users: Sequence[str]) -> dict[str, str]:
    said = "SELECT name FROM message WHERE author = ? AND recipient"  # each kind has an index of its own
    found = {}
    for user in users:
        for question in (
            "SELECT name FROM name WHERE user = ?",
            f"{said} IS NULL ORDER BY room DESC, seq DESC LIMIT 1",
            f"{said} IS NOT NULL ORDER BY recipient DESC, seq DESC LIMIT 1",
        ):
            if user not in found and (row := db.execute(question, (user,)).fetchone()):
                found[user] = row[0]
    return found


def accounts(db: sqlite3.Connection, after: str, count: int) -> list[Account]:
    found = db.execute(
        "SELECT user.id, name, account.since, left, (SELECT count(*) FROM device WHERE device.user = user.id)"
        " FROM account JOIN user ON user.id = account.user JOIN name ON name.user = user.id"
        " WHERE name > ? ORDER BY name LIMIT ?",
        (after, count),
    )
    return [Account(*row) for row in found]


def messages_of(db: sqlite3.Connection, user: str, count: int, cursor: int) -> list[tuple[int, NewMessage]]:
    """Go through the messages as they lie, so that many pages cost as much as one look at all."""
    found = db.execute(
        f"SELECT id, {MESSAGE} FROM message"
        " WHERE id > ? AND (author = ? OR recipient = ?) ORDER BY id LIMIT ?",
        (cursor, user, user, count),
    )
    return [(row[0], NewMessage(*row[1:])) for row in found]


def reports_of(db: sqlite3.Connection, user: str) -> list[NewReport]:
    found = db.execute(
        f"SELECT {REPORT} FROM report WHERE target = ? OR reporter = ? ORDER BY at", (user, user)
    )
    return [NewReport(*row) for row in found]


def _name(db: sqlite3.Connection, user: str, other: str) -> str:
    """Return the name of a user, or the last one that the conversation has."""
    said = "FROM message WHERE author = ? AND recipient = ? ORDER BY seq DESC LIMIT 1"
    for question, parameters in (
        ("SELECT name FROM name WHERE user = ?", (other,)),
        (f"SELECT name {said}", (other, user)),
        (f"SELECT recipient_name {said}", (user, other)),
    ):
        if found := db.execute(question, parameters).fetchone():
            return str(found[0])
    return "?"
