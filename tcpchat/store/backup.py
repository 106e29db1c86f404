"""Backups: one file with all data of a server, made while it runs, and restored while it does not.

A backup has no journal id, so the first start on it makes a new one: after a restore numbers of messages are
given a second time, and by the journal id clients see that they do not mean the messages they had before.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple, TypeAlias
from urllib.parse import quote

from tcpchat.errors import StartError
from tcpchat.files import link, new_file, publish, reason, sync_folder
from tcpchat.store import NotFlushedError
from tcpchat.store.migrate import migrations
from tcpchat.store.rows import BackupInfo

OnStep: TypeAlias = Callable[[], None]
"""Called again and again while data is copied; an exception that it raises ends the copy."""

PAGES = 256  # of 4 KB, copied in one step; the copy can be cancelled between two steps
EVENTS = 8  # the first version that has a table of events
OLDEST = 2  # the first version of a database that has a journal id
SCRATCH = ".restoring-"  # begins the name of a folder that is removed after the restore
BEFORE = ".before-"  # between the name of a database and the time when a restore replaced it
ACCOUNTS = 3  # the first version in which guests and registered users differ


class Restored(NamedTuple):
    """What was restored, and where the data that it replaced is now, if there was any."""

    backup: BackupInfo
    before: Path | None


def back_up(source: sqlite3.Connection, file: Path, room: str, on_step: OnStep) -> BackupInfo:
    """Write everything that is committed now to a new file. If it fails, there is no file.

    Commits go on meanwhile. Raises FileExistsError, NotFlushedError, OSError, sqlite3.Error, and what
    `on_step` raises.
    """
    if file.exists():  # to fail before the work; the link below decides
        raise FileExistsError(f"{file} exists already")
    if not file.parent.is_dir():
        raise NotADirectoryError(f"there is no folder {file.parent}")
    part = _part(file)
    with new_file(part) as opened:
        found = _copy(source, part, room, on_step)
        os.fsync(opened)
        try:
            publish(part, file)
        except FileExistsError:
            raise FileExistsError(f"{file} exists already") from None
        try:
            sync_folder(file.parent)
        except OSError as error:
            raise NotFlushedError(reason(error)) from None
    return found


def _part(file: Path) -> Path:
    """Return the path of an unfinished file, with a name that nobody else uses."""
    return file.with_name(f".{file.name}.tcpchat-part")


def _copy(source: sqlite3.Connection, part: Path, room: str, on_step: OnStep) -> BackupInfo:
    """Copy everything that is committed now to a database in one file."""
    with closing(sqlite3.connect(part, isolation_level=None)) as copy:
        copy.execute("PRAGMA synchronous = OFF")  # the caller flushes it once, at the end
        source.execute("BEGIN")
        try:
            # From this query on the connection sees the data of now. Otherwise each commit of another
            # connection would restart the copy, and under load it would never end.
            source.execute("SELECT count(*) FROM journal").fetchone()
            source.backup(copy, pages=PAGES, progress=lambda *_: on_step())
        finally:
            source.execute("ROLLBACK")
        copy.execute("PRAGMA journal_mode = DELETE")
        copy.execute("DELETE FROM journal")
        if _version(copy) >= ACCOUNTS:  # clients drop guests' tokens with another journal; free their names
            copy.execute("DELETE FROM device WHERE user NOT IN (SELECT user FROM account)")
        _check(copy)
        # In an earlier version every row is a message.
        table, where = ("event", " WHERE kind = 'message'") if _version(copy) >= EVENTS else ("message", "")
        messages = copy.execute(f"SELECT count(*) FROM {table}{where}").fetchone()[0]
        last = copy.execute(f"SELECT coalesce(max(seq), 0) FROM {table} WHERE room = ?", (room,))
        seq = last.fetchone()[0]
    return BackupInfo(part.stat().st_size, messages, seq)


def _check(database: sqlite3.Connection) -> None:
    """Raise sqlite3.DatabaseError if the database is damaged."""
    found = database.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if found != "ok":
        raise sqlite3.DatabaseError(f"the data is damaged: {found}")


def restore(file: Path, database: Path, room: str, now: str) -> Restored:
    """Replace a database by a copy of the file, and keep the old one under a name that ends with `now`.

    The caller holds the lock of the data folder. After a crash the database is the old or the new one, or is
    missing, which `check_restored` reports at the next start. Raises StartError.
    """
    part = _part(database)
    try:
        with _reading(file, database.parent) as source, new_file(part) as opened:
            _check_version(source, file)
            found = _copy(source, part, room, lambda: None)
            _give_to_owner(opened, database.parent)
            os.fsync(opened)
            before = _put_aside(database, database.with_name(f"{database.name}{BEFORE}{now}"))
            part.replace(database)
            sync_folder(database.parent)
    except (OSError, sqlite3.Error) as error:
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_NOTADB:
            raise StartError(_no_backup(file)) from None
        raise StartError(f"{file} cannot be restored: {reason(error)}") from None
    return Restored(found, before)


@contextmanager
def _reading(file: Path, folder: Path) -> Iterator[sqlite3.Connection]:
    """Open a database to read it, or a copy of it in `folder` if its own folder cannot be written to.

    To read a database with a log, SQLite makes a third file beside them.
    """
    if not file.is_file():
        raise FileNotFoundError("there is no such file")
    file.open("rb").close()  # SQLite does not say why it cannot
    with closing(_connect(file)) as source:
        if _is_readable(source):
            yield source
            return
    with TemporaryDirectory(prefix=SCRATCH, dir=folder) as scratch:
        copy = Path(scratch) / file.name
        for one, other in ((file, copy), (_log(file), _log(copy))):
            if one.exists():
                shutil.copyfile(one, other)
        with closing(_connect(copy)) as source:
            yield source


def _connect(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(str(file))}?mode=ro", uri=True, isolation_level=None)


def _is_readable(source: sqlite3.Connection) -> bool:
    try:
        _version(source)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY}:
            return False
        raise
    return True


def _log(database: Path) -> Path:
    """Return the path of the file with commits that are not in the database file yet."""
    return database.with_name(f"{database.name}-wal")


def _check_version(source: sqlite3.Connection, file: Path) -> None:
    version, newest = _version(source), migrations()[-1][0]
    if version > newest:
        raise StartError(
            f"{file} was made by a newer tcpchat: it has version {version}, and this one reads up to {newest}"
        )
    if version < OLDEST or _tables(source) != _tables_of(version):
        raise StartError(_no_backup(file))
    _check(source)


def _version(database: sqlite3.Connection) -> int:
    version: int = database.execute("PRAGMA user_version").fetchone()[0]
    return version


def _tables(database: sqlite3.Connection) -> set[str]:
    found = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    return {name for (name,) in found if not name.startswith("sqlite_")}


def _tables_of(version: int) -> set[str]:
    """Return the names of the tables in a database of this version."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as database:
        for number, script in migrations():
            if number <= version:
                database.executescript(script)
        return _tables(database)


def _no_backup(file: Path) -> str:
    return f"{file} is not a backup of tcpchat"


def _put_aside(database: Path, aside: Path) -> Path | None:
    """Move the database and its log to another name; return that name, or None if there is no database.

    The database is not opened, since that could change what a crash or a bad disk left. Its own name is
    removed first: without its log it would look whole, and a restored database with the old log would be
    damaged.
    """
    before = database.exists()
    log = _log(database)
    for file, other in ((database, aside), (log, _log(aside))):
        if file.exists():
            link(file, other)
    sync_folder(database.parent)
    for file in (database, log, database.with_name(f"{database.name}-shm")):
        file.unlink(missing_ok=True)
        sync_folder(database.parent)
    return aside if before else None


def check_restored(database: Path) -> None:
    """Raise StartError if the database is missing because a crash interrupted `restore`."""
    found = [file.name for file in database.parent.glob(f"{database.name}{BEFORE}*")]
    aside = [name for name in found if not name.endswith("-wal")]
    if aside and not database.exists():
        last = max(aside)
        raise StartError(
            f"{database.name} is missing, but {last} is there, so a restore was interrupted;"
            f" restore the backup again, or rename {last} to {database.name}"
            f" and, if it exists, {last}-wal to {database.name}-wal"
        )


def _give_to_owner(opened: int, folder: Path) -> None:
    """Give a file that root restores to the owner of the folder, so that the server can open it."""
    owner, now = folder.stat(), os.fstat(opened)
    if os.geteuid() == 0 and (owner.st_uid, owner.st_gid) != (now.st_uid, now.st_gid):
        os.fchown(opened, owner.st_uid, owner.st_gid)
