"""Private files and their folders: readable by their owner alone, each whole after a crash."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from platformdirs import user_config_path, user_data_path, user_state_path

_LOCKED: Final = {errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES}  # the last one where locks are emulated
_NO_FLUSH: Final = {errno.EINVAL, errno.ENOTSUP, errno.ENOSYS}  # of a folder
MAX_BYTES: Final = 64 * 1024  # that are read of a file; none of a client's files is longer


def make_folder(folder: Path) -> None:
    """Make the folder, readable by its owner alone. Raises OSError if another user owns it."""
    for each in (folder.parent, folder):
        each.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.stat()
    if found.st_uid != os.geteuid():
        raise PermissionError(f"{folder} belongs to another user of this machine")
    if stat.S_IMODE(found.st_mode) & 0o077:
        folder.chmod(0o700)


def read_file(path: Path) -> bytes:
    """Return the content of a plain file that the user owns.

    Never waits, as for the other end of a pipe. Raises OSError.
    """
    file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        found = os.fstat(file)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
            raise PermissionError(f"{path} is not a plain file that you own")
        return os.read(file, MAX_BYTES)
    finally:
        os.close(file)


def write_file(path: Path, data: bytes) -> None:
    """Replace the file at once, and leave no other one behind.

    Raises OSError, and then the file is the old one; FileExistsError if another process is replacing it.
    """
    with _written(path, data) as new:
        new.replace(path)
    with suppress(OSError):  # the file is in place, and not every file system can flush a folder
        sync_folder(path.parent)


def create_file(path: Path, data: bytes) -> None:
    """Make a file at once, which is never replaced, and leave no other one behind.

    Raises OSError; FileExistsError if there is one, or if another process is making it.
    """
    with _written(path, data) as new:
        publish(new, path)
    with suppress(OSError):
        sync_folder(path.parent)


@contextmanager
def _written(path: Path, data: bytes) -> Iterator[Path]:
    """Write data to disk in a file beside the one that it is for. Raises OSError."""
    new = path.with_name(f"{path.name}.new")
    with new_file(new) as opened:
        with os.fdopen(opened, "wb", closefd=False) as stream:
            stream.write(data)
        os.fsync(opened)
        yield new


@contextmanager
def new_file(path: Path) -> Iterator[int]:
    """Open a new file for its owner alone, in place of one that a crash left there.

    It is locked while the block lasts, and stays open, since closing a file gives up all locks that SQLite
    has on it. At the end it no longer has this name: to stay, it is renamed or linked to another one. Raises
    OSError; FileExistsError if another process has the file open in the same way.
    """
    _remove_left(path)
    opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        _lock(opened, path)
        try:
            yield opened
        finally:
            if _is_at(opened, path):
                with suppress(OSError):  # the next one removes it
                    path.unlink()
    finally:
        os.close(opened)


def _remove_left(path: Path) -> None:
    """Remove what a crash left. It is not written to, since it may be a whole file with a second name."""
    if path.is_symlink():
        path.unlink()
        return
    try:
        left = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        _lock(left, path)
        path.unlink()
    finally:
        os.close(left)


def _lock(opened: int, path: Path) -> None:
    if not try_lock(opened, path):
        raise FileExistsError(f"{path} is being written at this moment")


def try_lock(opened: int, path: Path) -> bool:
    """Lock an open file; return False if another process has locked it.

    Raises OSError if the file system has no locks, as those of some networks.
    """
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _LOCKED:
            return False
        why = f"{error.strerror}; files are locked there, which a local disk can do"
        raise OSError(error.errno, why, str(path)) from None
    return True


def link(path: Path, other: Path) -> None:
    """Give a file another name too, or a flushed copy where the file system has no links. Raises OSError.

    The other name must be free.
    """
    try:
        os.link(path, other)
    except FileExistsError:
        raise
    except OSError:
        try:
            shutil.copy2(path, other)
            _flush(other)
        except OSError:
            other.unlink(missing_ok=True)
            raise


def publish(path: Path, other: Path) -> None:
    """Give a finished file its name, which must be free; the name before may stay, too.

    Not by renaming it, which would replace another file; where the file system has no links, an empty file
    takes the name for a moment. Raises OSError; FileExistsError if the name is taken.
    """
    try:
        os.link(path, other)
    except FileExistsError:
        raise
    except OSError:
        os.close(os.open(other, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        try:
            path.replace(other)
        except OSError:
            other.unlink(missing_ok=True)
            raise


def reason(error: Exception) -> str:
    """Return why an operation on files failed, and on which: `Permission denied: /srv/monday.db`."""
    if not isinstance(error, OSError) or error.strerror is None:
        return str(error)
    name = error.filename
    return error.strerror if name is None else f"{error.strerror}: {os.fsdecode(name)}"


def _is_at(opened: int, path: Path) -> bool:
    """Say whether the file still has this name, which may be another's already."""
    try:
        return os.path.samestat(os.fstat(opened), path.lstat())
    except OSError:
        return False


def sync_folder(folder: Path) -> None:
    """Flush the names in a folder to disk, if its file system can do that. Raises OSError."""
    try:
        _flush(folder)
    except OSError as error:
        if error.errno not in _NO_FLUSH:
            raise


def _flush(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


NO_HOME: Final = "there is no home folder; set HOME"


def config_folder() -> Path | None:
    """Return the folder of the settings that the user makes."""
    return _folder(user_config_path)


def state_folder() -> Path | None:
    """Return the folder of the input history, credentials, accepted certificates and logs."""
    return _folder(user_state_path)


def data_folder() -> Path | None:
    """Return the folder of a server's data."""
    return _folder(user_data_path)


def _folder(of: Callable[..., Path]) -> Path | None:
    try:
        return of("tcpchat", appauthor=False)
    except RuntimeError:  # no HOME, and the system does not know the user either
        return None
