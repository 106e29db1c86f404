"""Real processes load a real server, and servers that do what they must not."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tcpchat.address import Address
from tcpchat.bench.connection import Connection
from tcpchat.bench.load import Progress, run
from tcpchat.bench.plan import Plan
from tcpchat.bench.sending import Senders
from tcpchat.bench.summary import Summary
from tcpchat.cli.bench import _show as progress_of
from tcpchat.errors import StartError
from tests.certificates import write_cert
from tests.process import PATIENCE, ServerProcess, environment
from tests.service.test_tls_daemon import tls_port

BYE = b'{"type":"bye","code":"slow-consumer"}\n'
BANNED = b'{"type":"bye","code":"banned"}\n'
Deliver = Callable[[int, int, bytes], bytes]
"""Given which connection, which message and its line; returns what this connection gets."""
Answer = Callable[[int, bytes], bytes]
"""Given which message and its acknowledgement; returns what its sender gets."""


def to_all(place: int, number: int, line: bytes) -> bytes:
    return line


def once(number: int, line: bytes) -> bytes:
    return line


class BadServer:
    """Speaks as much as a load needs, and delivers as it likes."""

    def __init__(self, deliver: Deliver, answer: Answer) -> None:
        self._deliver, self._answer = deliver, answer
        self._connections: list[socket.socket] = []
        self._count = 0
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()
        for connection in self._connections:
            connection.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                connection.sendall(b'{"type":"welcome"}\n')
                self._connections.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError), connection.makefile("rb") as lines:
            for line in lines:
                asked = json.loads(line)
                with self._lock:
                    self._do(connection, asked)

    def _do(self, connection: socket.socket, asked: dict[str, Any]) -> None:
        if asked["type"] == "history":
            connection.sendall(b'{"type":"history","re":"joined"}\n')
            return
        line = b'{"type":"message","text":"%s"}\n' % asked["text"].encode()
        for place, other in enumerate(self._connections):
            with suppress(OSError):  # it was ended before
                self._give(other, self._deliver(place, self._count, line))
        answer = self._answer(self._count, b'{"type":"sent","re":%d,"seq":1}\n' % asked["id"])
        self._count += 1
        self._give(connection, answer)

    def _give(self, connection: socket.socket, given: bytes) -> None:
        connection.sendall(given)
        if given.endswith((BYE, BANNED)):
            connection.shutdown(socket.SHUT_RDWR)


@contextmanager
def bad_server(deliver: Deliver = to_all, answer: Answer = once) -> Iterator[int]:
    server = BadServer(deliver, answer)
    try:
        yield server.port
    finally:
        server.close()


def load(port: int) -> Summary:
    return run(plan_for(port), lambda _: None, step=0.05)


def plan_for(port: int) -> Plan:
    return Plan(
        address=Address("127.0.0.1", port), receivers=4, senders=1, seconds=0.3, rate=50, patience=0.5
    )


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


def test_what_is_lost_by_one_doubled_for_another_and_closed_for_a_third_is_noticed() -> None:
    def deliver(place: int, number: int, line: bytes) -> bytes:
        if (place, number) == (1, 3):
            return b""
        if (place, number) == (3, 6):
            return BYE
        return line * 2 if (place, number) in {(2, 4), (2, 5)} else line

    with bad_server(deliver) as port:
        told = load(port)
    assert (told.lost, told.doubled, told.ok) == (1, 2, False)
    assert told.closed == {"slow-consumer": 1}


def test_a_sender_that_is_thrown_out_is_noticed() -> None:
    with bad_server(answer=lambda number, line: line + BANNED * (number == 2)) as port:
        told = load(port)
    assert (told.sent, told.acknowledged, told.unanswered, told.lost) == (3, 3, 0, 0)
    assert (told.closed, told.ok) == ({"banned": 1}, False)


def test_a_reason_is_read_also_where_sending_fails_first() -> None:
    with bad_server(answer=lambda _, line: line + BANNED) as port:
        senders = Senders(plan_for(port))
        (sender,) = senders.each
        with sender.connection.socket:
            while not sender.ended:
                sender.send(0)
                time.sleep(0.001)  # else what nobody reads any more could fill the way before it is closed
            while sender.is_open:
                senders.step()
    told = senders.result(1, 0)
    assert (told.closed, len(told.latencies)) == ({"banned": 1}, 1)


def test_a_reason_stays_where_the_connection_is_broken_off_after_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        joined = threading.Event()

        def throw_out() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(b'{"type":"history","re":"joined"}\n')
                joined.wait(PATIENCE)
                connection.sendall(BANNED)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

        thread = threading.Thread(target=throw_out)
        thread.start()
        connection = Connection(Address("127.0.0.1", listener.getsockname()[1]))
        joined.set()
        thread.join()
        with connection.socket:
            while connection.read() is not None:
                pass
    assert connection.bye == "banned"


def test_what_is_answered_twice_is_counted_and_no_accident() -> None:
    def answer(number: int, line: bytes) -> bytes:
        error = line.replace(b"sent", b"error").replace(b'"seq":1', b'"code":"muted","message":"no"')
        return line + {3: line * 2, 5: error}.get(number, b"")

    with bad_server(answer=answer) as port:
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


def test_limits_and_closed_doors_are_explained() -> None:
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


def test_ctrl_c_shows_the_result_so_far() -> None:
    with ServerProcess("--ephemeral", "--messages-per-second", "0") as server:
        options = ("--json", "--seconds", "60", "--receivers", "2", "--senders", "1", "--rate", "200")
        with running(server.port, *options) as process:
            assert process.stderr is not None
            assert process.stderr.readline().startswith("0 of 60 s: ")
            os.killpg(process.pid, signal.SIGINT)
            out, err = process.communicate(timeout=PATIENCE)
    told = json.loads(out)
    assert (process.returncode, told["ended_early"], told["ok"]) == (130, True, True)
    assert told["acknowledged"] == told["sent"] > 20
    assert 0 < told["seconds"] < 60
    assert all(" of 60 s: " in line for line in err.splitlines())


def test_ctrl_c_before_all_are_in_ends_without_a_result_and_without_a_traceback() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, running(listener.getsockname()[1]) as process:
        connection, _ = listener.accept()
        with connection:
            os.killpg(process.pid, signal.SIGINT)
            out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out, err) == (130, "", "\nended early; there is no result\n")


def test_how_far_it_is_counts_the_seconds_that_are_over(capsys: pytest.CaptureFixture[str]) -> None:
    show = progress_of(Plan(address=Address(), seconds=3))
    for half in range(1, 10):
        show(Progress(half / 2, 5, 4, 0, 3))
    told = capsys.readouterr().err.splitlines()
    assert told == [f"{second} of 3 s: 5 sent, 4 acknowledged, 3 delivered" for second in range(4)]


def test_a_port_for_tls_is_no_port_for_a_load(tmp_path: Path) -> None:
    write_cert(tmp_path / "cert.pem")
    options = ("--ephemeral", "--tls-port", "0", "--tls-cert", str(tmp_path / "cert.pem"))
    with ServerProcess(*options) as server, pytest.raises(StartError, match="needs the plain port") as error:
        Connection(Address("127.0.0.1", tls_port(server)))
    assert "--tls" not in str(error.value)


def test_more_connections_than_the_system_has_files_for_are_refused_before_anything_starts() -> None:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        with pytest.raises(StartError, match="open files"):
            run(Plan(address=Address("127.0.0.1", 1), receivers=2**40), lambda _: None)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def test_what_is_no_chat_server_is_told_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(b"SSH-2.0-OpenSSH\r\n")
                connection.recv(100)

        threading.Thread(target=answer, daemon=True).start()
        with pytest.raises(StartError, match="is not a tcpchat server, or does not answer"):
            Connection(Address("127.0.0.1", listener.getsockname()[1]))
