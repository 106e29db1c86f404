"""A copy of a database that is in use, and putting a copy in the place of one that is not.

A copy has no journal id. So the next start on it makes one, and nobody takes numbers that are given again for
those that were given before.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TypeAlias
from urllib.parse import quote

from tcpchat.errors import StartError
from tcpchat.store import NotFlushedError
from tcpchat.store.migrate import migrations
from tcpchat.store.rows import BackupInfo

OnStep: TypeAlias = Callable[[], None]
"""Called again and again while data is copied; an exception that it raises ends the copy."""

PAGES = 256  # of 4 KB, that are copied in one step; between two of them it can be cancelled
OLDEST = 2  # the first version of a database that has a journal id
BEFORE = ".before-"  # what is between the name of a database and the time when it was put aside
GUESTS = 3  # the first version that tells devices of guests from those of registered users


def back_up(source: sqlite3.Connection, file: Path, room: str, on_step: OnStep) -> BackupInfo:
    """Write what is committed by now to a file that does not exist yet: all of it or no file.

    Others go on writing meanwhile. Raises FileExistsError, NotFlushedError, OSError, sqlite3.Error and what
    `on_step` raises.
    """
    if file.exists():  # before any work; what counts is the link
        raise FileExistsError(f"{file} exists already")
    if not file.parent.is_dir():
        raise NotADirectoryError(f"there is no folder {file.parent}")
    part = _part(file)
    with _only_ours(part) as opened:
        copied = _copy(source, part, room, on_step)
        os.fsync(opened)
        _name(part, file)
        try:
            _sync_folder(file.parent)
        except OSError as error:
            raise NotFlushedError(error) from None
    return copied


def _part(file: Path) -> Path:
    """Return where a file is until it is whole: under a name that nobody else gives."""
    return file.with_name(f".{file.name}.tcpchat-part")


def _name(part: Path, file: Path) -> None:
    """Let the part be there under the name of the file: by a link, since a rename overwrites."""
    try:
        os.link(part, file)
    except FileExistsError:
        raise FileExistsError(f"{file} exists already") from None


@contextmanager
def _only_ours(part: Path) -> Iterator[int]:
    """Open a new file that nobody else may read, in the place of what a crash left there.

    At the end this name of it is gone.
    It stays open to the end, since closing a file gives up all locks that SQLite has on it.
    """
    _remove_left(part)
    opened = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        _lock(opened, part)
        try:
            yield opened
        finally:
            with suppress(OSError):  # the next one removes it
                part.unlink()
    finally:
        os.close(opened)


def _remove_left(part: Path) -> None:
    """Remove what a crash left. It is not written to, since it may be a whole copy with a second name."""
    try:
        left = os.open(part, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        _lock(left, part)
        part.unlink()
    finally:
        os.close(left)


def _lock(opened: int, part: Path) -> None:
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise FileExistsError(f"{part} is being written at this moment") from None


def _copy(source: sqlite3.Connection, part: Path, room: str, on_step: OnStep) -> BackupInfo:
    """Make a whole database of its own, in one file, of what is committed now."""
    with closing(sqlite3.connect(part, isolation_level=None)) as copy:
        copy.execute("PRAGMA synchronous = OFF")  # it is flushed once, at its end
        source.execute("BEGIN")
        try:
            # From here on this connection sees the data of now. Without that, each commit of another one
            # would begin the copy anew, and under load it would never end.
            source.execute("SELECT count(*) FROM journal").fetchone()
            source.backup(copy, pages=PAGES, progress=lambda *_: on_step())
        finally:
            source.execute("ROLLBACK")
        copy.execute("PRAGMA journal_mode = DELETE")
        copy.execute("DELETE FROM journal")
        if _version(copy) >= GUESTS:  # nobody brings a token to another journal, so names would wait in vain
            copy.execute("DELETE FROM device WHERE user NOT IN (SELECT user FROM account)")
        _check(copy)
        messages = copy.execute("SELECT count(*) FROM message").fetchone()[0]
        seq = copy.execute("SELECT coalesce(max(seq), 0) FROM message WHERE room = ?", (room,)).fetchone()[0]
    return BackupInfo(part.stat().st_size, messages, seq)


def _check(database: sqlite3.Connection) -> None:
    """Raise sqlite3.DatabaseError if something is wrong with it."""
    found = database.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if found != "ok":
        raise sqlite3.DatabaseError(f"the data is damaged: {found}")


def take_in(file: Path, database: Path, room: str, now: str) -> tuple[BackupInfo, Path | None]:
    """Put a copy of the file in the place of a database that nobody uses; the caller holds the lock.

    Returns what is in it, and where the database of before is now; its name ends with `now`. After a crash
    there is the one or the other as a whole, or nothing, and `check_restored` says so. Raises StartError.
    """
    part = _part(database)
    try:
        with closing(_open(file)) as source, _only_ours(part) as opened:
            _check_version(source, file)
            copied = _copy(source, part, room, lambda: None)
            _give_to_owner(opened, database.parent)
            os.fsync(opened)
            before = _put_aside(database, database.with_name(f"{database.name}{BEFORE}{now}"))
            part.replace(database)
            _sync_folder(database.parent)
    except (OSError, sqlite3.Error) as error:
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_NOTADB:
            raise StartError(_no_copy(file)) from None
        raise StartError(f"{file} cannot be restored: {error}") from None
    return copied, before


def _open(file: Path) -> sqlite3.Connection:
    if not file.is_file():
        raise FileNotFoundError("there is no such file")
    return sqlite3.connect(f"file:{quote(str(file))}?mode=ro", uri=True, isolation_level=None)


def _check_version(source: sqlite3.Connection, file: Path) -> None:
    version, newest = _version(source), migrations()[-1][0]
    if version > newest:
        raise StartError(f"{file} is of a newer tcpchat (version {version}, and this one knows {newest})")
    if version < OLDEST or _tables(source) != _tables_of(version):
        raise StartError(_no_copy(file))
    _check(source)


def _version(database: sqlite3.Connection) -> int:
    version: int = database.execute("PRAGMA user_version").fetchone()[0]
    return version


def _tables(database: sqlite3.Connection) -> set[str]:
    found = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    return {name for (name,) in found if not name.startswith("sqlite_")}


def _tables_of(version: int) -> set[str]:
    """Return the tables that a database of this version has."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as database:
        for number, script in migrations():
            if number <= version:
                database.executescript(script)
        return _tables(database)


def _no_copy(file: Path) -> str:
    return f"{file} is not a copy that backup made"


def _put_aside(database: Path, aside: Path) -> Path | None:
    """Let the database be there under another name, and leave nothing behind that belongs to it.

    It is not opened, since that might change what a crash or a bad disk left. The database goes first, since
    without its log it would seem whole; and a copy with a log that is not its own would be damaged.
    """
    before = database.exists()
    log = database.with_name(f"{database.name}-wal")  # commits that are not in the database yet
    for file, other in ((database, aside), (log, Path(f"{aside}-wal"))):
        if file.exists():
            os.link(file, other)
    _sync_folder(database.parent)
    for file in (database, log, database.with_name(f"{database.name}-shm")):
        file.unlink(missing_ok=True)
        _sync_folder(database.parent)
    return aside if before else None


def check_restored(database: Path) -> None:
    """Raise StartError if a crash ended `take_in` when there was nothing in the place of the database."""
    found = [file.name for file in database.parent.glob(f"{database.name}{BEFORE}*")]
    aside = [name for name in found if not name.endswith("-wal")]
    if aside and not database.exists():
        last = max(aside)
        raise StartError(
            f"{database.name} is not there, but {last} is, so a restore did not end; restore the copy again,"
            f" or rename {last} to {database.name}, and {last}-wal, if there is one, to {database.name}-wal"
        )


def _give_to_owner(opened: int, folder: Path) -> None:
    """Let the server open what root restores."""
    if os.geteuid() == 0:
        owner = folder.stat()
        os.fchown(opened, owner.st_uid, owner.st_gid)


def _sync_folder(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
