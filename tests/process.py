"""A server in its own process, and a client without trio that connects to it."""

from __future__ import annotations

import os
import select
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Self

import orjson

from tests.homes import homes, new_home

PATIENCE = 30  # seconds; a busy machine starts a process slowly
COMMAND = [sys.executable, "-m", "tcpchat"]


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return this process's environment without tcpchat's settings, with another home, and with `extra`.

    The developer who runs the tests has credentials in the real state folder, which no test may touch.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TCPCHAT_")}
    return kept | homes(_home()) | dict(extra or {})


_home = cache(new_home)


class ServerProcess:
    """Runs `tcpchat serve` while the block lasts. At its end the process has ended, whatever happens.

    `before` comes before the command, such as a shell that lowers a limit and then executes it.
    """

    def __init__(
        self,
        *options: str,
        port: int = 0,
        before: Sequence[str] = (),
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._command = [*before, *COMMAND, "serve", "--port", str(port), *options]
        self._environ = environment(environ)
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115  # closed with the process
        self.port = 0

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            self._command, stdout=subprocess.PIPE, stderr=self._stderr, env=self._environ, bufsize=0
        )
        try:
            self.first_line = self._read_line()
            self.port = int(self.first_line.rpartition(":")[2])
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()
        self._stderr.close()

    def _read_line(self) -> str:
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
        line = self.process.stdout.readline().decode() if ready else ""
        if not line.endswith("\n"):
            raise RuntimeError(f"the server did not start: {self.log()}")
        return line

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def wait(self) -> int:
        """Wait until the process has ended; return its exit code."""
        return self.process.wait(PATIENCE)

    def rest_of_stdout(self) -> str:
        """Return the output after the first line, once the process has ended."""
        assert self.process.stdout is not None
        return self.process.stdout.read().decode()

    def log(self) -> str:
        """Return the output on stderr so far."""
        size = os.fstat(self._stderr.fileno()).st_size
        return os.pread(self._stderr.fileno(), size, 0).decode()

    def connect(self) -> Client:
        return Client(self.port)


class Client:
    """One connection to a server on this machine; every read has a deadline."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self._file = self._socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._socket.close()

    def send(self, line: str) -> None:
        self._socket.sendall(line.encode() + b"\n")

    def line(self) -> dict[str, Any]:
        """Return the next line; raise EOFError at the end."""
        line = self._file.readline()
        if not line:
            raise EOFError
        decoded: dict[str, Any] = orjson.loads(line)
        return decoded

    def next(self, type: str) -> dict[str, Any]:
        """Return the next line of this type."""
        while (line := self.line())["type"] != type:
            pass
        return line

    def rest(self) -> list[dict[str, Any]]:
        """Return all lines up to the end."""
        return [orjson.loads(line) for line in self._file]


def free_port() -> int:
    """Return a port of this machine that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port
