"""The attacked server, in its own process; a bystander and the size of its memory show the effects."""

from __future__ import annotations

import json
import select
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import orjson

from tests.process import PATIENCE, ServerProcess

Line = dict[str, Any]

ANSWERS = (b'"type":"error"', b'"type":"sent"')
TAIL = 100  # bytes; longer than each of these, and than the pong that ends a flood


class Attacker:
    """One hostile connection, which sends raw bytes and reads lines."""

    def __init__(self, port: int, source: str = "127.0.0.1", *, receive_buffer: int = 0) -> None:
        self.socket = socket.socket()
        self.socket.settimeout(3 * PATIENCE)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        if source != "127.0.0.1":
            self.socket.bind((source, 0))
        self.socket.connect(("127.0.0.1", port))
        self._tail = b""
        self._lines: list[bytes] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.socket.close()

    def vanish(self) -> None:
        """Reset the connection."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def send_line(self, line: Line) -> None:
        self.send(orjson.dumps(line) + b"\n")

    def line(self) -> Line:
        """Return the next line; raise EOFError at the end."""
        while not self._lines:
            data = self.socket.recv(1 << 18)
            if not data:
                raise EOFError(self._tail)
            *lines, self._tail = (self._tail + data).split(b"\n")
            self._lines = lines[::-1]
        decoded: Line = orjson.loads(self._lines.pop())
        return decoded

    def next(self, *types: str) -> Line:
        """Return the next line of one of these types."""
        while (line := self.line())["type"] not in types:
            pass
        return line

    def ask(self, line: Line) -> Line:
        """Return the reply to a line."""
        self.send_line(line | {"id": "asked"})
        while (reply := self.line()).get("re") != "asked":
            pass
        return reply

    def rest(self) -> list[Line]:
        """Return all lines up to the end, which may be a reset."""
        lines = []
        while True:
            try:
                lines.append(self.line())
            except (EOFError, ConnectionError):
                return lines

    def pump(self, data: bytes, times: int) -> int:
        """Send the same bytes so often, and then a ping, while reading; return the number of answers."""
        self.socket.settimeout(0)
        view, count = memoryview(data), 0
        for turn in range(times + 1):
            if turn == times:
                view = memoryview(b'{"type":"ping","id":"pumped"}\n')
            while view:
                ready, free, _ = select.select([self.socket], [self.socket], [], PATIENCE)
                assert ready or free, "the server neither reads nor writes"
                if ready:
                    count += self._skim()
                if free:
                    view = view[self.socket.send(view) :]
            view = memoryview(data)
        self.socket.settimeout(3 * PATIENCE)
        while b'"pumped"' not in self._tail:
            count += self._skim()
        self._tail = b""
        return count

    def _skim(self) -> int:
        data = self.socket.recv(1 << 18)
        if not data:
            raise EOFError
        before = self._tail[-TAIL:]
        self._tail = before + data
        return sum(self._tail.count(type) - before.count(type) for type in ANSWERS)


class Target:
    """A server with a data folder, and a bystander who uses it during the attack."""

    def __init__(self, *options: str) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="hostile-")
        self.process = ServerProcess("--data", self._folder.name, *options)
        self.port = 0

    def __enter__(self) -> Self:
        self.process.__enter__()
        self.port = self.process.port
        self._bystander = subprocess.Popen(
            [sys.executable, "-m", "tests.hostile.bystander", str(self.port)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        assert self._read() == "ready\n"
        return self

    def __exit__(self, *_: object) -> None:
        self._bystander.kill()
        self._bystander.communicate()
        self.process.__exit__()
        self._folder.cleanup()

    def _read(self) -> str:
        assert self._bystander.stdout is not None
        assert self._bystander.stderr is not None
        line = self._bystander.stdout.readline().decode()
        assert line, self._bystander.stderr.read().decode()
        return line

    def observe(self) -> Line:
        """Return the bystander's measurements since the last call.

        The bystander ends with an error if something was not answered, or not once and in order.
        """
        assert self._bystander.stdin is not None
        with suppress(BrokenPipeError):  # then its error is raised below
            self._bystander.stdin.write(b"\n")
            self._bystander.stdin.flush()
        decoded: Line = json.loads(self._read())
        return decoded

    def memory(self, what: str = "VmRSS") -> float:
        """Return the memory of the server in MB, or its peak (`VmHWM`)."""
        lines = (self._proc / "status").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(what))

    @property
    def _proc(self) -> Path:
        return Path("/proc") / str(self.process.process.pid)

    def reset_peak(self) -> None:
        """Set `VmHWM` to the present size."""
        (self._proc / "clear_refs").write_text("5")

    def files(self) -> int:
        """Return the number of file descriptors that the server has open."""
        return len(list((self._proc / "fd").iterdir()))

    def bugs(self) -> list[str]:
        return [line for line in self.process.log().splitlines() if "bug" in line]

    def attacker(
        self, name: str | None = None, source: str = "127.0.0.1", *, receive_buffer: int = 0
    ) -> Attacker:
        """Return an attacker that has read the welcome, and has taken `name` if given."""
        attacker = Attacker(self.port, source, receive_buffer=receive_buffer)
        first = attacker.line()
        assert first["type"] == "welcome", first
        if name is not None:
            reply = attacker.ask({"type": "rename", "name": name})
            assert reply["type"] == "renamed", reply
        return attacker

    def attackers(self, count: int) -> list[Attacker]:
        return [self.attacker() for _ in range(count)]

    def wait_files(self, most: int) -> None:
        """Wait until the server has at most so many descriptors open."""
        deadline = time.monotonic() + PATIENCE
        while self.files() > most:
            assert time.monotonic() < deadline, f"{self.files()} files are open"
            time.sleep(0.01)


def codes(lines: Iterable[Line]) -> str:
    """Return a count of the answers by code or type, the most frequent first."""
    counts: dict[str, int] = {}
    for line in lines:
        what = str(line.get("code") or line["type"])
        counts[what] = counts.get(what, 0) + 1
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    return ", ".join(f"{count} {what}" for what, count in ordered) or "nothing"
