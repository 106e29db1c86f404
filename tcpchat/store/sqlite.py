"""The store in one SQLite file: WAL, one writer, readers on connections of their own.

All methods block. `commit` may run in one thread at a time, `ask` in several, also during a commit.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, ParamSpec, TypeVar

from tcpchat.errors import InUseError, StartError
from tcpchat.files import reason, try_lock
from tcpchat.store import Query, StorageError
from tcpchat.store.backup import check_restored
from tcpchat.store.changes import Change
from tcpchat.store.migrate import migrate
from tcpchat.store.statements import ROWS, statements

P = ParamSpec("P")
T = TypeVar("T")
Synchronous = Literal["full", "normal", "off"]

_BUGS = (sqlite3.IntegrityError, sqlite3.ProgrammingError, sqlite3.InterfaceError, sqlite3.DataError)
"""The errors that a wrong change causes. The disk causes all others."""
DATABASE = "tcpchat.db"
_LOCK = "tcpchat.lock"


class SqliteStore:
    """A store in a data folder, or in memory if `folder` is None.

    It holds the folder's lock until `close`. Raises StartError if the folder or its data cannot be used. For
    `synchronous` see SQLite's pragma: with `full`, what is committed survives a power failure.
    """

    def __init__(self, folder: Path | None, synchronous: Synchronous = "full") -> None:
        self._folder = folder
        self._readers: list[sqlite3.Connection] = []
        self._closed = False
        self._memory = threading.Lock()  # all threads share the one connection of a database in memory
        self._lock = None if folder is None else lock_folder(folder)
        try:
            if folder is not None:
                check_restored(folder / DATABASE)
                # Direct messages are for nobody else on this machine.
                os.close(os.open(folder / DATABASE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            self._writer = self._connect()
        except (sqlite3.Error, OSError, StartError) as error:
            self._unlock()
            raise self._unusable(error) from None
        try:
            if folder is not None:
                self._writer.execute("PRAGMA journal_mode = WAL")
            self._writer.execute(f"PRAGMA synchronous = {synchronous}")
            migrate(self._writer)
            self._writer.execute("PRAGMA foreign_keys = ON")  # not before, since migrations replace tables
            if not self._writer.execute("SELECT EXISTS (SELECT * FROM journal)").fetchone()[0]:
                # It is a backup: numbers of messages will be given a second time.
                self._writer.execute("INSERT INTO journal (id) VALUES (lower(hex(randomblob(8))))")
        except (sqlite3.Error, StartError) as error:
            self.close()
            raise self._unusable(error) from None

    def _unusable(self, error: Exception) -> StartError:
        return StartError(f"the database in {self._folder} cannot be used: {reason(error)}")

    def _connect(self) -> sqlite3.Connection:
        path = ":memory:" if self._folder is None else str(self._folder / DATABASE)
        # Several threads use it, one at a time. The timeout is for a reader that waits for a checkpoint.
        return sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, timeout=10, cached_statements=2 * ROWS
        )

    def commit(self, changes: Iterable[Change]) -> None:
        connection = self._writer
        with self._memory:
            try:
                prepared = list(statements(changes))
                if len(prepared) == 1:
                    connection.execute(*prepared[0])
                else:
                    connection.execute("BEGIN IMMEDIATE")
                    for statement, parameters in prepared:
                        connection.execute(statement, parameters)
                    connection.execute("COMMIT")
            except BaseException as error:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                if isinstance(error, sqlite3.Error) and not isinstance(error, _BUGS):
                    raise StorageError(str(error)) from error
                raise

    def ask(self, query: Query[P, T], /, *arguments: P.args, **keywords: P.kwargs) -> T:
        try:
            with self._reading() as connection:
                return query(connection, *arguments, **keywords)
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
        except IndexError:  # all connections are in use
            connection = self._connect()
        try:
            yield connection
        finally:
            if self._closed:  # during the query
                connection.close()
            else:
                self._readers.append(connection)

    def close(self) -> None:
        self._closed = True
        for connection in (*self._readers, self._writer):
            connection.close()
        self._readers.clear()
        self._unlock()

    def _unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def lock_folder(folder: Path) -> int:
    """Lock a data folder, which is made if it does not exist; return the file descriptor of the lock.

    Raises InUseError if another server has locked it, StartError if the folder cannot be used.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StartError(
            f"the data folder {folder} cannot be used: {error.strerror}; give another --data"
        ) from None
    try:
        locked = try_lock(lock, folder / _LOCK)
    except OSError as error:
        os.close(lock)
        raise StartError(f"the data folder {folder} cannot be locked: {error.strerror}") from None
    if not locked:
        holder = os.pread(lock, 32, 0).decode(errors="replace").strip()
        os.close(lock)
        who = f" (process {holder})" if holder else ""
        raise InUseError(
            f"another tcpchat server{who} uses the data folder {folder}; stop it or give another --data"
        )
    try:
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
    except OSError:
        pass  # the number is only for the message above, and the disk may be full
    return lock
