"""Files of a client's state: for nobody else's eyes, and whole whatever happens."""

from __future__ import annotations

import os
import stat
from pathlib import Path

MOST = 64 * 1024  # bytes of a file; none of ours is longer


def make_folder(folder: Path) -> None:
    """Make the folder, for nobody else. Raises OSError if it is somebody else's."""
    for each in (folder.parent, folder):
        each.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.stat()
    if found.st_uid != os.geteuid():
        raise PermissionError(f"{folder} belongs to another user of this machine")
    if stat.S_IMODE(found.st_mode) & 0o077:
        folder.chmod(0o700)


def read_file(path: Path) -> bytes:
    """Return what is in a plain file of ours; waits for nothing, such as the other end of a pipe."""
    file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        found = os.fstat(file)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
            raise PermissionError(f"{path} is no file of yours")
        return os.read(file, MOST)
    finally:
        os.close(file)


def write_file(path: Path, data: bytes) -> None:
    """Replace the file at once and for nobody else's eyes; after a crash it is the old or the new one."""
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(file, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(file)
    new.replace(path)
