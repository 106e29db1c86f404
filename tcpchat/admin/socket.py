"""The socket in the data folder, from both sides. Whoever may open it may do everything."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import trio

SOCKET = "admin.sock"
LONGEST = 100  # bytes of a path that every system takes as the address of a socket
OWNER_ONLY = 0o600
DESCRIPTORS = Path("/proc/self/fd")  # where Linux shows what is open: a short path to every folder


async def listen(folder: Path) -> trio.SocketListener:
    """Listen in the folder, whose lock the caller holds; a socket that an earlier server left is replaced.

    Raises OSError.
    """
    path = folder / SOCKET
    with suppress(FileNotFoundError):
        path.unlink()
    listening = trio.socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _short(path) as address:
            await listening.bind(address)
        path.chmod(OWNER_ONLY)  # nobody connects before it listens
        listening.listen()
    except BaseException:
        listening.close()
        raise
    return trio.SocketListener(listening)


async def connect(folder: Path) -> trio.SocketStream | None:
    """Connect to the server of the folder; None if none listens. Raises OSError."""
    calling = trio.socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _short(folder / SOCKET) as address:
            await calling.connect(address)
    except (FileNotFoundError, ConnectionRefusedError):
        calling.close()
        return None
    except BaseException:
        calling.close()
        raise
    return trio.SocketStream(calling)


@contextmanager
def _short(path: Path) -> Iterator[str]:
    """Give a path to the same file that is short enough. Raises OSError where the system has none."""
    if len(os.fsencode(path)) <= LONGEST:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        link = DESCRIPTORS / str(folder)
        if not link.is_dir():
            raise OSError(f"the path {path} is longer than {LONGEST} bytes, too long for a socket")
        yield str(link / path.name)
    finally:
        os.close(folder)
