"""The query for everything that a server needs when it starts."""

from __future__ import annotations

import sqlite3

from tcpchat.errors import StartError
from tcpchat.store import StorageError, Store
from tcpchat.store.changes import NewReport, NewScheduled, SetBan, SetMute
from tcpchat.store.queries.events import read_events
from tcpchat.store.rows import NameRow, OwnerRow, RoomRow, Snapshot
from tcpchat.store.sql import columns, fetch, fetch_value
from tcpchat.wire.base import GUEST, LOBBY

_NAMES = """
    SELECT user.id AS user, key, name, account.since AS registered, left
    FROM user JOIN name ON name.user = user.id
    """
_REGISTERED = f"{_NAMES} JOIN account ON account.user = user.id"
_ABSENT = f"""
    {_NAMES} LEFT JOIN account ON account.user = user.id
    WHERE account.user IS NULL AND user.id IN (SELECT user FROM device)
    AND (left IS NULL OR left >= ?) ORDER BY left NULLS LAST, user.id
    """
_GUESTS = f"""
    SELECT coalesce(max(CAST(substr(name, {len(GUEST) + 1}) AS INTEGER)), 0)
    FROM name WHERE name GLOB '{GUEST}[0-9]*'
    """
_MESSAGES = """
    SELECT coalesce(max(id), 0) - (SELECT count(*) FROM event WHERE kind <> 'message') FROM event
    """
_ROOMS = """
    SELECT name, key, private, topic, closed,
    (SELECT coalesce(max(seq), 0) FROM event WHERE event.room = room.name) AS seq
    FROM room WHERE kind = 'named' ORDER BY name
    """
_OWNERS = """
    SELECT room, user FROM member JOIN room ON room.name = member.room
    WHERE kind = 'named' AND role = 'owner' ORDER BY room, user
    """
_REPORTED_OR_MUTED = "SELECT target FROM report UNION SELECT user FROM mute"


def load(store: Store, recent: int, since: int) -> Snapshot:
    """Ask the store of a server that starts for `load_snapshot`. Raises StartError."""
    try:
        return store.ask(load_snapshot, recent, since)
    except StorageError as error:
        raise StartError(f"the database cannot be read: {error}") from None


def load_snapshot(db: sqlite3.Connection, recent: int, since: int) -> Snapshot:
    """Return the snapshot with the last `recent` events of the lobby.

    Guests who left before `since` (ms since 1970) are left out, since they may not come back.
    """
    last = fetch_value(db, "SELECT coalesce(max(seq), 0) FROM event WHERE room = ?", (LOBBY,))
    scheduled = f"SELECT {columns(NewScheduled)} FROM scheduled ORDER BY id"
    names = db.execute(f"SELECT key, user FROM name WHERE user IN ({_REPORTED_OR_MUTED})")
    return Snapshot(
        journal=fetch_value(db, "SELECT id FROM journal"),
        lobby_seq=last,
        messages=fetch_value(db, _MESSAGES),
        recent=read_events(db, LOBBY, max(0, last - recent), recent, last),
        scheduled=fetch(db, NewScheduled, scheduled),
        reports=fetch(db, NewReport, f"SELECT {columns(NewReport)} FROM report"),
        mutes=fetch(db, SetMute, f"SELECT {columns(SetMute)} FROM mute"),
        bans=fetch(db, SetBan, f"SELECT {columns(SetBan)} FROM ban"),
        names=dict(names.fetchall()),
        registered=fetch(db, NameRow, _REGISTERED),
        absent=fetch(db, NameRow, _ABSENT, (since,)),
        rooms=fetch(db, RoomRow, _ROOMS),
        owners=fetch(db, OwnerRow, _OWNERS),
        guests=fetch_value(db, _GUESTS),
        scheduled_id=fetch_value(db, "SELECT coalesce(max(id), 0) FROM scheduled"),
    )
