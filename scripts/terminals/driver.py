"""The driver: starts an X server and terminals in it, gives orders to the probe, presses keys, pastes."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from scripts.terminals import probe
from scripts.terminals.emulators import MUX, Emulator

START = 20.0  # seconds until a terminal must have started its program
ANSWER = 2.0  # seconds until a terminal must have answered
KEY = 0.7  # seconds until a paste or an answer must have arrived
REST = 0.3  # seconds until the rest of a key must have arrived
CURSOR = r"\x1b\[\d+;(\d+)R"


@contextmanager
def x_server() -> Iterator[dict[str, str]]:
    """Run Xvfb while the block lasts; gives the environment for its programs."""
    ours, its = os.pipe()
    with TemporaryDirectory(prefix="terminals") as home:
        command = ["Xvfb", "-displayfd", str(its), "-screen", "0", "1000x700x24", "+extension", "GLX"]
        server = subprocess.Popen(command, pass_fds=[its], stderr=subprocess.DEVNULL)
        try:
            os.close(its)
            display = os.read(ours, 16).decode().strip()
            kept = {name: os.environ[name] for name in ("PATH",)}
            yield kept | {
                "DISPLAY": f":{display}",
                "HOME": home,
                "XDG_RUNTIME_DIR": home,
                "LANG": "C.UTF-8",
                "LIBGL_ALWAYS_SOFTWARE": "1",
                "NO_AT_BRIDGE": "1",
                "SCREENDIR": f"{home}/screens",
            }
        finally:
            os.close(ours)
            server.terminate()
            server.wait()


class Session:
    """One terminal with the probe in it."""

    def __init__(self, emulator: Emulator, environ: Mapping[str, str], connection: socket.socket) -> None:
        self.emulator = emulator
        self._environ = environ
        self._orders = connection.makefile("rwb")

    def ask(self, data: bytes, seconds: float = ANSWER, until: str = "") -> bytes:
        """Write to the terminal, and return what it sends in these seconds, or up to a pattern."""
        self._order(data, seconds, until)
        return self._result()

    def width(self, text: str) -> int | None:
        """Return by how many columns the cursor moves for this text after a letter."""
        data = self.ask(b"\r\x1b[2Ka" + text.encode() + b"\x1b[6n", until=CURSOR)
        found = re.search(CURSOR.encode(), data)
        return int(found[1]) - 2 if found else None

    def press(self, key: str) -> bytes:
        """Press a key and return what the terminal sends, in one piece or, as VTE does, in several."""
        self._order(b"", ANSWER, r"[\s\S]")
        self._xdotool("key", "--clearmodifiers", key)
        return self._result() + self.ask(b"", REST)

    def paste(self, mode: bytes) -> bytes:
        """Paste, in a mode that is switched on before it, and return what the terminal sends."""
        self._order(mode, ANSWER, "")
        time.sleep(0.1)
        self._xdotool("key", "--clearmodifiers", self.emulator.paste)
        return self._result()

    def answer(self, question: bytes) -> bytes:
        """Return the answer to a question, however late within a moment; no bytes if there is none."""
        return self.ask(question, KEY)

    def select(self, text: str) -> None:
        """Make a text the selection and the clipboard."""
        for kind in ("primary", "clipboard"):
            command = ["xclip", "-selection", kind]
            subprocess.run(
                command, input=text.encode(), env=self._environ, check=True, stdout=subprocess.DEVNULL
            )

    def own_paste(self, text: str) -> bytes | None:
        """Return how the multiplexer's own paste arrives; None in a terminal that is none."""
        commands = {
            "tmux": [["tmux", "-L", MUX, "set-buffer", text], ["tmux", "-L", MUX, "paste-buffer", "-p"]],
            "screen": [
                ["screen", "-S", MUX, "-X", *words] for words in (["register", ".", text], ["paste", "."])
            ],
        }
        if self.emulator.name not in commands:
            return None
        self._order(b"", KEY, "")
        for command in commands[self.emulator.name]:
            subprocess.run(command, env=self._environ, check=True)
        return self._result()

    def _xdotool(self, *arguments: str) -> None:
        subprocess.run(["xdotool", *arguments], env=self._environ, check=True, capture_output=True)

    def focus(self) -> None:
        """Give the window the keys."""
        self._xdotool("search", "--sync", "--onlyvisible", "--name", ".", "windowfocus")
        time.sleep(0.3)

    def _order(self, data: bytes, seconds: float, until: str) -> None:
        order = {"write": data.hex(), "seconds": seconds, "until": until}
        self._orders.write(json.dumps(order).encode() + b"\n")
        self._orders.flush()

    def _result(self) -> bytes:
        return bytes.fromhex(json.loads(self._orders.readline()))


@contextmanager
def session(emulator: Emulator, environ: Mapping[str, str]) -> Iterator[Session]:
    """Run a terminal with the probe in it while the block lasts."""
    with TemporaryDirectory(prefix="terminals") as folder, socket.socket(socket.AF_UNIX) as listener:
        path = Path(folder) / "socket"
        listener.bind(str(path))
        listener.listen(1)
        listener.settimeout(START)
        program = [sys.executable, str(Path(probe.__file__)), str(path)]
        command = _in_mosh(emulator, program, environ) if emulator.name == "mosh" else program
        argv = [*emulator.command, *command]
        terminal = subprocess.Popen(
            argv,
            env=dict(environ),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(START)
                yield Session(emulator, environ, connection)
        finally:
            terminal.terminate()
            with suppress(subprocess.TimeoutExpired):
                terminal.wait(5)
            if terminal.poll() is None:
                terminal.kill()


def _in_mosh(emulator: Emulator, program: list[str], environ: Mapping[str, str]) -> list[str]:
    """Start mosh's server, which needs no ssh, and return how its client is started."""
    command = ["mosh-server", "new", "-i", "127.0.0.1", "--", *program]
    started = subprocess.run(command, env=dict(environ), capture_output=True, text=True, check=True)
    found = re.search(r"MOSH CONNECT (\d+) (\S+)", started.stdout)
    assert found is not None, f"{emulator.name} did not start"
    return [f"MOSH_KEY={found[2]}", "mosh-client", "127.0.0.1", found[1]]
