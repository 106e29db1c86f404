"""Take the pictures of the README: the terminal client in a real session, drawn as SVG.

A server, a person at the terminal and two programs that talk to it. What is in the pictures is what pyte, a
terminal emulator, has on its screen in the end. Call it with the folder where they go.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from itertools import groupby
from pathlib import Path
from xml.sax.saxutils import escape

import pexpect
import pyte
import trio
from wcwidth import wcwidth

from tcpchat import Client, Credentials

COLUMNS, ROWS = 80, 20
PATIENCE = 30  # seconds; a busy machine draws slowly
CELL, LINE, MARGIN = 8.4, 18, 12  # of a picture, in pixels
GROUNDS = {"dark": ("#1e1e1e", "#d4d4d4"), "light": ("#fdf6e3", "#333333")}


class Person:
    """The client in a terminal."""

    def __init__(self, port: int, folder: str) -> None:
        homes = dict.fromkeys(("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"), folder)
        environment = os.environ | homes | {"TERM": "xterm-256color", "COLORTERM": ""}
        command = ["-m", "tcpchat", "connect", f"127.0.0.1:{port}", "--name", "alice"]
        self._child = pexpect.spawn(sys.executable, command, env=environment, dimensions=(ROWS, COLUMNS))
        self._child.delaybeforesend = None
        self.screen = pyte.Screen(COLUMNS, ROWS)
        self._stream = pyte.ByteStream(self.screen)

    def type(self, text: str) -> None:
        self._child.send(text)

    def look(self, seconds: float) -> None:
        """Take in what is drawn for so long."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            try:
                self._stream.feed(self._child.read_nonblocking(65536, timeout=left))
            except pexpect.TIMEOUT:
                return

    def wait_for(self, text: str) -> None:
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            if any(text in line for line in self.screen.display):
                return
            self.look(0.1)
        raise SystemExit(f"{text!r} never came:\n" + "\n".join(self.screen.display))

    def wait_for_clear(self) -> None:
        """Wait until nothing but the input and the toolbar is there, which the next message must find."""
        for _ in range(100):
            if "→ lobby" in self.screen.display[0]:
                return
            self.look(0.1)
        raise SystemExit("the screen was never cleared:\n" + "\n".join(self.screen.display))

    def leave(self) -> None:
        self._child.close(force=True)


async def play(port: int, person: Person, theme: str) -> None:
    """Let the people of the picture talk."""
    look = trio.to_thread.run_sync
    where = f"127.0.0.1:{port}"
    async with AsyncExitStack() as stack:
        await look(person.wait_for, "alice →")
        others = []
        for name in ("bob", "chloé"):  # one after the other, so that each gets a line
            credentials = Credentials(name=name, remember=False)
            others.append(await stack.enter_async_context(Client(where, credentials=credentials)))
            await look(person.wait_for, f"→ {name} joined")
        bob, chloe = others
        if theme != "dark":
            person.type(f"/set theme {theme}\r")
            await look(person.wait_for, "theme set to")
            person.type("\x0c")
            await look(person.wait_for_clear)
        await bob.send("morning! the new build is up 🎉")
        await look(person.wait_for, "the new build")
        person.type("nice, I'll try it right away\r")
        await look(person.wait_for, "✓ nice")
        await chloe.send("日本語も大丈夫。 And a longer line, which goes on, is wrapped below itself.")
        await chloe.send("@alice can you look at the log of last night?")
        await look(person.wait_for, "last night")
        await bob.send("psst, lunch at the harbour?", username="alice")
        await look(person.wait_for, "harbour")
        person.type("/send -u bob -t 10m on my way\r")
        await look(person.wait_for, "1 scheduled")
        person.type("send -u bob a secret\r")
        await look(person.wait_for, "command or text?")
        person.type("c")
        await look(person.wait_for, "✓ a secret")
        await bob.mark_read(username="alice")
        await look(person.wait_for, "│ bob ✓✓")
        person.type("/send -u ")
        await look(person.wait_for, " chloé ")
        await look(person.look, 0.5)


def draw(screen: pyte.Screen, theme: str) -> str:
    """Return the screen as SVG."""
    ground, ink = GROUNDS[theme]
    rows = max(row for row, line in enumerate(screen.display) if line.strip()) + 1
    width, height = COLUMNS * CELL + 2 * MARGIN, rows * LINE + 2 * MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}">',
        f'<rect width="100%" height="100%" rx="8" fill="{ground}"/>',
        '<g font-family="ui-monospace, Menlo, Consolas, monospace" font-size="14" xml:space="preserve">',
    ]
    for row in range(rows):
        for start, cells in runs(screen, row):
            parts += draw_run(row, start, cells, ground, ink)
    return "\n".join([*parts, "</g>", "</svg>", ""])


def runs(screen: pyte.Screen, row: int) -> Iterator[tuple[int, list[pyte.screens.Char]]]:
    """Yield the parts of a row that look alike, each with the column where it begins."""
    line = [screen.buffer[row][column] for column in range(COLUMNS)]
    column = 0
    for _, group in groupby(line, key=lambda cell: (cell.fg, cell.bg, cell.bold, cell.reverse)):
        cells = list(group)
        yield column, cells
        column += len(cells)


def draw_run(row: int, start: int, cells: list[pyte.screens.Char], ground: str, ink: str) -> Iterator[str]:
    look = cells[0]
    front = ink if look.fg == "default" else f"#{look.fg}"
    back = ground if look.bg == "default" else f"#{look.bg}"
    if look.reverse:
        front, back = back, front
    x, y = MARGIN + start * CELL, MARGIN + row * LINE
    if back != ground:
        yield f'<rect x="{x:g}" y="{y}" width="{len(cells) * CELL:g}" height="{LINE}" fill="{back}"/>'
    weight = ' font-weight="bold"' if look.bold else ""
    for column, text in words(cells):
        length = sum(max(0, wcwidth(char)) for char in text) * CELL
        place = f'x="{x + column * CELL:g}" y="{y + LINE - 5}"'
        size = f'textLength="{length:g}" lengthAdjust="spacingAndGlyphs"'
        yield f'<text {place} {size} fill="{front}"{weight}>{escape(text)}</text>'


def words(cells: list[pyte.screens.Char]) -> Iterator[tuple[int, str]]:
    """Yield the words of a run with their columns, so that no font's width moves what comes after."""
    word, begin = "", 0
    for column, cell in enumerate([*cells, None]):
        if cell is not None and cell.data != " ":
            begin = begin if word else column
            word += cell.data
        elif word:
            yield begin, word
            word = ""


def main() -> None:
    folder_of_pictures = Path(sys.argv[1])
    for theme in GROUNDS:
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "tcpchat", "serve", "--port", "0", "--ephemeral"]
            with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
                assert server.stdout is not None
                port = int(server.stdout.readline().decode().rpartition(":")[2])
                person = Person(port, folder)
                try:
                    trio.run(play, port, person, theme)
                finally:
                    person.leave()
                    server.kill()
            (folder_of_pictures / f"{theme}.svg").write_text(draw(person.screen, theme))


main()
