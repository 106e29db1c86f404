"""The programs in docs/client.md do what the text says, with a real server, and without it for a while."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.process import Client, ServerProcess, environment

DOCS = (Path(__file__).parent.parent / "docs/client.md").read_text()
(BOT,) = re.findall(r"^```python\n(.*?)^```$", DOCS, re.MULTILINE | re.DOTALL)


@contextmanager
def bot(server: ServerProcess, folder: Path) -> Iterator[None]:
    """Run the bot of the text."""
    script = BOT.replace("8000", str(server.port))
    environ = environment({"XDG_STATE_HOME": str(folder)})
    with subprocess.Popen([sys.executable, "-c", script], env=environ) as process:
        try:
            yield
        finally:
            process.kill()


def test_the_echo_bot_is_short_and_answers_also_after_the_server_was_away(tmp_path: Path) -> None:
    assert len(BOT.splitlines()) < 20
    data = ("--data", str(tmp_path / "data"))
    with ServerProcess(*data) as server, bot(server, tmp_path):
        with server.connect() as person:
            wait_for_bot(person)
            ask(person, "hello there")
        server.process.kill()
        server.process.wait()
        with ServerProcess(*data, port=server.port) as second, second.connect() as person:
            wait_for_bot(person)
            ask(person, "are you back?")


def test_the_echo_bot_is_the_same_after_it_was_away_and_answers_each_message_once(tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    with ServerProcess("--data", data) as server, server.connect() as person:
        with bot(server, tmp_path):
            wait_for_bot(person)
            ask(person, "hello there")
            while person.next("receipt").get("seen") != 1:
                pass
        person.send("send -u echo are you away?")
        assert person.next("message")["from"].startswith("guest-")
        with bot(server, tmp_path):
            answer = person.next("message")
            assert (answer["from"], answer["text"]) == ("echo", "are you away?")


def wait_for_bot(person: Client) -> None:
    here: set[str] = set()
    while "echo" not in here:
        person.send("users")
        here = {user["name"] for user in person.next("users")["users"]}


def ask(person: Client, text: str) -> None:
    """Say something to the bot and read it again."""
    person.send(f"send -u echo {text}")
    assert person.next("message")["from"].startswith("guest-")
    answer = person.next("message")
    assert (answer["from"], answer["text"]) == ("echo", text)
