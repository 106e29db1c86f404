"""A user at a terminal: `tcpchat` in a real pty, and the screen of a terminal emulator."""

from __future__ import annotations

import os
import re
import signal
import sys
import termios
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

import pexpect
import pyte

from tests.homes import homes
from tests.process import PATIENCE, environment

BRACKETED_PASTE = 2004 << 5  # as pyte records private modes
KEYS = {"enter": "\r", "escape": "\x1b", "tab": "\t", "backspace": "\x7f", "up": "\x1b[A", "left": "\x1b[D"}
LOOK = 0.05  # seconds between two checks of a condition outside the screen
READ = 64 * 1024  # bytes at once


def home(folder: Path) -> dict[str, str]:
    """Return the environment of a user with all files in this folder."""
    clean = {name: value for name, value in environment().items() if name not in {"NO_COLOR", "COLORTERM"}}
    return clean | homes(folder) | {"TERM": "xterm-256color", "TZ": "UTC", "PYTHONUTF8": "1"}


class Terminal:
    """Runs `tcpchat` while the block lasts. At its end the process has ended, whatever happens.

    Output is read only during a wait, as by a busy terminal. Each wait has a deadline.
    """

    def __init__(
        self,
        *arguments: str,
        folder: Path,
        columns: int = 80,
        rows: int = 24,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._arguments = ["-m", "tcpchat", *arguments]
        self._environ = home(folder) | dict(environ or {})
        self.raw = bytearray()
        """All bytes that were written to the terminal."""
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)

    def __enter__(self) -> Self:
        size = (self.screen.lines, self.screen.columns)
        with (
            warnings.catch_warnings()
        ):  # later Pythons warn of a fork beside threads; here it executes python at once
            warnings.simplefilter("ignore", DeprecationWarning)
            self._child = pexpect.spawn(
                sys.executable, self._arguments, env=self._environ, dimensions=size, echo=True
            )
        self._child.delaybeforesend = None
        self._child.ptyproc.delayafterclose = 0
        self.stty_before = self.stty()
        return self

    def __exit__(self, *_: object) -> None:
        if self._child.isalive():
            self._child.kill(signal.SIGKILL)
            self._child.wait()
        self._child.close()

    def type(self, text: str) -> None:
        self._child.send(text)

    def key(self, names: str) -> None:
        """Press keys such as `enter`, `c-c`, `escape enter`, separated by spaces."""
        self.type(
            "".join(KEYS.get(name) or chr(ord(name.removeprefix("c-")) & 0x1F) for name in names.split())
        )

    def enter(self, line: str) -> None:
        """Type a line and press Enter."""
        self.type(f"{line}\r")

    def paste(self, text: str) -> None:
        """Paste text as a terminal does in bracketed paste mode, which sends CR for line breaks."""
        assert BRACKETED_PASTE in self.screen.mode
        self.type("\x1b[200~" + text.replace("\n", "\r") + "\x1b[201~")

    def resize(self, columns: int, rows: int) -> None:
        """Change the size as xterm does: only if the cursor would be outside, lines leave at the top."""
        screen = self.screen
        over = max(0, screen.cursor.y + 1 - rows)
        y = screen.cursor.y - over
        screen.cursor.y = 0
        screen.delete_lines(over)
        for row in [row for row in screen.buffer if row >= rows]:
            del screen.buffer[row]
        screen.lines = rows
        screen.resize(rows, columns)
        screen.cursor.y, screen.cursor.x = y, min(screen.cursor.x, columns - 1)
        self._child.setwinsize(rows, columns)

    def signal(self, number: int) -> None:
        self._child.kill(number)

    @property
    def lines(self) -> list[str]:
        """The lines of the screen without trailing spaces, except those before the cursor."""
        lines = [line.rstrip() for line in self.screen.display]
        row = self.screen.cursor.y
        lines[row] = max(lines[row], self.before_cursor, key=len)
        return lines

    @property
    def before_cursor(self) -> str:
        """The text before the cursor in its line."""
        row = self.screen.buffer[self.screen.cursor.y]
        return "".join(row[column].data for column in range(self.screen.cursor.x))

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def row(self, text: str) -> int:
        """Return the number of the last line that contains this."""
        (*_, row) = (row for row, line in enumerate(self.lines) if text in line)
        return row

    def cell(self, text: str) -> Any:
        """Return the first cell of the lowest place of this text: its `fg`, `bg`, `bold`, `reverse` …"""
        row = self.row(text)
        cells = [self.screen.buffer[row][column] for column in range(self.screen.columns)]
        starts = [
            at for at in range(len(cells)) if "".join(cell.data for cell in cells[at:]).startswith(text)
        ]
        return cells[starts[0]]

    def wait_for(self, *what: str | re.Pattern[str]) -> None:
        """Wait until the screen shows all of these; a pattern may span several lines."""
        self.wait_until(lambda: all(self.shows(one) for one in what), f"to show {what}")

    def wait_gone(self, what: str | re.Pattern[str]) -> None:
        """Wait until the screen no longer shows this."""
        self.wait_until(lambda: not self.shows(what), f"not to show {what}")

    def shows(self, what: str | re.Pattern[str]) -> bool:
        return what in self.text if isinstance(what, str) else what.search(self.text) is not None

    def wait_until(self, condition: Callable[[], bool], what: str = "to be so") -> None:
        """Read the output until a condition holds, which need not be about the screen."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            if not self._read(min(LOOK, deadline - time.monotonic())) and time.monotonic() > deadline:
                raise AssertionError(f"the screen was never seen {what}; it is:\n{self.text}")

    def read_for(self, seconds: float) -> None:
        """Read the output until there is none for so many seconds."""
        while self._read(seconds):
            pass

    def _read(self, seconds: float) -> bool:
        """Read the output of these seconds; return whether there was any."""
        try:
            data = self._child.read_nonblocking(READ, timeout=max(0.0, seconds))
        except (pexpect.TIMEOUT, pexpect.EOF):
            return False
        self.raw += data
        self._stream.feed(data)
        return True

    def exit_code(self) -> int:
        """Wait until the process has ended and all output is read; return its exit code."""
        deadline = time.monotonic() + PATIENCE
        while self._read(deadline - time.monotonic()):
            pass
        assert time.monotonic() < deadline, f"it is still running; the screen is:\n{self.text}"
        self._child.wait()
        return -self._child.signalstatus if self._child.signalstatus else int(self._child.exitstatus)

    @property
    def echoes(self) -> bool:
        """Whether the terminal itself echoes typed characters."""
        return bool(self.stty()[3] & termios.ECHO)

    def stty(self) -> list[Any]:
        """Return the settings of the terminal line."""
        return termios.tcgetattr(self._child.child_fd)


def set_editor(folder: Path, script: str) -> dict[str, str]:
    """Return the environment in which this shell script is the editor; `$1` is the file."""
    folder.mkdir(exist_ok=True)
    editor = folder / "editor"
    editor.write_text(f"#!/bin/sh\n{script}\n")
    editor.chmod(0o700)
    return {"EDITOR": str(editor), "VISUAL": str(editor)}


def is_running(pid: int) -> bool:
    """Return whether there is such a process."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
