"""Private files of a client's state, replaced atomically."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

MAX_BYTES: Final = 64 * 1024  # of a file; none of ours is longer


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
    """Replace the file, readable by its owner alone; after a crash it is the old or the new one.

    Raises OSError.
    """
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(file, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(file)
    new.replace(path)
