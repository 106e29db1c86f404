"""A server in its own process, on the same port after every restart."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import trio

START = 60.0  # seconds that a start may take on a busy machine


class Process:
    """Runs `tcpchat serve` with its defaults, except for limits that would only slow down the senders."""

    def __init__(self, folder: Path) -> None:
        self.port = _free_port()
        self._log = folder / "log"
        self._command = [
            sys.executable, "-m", "tcpchat", "serve",
            "--port", str(self.port), "--data", str(folder / "data"),
            "--messages-per-second", "0", "--requests-per-second", "0", "--log-level", "warning",
        ]  # fmt: skip
        self._environ = {name: value for name, value in os.environ.items() if not name.startswith("TCPCHAT_")}
        self._process: trio.Process | None = None
        self._ready = False

    async def start(self) -> None:
        """Start the server; clients can connect a moment later."""
        self._ready = False
        with self._log.open("ab") as log:
            self._process = await trio.lowlevel.open_process(
                self._command, stdout=subprocess.PIPE, stderr=log, env=self._environ
            )

    async def wait_ready(self) -> None:
        """Wait until clients can connect."""
        assert self._process is not None
        assert self._process.stdout is not None
        with trio.fail_after(START):
            while not self._ready:
                self._ready = bool(await self._process.stdout.receive_some())
                if not self._ready:
                    raise RuntimeError(f"the server did not start: {self.log()}")

    async def kill(self) -> None:
        """Kill the server with SIGKILL."""
        if self._process is not None:
            process, self._process = self._process, None
            process.kill()
            with trio.CancelScope(shield=True):
                await process.wait()
                assert process.stdout is not None
                await process.stdout.aclose()

    def log(self) -> str:
        """Return the log of all servers so far."""
        return self._log.read_text()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
