"""`tcpchat serve` as a process: start errors, output, log and signals."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from contextlib import ExitStack
from pathlib import Path

import orjson
import pytest

from tcpchat.store.queries.snapshot import load_snapshot
from tcpchat.store.sqlite import SqliteStore
from tests.cli.conftest import refusal
from tests.process import COMMAND, PATIENCE, ServerProcess, environment

SECRET = "the-text-of-a-message"


@pytest.mark.parametrize("below", ["file", "file/data"])
def test_a_data_folder_that_cannot_be_created_is_an_error(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, below: str
) -> None:
    (tmp_path / "file").write_text("")
    line = refusal(capfd, 1, "serve", "--port", "0", "--data", str(tmp_path / below))
    assert str(tmp_path / below) in line


def test_a_data_folder_in_use_is_an_error(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    line = refusal(capfd, 1, "serve", "--port", "0", "--data", str(tmp_path))
    store.close()
    assert f"another tcpchat server (process {os.getpid()}) uses the data folder {tmp_path}" in line


def start(*options: str) -> subprocess.CompletedProcess[str]:
    """Run a server that cannot start, in a process of its own."""
    return subprocess.run(
        [*COMMAND, "serve", *options],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env=environment(),
        check=False,
    )


def test_the_second_server_on_a_folder_or_port_is_refused(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with ServerProcess("--data", str(data)) as first:
        same_folder = start("--port", "0", "--data", str(data))
        same_port = start("--port", str(first.port), "--ephemeral")
        with first.connect() as client:
            assert client.line()["type"] == "welcome"

    for second in (same_folder, same_port):
        assert second.returncode == 1
        assert second.stdout == ""
        assert len(second.stderr.splitlines()) == 1
    assert f"tcpchat: another tcpchat server (process {first.process.pid})" in same_folder.stderr
    assert f"tcpchat: cannot listen on 127.0.0.1:{first.port}: " in same_port.stderr


def test_a_damaged_database_is_an_error_without_a_traceback(tmp_path: Path) -> None:
    SqliteStore(tmp_path).close()
    database = tmp_path / "tcpchat.db"
    whole = database.read_bytes()
    page = int.from_bytes(whole[16:18], "big")
    database.write_bytes(whole[:page].ljust(len(whole), b"\xab"))
    ran = start("--port", "0", "--data", str(tmp_path))
    assert ran.returncode == 1
    assert str(tmp_path) in ran.stderr
    assert len(ran.stderr.splitlines()) == 1


def test_a_server_that_listens_nowhere_is_refused(tmp_path: Path) -> None:
    (tmp_path / "chat.toml").write_text("host = []\n")
    ran = start("--config", str(tmp_path / "chat.toml"), "--ephemeral")
    assert ran.returncode in {1, 2}
    assert len(ran.stderr.splitlines()) == 1


def test_infinity_is_no_limit_or_refused() -> None:
    try:
        with ServerProcess("--ephemeral", "--mute-seconds", "inf") as server:
            server.signal(signal.SIGTERM)
            assert server.wait() == 0
    except RuntimeError as error:
        assert "Traceback" not in str(error)  # noqa: PT017  # both ways are well


def talk(server: ServerProcess) -> None:
    with server.connect() as client:
        client.send(f"send {SECRET}")
        assert client.next("sent")["seq"] == 1
        client.send(f'{{"type":"send","text":"{SECRET}","username":"nobody"}}')
        assert client.next("error")["code"] == "no-such-user"
        client.send(SECRET)
        assert client.next("error")["code"] == "unknown-command"


def test_a_server_stores_messages_and_logs_everything_else(tmp_path: Path) -> None:
    with ServerProcess(environ={"XDG_DATA_HOME": str(tmp_path), "HOME": str(tmp_path)}) as server:
        talk(server)
        with server.connect() as client:
            client.next("welcome")
            server.signal(signal.SIGTERM)
            assert client.rest()[-1]["code"] == "server-stopping"
        assert server.wait() == 0
        log = server.log()
        assert server.first_line == f"listening on 127.0.0.1:{server.port}\n"
        assert server.rest_of_stdout() == ""

    assert re.search(rf"^\S+Z info     ready data=.* listening_on=127\.0\.0\.1:{server.port}", log)
    assert "stopping signal=SIGTERM" in log
    assert SECRET not in log
    store = SqliteStore(tmp_path / "tcpchat")
    (kept,) = store.ask(load_snapshot, 20, 0).recent
    store.close()
    assert kept.text == SECRET


def test_an_ephemeral_server_leaves_the_disk_alone_and_logs_json(tmp_path: Path) -> None:
    options = [
        "--ephemeral",
        "--log-format",
        "json",
        "--log-level",
        "debug",
        "--data",
        str(tmp_path / "data"),
    ]
    with ServerProcess(*options, environ={"XDG_DATA_HOME": str(tmp_path), "HOME": str(tmp_path)}) as server:
        talk(server)
        server.signal(signal.SIGINT)
        assert server.wait() == 0
        log = server.log()
        assert server.rest_of_stdout() == ""

    lines = [orjson.loads(line) for line in log.splitlines()]
    assert {"ready", "joined", "stopping"} <= {line["event"] for line in lines}
    assert SECRET not in log
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("first", "second"), [(signal.SIGTERM, signal.SIGINT), (signal.SIGINT, signal.SIGTERM)]
)
def test_a_second_signal_ends_a_server_that_waits_for_a_client(
    first: signal.Signals, second: signal.Signals
) -> None:
    with ServerProcess("--ephemeral", "--stop-seconds", "1000") as server, server.connect() as client:
        client.next("welcome")
        server.signal(first)
        assert client.next("bye")["code"] == "server-stopping"
        assert server.process.poll() is None
        server.signal(second)
        assert server.wait() == 128 + second


def test_a_server_short_of_descriptors_refuses_the_surplus_and_serves_the_others() -> None:
    files, places = 200, 72
    lowered = ["sh", "-c", f'ulimit -n {files}; exec "$@"', "sh"]
    with ExitStack() as stack:
        server = stack.enter_context(ServerProcess("--ephemeral", before=lowered))
        served = [stack.enter_context(server.connect()) for _ in range(places)]
        for client in served:
            client.next("welcome")
        for _ in range(5):
            with server.connect() as late:
                (line,) = late.rest()
                assert line["code"] == "server-full"
                assert line["limit"] == places

        served[0].send("send still here")
        assert served[-1].next("message")["text"] == "still here"
        served.pop().__exit__()
        while True:  # until the server has noticed, and gives the place to another
            with server.connect() as following:
                if following.line()["type"] == "welcome":
                    break
        server.signal(signal.SIGTERM)
        for client in served:
            client.__exit__()
        assert server.wait() == 0
        assert f"connections={places} files={files}" in server.log()
