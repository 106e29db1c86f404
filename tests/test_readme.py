"""The README's commands, typed with the real netcat, jq and make."""

from __future__ import annotations

import calendar
import os
import re
import select
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.homes import homes
from tests.process import PATIENCE, Client, ServerProcess, environment

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def shell(script: str, port: int, folder: Path) -> str:
    """Run what README shows, with this server in the place of the one on port 8000."""
    tool = folder / "tcpchat"
    tool.write_text(f'#!/bin/sh\nexec {sys.executable} -m tcpchat "$@"\n')
    tool.chmod(0o755)
    secret = {"DEPLOY_PASSWORD": "correct-horse"}
    path = {"PATH": f"{folder}:{os.environ['PATH']}", "TCPCHAT_ADDRESS": f"127.0.0.1:{port}"}
    command = ["bash", "-e", "-o", "pipefail", "-c", script.replace("8000", str(port))]
    done = subprocess.run(
        command, check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE,
        env=environment(homes(folder) | path | secret),
    )  # fmt: skip
    print(done.stderr)  # so that a failure says why
    done.check_returncode()
    return done.stdout


@pytest.mark.needs("bash", "nc", "jq")
def test_the_scripts_do_what_is_said_above_them(tmp_path: Path) -> None:
    send, named, pipe, commands, json, tail, say, who, read = re.findall(
        r"^```sh\n(.*?)^```$", README, re.MULTILINE | re.DOTALL
    )
    with ServerProcess("--ephemeral") as server:
        assert shell(send, server.port, tmp_path) == ""
        shell(pipe, server.port, tmp_path)
        guests = r"(guest-\d+  deploy done\n)(guest-\d+  one\n)(guest-\d+  two\n) *3\ntwo\n"
        assert re.fullmatch(guests, shell(tail, server.port, tmp_path))
        assert shell(say, server.port, tmp_path) == "4\n"
        assert re.fullmatch(r"(guest-\d+\n)+", shell(who, server.port, tmp_path))
        lines = shell(read, server.port, tmp_path).splitlines()
        assert [line.partition(": ")[2] for line in lines] == [
            '"deploy done"', '"one"', '"two"', '"deploy done"',
        ]  # fmt: skip
        shell(commands, server.port, tmp_path)
        assert re.search(r"guest-\d+  all done\n", shell(tail, server.port, tmp_path))
        assert '"re":1' in shell(json, server.port, tmp_path)
    with ServerProcess("--ephemeral") as server, Client(server.port) as client:
        for line in ("rename deploybot", "register --password correct-horse", "exit"):
            client.send(line)
        client.next("bye")
        shell(named, server.port, tmp_path)
        with Client(server.port) as reader:
            reader.send("history")
            assert [line["from"] for line in reader.next("history")["messages"]] == ["deploybot"]
    refusing = ServerProcess("--ephemeral", "--text-characters", "2")
    with refusing as server:
        for script in (send, pipe, say):
            with pytest.raises(subprocess.CalledProcessError):
                shell(script, server.port, tmp_path)


def test_the_pictures_are_of_this_client(tmp_path: Path) -> None:
    """Their words, but for ports and what the day of the picture gives, are those of a session of now."""
    subprocess.run([sys.executable, ROOT / "scripts/screenshots.py", tmp_path], check=True, timeout=100)
    for name in ("dark.svg", "light.svg"):
        assert f"docs/images/{name}" in README
        assert words(tmp_path / name) == words(ROOT / "docs/images" / name), name


DATES = {*calendar.day_name, *calendar.month_name}  # with a rule as long as they leave room for


def words(picture: Path) -> list[str]:
    found = re.findall(r">([^<>\n]+)</text>", picture.read_text())
    return [word for word in found if word not in DATES and not re.search(r"\d\d|^\d+$|^─+$|^ms$", word)]


def test_the_table_of_commands_is_complete() -> None:
    from tcpchat.commands import COMMANDS

    for command in COMMANDS:
        assert re.search(rf"`{command.name}\b", README), command.name


@pytest.mark.needs("make")
def test_make_chat_hosts_a_chat_that_others_reach(tmp_path: Path) -> None:
    if subprocess.run(["make", "--question", ".venv/run"], cwd=ROOT, check=False).returncode:
        pytest.skip("`make chat` would set up .venv first: make .venv/run")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = ["make", "--no-print-directory", "chat", f"ARGS=--port {port} --data {tmp_path}"]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, process_group=0
    ) as host:
        assert host.stdin is not None
        assert host.stdout is not None
        try:
            host.stdin.write(b"is anybody there?\n")
            host.stdin.flush()
            assert select.select([host.stdout], [], [], PATIENCE)[0]
            lines = [host.stdout.readline() for _ in range(2)]
            assert re.fullmatch(rb"\w+ \d+ \w+ \d+\n", lines[0]), "the day"
            assert b"is anybody there?" in lines[1]
            with Client(port) as client:
                client.send("send here I am")
                client.next("message")
                while b"here I am" not in host.stdout.readline():
                    pass
                host.stdin.close()
                assert client.next("bye")["code"] == "server-stopping"
            assert host.wait(PATIENCE) == 0
        finally:
            if host.poll() is None:
                os.killpg(host.pid, signal.SIGKILL)


@pytest.mark.needs("make")
@pytest.mark.parametrize(
    ("code", "terminal", "arguments", "told"),
    [
        (1, True, "", None),
        (3, True, "", None),
        (4, True, "", "Error 4"),
        (1, False, "", "Error 1"),
        (1, True, "ARGS=send hi", "Error 1"),
        (0, True, "", None),
    ],
)
def test_make_chat_ends_without_an_error_where_the_client_has_said_why(
    tmp_path: Path, code: int, terminal: bool, arguments: str, told: str | None
) -> None:
    tool = tmp_path / "tcpchat"
    tool.write_text(f"#!/bin/sh\nexit {code}\n")
    tool.chmod(0o755)
    command = ["make", "-o", ".venv/run", "chat", f"BIN={tmp_path}", *filter(None, [arguments])]
    ours, theirs = os.openpty()
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=environment(), stdin=theirs if terminal else subprocess.DEVNULL,
            capture_output=True, text=True, timeout=PATIENCE, check=False,
        )  # fmt: skip
    finally:
        os.close(ours)
        os.close(theirs)
    assert (done.returncode, done.stderr) == (0, "") if told is None else told in done.stderr
