"""Terminals that wrap their lines when they are resized: the rows of the input, and nothing left behind."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tcpchat.repl.terminal.reflow import rows_above, wraps_when_resized
from tests.process import PATIENCE, ServerProcess
from tests.terminal import home


@pytest.mark.parametrize(
    ("environ", "wraps"),
    [
        ({"TERM": "xterm-256color"}, False),
        ({"TERM": "xterm-256color", "VTE_VERSION": "7000"}, True),
        ({"TERM": "tmux-256color"}, True),
        ({"TERM": "screen-256color", "TMUX": "/tmp/tmux-1000/default,1,0"}, True),
        ({"TERM": "screen.xterm-256color", "STY": "1.pts-0.here"}, False),
        ({"TERM": "xterm-kitty"}, True),
        ({}, False),
    ],
)
def test_a_terminal_that_wraps_is_known_by_its_name_and_variables(
    environ: dict[str, str], wraps: bool
) -> None:
    assert wraps_when_resized(environ) == wraps


@pytest.mark.parametrize(
    ("lengths", "column", "columns", "rows"),
    [
        ([], 0, 80, 0),
        ([], 79, 80, 0),
        ([], 80, 80, 1),
        ([80], 10, 80, 1),
        ([80], 10, 40, 2),
        ([81, 0, 1], 39, 40, 5),
    ],
)
def test_the_rows_above_the_cursor_are_those_of_the_wrapped_lines(
    lengths: list[int], column: int, columns: int, rows: int
) -> None:
    assert rows_above(lengths, column, columns) == rows


class Tmux:
    """A client in tmux, as wide as it is told to be."""

    def __init__(self, folder: Path, port: int) -> None:
        self._socket = folder / "tmux"
        environ = {name: value for name, value in home(folder).items() if name != "TMUX"}
        command = shlex.join([sys.executable, "-m", "tcpchat", "connect", f"127.0.0.1:{port}"])
        subprocess.run(
            ["tmux", "-S", self._socket, "-f", "/dev/null", "new-session", "-d", "-x80", "-y24", command],
            env=environ,
            check=True,
            timeout=PATIENCE,
        )

    def run(self, *command: str) -> str:
        done = subprocess.run(
            ["tmux", "-S", self._socket, *command],
            check=True,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        return done.stdout

    def enter(self, text: str, *keys: str) -> None:
        self.run("send-keys", "-l", text)
        if keys:
            self.run("send-keys", *keys)

    def all(self) -> list[str]:
        """Return the lines of the screen, and those that left it at the top."""
        return self.run("capture-pane", "-p", "-S", "-").splitlines()

    def wait_for(self, text: str) -> None:
        """Wait until the screen shows this, wrapped or not; the timeout of the test ends it."""
        while text not in "".join(line.removeprefix("  ") for line in self.all()[-24:]):
            pass

    def is_drawn_for(self, columns: int) -> bool:
        """Return whether the client has wrapped its input itself, with a small indent, at this width."""
        lines = self.all()[-24:]
        rows = [row for row, line in enumerate(lines) if "lobby ▸ " in line and len(line) == columns]
        return bool(rows) and lines[rows[-1] + 1].startswith("  ")


LOOKS = 500  # at the screen, some seconds


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[Tmux]:
    with ServerProcess("--ephemeral") as server:
        tmux = Tmux(tmp_path, server.port)
        yield tmux
        tmux.run("kill-server")


@pytest.mark.needs("tmux")
@pytest.mark.parametrize("text", ["short", "a-text-that-wraps-when-the-terminal-gets-narrow" * 2])
def test_a_terminal_that_is_resized_keeps_the_messages_and_one_input(tmux: Tmux, text: str) -> None:
    tmux.wait_for("1 here")
    for message in ("one", "two", "three"):
        tmux.enter(message, "Enter")
        tmux.wait_for(f"✓ {message}")
    tmux.enter(text)
    for number, columns in enumerate((70, 60, 50, 60, 70, 80)):
        tmux.run("resize-window", "-x", str(columns))
        while not text.startswith("short") and not tmux.is_drawn_for(columns):
            pass  # a key that comes in between would be drawn for the old width
        tmux.enter(str(number))
        text += str(number)
        tmux.wait_for(text)
    expected = ("✓ one", "✓ two", "✓ three", "lobby ▸ ", "1 here")
    for _ in range(LOOKS):  # it may be drawn again just now; a copy that is left stays
        lines = "\n".join(line for line in tmux.all() if "connecting" not in line)
        if all(lines.count(text) == 1 for text in expected):
            break
    assert [lines.count(text) for text in expected[:4]] == [1] * 4, lines
    if text.startswith("short"):
        assert "Just type" in tmux.run("capture-pane", "-p")
