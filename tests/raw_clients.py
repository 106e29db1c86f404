"""Programs that talk to a port, as docs/netcat.md shows them, and a server that does what a test tells it."""

from __future__ import annotations

import os
import pty
import select
import shlex
import socket
import struct
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Self

from tests.process import PATIENCE

DOCS = (Path(__file__).parent.parent / "docs/netcat.md").read_text()


def rows(header: str) -> list[list[str]]:
    """Return the rows of the table with this in its head, without the marks of code."""
    table = DOCS.partition(header)[2].partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip().strip("`") for cell in row.strip("|").split("|")] for row in table]


def command(text: str, port: int) -> list[str]:
    """Return what the docs show as a command for this port."""
    return shlex.split(text.replace("8000", str(port)))


class Peer:
    """The server's end of one connection."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        sock.settimeout(PATIENCE)
        self.received = b""

    def send(self, text: str) -> None:
        self._socket.sendall(text.encode())

    def receive(self, end: bytes = b"\n") -> bytes:
        """Return what comes up to this end."""
        while end not in self.received:
            data = self._socket.recv(65536)
            if not data:
                raise EOFError(self.received)
            self.received += data
        line, end, self.received = self.received.partition(end)
        return line + end

    def wait_end(self) -> None:
        """Wait until the other side sends no more, or is gone."""
        with suppress(ConnectionError):
            while self._socket.recv(65536):
                pass

    @property
    def has_ended(self) -> bool:
        """Whether the other side sends no more, or sent something that was not received here."""
        return bool(select.select([self._socket], [], [], 0)[0])

    def end(self) -> None:
        """Send no more."""
        self._socket.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def close(self) -> None:
        self._socket.close()


class Listener:
    """A server whose answers the test gives."""

    def __enter__(self) -> Self:
        self._peers: list[Peer] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.settimeout(PATIENCE)
        self.port: int = self._socket.getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        for peer in self._peers:
            peer.close()

    def accept(self) -> Peer:
        self._peers.append(Peer(self._socket.accept()[0]))
        return self._peers[-1]


class Piped:
    """A program whose input is a pipe with these bytes, and then at its end."""

    def __init__(self, text: str, port: int, given: str) -> None:
        self._process = subprocess.Popen(
            command(text, port), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert self._process.stdin is not None
        with self._process.stdin as stdin:
            stdin.write(given.encode())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()

    @property
    def is_there(self) -> bool:
        return self._process.poll() is None

    def end(self) -> tuple[str, int]:
        """Wait until it ends; return what it showed, and its exit code."""
        assert self._process.stdout is not None
        self._process.wait(PATIENCE)
        return self._process.stdout.read().decode(), self._process.returncode


class Typed:
    """A program at a terminal, which is what is typed."""

    def __init__(self, text: str, port: int) -> None:
        mine, theirs = pty.openpty()
        self._terminal = mine
        self._process = subprocess.Popen(
            command(text, port), stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
        )
        os.close(theirs)
        self._shown = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._terminal)

    @property
    def is_there(self) -> bool:
        return self._process.poll() is None

    def type(self, text: str) -> None:
        """Type text, which ends with Enter where it has a line break."""
        os.write(self._terminal, text.replace("\n", "\r").encode())

    def wait_shown(self, text: str) -> None:
        while text.encode() not in self._shown:
            ready, _, _ = select.select([self._terminal], [], [], PATIENCE)
            assert ready, f"{text} is missing"
            self._shown += os.read(self._terminal, 65536)

    def end(self) -> int:
        """Wait until it ends; return its exit code."""
        return self._process.wait(PATIENCE)
