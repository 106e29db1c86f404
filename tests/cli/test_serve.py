"""The command line: where settings come from, what the operator reads, and how a server ends."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import attrs
import orjson
import pytest

from tcpchat import __version__
from tcpchat.cli.app import parse_and_run, read_settings
from tcpchat.settings import Limits, Listening, Running, Settings
from tcpchat.store.queries.snapshot import load_snapshot
from tcpchat.store.sqlite import SqliteStore
from tests.process import COMMAND, PATIENCE, ServerProcess, environment

SECRET = "the-text-of-a-message"


@pytest.fixture(autouse=True)
def clean_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing come from the machine: no settings, no files around, a wide terminal for the help."""
    for name in os.environ:
        if name.startswith("TCPCHAT_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "500")
    monkeypatch.chdir(tmp_path)


def settings(*arguments: str) -> Settings:
    """Return the settings that `tcpchat serve` would run with."""
    return read_settings(["serve", *arguments])


def refusal(capfd: pytest.CaptureFixture[str], code: int, *arguments: str) -> str:
    """Run the command; return the one line that it wrote to stderr, which ended it with this code."""
    assert parse_and_run(arguments) == code
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("tcpchat: ")
    assert err.endswith("\n")
    assert len(err.splitlines()) == 1
    return err


# Version and help


def test_the_version_is_told_at_once() -> None:
    """Without importing what only a server needs: the answer comes in a moment."""
    program = (
        "import sys\n"
        "from tcpchat.cli import run\n"
        "run(['--version'])\n"
        "print(*sorted({'cyclopts', 'trio', 'sqlite3', 'orjson'} & set(sys.modules)))\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=PATIENCE, check=True
    )
    assert ran.stdout == f"{__version__}\n\n"


def test_the_version_is_told_by_a_command_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert parse_and_run(["serve", "--version"]) == 0
    assert capsys.readouterr().out == f"{__version__}\n"


def test_help_lists_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert parse_and_run(["--help"]) == 0
    out = capsys.readouterr().out
    assert all(re.search(rf"\b{name}\b", out) for name in ("serve", "connect", "send", "tail", "admin"))


def test_help_tells_every_setting_with_its_default(capsys: pytest.CaptureFixture[str]) -> None:
    assert parse_and_run(["serve", "--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    groups = attrs.asdict(Settings(), recurse=False)
    fields = {name: value for group in groups.values() for name, value in attrs.asdict(group).items()}
    assert fields
    for name, default in fields.items():
        flag = "--" + name.replace("_", "-")
        (line,) = [line for line in lines if f" {flag} " in line]
        assert f"TCPCHAT_{name.upper()}]" in line
        if default is None:
            assert "Default: " in line or name == "tls_cert"
        elif name == "host":
            assert "127.0.0.1" in line
        else:
            assert f"[default: {default}]" in line


# Where settings come from


def test_without_anything_the_defaults_hold() -> None:
    assert settings() == Settings()


def test_flags_win_over_the_environment_and_that_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "chat.toml"
    file.write_text('port = 1\nhistory = 1\nhost = ["::1", "127.0.0.2"]\nlog-format = "json"\n')
    monkeypatch.setenv("TCPCHAT_PORT", "2")
    monkeypatch.setenv("TCPCHAT_HISTORY", "2")
    monkeypatch.setenv("TCPCHAT_TEXT_CHARACTERS", "2")
    found = settings("--port", "3", "--config", str(file))
    assert found.listening == Listening(host=("::1", "127.0.0.2"), port=3)
    assert found.rules.history == 2
    assert found.limits == Limits(text_characters=2)
    assert found.running == Running(log_format="json")


def test_the_file_may_be_named_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "chat.toml").write_text("backlog_bytes = 5\n")
    monkeypatch.setenv("TCPCHAT_CONFIG", "chat.toml")
    assert settings().limits.backlog_bytes == 5


def test_hosts_are_given_one_by_one_or_as_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings("--host", "::1", "--host", "localhost").listening.host == ("::1", "localhost")
    monkeypatch.setenv("TCPCHAT_HOST", "::1 localhost")
    assert settings().listening.host == ("::1", "localhost")


# Called wrongly: exit code 2


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--port", "x"], ["--port", '"x"']),
        (["--port", "65536"], ["--port", "<= 65535"]),
        (["--port=-1"], ["--port", ">= 0"]),
        (["--history", "501"], ["--history", "<= 500"]),
        (["--history", "0"], ["--history", ">= 1"]),
        (["--line-bytes", "131073"], ["--line-bytes", "<= 131072"]),
        (["--backlog-bytes=-1"], ["--backlog-bytes", ">= 0"]),
        (["--mute-seconds", "nan"], ["--mute-seconds", "nan"]),
        (["--log-level", "loud"], ["--log-level", '"warning"']),
        (["--synchronous", "on"], ["--synchronous", '"full"']),
        (["--prot", "5"], ["--prot", "Did you mean --port?"]),
        (["8000"], ["8000"]),
        (["--config", "no.toml"], ["--config no.toml", "No such file"]),
        (["--config", "."], ["--config .", "Is a directory"]),
    ],
)
def test_a_wrong_flag_is_named(
    capfd: pytest.CaptureFixture[str], arguments: list[str], told: list[str]
) -> None:
    line = refusal(capfd, 2, "serve", *arguments)
    assert all(part in line for part in told), line


def test_an_unknown_command_is_told_with_what_was_meant(capfd: pytest.CaptureFixture[str]) -> None:
    assert 'Did you mean "serve"?' in refusal(capfd, 2, "serv")


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [("TCPCHAT_PORT", "x", '"x"'), ("TCPCHAT_PORT", "70000", "<= 65535"), ("TCPCHAT_EPHEMERAL", "?", "bool")],
)
def test_a_wrong_value_in_the_environment_names_its_variable(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    monkeypatch.setenv(name, value)
    line = refusal(capfd, 2, "serve")
    assert name in line
    assert told in line


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("port = 'x'", ["port", "unable to convert"]),
        ("port = 70000", ["port", "<= 65535"]),
        ("port = true", ["port", "unable to convert"]),
        ("prot = 1", ["prot", "Unknown option"]),
        ("port =", ["is not TOML"]),
        ("\udcff", ["is not TOML"]),
        ("[serve]\nport = 1", ["[serve]", "must not be in a table"]),
        ("[listening]\nport = 1", ["listening", "Unknown option"]),
    ],
)
def test_what_is_wrong_in_a_file_names_the_file(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, text: str, told: list[str]
) -> None:
    (tmp_path / "chat.toml").write_bytes(text.encode(errors="surrogateescape"))
    line = refusal(capfd, 2, "serve", "--config", "chat.toml")
    assert "chat.toml" in line
    assert all(part in line for part in told), line


# Cannot start: exit code 1


@pytest.mark.parametrize("below", ["file", "file/data"])
def test_a_data_folder_that_cannot_be_made_is_told(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, below: str
) -> None:
    (tmp_path / "file").write_text("")
    line = refusal(capfd, 1, "serve", "--port", "0", "--data", str(tmp_path / below))
    assert str(tmp_path / below) in line


def test_a_data_folder_in_use_is_told(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
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


def test_of_two_servers_on_one_folder_or_one_port_the_second_is_refused(tmp_path: Path) -> None:
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


def test_a_damaged_database_is_told_without_a_traceback(tmp_path: Path) -> None:
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


# A running server


def talk(server: ServerProcess) -> None:
    with server.connect() as client:
        client.send(f"send {SECRET}")
        assert client.next("sent")["seq"] == 1
        client.send(f'{{"type":"send","text":"{SECRET}","username":"nobody"}}')
        assert client.next("error")["code"] == "no-such-user"
        client.send(SECRET)
        assert client.next("error")["code"] == "unknown-command"


def test_a_server_keeps_what_is_said_and_tells_its_operator_the_rest(tmp_path: Path) -> None:
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

    assert re.search(rf"^\S+Z info     ready data=.* talk_to_it='nc 127\.0\.0\.1 {server.port}'", log)
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


def test_a_server_short_of_descriptors_refuses_who_is_too_many_and_serves_the_others() -> None:
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
