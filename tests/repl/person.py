"""A person at a screen that records what it shows, connected to a real server or a fake one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC
from typing import Any

import trio
from trio.testing import wait_all_tasks_blocked

from chaos.clock import TrioClock
from tcpchat.client import Client
from tcpchat.repl.controller import Controller
from tcpchat.repl.model.preferences import Preferences
from tcpchat.repl.view.text import Fragments, plain
from tests.link.conftest import Door
from tests.repl.fake_server import FakeServer, MemoryServer
from tests.running import Peer, RunningServer


class RecordingScreen:
    """A screen that keeps everything it is given."""

    has_input = True

    def __init__(self, *, asks: bool = True) -> None:
        self.width = 80
        self.asks = asks
        self.shown: list[str] = []
        self.complaints: list[str] = []
        self.lines: list[str] = []
        """Both, in order."""
        self.edited: list[str] = []
        self.themes: list[str] = []
        self.watching: list[Callable[[str], None]] = []
        self.bells = self.clears = self.refreshed = 0
        self._changed = trio.lowlevel.ParkingLot()

    def _take(self, fragments: Fragments, lines: list[str]) -> None:
        lines += plain(fragments).splitlines()
        self.lines += plain(fragments).splitlines()
        self._changed.unpark_all()

    def show(self, fragments: Fragments) -> None:
        self._take(fragments, self.shown)

    def complain(self, fragments: Fragments) -> None:
        self._take(fragments, self.complaints)

    def refresh(self) -> None:
        self.refreshed += 1
        self._changed.unpark_all()

    def bell(self) -> None:
        self.bells += 1

    def clear(self) -> None:
        self.clears += 1

    def edit(self, line: str, shown: str) -> None:
        self.edited.append(line)

    def use_theme(self, name: str) -> None:
        self.themes.append(name)

    def watch_key(self, tell: Callable[[str], None]) -> None:
        self.watching.append(tell)

    async def changed(self) -> None:
        """Wait until something is shown or drawn again."""
        await self._changed.park()

    async def line(self, text: str) -> str:
        """Wait for a line with this text; return it without the time."""
        while True:
            for line in self.lines:
                if text in line:
                    return line.removeprefix(line[:6] if line[2:3] == ":" else "")
            await self.changed()

    @property
    def notices(self) -> str:
        """All complaints and notices as one line."""
        return " ".join(" ".join(self.complaints).split())

    def count(self, text: str) -> int:
        return sum(text in line for line in self.lines)


class Person:
    """Somebody at a screen."""

    def __init__(self, controller: Controller, screen: RecordingScreen, client: Client) -> None:
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
            await self.screen.changed()

    def shows_nowhere(self, secret: str) -> bool:
        """Return whether a secret was shown nowhere."""
        screen = self.screen
        shown = [*screen.lines, *screen.edited, self.prompt, self.toolbar, *self.waiting]
        return secret not in "\n".join(shown)


class ServedPerson(Person):
    """Somebody connected to a real server on memory streams."""

    def __init__(self, controller: Controller, screen: RecordingScreen, client: Client, door: Door) -> None:
        super().__init__(controller, screen, client)
        self.door = door

    async def go_offline(self) -> None:
        """Lose the server, which cannot be reached from now on."""
        self.door.shut = True
        await self.door.cable.cut()
        await self.screen.line("Reconnecting")


@asynccontextmanager
async def at_server(
    running: RunningServer,
    name: str = "alice",
    *,
    asks: bool = True,
    hosting: bool = False,
    preferences: Preferences | None = None,
    **options: Any,
) -> AsyncIterator[ServedPerson]:
    """Connect a person to a real server until the block ends."""
    door, screen = Door(running), RecordingScreen(asks=asks)
    preferences = preferences or Preferences(None)
    async with door.client(**({"name": name, "last": 20} | options)) as client:
        controller = Controller(client, screen, preferences, TrioClock(), UTC, hosting=hosting)
        async with trio.open_nursery() as nursery:
            await nursery.start(controller.run)
            while not controller.completion_context().users:
                await screen.changed()
            yield ServedPerson(controller, screen, client, door)
            controller.leave_now()


class FakedPerson(Person):
    """Somebody connected to a fake server."""

    def __init__(
        self, controller: Controller, screen: RecordingScreen, client: Client, memory: MemoryServer
    ) -> None:
        super().__init__(controller, screen, client)
        self.memory = memory
        self.server = memory.server

    async def receive(self, *lines: dict[str, Any]) -> None:
        """Let the server send lines, and wait until they are received."""
        await self.memory.send(*lines)
        await wait_all_tasks_blocked()

    async def press(self) -> None:
        """Press a key that does nothing."""
        self.controller.see()
        await wait_all_tasks_blocked()

    @property
    def receipt(self) -> list[tuple[str, str]]:
        """The mark of the last private message in the toolbar."""
        return [part for part in self.controller.toolbar() if "✓" in part[1]]

    async def come_back(self, *, seq: int = 0, journal: str = "other") -> None:
        """Lose the server, which is back with this data."""
        self.server.journal, self.server.seq = journal, seq
        await self.memory.cut()
        await self.screen.line("back as")
        await self.settle()


@asynccontextmanager
async def at_fake_server(
    server: FakeServer, *, asks: bool = True, **options: Any
) -> AsyncIterator[FakedPerson]:
    """Connect a person to a fake server until the block ends."""
    async with trio.open_nursery() as nursery:
        memory, screen = MemoryServer(server, nursery), RecordingScreen(asks=asks)
        async with memory.client(**options) as client:
            controller = Controller(client, screen, Preferences(None), TrioClock(), UTC)
            async with trio.open_nursery() as inner:
                await inner.start(controller.run)
                await wait_all_tasks_blocked()
                yield FakedPerson(controller, screen, client, memory)
                controller.leave_now()
        nursery.cancel_scope.cancel()


async def say(peer: Peer, text: str, username: str | None = None) -> None:
    """Send a message as another user."""
    to = {} if username is None else {"username": username}
    assert (await peer.ask({"type": "send", "text": text} | to))["type"] == "sent"


async def texts(peer: Peer) -> list[str]:
    """Return the messages that this peer received up to now."""
    lines = peer.events + await peer.quiet()
    peer.events = []
    return [line["text"] for line in lines if line["type"] == "message"]
