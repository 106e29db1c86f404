"""What README tells people to type is typed here, with the real netcat, jq and make."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
from pathlib import Path

import pytest

from tests.process import Client, ServerProcess, environment

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def shell(script: str, port: int) -> str:
    script = script.replace("8000", str(port))
    command = ["bash", "-e", "-o", "pipefail", "-c", script]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=20).stdout


def test_the_scripts_do_what_is_said_above_them() -> None:
    say, who, read = re.findall(r"^```sh\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    with ServerProcess("--ephemeral") as server:
        assert shell(say, server.port) == "1\n"
        assert re.fullmatch(r"(guest-\d+\n)+", shell(who, server.port))
        assert re.fullmatch(r'guest-1: "deploy done"\n', shell(read, server.port))
    refusing = ServerProcess("--ephemeral", "--text-characters", "3")
    with refusing as server, pytest.raises(subprocess.CalledProcessError):
        shell(say, server.port)


def test_the_table_of_commands_is_complete() -> None:
    from tcpchat.commands import COMMANDS

    for command in COMMANDS:
        assert re.search(rf"`{command.name}\b", README), command.name


@pytest.mark.skipif(not (ROOT / ".venv/run").exists(), reason="`make chat` would set up .venv first")
def test_make_chat_starts_a_server_that_says_how_to_talk_to_it() -> None:
    command = ["make", "--no-print-directory", "chat", "ARGS=--port 0 --ephemeral"]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        process_group=0,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            assert select.select([process.stdout], [], [], 30)[0]
            line = process.stdout.readline().decode()
            match = re.fullmatch(r"listening on 127\.0\.0\.1:(\d+)\n", line)
            assert match, line
            with Client(int(match[1])) as client:
                assert client.next("welcome")["hint"] == "type help"
                assert f"nc 127.0.0.1 {match[1]}" in process.stderr.readline().decode()
                os.killpg(process.pid, signal.SIGINT)
                assert client.next("bye")["code"] == "server-stopping"
            process.stderr.read()
            process.wait(20)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
