"""The store in one SQLite file: WAL, one writer, readers on connections of their own.

All functions block. `commit` belongs to one thread at a time; `history` may be called from several.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
from collections.abc import Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from importlib import resources
from itertools import chain, groupby
from pathlib import Path
from typing import Any, Literal

from tcpchat.errors import StartError
from tcpchat.store import (
    Change,
    DropScheduled,
    DropToken,
    Identity,
    MoveConduct,
    NewKey,
    NewMessage,
    NewReport,
    NewScheduled,
    NewUser,
    Prune,
    SetMute,
    SetName,
    SetToken,
    Snapshot,
    StorageError,
    TrimKeys,
)

Synchronous = Literal["full", "normal", "off"]

_BUGS = (sqlite3.IntegrityError, sqlite3.ProgrammingError, sqlite3.InterfaceError, sqlite3.DataError)
"""What SQLite says of changes that are wrong. All else is the disk's fault."""
_DATABASE = "tcpchat.db"
_LOCK = "tcpchat.lock"

_SCHEDULED = "id, number, author, name, recipient, recipient_name, text, due"
_REPORT = "target, reporter, reporter_key, reason, at"
_MESSAGE = "room, seq, at, author, name, recipient, recipient_name, text"
_KEY = "user, key, at, room, username, seq, number, time"
ROWS = 64  # in one statement; SQLite compiles one for each number of them, once

# What is written with many rows in one statement: what stands before the rows, one row, and what after.
_ROWS: dict[Hashable, tuple[str, str, str]] = {
    NewMessage: (f"INSERT INTO message ({_MESSAGE}) VALUES ", "(?, ?, ?, ?, ?, ?, ?, ?)", ""),
    NewKey: (f"INSERT OR REPLACE INTO sent_key ({_KEY}) VALUES ", "(?, ?, ?, ?, ?, ?, ?, ?)", ""),
    SetToken: (
        "INSERT INTO token (user, hash, left) VALUES ",
        "(?, ?, ?)",
        " ON CONFLICT (user) DO UPDATE SET hash = excluded.hash, left = excluded.left",
    ),
    DropToken: ("DELETE FROM token WHERE user IN (", "?", ")"),
}
_PRUNE_TOKENS = "DELETE FROM token WHERE left < ?"
_PRUNE_KEYS = "DELETE FROM sent_key WHERE at < ?"

# What each change writes: statements, and which of the change's fields are their parameters.
_STATEMENTS: dict[type[Change], tuple[tuple[str, tuple[int, ...]], ...]] = {
    NewUser: (("INSERT OR IGNORE INTO user (id, at) VALUES (?, ?)", (0, 1)),),
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
    Prune: ((_PRUNE_TOKENS, (0,)), (_PRUNE_KEYS, (1,))),
    NewScheduled: (
        (f"INSERT INTO scheduled ({_SCHEDULED}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (*range(8),)),
        ("UPDATE user SET last_number = max(last_number, ?) WHERE id = ?", (1, 2)),
    ),
    DropScheduled: (("DELETE FROM scheduled WHERE id = ?", (0,)),),
    NewReport: ((f"INSERT INTO report ({_REPORT}) VALUES (?, ?, ?, ?, ?)", (*range(5),)),),
    SetMute: (("INSERT OR REPLACE INTO mute (user, until, reason) VALUES (?, ?, ?)", (*range(3),)),),
    MoveConduct: (
        ("UPDATE OR IGNORE report SET target = ? WHERE target = ?", (1, 0)),
        ("DELETE FROM report WHERE target = ?", (0,)),
        (
            """
            INSERT INTO mute (user, until, reason) SELECT ?, until, reason FROM mute WHERE user = ?
            ON CONFLICT (user) DO UPDATE SET until = excluded.until, reason = excluded.reason
            WHERE excluded.until > until
            """,
            (1, 0),
        ),
    ),
}


class SqliteStore:
    """A store in a data folder, or in memory if `folder` is None.

    It holds the folder's lock until `close`. Raises StartError if the folder cannot be used.
    """

    def __init__(self, folder: Path | None, synchronous: Synchronous = "full") -> None:
        self._folder = folder
        self._readers: list[sqlite3.Connection] = []
        self._memory = threading.Lock()  # an in-memory database has one connection for all
        self._lock = None if folder is None else _lock(folder)
        try:
            if folder is not None:  # what people say in private is for nobody else on this machine
                os.close(os.open(folder / _DATABASE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            self._writer = self._connect()
        except (sqlite3.Error, OSError) as error:
            self._unlock()
            raise self._unusable(error) from None
        try:
            if folder is not None:
                self._writer.execute("PRAGMA journal_mode = WAL")
            self._writer.execute(f"PRAGMA synchronous = {synchronous}")
            migrate(self._writer)
        except (sqlite3.Error, StartError) as error:
            self.close()
            raise self._unusable(error) from None

    def _unusable(self, error: Exception) -> StartError:
        return StartError(f"the database in {self._folder} cannot be used: {error}")

    def _connect(self) -> sqlite3.Connection:
        path = ":memory:" if self._folder is None else str(self._folder / _DATABASE)
        # Other threads do use it, one at a time; a reader may wait for a checkpoint, hence the timeout.
        return sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, timeout=10, cached_statements=2 * ROWS
        )

    def load(self, lobby: str, recent: int) -> Snapshot:
        try:
            return self._load(lobby, recent)
        except (sqlite3.Error, StorageError) as error:
            raise self._unusable(error) from None

    def _load(self, lobby: str, recent: int) -> Snapshot:
        query = self._writer.execute
        last = query("SELECT coalesce(max(seq), 0) FROM message WHERE room = ?", (lobby,)).fetchone()[0]
        conduct = "SELECT target FROM report UNION SELECT user FROM mute"
        guests = (
            "SELECT coalesce(max(CAST(substr(name, 7) AS INTEGER)), 0) FROM name"
            " WHERE name GLOB 'guest-[0-9]*'"
        )
        return Snapshot(
            journal=query("SELECT id FROM journal").fetchone()[0],
            lobby_seq=last,
            messages=query("SELECT coalesce(max(id), 0) FROM message").fetchone()[0],
            recent=self.history(lobby, recent, before=None, after=None, until=last),
            scheduled=[
                NewScheduled(*row) for row in query(f"SELECT {_SCHEDULED} FROM scheduled ORDER BY id")
            ],
            reports=[NewReport(*row) for row in query(f"SELECT {_REPORT} FROM report")],
            mutes=[SetMute(*row) for row in query("SELECT user, until, reason FROM mute")],
            names=dict(query(f"SELECT key, user FROM name WHERE user IN ({conduct})").fetchall()),
            guests=query(guests).fetchone()[0],
            scheduled_id=query("SELECT coalesce(max(id), 0) FROM scheduled").fetchone()[0],
        )

    def commit(self, changes: Iterable[Change]) -> None:
        connection = self._writer
        with self._memory:
            try:
                statements = list(_statements(changes))
                if len(statements) == 1:
                    connection.execute(*statements[0])
                else:
                    connection.execute("BEGIN IMMEDIATE")
                    for statement, parameters in statements:
                        connection.execute(statement, parameters)
                    connection.execute("COMMIT")
            except BaseException as error:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                if isinstance(error, sqlite3.Error) and not isinstance(error, _BUGS):
                    raise StorageError(str(error)) from error
                raise

    def history(
        self, room: str, count: int, *, before: int | None, after: int | None, until: int
    ) -> list[NewMessage]:
        end = until + 1 if before is None else min(before, until + 1)
        where = f"SELECT {_MESSAGE} FROM message WHERE room = ? AND seq > ? AND seq < ? ORDER BY seq"
        try:
            with self._reading() as connection:
                if after is not None:
                    rows = connection.execute(f"{where} LIMIT ?", (room, after, end, count)).fetchall()
                else:
                    rows = connection.execute(f"{where} DESC LIMIT ?", (room, 0, end, count)).fetchall()
                    rows.reverse()
        except sqlite3.Error as error:
            raise StorageError(str(error)) from error
        return [NewMessage(*row) for row in rows]

    def identity(self, token: bytes, keys: int) -> Identity | None:
        with_others = (
            "SELECT recipient AS other, max(seq) AS seq FROM message"
            " WHERE author = :user AND recipient IS NOT NULL GROUP BY recipient"
            " UNION ALL SELECT author, max(seq) FROM message WHERE recipient = :user GROUP BY author"
        )
        try:
            with self._reading() as connection:
                query = connection.execute
                found = query(
                    "SELECT user.id, left, name, last_number FROM token JOIN user ON user.id = token.user"
                    " LEFT JOIN name ON name.user = user.id WHERE hash = ?",
                    (token,),
                ).fetchone()
                if found is None:
                    return None
                own = {"user": found[0], "keys": keys}
                newest = query(
                    f"SELECT {_KEY} FROM sent_key WHERE user = :user ORDER BY id DESC LIMIT :keys", own
                ).fetchall()
                others = query(f"SELECT other, max(seq) FROM ({with_others}) GROUP BY other", own).fetchall()
        except sqlite3.Error as error:
            raise StorageError(str(error)) from error
        user, left, name, last_number = found
        rows = [NewKey(*row) for row in reversed(newest)]
        return Identity(user, left, name, last_number, keys=rows, conversations=others)

    def begin(self, now: int, prune: Prune) -> None:
        try:
            self._writer.execute(_PRUNE_TOKENS, (prune.left,))
            self._writer.execute(_PRUNE_KEYS, (prune.keys,))
            self._writer.execute("UPDATE token SET left = ? WHERE left IS NULL", (now,))
        except sqlite3.Error as error:
            raise StorageError(str(error)) from error

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        if self._folder is None:
            with self._memory:
                yield self._writer
            return
        try:
            connection = self._readers.pop()
        except IndexError:  # all are in use
            connection = self._connect()
        try:
            yield connection
        finally:
            self._readers.append(connection)

    def close(self) -> None:
        for connection in (*self._readers, self._writer):
            connection.close()
        self._readers.clear()
        self._unlock()

    def _unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _statements(changes: Iterable[Change]) -> Iterator[tuple[str, Sequence[Any]]]:
    """Turn a batch into as few statements as possible, in its order.

    Each statement gives up the interpreter's lock once and has to get it back from a busy event loop, which
    costs more than the statement: many rows in one are five times as fast under load as `executemany`.
    """
    changes = list(changes)
    keys = [change for change in changes if type(change) is NewKey]
    if keys:  # each comes with its message: apart from them, both are many rows in one statement
        changes = [*(change for change in changes if type(change) is not NewKey), *keys]
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


@lru_cache(maxsize=len(_ROWS) * ROWS)
def _with_rows(kind: Hashable, rows: int) -> str:
    before, row, after = _ROWS[kind]
    return before + ", ".join([row] * rows) + after


def _lock(folder: Path) -> int:
    """Make sure that no other server uses the folder; return the open lock file."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StartError(f"the data folder {folder} cannot be used: {error.strerror}") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder = os.pread(lock, 32, 0).decode(errors="replace").strip()
        os.close(lock)
        who = f" (process {holder})" if holder else ""
        raise StartError(
            f"another tcpchat server{who} uses the data folder {folder}; stop it or give another --data"
        ) from None
    try:
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
    except OSError:
        pass  # the number only makes the message above nicer, and the disk may be full
    return lock


def migrations() -> list[tuple[int, str]]:
    """Return the numbered SQL files, first to last."""
    folder = resources.files("tcpchat.store") / "migrations"
    files = [file for file in folder.iterdir() if file.name.endswith(".sql")]
    return sorted((int(file.name.partition("_")[0]), file.read_text()) for file in files)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the database to the newest version, each step in a transaction of its own.

    Raises StartError if the database is newer than this program.
    """
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    steps = migrations()
    newest = steps[-1][0]
    if version > newest:
        raise StartError(
            f"the database has version {version}, and this tcpchat knows versions up to {newest}:"
            " use the newer tcpchat that made it"
        )
    for number, script in steps:
        if number > version:
            try:
                connection.executescript(f"BEGIN; {script}\nPRAGMA user_version = {number}; COMMIT;")
            except sqlite3.Error:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
