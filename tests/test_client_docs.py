"""The programs in docs/client.md do what the text says, with a real server, and without it for a while."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.process import ServerProcess, environment

DOCS = (Path(__file__).parent.parent / "docs/client.md").read_text()
(BOT,) = re.findall(r"^```python\n(.*?)^```$", DOCS, re.MULTILINE | re.DOTALL)


def test_the_echo_bot_is_short_and_answers_also_after_the_server_was_away(tmp_path: Path) -> None:
    assert len(BOT.splitlines()) < 20
    with ServerProcess("--data", str(tmp_path)) as server:
        port = server.port
        script = BOT.replace("8000", str(port))
        with subprocess.Popen([sys.executable, "-c", script], env=environment()) as bot:
            try:
                ask(server, "hello there")
                server.process.kill()
                server.process.wait()
                with ServerProcess("--data", str(tmp_path), port=port) as second:
                    ask(second, "are you back?")
            finally:
                bot.kill()


def ask(server: ServerProcess, text: str) -> None:
    """Say something to the bot, once it is here, and read it again."""
    with server.connect() as person:
        here: set[str] = set()
        while "echo" not in here:
            person.send("users")
            here = {user["name"] for user in person.next("users")["users"]}
        person.send(f"send -u echo {text}")
        assert person.next("message")["from"].startswith("guest-")
        answer = person.next("message")
        assert (answer["from"], answer["text"]) == ("echo", text)
