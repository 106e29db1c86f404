"""`tcpchat admin`: arguments, output and exit codes."""

from __future__ import annotations

import io
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from tcpchat.cli import admin_runner
from tcpchat.cli.app import parse_and_run
from tcpchat.store.sqlite import lock_folder
from tests.process import COMMAND, PATIENCE, ServerProcess, environment

PASSWORD = "correct horse"
Shell = Callable[..., tuple[int, str, str]]


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    """Run one command on the data folder, with this on stdin; return the exit code, stdout and stderr."""

    def type_in(*arguments: str, stdin: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        code = parse_and_run(["admin", "--data", str(tmp_path / "data"), *arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return type_in


def created(shell: Shell, *names: str) -> None:
    for name in names:
        assert shell("create", name, stdin=f"{PASSWORD}\n") == (
            0,
            f"{name} is registered and can log in.\n",
            "",
        )


def test_a_password_comes_from_stdin_or_is_generated(shell: Shell) -> None:
    created(shell, "alice")
    code, out, _ = shell("create", "bob", "--generate")
    assert code == 0
    first, second = out.splitlines()
    assert first == "bob is registered and can log in."
    made_up = second.removeprefix("The password is ")
    assert len(made_up) == 16
    code, out, _ = shell("--json", "password", "bob", "--generate")
    reply = orjson.loads(out)
    assert (reply["type"], reply["user"], reply["sessions"]) == ("password-reset", "bob", 0)
    assert made_up != reply["password"]


def test_a_person_types_the_password_twice(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin_runner, "_is_terminal", lambda: True)
    asked: list[str] = []
    typed = iter([PASSWORD, PASSWORD, PASSWORD, "correct house"])

    def getpass(prompt: str) -> str:
        asked.append(prompt)
        return next(typed)

    monkeypatch.setattr(admin_runner, "getpass", getpass)
    assert shell("create", "alice")[0] == 0
    assert asked == ["New password: ", "Repeat the password: "]
    code, out, err = shell("create", "bob")
    assert (code, out) == (1, "")
    assert err == "tcpchat: the passwords do not match; nothing was changed\n"


def test_without_a_password_nothing_happens(shell: Shell) -> None:
    code, out, err = shell("create", "alice")
    assert (code, out) == (1, "")
    assert "no password in stdin" in err


def test_a_refusal_is_a_sentence_on_stderr_or_json(shell: Shell) -> None:
    created(shell, "alice")
    assert shell("ban", "eve") == (1, "", "tcpchat: there is no user called 'eve'\n")
    code, out, err = shell("ban", "eve", "--json")
    assert (code, err) == (1, "")
    assert orjson.loads(out)["code"] == "no-such-user"


def test_a_folder_without_data_is_an_error(shell: Shell, tmp_path: Path) -> None:
    told = f"tcpchat: there is no data in {tmp_path / 'data'}; give --data as for the server\n"
    assert shell("users") == (1, "", told)


def test_a_wrong_argument_is_refused_before_the_server_is_asked(shell: Shell) -> None:
    code, _, err = shell("ban", "eve", "--for", "soon")
    assert code == 2
    assert "'soon' is not a duration" in err


def test_tables_of_users_and_bans(shell: Shell) -> None:
    assert shell("users")[0] == 1
    created(shell, "alice", "bob")
    assert shell("bans") == (0, "Nobody is banned.\n", "")
    assert shell("ban", "alice", "--for", "1h", "--reason", "no good")[1].startswith(
        "alice is banned until 20"
    )
    assert shell("ban", "2001:db8::/64")[1] == "2001:db8::/64 is banned permanently; 0 connections ended.\n"
    assert shell("mute", "bob")[1] == "bob is muted permanently: may read but not send.\n"
    head, alice, bob = shell("users")[1].splitlines()
    assert head == "NAME   REGISTERED            LAST SEEN  SESSIONS"
    assert "banned until 20" in alice
    assert bob.endswith("UTC  never      0         muted permanently")
    head, user, network = shell("bans")[1].splitlines()
    assert head.split() == ["BANNED", "UNTIL", "REASON"]
    assert user.endswith("UTC  no good")
    assert network == "2001:db8::/64  never"
    assert shell("unban", "alice")[1] == "alice is no longer banned.\n"
    assert shell("unmute", "bob")[1] == "bob may send again.\n"


def test_an_empty_list_is_a_sentence(shell: Shell) -> None:
    created(shell, "alice")
    assert shell("delete", "--yes", "alice")[0] == 0
    assert shell("users") == (0, "There are no registered users.\n", "")
    assert shell("users", "--all") == (0, "There are no users.\n", "")


def test_an_export_is_json_lines_and_nothing_else(shell: Shell) -> None:
    created(shell, "alice")
    code, out, err = shell("export", "alice")
    assert (code, err) == (0, "2 records of alice.\n")
    assert [orjson.loads(line)["kind"] for line in out.splitlines()] == ["account", "mark"]
    assert shell("export", "eve") == (1, "", "tcpchat: there is no user called 'eve'\n")


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), (" YES\n", 0), ("n\n", 1), ("\n", 1), ("", 1)])
def test_a_deletion_must_be_confirmed(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, answer: str, code: int
) -> None:
    created(shell, "alice")
    refused, _, err = shell("delete", "alice")
    assert refused == 1
    assert "--yes" in err
    monkeypatch.setattr(admin_runner, "_is_terminal", lambda: True)
    done, out, err = shell("delete", "alice", stdin=answer)
    assert done == code
    assert err.startswith("Delete alice and the text of all messages by alice? [y/N] ")
    assert "[y/N]" not in out, "who redirects what is printed reads the question all the same"
    assert ("alice" in shell("users")[1]) == bool(code)


def test_yes_skips_the_confirmation(shell: Shell) -> None:
    created(shell, "alice")
    assert shell("delete", "--yes", "alice") == (0, "alice is deleted; 0 connections ended.\n", "")


def admin(folder: Path, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, "admin", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        env=environment({"TCPCHAT_DATA": str(folder), "TCPCHAT_NAME": "nobody"}),
    )


def test_the_operator_of_a_running_server(tmp_path: Path) -> None:
    with ServerProcess("--data", str(tmp_path)) as server, server.connect() as client:
        client.next("welcome")
        made = admin(tmp_path, "create", "alice", stdin=PASSWORD)
        assert (made.returncode, made.stdout, made.stderr) == (0, "alice is registered and can log in.\n", "")
        client.send(f'{{"type":"login","name":"alice","password":"{PASSWORD}"}}')
        assert client.next("logged-in")["user"] == "alice"
        banned = admin(tmp_path, "ban", "alice", "--reason", "no good")
        assert "1 connection ended" in banned.stdout
        assert client.rest()[-1]["code"] == "banned"
        assert PASSWORD not in server.log()


def test_the_clients_environment_does_not_affect_the_operator(shell: Shell, tmp_path: Path) -> None:
    created(shell, "alice")
    listed = admin(tmp_path / "data", "users")
    assert (listed.returncode, listed.stderr) == (0, "")
    assert listed.stdout.splitlines()[1].startswith("alice ")
    refused = parse_and_run(["admin", "create"])
    assert refused == 2


def test_a_restore_asks_only_if_it_is_possible(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    created(shell, "alice")
    copy = tmp_path / "copy.db"
    assert shell("backup", str(copy))[0] == 0
    monkeypatch.setattr(admin_runner, "_is_terminal", lambda: True)
    lock = lock_folder(tmp_path / "data")
    code, _, err = shell("restore", str(copy), stdin="y\n")
    assert code == 1
    assert "another tcpchat server" in err
    assert "[y/N]" not in err
    os.close(lock)
    code, out, err = shell("restore", str(copy), stdin="n\n")
    assert (code, out) == (1, "")
    assert "[y/N]" in err
    assert shell("restore", str(copy), stdin="y\n")[0] == 0
