"""Scripts: a guest unless a name is given, and no password as an argument."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tcpchat.link.credential_store import CredentialStore
from tcpchat.link.desired_identity import Identity
from tests.process import COMMAND, PATIENCE
from tests.repl.fake_server import FakeServer, SocketServer
from tests.repl.test_pipe import lines_of
from tests.terminal import home

SECRET = "hunter22"
LOGIN = f"/login alice\n{SECRET}\n"
Done = subprocess.CompletedProcess[str]


@pytest.fixture
def server() -> Iterator[SocketServer]:
    fake = FakeServer("guest-1")

    def resume(request: dict[str, Any]) -> dict[str, Any]:
        fake.user = "alice"
        return {"type": "resumed", "user": "alice", "registered": True, "session": 2, "seq": 0}

    def login(request: dict[str, Any]) -> dict[str, Any]:
        fake.user = request["name"]
        fields = {"user": request["name"], "session": 2, "token": "t-of-alice", "seq": 0}
        return {"type": "logged-in"} | fields

    fake.answers |= {"login": login, "resume": resume}
    with SocketServer(fake) as server:
        yield server


def run(folder: Path, *arguments: str, input: str = "", **environ: str) -> Done:
    return subprocess.run(
        [*COMMAND, *arguments],
        input=input,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env=home(folder) | environ,
        check=False,
    )


def remembered(folder: Path) -> str:
    """Return what is in the files that say who one is."""
    files = folder.rglob("identities/*")
    return "\n".join(file.read_text() for file in files if not file.name.endswith(".lock"))


def types(server: SocketServer) -> list[str]:
    """Return what was asked, but for signs of life."""
    return [request["type"] for request in server.server.requests if request["type"] != "ping"]


# A password comes on the next line, or from the environment.


def test_in_a_pipe_the_next_line_is_the_password(server: SocketServer, tmp_path: Path) -> None:
    done = run(tmp_path, "connect", server.address, "--commands", input=f"/login alice\n{SECRET}\n hi\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert "you are alice (registered)" in done.stdout
    assert SECRET not in done.stdout
    (login,) = server.server.of("login")
    assert (login["name"], login["password"]) == ("alice", SECRET)
    assert [request["text"] for request in server.server.of("send")] == ["hi"]


def test_a_password_that_does_not_come_is_a_failure(server: SocketServer, tmp_path: Path) -> None:
    done = run(tmp_path, "connect", server.address, "--commands", input="/login alice\n")
    assert done.returncode == 1
    assert "login was cancelled" in done.stderr
    assert server.server.of("login") == []


def test_as_json_all_is_json_and_the_next_line_is_the_password_too(
    server: SocketServer, tmp_path: Path
) -> None:
    done = run(
        tmp_path,
        "connect",
        server.address,
        "--json",
        "--commands",
        input=f"{LOGIN}/register\n\n/ping\n",
    )
    assert (done.returncode, done.stderr) == (1, "")
    lines = [line for line in lines_of(done.stdout) if line["type"] != "welcome"]
    assert [line["type"] for line in lines] == ["prompt", "logged-in", "prompt", "error", "pong"]
    assert lines[0]["field"] == "password"
    assert SECRET not in done.stdout


def test_a_password_in_the_environment_logs_in(server: SocketServer, tmp_path: Path) -> None:
    done = run(tmp_path, "send", "-a", server.address, "--name", "alice", "hi", TCPCHAT_PASSWORD=SECRET)
    assert (done.returncode, done.stderr) == (0, "")
    assert [(login["name"], login["password"]) for login in server.server.of("login")] == [("alice", SECRET)]
    assert types(server)[:2] == ["login", "send"]


@pytest.mark.parametrize("command", ["send", "tail"])
def test_a_password_without_a_name_is_a_mistake(tmp_path: Path, command: str) -> None:
    done = run(tmp_path, command, *(["hi"] if command == "send" else []), TCPCHAT_PASSWORD=SECRET)
    assert done.returncode == 2
    assert done.stderr == "tcpchat: TCPCHAT_PASSWORD requires --name, the user to log in as\n"


def test_a_taken_name_explains_the_password(server: SocketServer, tmp_path: Path) -> None:
    server.server.refuse("rename", "name-taken")
    done = run(tmp_path, "send", "-a", server.address, "--name", "alice", "hi")
    assert done.returncode == 1
    assert done.stderr == (
        "tcpchat: because name-taken; to log in, give --name, and -W or TCPCHAT_PASSWORD in the environment\n"
    )
    assert server.server.of("send") == []


# Who a script is.


@pytest.mark.parametrize(
    "arguments", [("send", "hi", "-a"), ("tail", "-n", "0"), ("connect",), ("connect", "--json")]
)
def test_a_home_that_cannot_be_written_to_stops_no_script(
    server: SocketServer, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    nowhere = Path("/dev/null/home")
    done = run(nowhere, *arguments, server.address)
    assert (done.returncode, done.stderr) == (0, ""), "it needs nothing of it"
    done = run(nowhere, *arguments, server.address, "--name", "alice")
    told = "tcpchat: your identity is not saved: Not a directory: /dev/null/home/state/tcpchat\n"
    assert (done.returncode, done.stderr) == (0, told)


def log_alice_in(server: SocketServer, home: Path) -> None:
    """Let the registered user alice be remembered on this machine, under her name."""
    commands = f"/login alice\n{SECRET}\n"
    run(home, "connect", server.address, "--commands", "--name", "alice", input=commands)


def test_without_a_name_a_script_is_a_new_guest(server: SocketServer, tmp_path: Path) -> None:
    log_alice_in(server, tmp_path)
    mine = CredentialStore(
        tmp_path / "state" / "tcpchat", server.address, None
    )  # as a terminal without --name
    mine.save(Identity(user="me", token="t-of-me", journal="j", registered=True, session=1))
    mine.close()
    before = remembered(tmp_path)
    assert "t-of-me" in before
    for arguments in (("send", "hi", "-a"), ("tail", "-n", "0"), ("connect",), ("connect", "--json")):
        server.server.user = "guest-1"
        server.server.requests.clear()
        done = run(tmp_path, *arguments, server.address)
        assert (done.returncode, done.stderr) == (0, "")
        assert types(server)[-1] == "exit"
        assert not {"resume", "login", "rename"} & set(types(server))
        assert remembered(tmp_path) == before


def test_with_a_name_it_is_the_registered_user_that_one_is_here(server: SocketServer, tmp_path: Path) -> None:
    log_alice_in(server, tmp_path)
    server.server.requests.clear()
    for arguments in (("send", "hi", "-a", server.address), ("tail", "-n", "0", server.address)):
        server.server.user = "guest-1"
        done = run(tmp_path, *arguments, "--name", "alice")
        assert (done.returncode, done.stderr) == (0, "")
    assert [request["token"] for request in server.server.of("resume")] == ["t-of-alice"] * 2
    assert "login" not in types(server)
    assert "t-of-alice" in remembered(tmp_path)


def test_with_a_free_name_a_script_is_a_guest(server: SocketServer, tmp_path: Path) -> None:
    done = run(tmp_path, "send", "-a", server.address, "--name", "ci", "hi")
    assert done.returncode == 0
    assert types(server)[0] == "rename"
    assert types(server)[-1] == "exit"
    assert remembered(tmp_path) == ""


def test_nothing_is_remembered_if_that_is_wanted(server: SocketServer, tmp_path: Path) -> None:
    login = f"/login alice\n{SECRET}\n"
    run(tmp_path, "connect", server.address, "--commands", "--name", "alice", input=login)
    before = remembered(tmp_path)
    server.server.user = "guest-1"
    server.server.requests.clear()
    done = run(tmp_path, "connect", server.address, "--no-remember", "--name", "alice", input="/ping\n")
    assert done.returncode == 0
    assert "resume" not in types(server)
    assert remembered(tmp_path) == before != ""


@pytest.mark.parametrize("arguments", [(), ("--json",)])
def test_a_client_that_is_sent_away_fails_with_the_reason(
    server: SocketServer, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    server.server.reply("ping", "bye", re=None, code="revoked", message="another device sent you away")
    command = [*COMMAND, "connect", server.address, *arguments]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=home(tmp_path),
    ) as process:  # whose stdin does not end
        assert process.wait(PATIENCE) == 1
        assert process.stderr is not None
        assert process.stderr.read() == "tcpchat: another device sent you away\n"


def test_a_time_of_summer_is_summer_time_in_winter_too(server: SocketServer, tmp_path: Path) -> None:
    for at, shown in (("2026-07-01T22:30:00.000Z", "00:30"), ("2026-01-01T22:30:00.000Z", "23:30")):
        message = {"type": "message", "room": "lobby", "seq": 1, "at": at, "from": "bob", "text": "hi"}
        server.server.reply("history", "history", room="lobby", messages=[message], more=False)
        done = run(tmp_path, "tail", "-n", "1", server.address, TZ="CET-1CEST,M3.5.0,M10.5.0/3")
        assert (done.stdout, done.stderr) == (f"{shown} bob  hi\n", "")


def test_tail_prints_what_was_said_since_a_time(server: SocketServer, tmp_path: Path) -> None:
    def history(request: dict[str, Any]) -> dict[str, Any]:
        last = request.get("before", 7) - 1
        seqs = range(max(1, last - 1), last + 1)  # pages of two
        messages = [
            {"type": "message", "room": "lobby", "seq": seq, "at": f"2026-11-30T0{seq}:00:00.000Z"}
            | {"from": "bob", "text": str(seq)}
            for seq in seqs
        ]
        return {"type": "history", "room": "lobby", "messages": messages, "more": last > 2}

    server.server.answers["history"] = history
    done = run(tmp_path, "tail", "--since", "2026-11-30T03:00Z", server.address)
    assert [line.split()[-1] for line in done.stdout.splitlines()] == ["3", "4", "5", "6"]
    assert [request.get("before") for request in server.server.of("history")] == [None, 5, 3]
    done = run(tmp_path, "tail", "--since", "2026-11-30T03:00Z", "-n", "2", server.address)
    assert [line.split()[-1] for line in done.stdout.splitlines()] == ["5", "6"]
    done = run(tmp_path, "tail", "--since", "soon", server.address)
    assert (done.returncode, done.stderr.startswith("tcpchat: --since: 'soon' is not")) == (2, True)


def test_tail_prints_a_private_conversation(server: SocketServer, tmp_path: Path) -> None:
    message = {"type": "message", "room": "@b", "to": "alice", "seq": 1, "at": "2026-11-30T09:00:00.000Z"}
    server.server.reply("history", "history", room="@b", username="bob", more=False,
                        messages=[message | {"from": "bob", "text": "psst"}])  # fmt: skip
    done = run(tmp_path, "tail", "-n", "1", "--name", "alice", "-u", "bob", server.address)
    assert done.stdout == "09:00 bob → alice  psst\n"
    assert server.server.of("history")[0]["username"] == "bob"
