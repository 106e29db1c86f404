"""The SQL that writes changes: as few statements for a batch as possible. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from functools import lru_cache
from itertools import chain, groupby
from typing import NamedTuple

from tcpchat.store.changes import (
    DELETED,
    EDITED,
    Change,
    DeleteUser,
    DropBan,
    DropIgnored,
    DropMute,
    DropScheduled,
    EditMessage,
    EndSession,
    NewKey,
    NewMention,
    NewMessage,
    NewReport,
    NewRoom,
    NewScheduled,
    NewUser,
    Prune,
    SetAccount,
    SetAllLeft,
    SetAway,
    SetBan,
    SetIgnored,
    SetLeft,
    SetMember,
    SetMute,
    SetName,
    SetReceipts,
    SetSession,
    TransferReports,
    TrimKeys,
)
from tcpchat.store.room_changes import (
    CloseRoom,
    DropStanding,
    EnterRoom,
    LeaveRoom,
    NewNamedRoom,
    NewRoomEvent,
    SetRole,
    SetStanding,
    SetTopic,
)
from tcpchat.store.sql import Parameters, insert
from tcpchat.wire.base import LOBBY

ROWS = 64  # in one statement; SQLite compiles one for each number of them, once


class Statement(NamedTuple):
    """A statement and its parameters."""

    sql: str
    parameters: Parameters


class _Rows(NamedTuple):
    """A statement for many changes of a kind: the SQL before the rows, one row, and the SQL after them."""

    before: str
    row: str
    after: str = ""


def _rows(verb: str, table: str, kind: type[NamedTuple], after: str = "", **renamed: str) -> _Rows:
    """Return a statement whose columns are the fields of the class, in their order, unless `renamed`."""
    names = ", ".join(renamed.get(field, field) for field in kind._fields)
    row = ", ".join("?" * len(kind._fields))
    return _Rows(f"{verb} INTO {table} ({names}) VALUES ", f"({row})", after)


_MANY: dict[Hashable, _Rows] = {
    NewMessage: _rows("INSERT", "event", NewMessage),
    NewKey: _rows("INSERT OR REPLACE", "sent_key", NewKey),
    SetLeft: _rows(
        "INSERT", "user", SetLeft, " ON CONFLICT (id) DO UPDATE SET left = excluded.left", user="id"
    ),
    SetSession: _rows(
        "INSERT",
        "device",
        SetSession,
        """
        ON CONFLICT (hash) DO UPDATE
        SET name = excluded.name, address = excluded.address, used = excluded.used
        """,
    ),
    SetMember: _rows(
        "INSERT",
        "member",
        SetMember,
        """
        ON CONFLICT (user, room) DO UPDATE
        SET read = max(read, excluded.read), delivered = max(delivered, excluded.delivered)
        """,
    ),
    EndSession: _Rows("DELETE FROM device WHERE hash IN (SELECT column1 FROM (VALUES ", "(?, ?)", "))"),
    NewMention: _rows("INSERT OR IGNORE", "mention", NewMention),
}
_LAST = (NewKey, SetMember, NewMention, DeleteUser)
"""The kinds that are written after all others, in this order.

Keys, members and mentions come with messages; sorted, each kind is one statement with many rows. Deleting a
user leaves nothing of that user, so it comes after everything that the batch writes.
"""

_PRUNE = (
    """
    DELETE FROM device WHERE user NOT IN (SELECT user FROM account)
    AND (SELECT left FROM user WHERE id = device.user) < :left
    """,
    *(  # of no use without a way to become the user again
        f"DELETE FROM {rows} user NOT IN (SELECT user FROM device UNION SELECT user FROM account)"
        for rows in (
            "mention WHERE",
            "ignored WHERE",
            "standing WHERE",
            "member WHERE room NOT GLOB '@*' AND",  # in a direct room they are the other user's receipts
        )
    ),
    "DELETE FROM sent_key WHERE at < :keys",
    "DELETE FROM ban WHERE until < :left",
)
_DELETE = (
    *(
        f"DELETE FROM {table} WHERE user = :user"
        for table in (
            "device",
            "account",
            "name",
            "sent_key",
            "member",
            "mention",
            "ignored",
            "mute",
            "standing",
        )
    ),
    "DELETE FROM ignored WHERE other = :user",
    "DELETE FROM scheduled WHERE author = :user",
    "DELETE FROM report WHERE target = :user",
    "DELETE FROM ban WHERE kind = 'user' AND target = :user",
    # These count against others, so they stay, without anything that the user wrote.
    "UPDATE report SET reporter_key = '', reason = NULL, source = NULL WHERE reporter = :user",
    f"UPDATE event SET name = '{DELETED}', text = '' WHERE author = :user",
    f"UPDATE event SET recipient_name = '{DELETED}' WHERE recipient = :user",
    "UPDATE user SET left = NULL, away = NULL, away_since = NULL, receipts = 1 WHERE id = :user",
)
_ONE: dict[type[Change], tuple[str, ...]] = {
    NewUser: (insert("user", NewUser, "INSERT OR IGNORE"),),
    NewRoom: (insert("room", NewRoom, "INSERT OR IGNORE"),),
    NewNamedRoom: (insert("room", NewNamedRoom, kind="named"),),
    EnterRoom: (
        insert("member", EnterRoom, "INSERT OR REPLACE"),
        "DELETE FROM standing WHERE user = :user AND room = :room",
    ),
    SetRole: ("UPDATE member SET role = :role WHERE user = :user AND room = :room",),
    LeaveRoom: ("DELETE FROM member WHERE user = :user AND room = :room",),
    SetStanding: (insert("standing", SetStanding, "INSERT OR REPLACE"),),
    DropStanding: ("DELETE FROM standing WHERE user = :user AND room = :room",),
    SetTopic: ("UPDATE room SET topic = :topic WHERE name = :room",),
    CloseRoom: ("UPDATE room SET closed = :closed WHERE name = :room",),
    NewRoomEvent: (insert("event", NewRoomEvent),),
    EditMessage: (
        insert("event", EditMessage, kind=EDITED),
        "UPDATE event SET text = :text, edited = :at WHERE room = :room AND seq = :target",
    ),
    SetAllLeft: ("UPDATE user SET left = :at WHERE left IS NULL AND id IN (SELECT user FROM device)",),
    SetAccount: (
        f"{insert('account', SetAccount)} ON CONFLICT (user) DO UPDATE SET password = excluded.password",
    ),
    SetAway: ("UPDATE user SET away = :text, away_since = :since WHERE id = :user",),
    SetReceipts: ("UPDATE user SET receipts = :on WHERE id = :user",),
    SetIgnored: (insert("ignored", SetIgnored, "INSERT OR IGNORE"),),
    DropIgnored: ("DELETE FROM ignored WHERE user = :user AND other = :other",),
    SetName: ("DELETE FROM name WHERE user = :user OR key = :key", insert("name", SetName)),
    TrimKeys: (
        """
        DELETE FROM sent_key WHERE user = :user AND id <=
        (SELECT id FROM sent_key WHERE user = :user ORDER BY id DESC LIMIT 1 OFFSET :most)
        """,
    ),
    Prune: _PRUNE,
    NewScheduled: (
        insert("scheduled", NewScheduled),
        "UPDATE user SET last_number = max(last_number, :number) WHERE id = :author",
    ),
    DropScheduled: ("DELETE FROM scheduled WHERE id = :id",),
    NewReport: (insert("report", NewReport),),
    SetMute: (insert("mute", SetMute, "INSERT OR REPLACE"),),
    DropMute: ("DELETE FROM mute WHERE user = :user",),
    SetBan: (insert("ban", SetBan, "INSERT OR REPLACE"),),
    DropBan: ("DELETE FROM ban WHERE kind = :kind AND target = :target",),
    DeleteUser: _DELETE,
    TransferReports: (
        "UPDATE OR IGNORE report SET target = :new WHERE target = :old",
        "DELETE FROM report WHERE target = :old",
        """
        INSERT INTO mute (user, until, reason, operator)
        SELECT :new, until, reason, operator FROM mute WHERE user = :old
        ON CONFLICT (user) DO UPDATE
        SET until = excluded.until, reason = excluded.reason, operator = excluded.operator
        WHERE excluded.until > until
        """,
    ),
}


def statements(changes: Iterable[Change]) -> Iterator[Statement]:
    """Turn a batch into as few statements as possible, in its order except for kinds that are written last.

    Each statement releases the interpreter's lock once and has to get it back from a busy event loop, which
    costs more than the statement: many rows in one are five times as fast under load as `executemany`.
    """
    changes = list(changes)
    if any(type(change) in _LAST for change in changes):
        changes.sort(key=_turn)
    for kind, run in groupby(changes, key=type):
        if kind in _MANY:
            values = list(run)
            for start in range(0, len(values), ROWS):
                rows = values[start : start + ROWS]
                yield Statement(_with_rows(kind, len(rows)), list(chain.from_iterable(rows)))
        else:
            for change in run:
                parameters = change._asdict()
                for sql in _ONE[kind]:
                    yield Statement(sql, parameters)


def _turn(change: Change) -> int:
    """Return the sort key of a change; changes with the same key keep their order.

    How far a named room was read must not be written after its reader has left it, so that keeps its place.
    """
    kind = type(change)
    if isinstance(change, SetMember) and not change.room.startswith("@") and change.room != LOBBY:
        return 0
    return _LAST.index(kind) + 1 if kind in _LAST else 0


@lru_cache(maxsize=len(_MANY) * ROWS)
def _with_rows(kind: Hashable, rows: int) -> str:
    before, row, after = _MANY[kind]
    return before + ", ".join([row] * rows) + after
