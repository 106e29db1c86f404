"""Servers of every kind, started on loopback with a data folder of their own, and stopped."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import attrs

HERE = Path(__file__).parent
PATIENCE: Final = 30  # seconds for a server to start or to stop
TITLES: Final = {
    "tcpchat": "tcpchat",
    "earlier": "tcpchat before rooms",
    "limit": "C loop (no chat)",
    "redis": "Redis Pub/Sub",
    "redis-kept": "Redis XADD, appendfsync always",
    "nats": "NATS",
    "ngircd": "ngIRCd",
    "trio": "plain Trio, a task per receiver",
    "asyncio": "plain asyncio, a task per receiver",
}
"""The title of every kind of server, in the order in which results are shown."""
OWN_BUILDS: Final = ("tcpchat", "earlier")
EARLIER: Final = "a3a38b7c"
"""The commit of the earlier build, which no figure may fall behind; left out where git has no such commit."""
_NEEDS = {"redis": "redis-server", "redis-kept": "redis-server", "nats": "nats-server", "ngircd": "ngircd"}
_UNLIMITED = ("--messages-per-second", "0", "--requests-per-second", "0", "--connections", "0")
_NGIRCD = """
[Global]
Name = irc.example.org
Info = benchmark
Listen = 127.0.0.1
Ports = {port}
MotdPhrase = hello
[Limits]
MaxConnections = 0
MaxConnectionsIP = 0
MaxJoins = 0
MaxNickLength = 31
MaxPenaltyTime = 0
[Options]
DNS = no
Ident = no
PAM = no
"""


@attrs.frozen
class Running:
    """A running server."""

    kind: str
    port: int
    pid: int

    @property
    def protocol(self) -> str:
        """The protocol that the loads have to speak."""
        spoken = {"redis": "redis", "redis-kept": "redis", "nats": "nats", "ngircd": "irc"}
        return spoken.get(self.kind, "tcpchat")

    def resident(self) -> int:
        """Return the resident memory in bytes."""
        found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{self.pid}/status").read_text())
        assert found is not None
        return int(found[1]) * 1024


def is_installed(kind: str) -> bool:
    if kind == "earlier":
        return shutil.which("git") is not None and _git("cat-file", "-e", f"{EARLIER}^{{commit}}") is not None
    return kind not in _NEEDS or shutil.which(_NEEDS[kind]) is not None


@contextmanager
def running(kind: str, folder: Path, options: Sequence[str] = _UNLIMITED) -> Iterator[Running]:
    """Run a server until the block ends. `options` are for tcpchat; by default it has no limits."""
    with tempfile.TemporaryDirectory(dir=folder) as own:
        port = _free_port()
        command = _COMMANDS[kind](port, Path(own), folder)
        if kind in OWN_BUILDS:
            command += options
        environment = {name: value for name, value in os.environ.items() if not name.startswith("TCPCHAT_")}
        process = subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment,
            cwd=_earlier(folder) if kind == "earlier" else None,  # where `-m` looks first
        )
        try:
            _wait_until_reached(process, kind, port)
            yield Running(kind, port, process.pid)
        finally:
            _end(process)


def _wait_until_reached(process: subprocess.Popen[bytes], kind: str, port: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            if time.monotonic() > deadline or process.poll() is not None:
                raise SystemExit(f"{kind} does not start") from None
            time.sleep(0.02)
        else:
            return


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


def _tcpchat(port: int, own: Path, folder: Path) -> list[str]:
    words = ["serve", "--port", str(port), "--data", str(own), "--log-level", "warning"]
    return [sys.executable, "-m", "tcpchat", *words]


def _earlier(folder: Path) -> Path:
    """Return a folder with the earlier build, which is extracted when it is first needed."""
    build = folder / "earlier"
    if not build.exists():
        archive = _git("archive", "--format=tar", EARLIER, "tcpchat")
        assert archive is not None
        build.mkdir()
        subprocess.run(["tar", "-x", "-C", build], input=archive, check=True)
    return build


def _git(*words: str) -> bytes | None:
    """Return what git prints in this repository, or None if it fails."""
    done = subprocess.run(["git", *words], cwd=HERE.parent, capture_output=True, check=False)
    return None if done.returncode else done.stdout


def _limit(port: int, own: Path, folder: Path) -> list[str]:
    return [str(folder / "limit"), str(port)]


def _redis(port: int, own: Path, folder: Path) -> list[str]:
    # protected mode refuses the load, which comes from many loopback addresses
    words = ["--save", "", "--bind", "127.0.0.1", "--protected-mode", "no", "--maxclients", "20000"]
    return ["redis-server", *words, "--port", str(port), "--dir", str(own)]


def _redis_kept(port: int, own: Path, folder: Path) -> list[str]:
    return [*_redis(port, own, folder), "--appendonly", "yes", "--appendfsync", "always"]


def _nats(port: int, own: Path, folder: Path) -> list[str]:
    return ["nats-server", "--addr", "127.0.0.1", "--port", str(port)]


def _ngircd(port: int, own: Path, folder: Path) -> list[str]:
    config = own / "ngircd.conf"
    config.write_text(_NGIRCD.format(port=port))
    return ["ngircd", "--nodaemon", "--config", str(config)]


def _trio(port: int, own: Path, folder: Path) -> list[str]:
    return [sys.executable, str(HERE / "peer_trio.py"), str(port)]


def _asyncio(port: int, own: Path, folder: Path) -> list[str]:
    return [sys.executable, str(HERE / "peer_asyncio.py"), str(port)]


_COMMANDS: Final[dict[str, Callable[[int, Path, Path], list[str]]]] = {
    "tcpchat": _tcpchat, "earlier": _tcpchat, "limit": _limit, "redis": _redis, "redis-kept": _redis_kept,
    "nats": _nats, "ngircd": _ngircd, "trio": _trio, "asyncio": _asyncio,
}  # fmt: skip
