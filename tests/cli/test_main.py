"""The command as a process: what it makes of streams that are missing, closed or full."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tcpchat._version import __version__
from tests.process import COMMAND, PATIENCE, Client, free_port
from tests.terminal import home

FULL = Path("/dev/full")


@pytest.fixture
def closed_pipe() -> Iterator[int]:
    """A pipe that nobody reads."""
    reading, writing = os.pipe()
    os.close(reading)
    yield writing
    os.close(writing)


def run(folder: Path, stdout: int, *arguments: str) -> tuple[int, str]:
    """Run the command with this file as its stdout; return the exit code and stderr."""
    done = subprocess.run(
        [*COMMAND, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        env=home(folder),
        timeout=PATIENCE,
        check=False,
    )
    return done.returncode, done.stderr.decode()


PRINTING = [
    ("--version",),
    ("--help",),
    ("tail", "--help"),
    ("admin", "create", "bob", "--generate", "--data", "d"),
]


@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("arguments", PRINTING)
def test_output_that_is_the_task_and_cannot_be_written_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    with FULL.open("wb", buffering=0) as full:
        code, err = run(tmp_path, full.fileno(), *arguments)
    assert (code, err) == (1, "tcpchat: cannot write to stdout: No space left on device\n")


@pytest.mark.parametrize("arguments", PRINTING)
def test_a_reader_that_has_gone_ends_it_quietly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, closed_pipe: int, arguments: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(tmp_path, closed_pipe, *arguments) == (0, "")


@pytest.mark.parametrize("redirect", [">&-", "<&-", "2>&-", "<&- >&- 2>&-"])
def test_missing_streams_are_no_failure(tmp_path: Path, redirect: str) -> None:
    for arguments, code in (("--version", 0), ("--help", 0), ("nope", 2), ("bench", 2)):
        command = ["/bin/sh", "-c", f'exec "$@" {redirect}', "sh", *COMMAND, arguments]
        done = subprocess.run(command, capture_output=True, env=home(tmp_path), timeout=PATIENCE, check=False)
        assert (done.returncode, b"Traceback" in done.stderr) == (code, False), arguments
        if arguments == "--version" and ">&-" not in redirect.split():
            assert done.stdout.decode() == f"{__version__}\n"


def test_a_server_whose_ready_line_nobody_reads_serves(tmp_path: Path, closed_pipe: int) -> None:
    port = free_port()
    with subprocess.Popen(
        [*COMMAND, "serve", "--ephemeral", "--port", str(port)],
        stdin=subprocess.DEVNULL,
        stdout=closed_pipe,
        stderr=subprocess.PIPE,
        env=home(tmp_path),
    ) as server:
        assert server.stderr is not None
        log = [next(line for line in server.stderr if b"ready" in line or b"Error" in line)]
        with Client(port) as client:
            client.next("welcome")
            server.send_signal(signal.SIGTERM)
            assert client.rest()[-1]["type"] == "bye"
        log += server.stderr
        assert server.wait(PATIENCE) == 0
    assert b"Traceback" not in b"".join(log)


def test_a_server_without_any_stream_serves(tmp_path: Path) -> None:
    port = free_port()
    command = ["/bin/sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *COMMAND]
    with subprocess.Popen([*command, "serve", "--data", str(tmp_path), "--port", str(port)]) as server:
        while not (tmp_path / "admin.sock").exists():
            assert server.poll() is None
        with Client(port) as client:
            client.send("send hi")
            assert client.next("sent")["seq"] == 1
        server.send_signal(signal.SIGTERM)
        assert server.wait(PATIENCE) == 0
