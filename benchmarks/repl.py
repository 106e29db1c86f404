"""The terminal client in a busy room: the time from a key to its echo, and processor time.

A server, a program that sends 500 messages a second, and the client in a pseudo-terminal,
where a key is pressed ten times a second. Prints milliseconds and percent of a core.
"""

from __future__ import annotations

import os
import pty
import select
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

from tcpchat.bench.summary import nearest_rank

RATE = 500  # messages a second
SECONDS = 20.0
KEYS = "жщъэюя"  # in no message
COMMAND = [sys.executable, "-m", "tcpchat"]


def start_server(folder: str) -> tuple[subprocess.Popen[bytes], int]:
    options = ["--port", "0", "--data", folder, "--messages-per-second", "0", "--log-level", "error"]
    server = subprocess.Popen([*COMMAND, "serve", *options], stdout=subprocess.PIPE)
    assert server.stdout is not None
    return server, int(server.stdout.readline().decode().rpartition(":")[2])


def flood(port: int, until: float) -> None:
    """Send RATE messages a second."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        threading.Thread(target=drain, args=(connection,), daemon=True).start()
        began, sent = time.monotonic(), 0
        while time.monotonic() < until:
            due = int((time.monotonic() - began) * RATE)
            for number in range(sent, due):
                connection.sendall(f"send message {number} of the flood, with some more words\n".encode())
            sent = due
            time.sleep(0.002)


def drain(connection: socket.socket) -> None:
    with suppress(OSError):  # the flood is over
        while connection.recv(1 << 20):
            pass


def start_client(port: int, folder: str) -> tuple[int, int]:
    """Start the client on a terminal of 80 by 24; return its process and the terminal."""
    pid, terminal = pty.fork()
    if pid == 0:
        homes = dict.fromkeys(("XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"), folder)
        os.execve(
            sys.executable, [*COMMAND, "connect", f"127.0.0.1:{port}"], os.environ | homes | {"TERM": "xterm"}
        )
    return pid, terminal


def read_until(terminal: int, wanted: bytes, timeout: float) -> bool:
    """Read the client's output until it contains `wanted`; return whether it did."""
    seen, until = b"", time.monotonic() + timeout
    while (left := until - time.monotonic()) > 0:
        if select.select([terminal], [], [], left)[0]:
            seen = seen[-len(wanted) :] + os.read(terminal, 1 << 16)
            if wanted in seen:
                return True
    return False


def processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        server, port = start_server(folder)
        pid, terminal = start_client(port, folder)
        assert read_until(terminal, b"you are", 10)
        read_until(terminal, b"no such thing", 3)
        used = processor_seconds(pid)
        read_until(terminal, b"no such thing", 5)
        idle = (processor_seconds(pid) - used) / 5
        until = time.monotonic() + SECONDS
        threading.Thread(target=flood, args=(port, until), daemon=True).start()
        read_until(terminal, b"no such thing", 1)
        used, began = processor_seconds(pid), time.monotonic()
        echoes = []
        while time.monotonic() < until:
            for key in KEYS:
                pressed = time.monotonic()
                os.write(terminal, key.encode())
                assert read_until(terminal, key.encode(), 5), "the key was not shown"
                echoes.append(time.monotonic() - pressed)
                read_until(terminal, b"no such thing", 0.1 - min(0.1, time.monotonic() - pressed))
            os.write(terminal, b"\x15")  # Ctrl-U
            read_until(terminal, b"no such thing", 0.05)
        busy = (processor_seconds(pid) - used) / (time.monotonic() - began)
        os.kill(pid, 15)
        server.kill()
        echoes.sort()
        p50, p99 = (nearest_rank(echoes, percent) * 1000 for percent in (50, 99))
        print(f"{len(echoes)} keys: p50 {p50:.1f} ms, p99 {p99:.1f} ms")
        print(f"processor: {busy:.1%} of a core when busy, {idle:.1%} when idle")


main()
