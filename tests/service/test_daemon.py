"""The server process: notifications to the service manager, and signals while users chat."""

from __future__ import annotations

import os
import pty
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.certificates import write_cert
from tests.process import COMMAND, PATIENCE, ServerProcess, environment


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    """What stands for systemd."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(PATIENCE)
        yield listening


def until(manager: socket.socket, word: str) -> list[str]:
    """Return the first words of all datagrams up to one that begins with this."""
    words: list[str] = []
    while not words or words[-1] != word:
        words.append(manager.recv(4096).decode().split("\n")[0])
    return words


def wait_logged(server: ServerProcess, manager: socket.socket, event: str) -> str:
    """Return the log line of this event, once a reload is over."""
    until(manager, "READY=1")
    while not (lines := [line for line in server.log().splitlines() if event in line]):
        time.sleep(0.01)  # the log is written by a thread, a moment later
    return lines[-1]


def test_a_reload_while_users_chat_and_a_wrong_file(tmp_path: Path, manager: socket.socket) -> None:
    config = tmp_path / "chat.toml"
    config.write_text("text_characters = 50\n")
    told = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "10000000"}
    with ServerProcess("--ephemeral", "--config", str(config), environ=told) as server:
        words = until(manager, "READY=1")
        with server.connect() as client:
            client.send("send short enough")
            client.next("sent")
            config.write_text('text_characters = 5\nport = 1\nlog_level = "warning"\n')
            server.signal(signal.SIGHUP)
            words += until(manager, "RELOADING=1")
            line = wait_logged(server, manager, "reloaded")
            assert "changed='text_characters: 50 -> 5, log_level: info -> warning'" in line
            assert "needs_restart=nothing" in line, "a flag wins over the file"
            client.send("send too long now")
            assert client.next("error")["code"] == "text-too-long"
            config.write_text("text_characters = many\n")
            server.signal(signal.SIGHUP)
            line = wait_logged(server, manager, "stay in effect")
            assert "chat.toml is not TOML" in line
            assert server.log().count("reloaded") == 2
            client.send("send brief")
            client.next("sent")
            client.send("send too long now")
            assert client.next("error")["code"] == "text-too-long"
            assert "request" not in server.log().splitlines()[-1], "the log has the level that was set live"
            server.signal(signal.SIGTERM)
            words += until(manager, "STOPPING=1")
            assert client.next("bye")["code"] == "server-stopping"
        assert server.wait() == 0
    assert "WATCHDOG=1" in words


@pytest.mark.parametrize("which", ["config", "certificate"])
def test_a_settings_file_that_blocks_delays_nobody(tmp_path: Path, which: str) -> None:
    config, certificate = tmp_path / "chat.toml", tmp_path / "cert.pem"
    config.write_text("")
    write_cert(certificate)
    options = ("--ephemeral", "--config", str(config), "--tls-port", "0", "--tls-cert", str(certificate))
    with ServerProcess(*options) as server:
        path = config if which == "config" else certificate
        path.unlink()
        os.mkfifo(path)
        server.signal(signal.SIGHUP)
        with server.connect() as client:
            for text in ("one", "two"):
                client.send(f"send {text}")
                client.next("sent")
                server.signal(signal.SIGHUP)
            server.signal(signal.SIGTERM)
            assert client.next("bye")["code"] == "server-stopping"
        assert server.wait() == 0


def test_closing_the_terminal_stops_the_server() -> None:
    """SIGHUP would else let a server live on that nobody sees any more."""
    ours, theirs = pty.openpty()
    command = ["setsid", "--ctty", *COMMAND, "serve", "--ephemeral", "--port", "0"]
    with subprocess.Popen(
        command, stdin=theirs, stdout=subprocess.PIPE, stderr=theirs, env=environment()
    ) as server:
        os.close(theirs)
        assert server.stdout is not None
        assert server.stdout.readline().startswith(b"listening on")
        os.close(ours)
        assert server.wait(PATIENCE) == 0


def handles_hangup(pid: int) -> bool:
    """Say whether SIGHUP would not end the process."""
    status = Path(f"/proc/{pid}/status").read_text()
    masks = re.findall(r"^Sig(?:Ign|Cgt):\t(\w+)$", status, re.MULTILINE)
    return any(int(mask, 16) >> (signal.SIGHUP - 1) & 1 for mask in masks)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="what a process ignores is told there")
def test_a_reload_may_be_requested_during_the_start(tmp_path: Path) -> None:
    """As a hook does that renews a certificate."""
    config = tmp_path / "fifo"
    os.mkfifo(config)
    command = [*COMMAND, "serve", "--ephemeral", "--port", "0", "--config", str(config)]
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment(),
    ) as server:
        with config.open("w"):  # which waits until the server reads it, still far from serving
            assert handles_hangup(server.pid)
            server.send_signal(signal.SIGHUP)
        assert server.stdout is not None
        assert server.stdout.readline().startswith(b"listening on")
        server.terminate()
        assert server.wait(PATIENCE) == 0
