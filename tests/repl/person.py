"""Somebody at a screen that keeps what it is told."""

from __future__ import annotations

import trio
from trio.testing import wait_all_tasks_blocked

from tcpchat.client import Client
from tcpchat.repl.controller import Controller
from tcpchat.repl.view.text import Fragments, plain


class Screen:
    """Keeps what it is told."""

    def __init__(self, *, asks: bool = True) -> None:
        self.width = 80
        self.asks = asks
        self.shown: list[str] = []
        self.complaints: list[str] = []
        self.lines: list[str] = []
        """Both, in order."""
        self.edited: list[str] = []
        self.themes: list[str] = []
        self.bells = self.clears = self.refreshed = 0
        self._news = trio.lowlevel.ParkingLot()

    def _take(self, fragments: Fragments, lines: list[str]) -> None:
        lines += plain(fragments).splitlines()
        self.lines += plain(fragments).splitlines()
        self._news.unpark_all()

    def show(self, fragments: Fragments) -> None:
        self._take(fragments, self.shown)

    def complain(self, fragments: Fragments) -> None:
        self._take(fragments, self.complaints)

    def refresh(self) -> None:
        self.refreshed += 1
        self._news.unpark_all()

    def bell(self) -> None:
        self.bells += 1

    def clear(self) -> None:
        self.clears += 1

    def edit(self, line: str, shown: str) -> None:
        self.edited.append(line)

    def use_theme(self, name: str) -> None:
        self.themes.append(name)

    async def line(self, text: str) -> str:
        """Wait for a line with this text; return it without the time."""
        while True:
            for line in self.lines:
                if text in line:
                    return line.removeprefix(line[:6] if line[2:3] == ":" else "")
            await self._news.park()

    @property
    def told(self) -> str:
        """All complaints and notices as one line."""
        return " ".join(" ".join(self.complaints).split())

    def count(self, text: str) -> int:
        return sum(text in line for line in self.lines)


class Person:
    """Somebody at a screen."""

    def __init__(self, controller: Controller, screen: Screen, client: Client) -> None:
        self.controller = controller
        self.screen = screen
        self.client = client

    def enter(self, *lines: str) -> None:
        for line in lines:
            self.controller.enter(line)

    async def do(self, line: str) -> None:
        """Enter a line and wait until it is answered."""
        self.controller.enter(line)
        await self.settle()

    async def settle(self) -> None:
        await wait_all_tasks_blocked()
        await self.controller.wait_settled()
        await wait_all_tasks_blocked()

    @property
    def prompt(self) -> str:
        return plain(self.controller.prompt())

    @property
    def toolbar(self) -> str:
        return plain(self.controller.toolbar())

    @property
    def waiting(self) -> list[str]:
        return plain(self.controller.waiting()).splitlines()

    async def until(self, text: str) -> None:
        """Wait until the prompt, the toolbar or the lines that wait hold this."""
        while text not in "\n".join([self.prompt, self.toolbar, *self.waiting]):
            await self.screen._news.park()
