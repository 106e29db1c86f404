"""Changes as SQL: as few statements for a batch as possible. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain, groupby
from typing import Any

from tcpchat.store import (
    DELETED,
    Change,
    DeleteUser,
    DropBan,
    DropDevice,
    DropIgnored,
    DropMute,
    DropScheduled,
    MoveConduct,
    NewKey,
    NewMention,
    NewMessage,
    NewReport,
    NewScheduled,
    NewUser,
    Prune,
    SetAccount,
    SetAway,
    SetBan,
    SetDevice,
    SetIgnored,
    SetLeft,
    SetMark,
    SetMute,
    SetName,
    SetReceipts,
    TrimKeys,
)

SCHEDULED = "id, number, author, name, recipient, recipient_name, text, due"
REPORT = "target, reporter, reporter_key, reason, at, source"
MESSAGE = "room, seq, at, author, name, recipient, recipient_name, text"
KEY = "user, key, at, room, username, seq, number, time"
DEVICE = "hash, user, number, name, address, since, used"
ROWS = 64  # in one statement; SQLite compiles one for each number of them, once

# What is written with many rows in one statement: what stands before the rows, one row, and what after.
_ROWS: dict[Hashable, tuple[str, str, str]] = {
    NewMessage: (f"INSERT INTO message ({MESSAGE}) VALUES ", "(?, ?, ?, ?, ?, ?, ?, ?)", ""),
    NewKey: (f"INSERT OR REPLACE INTO sent_key ({KEY}) VALUES ", "(?, ?, ?, ?, ?, ?, ?, ?)", ""),
    SetLeft: (
        "INSERT INTO user (id, at, left) VALUES ",
        "(?, ?, ?)",
        " ON CONFLICT (id) DO UPDATE SET left = excluded.left",
    ),
    SetDevice: (
        f"INSERT INTO device ({DEVICE}) VALUES ",
        "(?, ?, ?, ?, ?, ?, ?)",
        """
        ON CONFLICT (hash) DO UPDATE
        SET name = excluded.name, address = excluded.address, used = excluded.used
        """,
    ),
    DropDevice: ("DELETE FROM device WHERE hash IN (", "?", ")"),
    SetMark: (
        "INSERT INTO mark (user, room, read, delivered) VALUES ",
        "(?, ?, ?, ?)",
        """
        ON CONFLICT (user, room) DO UPDATE
        SET read = max(read, excluded.read), delivered = max(delivered, excluded.delivered)
        """,
    ),
    NewMention: ("INSERT OR IGNORE INTO mention (user, room, seq) VALUES ", "(?, ?, ?)", ""),
}
_LAST = (NewKey, SetMark, NewMention, DeleteUser)
"""What comes with a message and may be written after all of them, so that both are many rows.

And what leaves nothing of a user, so that it comes after all that.
"""
_PRUNE_DEVICES = """
    DELETE FROM device WHERE user NOT IN (SELECT user FROM account)
    AND (SELECT left FROM user WHERE id = device.user) < ?
    """
_PRUNE = [  # what is of no use when nothing brings the user back
    f"DELETE FROM {table} WHERE user NOT IN (SELECT user FROM device UNION SELECT user FROM account)"
    for table in ("mark", "mention", "ignored")
]
_PRUNE_KEYS = "DELETE FROM sent_key WHERE at < ?"
_PRUNE_BANS = "DELETE FROM ban WHERE until < ?"
_DELETE = (
    *(
        f"DELETE FROM {table} WHERE user = ?"
        for table in ("device", "account", "name", "sent_key", "mark", "mention", "ignored", "mute")
    ),
    "DELETE FROM ignored WHERE other = ?",
    "DELETE FROM scheduled WHERE author = ?",
    "DELETE FROM report WHERE target = ?",
    "DELETE FROM ban WHERE kind = 'user' AND target = ?",
    # These count against others, so they stay, without a word of the user's.
    "UPDATE report SET reporter_key = '', reason = NULL, source = NULL WHERE reporter = ?",
    f"UPDATE message SET name = '{DELETED}', text = '' WHERE author = ?",
    f"UPDATE message SET recipient_name = '{DELETED}' WHERE recipient = ?",
    "UPDATE user SET left = NULL, away = NULL, away_since = NULL, receipts = 1 WHERE id = ?",
)

# What each change writes: statements, and which of the change's fields are their parameters.
_STATEMENTS: dict[type[Change], tuple[tuple[str, tuple[int, ...]], ...]] = {
    NewUser: (("INSERT OR IGNORE INTO user (id, at) VALUES (?, ?)", (0, 1)),),
    SetAccount: (
        (
            """
            INSERT INTO account (user, since, password) VALUES (?, ?, ?)
            ON CONFLICT (user) DO UPDATE SET password = excluded.password
            """,
            (0, 1, 2),
        ),
    ),
    SetAway: (("UPDATE user SET away = ?, away_since = ? WHERE id = ?", (1, 2, 0)),),
    SetReceipts: (("UPDATE user SET receipts = ? WHERE id = ?", (1, 0)),),
    SetIgnored: (("INSERT OR IGNORE INTO ignored (user, other) VALUES (?, ?)", (0, 1)),),
    DropIgnored: (("DELETE FROM ignored WHERE user = ? AND other = ?", (0, 1)),),
    SetName: (
        ("DELETE FROM name WHERE user = ? OR key = ?", (0, 1)),
        ("INSERT INTO name (user, key, name) VALUES (?, ?, ?)", (0, 1, 2)),
    ),
    TrimKeys: (
        (
            """
            DELETE FROM sent_key WHERE user = ? AND id <=
            (SELECT id FROM sent_key WHERE user = ? ORDER BY id DESC LIMIT 1 OFFSET ?)
            """,
            (0, 0, 1),
        ),
    ),
    Prune: (
        (_PRUNE_DEVICES, (0,)),
        *((statement, ()) for statement in _PRUNE),
        (_PRUNE_KEYS, (1,)),
        (_PRUNE_BANS, (0,)),
    ),
    NewScheduled: (
        (f"INSERT INTO scheduled ({SCHEDULED}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (*range(8),)),
        ("UPDATE user SET last_number = max(last_number, ?) WHERE id = ?", (1, 2)),
    ),
    DropScheduled: (("DELETE FROM scheduled WHERE id = ?", (0,)),),
    NewReport: ((f"INSERT INTO report ({REPORT}) VALUES (?, ?, ?, ?, ?, ?)", (*range(6),)),),
    SetMute: (
        ("INSERT OR REPLACE INTO mute (user, until, reason, operator) VALUES (?, ?, ?, ?)", (*range(4),)),
    ),
    DropMute: (("DELETE FROM mute WHERE user = ?", (0,)),),
    SetBan: (("INSERT OR REPLACE INTO ban (kind, target, until, reason) VALUES (?, ?, ?, ?)", (*range(4),)),),
    DropBan: (("DELETE FROM ban WHERE kind = ? AND target = ?", (0, 1)),),
    DeleteUser: tuple((statement, (0,)) for statement in _DELETE),
    MoveConduct: (
        ("UPDATE OR IGNORE report SET target = ? WHERE target = ?", (1, 0)),
        ("DELETE FROM report WHERE target = ?", (0,)),
        (
            """
            INSERT INTO mute (user, until, reason, operator)
            SELECT ?, until, reason, operator FROM mute WHERE user = ?
            ON CONFLICT (user) DO UPDATE
            SET until = excluded.until, reason = excluded.reason, operator = excluded.operator
            WHERE excluded.until > until
            """,
            (1, 0),
        ),
    ),
}


def statements(changes: Iterable[Change]) -> Iterator[tuple[str, Sequence[Any]]]:
    """Turn a batch into as few statements as possible, in its order.

    Each statement gives up the interpreter's lock once and has to get it back from a busy event loop, which
    costs more than the statement: many rows in one are five times as fast under load as `executemany`.
    """
    changes = list(changes)
    if any(type(change) in _LAST for change in changes):
        changes.sort(key=_turn)
    for kind, run in groupby(changes, key=type):
        if kind in _ROWS:
            values = list(run)
            for start in range(0, len(values), ROWS):
                rows = values[start : start + ROWS]
                yield _with_rows(kind, len(rows)), list(chain.from_iterable(rows))
        else:
            for change in run:
                for statement, fields in _STATEMENTS[kind]:
                    yield statement, [change[field] for field in fields]


def _turn(change: Change) -> int:
    """Return where a change is sorted to, without changing the order of the others."""
    kind = type(change)
    return _LAST.index(kind) + 1 if kind in _LAST else 0


@lru_cache(maxsize=len(_ROWS) * ROWS)
def _with_rows(kind: Hashable, rows: int) -> str:
    before, row, after = _ROWS[kind]
    return before + ", ".join([row] * rows) + after
