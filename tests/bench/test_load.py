"""Real processes load a real server, and a fake one that misbehaves."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from tcpchat.address import Address
from tcpchat.bench.connection import Connection
from tcpchat.bench.load import Progress, run
from tcpchat.bench.plan import Plan
from tcpchat.bench.summary import Summary
from tcpchat.cli.bench import _show as progress_of
from tcpchat.errors import StartError
from tests.bench.fake_server import BANNED, BYE, fake_server, plan_for
from tests.process import PATIENCE, ServerProcess, environment


def load(port: int) -> Summary:
    return run(plan_for(port), lambda _: None, step=0.05)


def command(port: int, *options: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "tcpchat", "bench", f"127.0.0.1:{port}", *options]
    return subprocess.run(
        words,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=3 * PATIENCE,
        check=False,
        env=environment(),
    )


def test_losses_repeats_and_closed_connections_are_counted() -> None:
    def deliver(index: int, number: int, line: bytes) -> bytes:
        if (index, number) == (1, 3):
            return b""
        if (index, number) == (3, 6):
            return BYE
        return line * 2 if (index, number) in {(2, 4), (2, 5)} else line

    with fake_server(deliver) as port:
        told = load(port)
    assert (told.lost, told.doubled, told.ok) == (1, 2, False)
    assert told.closed == {"slow-consumer": 1}


def test_a_closed_sender_is_counted() -> None:
    with fake_server(answer=lambda number, line: line + BANNED * (number == 2)) as port:
        told = load(port)
    assert (told.sent, told.acknowledged, told.unanswered, told.lost) == (3, 3, 0, 0)
    assert (told.closed, told.ok) == ({"banned": 1}, False)


def test_second_replies_are_counted_and_do_not_break_the_load() -> None:
    def answer(number: int, line: bytes) -> bytes:
        error = line.replace(b"sent", b"error").replace(b'"seq":1', b'"code":"muted","message":"no"')
        return line + {3: line * 2, 5: error}.get(number, b"")

    with fake_server(answer=answer) as port:
        told = load(port)
    assert (told.answered_again, told.ok, told.doubled, told.unanswered) == (3, False, 0, 0)
    assert told.acknowledged == told.sent > 5


def test_a_server_is_loaded_and_everything_arrives() -> None:
    with ServerProcess("--ephemeral", "--messages-per-second", "0") as server:
        done = command(
            server.port, "--yes", "--json", "--seconds", "0.6", "--receivers", "7", "--senders", "2"
        )
    told = json.loads(done.stdout)
    assert done.returncode == 0, done.stderr
    assert told["acknowledged"] == told["sent"] > 20
    assert told["deliveries"] == 7 * told["acknowledged"]
    assert (told["lost"], told["doubled"], told["ok"]) == (0, 0, True)


def test_limits_and_refusals_are_explained() -> None:
    with ServerProcess("--ephemeral", "--message-burst", "3") as server:
        done = command(server.port, "--yes", "--seconds", "0.3", "--receivers", "1", "--senders", "1")
        assert done.returncode == 0
        assert "as rate-limited" in done.stdout
        assert "--messages-per-second 0" in done.stdout
        asked = command(server.port)
        assert (asked.returncode, "--yes" in asked.stderr, asked.stdout) == (2, True, "")
    with ServerProcess("--ephemeral", "--require-login") as server:
        with pytest.raises(StartError, match="guests"):
            Connection(Address("127.0.0.1", server.port))
        port = server.port
    with pytest.raises(StartError, match="refused"):
        Connection(Address("127.0.0.1", port))


HEARS_CTRL_C = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell lets its background jobs ignore it
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


@contextmanager
def running(port: int, *options: str) -> Iterator[subprocess.Popen[str]]:
    """Run a load as a terminal does: all of its processes are one group, and get its Ctrl-C."""
    words = [sys.executable, "-c", HEARS_CTRL_C]
    words += ["-m", "tcpchat", "bench", f"127.0.0.1:{port}", "--yes", *options]
    process = subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=environment(),
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


WARNING = "A server with default settings takes 10 messages a second of each sender"


def test_ctrl_c_shows_the_result_so_far() -> None:
    with ServerProcess("--ephemeral", "--messages-per-second", "0") as server:
        options = ("--json", "--seconds", "60", "--receivers", "2", "--senders", "1", "--rate", "200")
        with running(server.port, *options) as process:
            assert process.stderr is not None
            assert process.stderr.readline().startswith(WARNING)
            assert process.stderr.readline().startswith("0 of 60 s: ")
            os.killpg(process.pid, signal.SIGINT)
            out, err = process.communicate(timeout=PATIENCE)
    told = json.loads(out)
    assert (process.returncode, told["ended_early"], told["ok"]) == (130, True, True)
    assert told["acknowledged"] == told["sent"] > 20
    assert 0 < told["seconds"] < 60
    assert all(" of 60 s: " in line for line in err.splitlines())


def test_ctrl_c_before_all_have_joined_ends_without_a_result_and_without_a_traceback() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, running(listener.getsockname()[1]) as process:
        connection, _ = listener.accept()
        with connection:
            os.killpg(process.pid, signal.SIGINT)
            out, err = process.communicate(timeout=PATIENCE)
    warning, *rest = err.splitlines()
    assert (process.returncode, out, rest) == (130, "", ["", "ended early; there is no result"])
    assert warning.startswith(WARNING)


def test_progress_counts_whole_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    show = progress_of(Plan(address=Address(), seconds=3))
    for half in range(1, 10):
        show(Progress(half / 2, 5, 4, 0, 3))
    told = capsys.readouterr().err.splitlines()
    assert told == [f"{second} of 3 s: 5 sent, 4 acknowledged, 3 delivered" for second in range(4)]


def test_more_connections_than_open_files_are_refused_before_anything_starts() -> None:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        with pytest.raises(StartError, match="open files"):
            run(Plan(address=Address("127.0.0.1", 1), receivers=2**40), lambda _: None)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
