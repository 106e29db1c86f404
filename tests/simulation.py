"""Users on several devices whom everything happens to that can, and a server that is killed now and then.

A device is what a client is underneath: it keeps what it got, knows the last number of the lobby and of each
conversation, and after a loss resumes, fetches what it missed and repeats what it cannot know was kept.
"""

from __future__ import annotations

from collections import deque
from pathlib import Path
from random import Random
from typing import Any

import trio
import trio.testing

from tcpchat.protocol import LOBBY
from tcpchat.service.node import Node
from tcpchat.settings import Limits, Settings
from tcpchat.store import StorageError
from tcpchat.store.changes import Change
from tcpchat.store.sqlite import SqliteStore
from tests.conftest import House, Line, Log, MemoryListener, TrioClock
from tests.people import PASSWORD, Person

SETTINGS = Settings(
    limits=Limits(messages_per_second=0, requests_per_second=0, backlog_bytes=8000)  # who stalls is soon slow
)
USERS = {"alice": 3, "bob": 2, "carol": 2, "dave": 1}  # and on how many devices; the last one is a guest
GUESTS = ("dave",)
PAGE = 20  # messages asked for at once
Said = tuple[str, str]
"""The author and the text."""
LOST = (EOFError, trio.BrokenResourceError, trio.ClosedResourceError)


class MortalStore(SqliteStore):
    """Keeps nothing after its death; what it keeps while dying nobody hears of."""

    dead = False

    def commit(self, changes: Any) -> None:
        rows: list[Change] = list(changes)
        self._live()
        super().commit(rows)
        self._live()

    def _live(self) -> None:
        if self.dead:
            raise StorageError("killed")


class World:
    """The server, all devices, and what is true of them together."""

    def __init__(self, folder: Path, seed: int, nursery: trio.Nursery, clock: trio.testing.MockClock) -> None:
        self.random = Random(seed)
        self.steps: list[str] = []
        self.acknowledged: dict[str, int] = {}
        """Texts of sends, and the numbers that they were told to have."""
        self.certain: set[str] = set()
        """Texts that will have been said once when all is quiet, since they have keys."""
        self.read: dict[tuple[str, str], int] = {}
        """How far a user was told to have read a place."""
        self.devices: list[Device] = []
        self._folder = folder
        self._nursery = nursery
        self._clock = clock
        self._streams: list[trio.abc.AsyncResource] = []
        self._texts = 0

    def text(self) -> str:
        self._texts += 1
        return f"text {self._texts} " + "." * self.random.choice((1, 10, 400))

    # The server

    async def start(self) -> None:
        self._store = MortalStore(self._folder, "off")
        self._ended = trio.Event()
        self._listener = MemoryListener()
        log: Any = Log()
        node = Node(SETTINGS, self._store, log, TrioClock())
        self.house = House(node, self._store, self._listener, log)
        await self._nursery.start(self._serve, node)

    async def _serve(self, node: Node, *, task_status: trio.TaskStatus[None]) -> None:
        await node.run([self._listener.port(node.server)], task_status=task_status)
        self._ended.set()

    async def kill(self) -> None:
        """Let the server come to an end at which it keeps and tells nothing more."""
        for _ in range(self.random.randrange(12)):
            await trio.lowlevel.checkpoint()
        self._store.dead = True
        for device in self.devices:
            device.lose()
        for stream in self._streams:
            await trio.aclose_forcefully(stream)
        self._streams.clear()
        self.house.node.stop()
        while not self._ended.is_set():
            await trio.testing.wait_all_tasks_blocked()
            self._clock.jump(0.01)
        assert not self.house.log.named("bug")
        self._store.close()

    async def connect(self) -> Person:
        """Connect so that the server can say all it wants, or nothing more before it is read."""
        memory, lockstep = trio.testing.memory_stream_one_way_pair, trio.testing.lockstep_stream_one_way_pair
        asks, asked = memory()
        says, said = self.random.choice((memory, lockstep))()
        mine = trio.StapledStream(asks, said)
        self._streams.append(mine)
        await self._listener.let_in(trio.StapledStream(says, asked))
        return Person(mine)

    # Everybody

    async def people(self) -> None:
        """Let everybody come for the first time, before anything is said."""
        for name, count in USERS.items():
            for number in range(count):
                device = Device(self, name, f"{name}{number + 1}")
                self.devices.append(device)
                await device.come()
        for device in self.devices:
            if device.name in GUESTS:  # something must be kept of a guest who is to outlive the server
                await device.send(None, 1, keyed=True)
                await device.read_all()

    async def step(self) -> None:
        """Let something happen to somebody."""
        device = self.random.choice(self.devices)
        actions = {
            self._say: 45, device.read_all: 12, device.mark: 12, self._pass_time: 8, device.hang: 3,
            device.break_off: 3, device.come_back: 25, device.come_back_in_vain: 4, self._die: 2,
        }  # fmt: skip
        (action,) = self.random.choices(list(actions), list(actions.values()))
        self.steps.append(f"{device.label}: {action.__name__}")
        await action()

    async def _say(self) -> None:
        device = self.random.choice(self.devices)
        to = self.random.choice([None, *USERS])
        await device.send(to, self.random.choice((1, 1, 2, 20)), keyed=self.random.random() < 0.8)

    async def _pass_time(self) -> None:
        await trio.testing.wait_all_tasks_blocked()
        self._clock.jump(self.random.choice((0.1, 0.3, 2.0)))
        await trio.testing.wait_all_tasks_blocked()

    async def _die(self) -> None:
        for device in self.random.sample(self.devices, 3):
            await device.send(None, 3, keyed=True)
        await self.kill()
        await self.start()

    async def quiet(self) -> None:
        """Let everybody be here, be told everything, and know of every send."""
        for _ in range(3):
            for device in self.devices:
                while device.person is None or device.doubtful:
                    await device.come_back()
                    await device.read_all()
                await device.read_all()


class Device:
    """One of a user's: what it got, and what it does not know about."""

    def __init__(self, world: World, name: str, label: str) -> None:
        self.world = world
        self.name = name
        self.label = label
        self.person: Person | None = None
        self.lobby: list[Said] = []
        self.private: dict[str, list[Said]] = {}
        self.doubtful: list[Line] = []
        self._token = ""
        self._under_way: deque[Line] = deque()
        self._synced = False
        self._ids = 0

    # Coming and going

    async def come(self) -> None:
        self.person = person = await self.world.connect()
        self._token = (await person.line())["token"]
        if self.label.endswith("1"):
            assert (await person.do("rename", name=self.name))["type"] == "renamed"
            if self.name not in GUESTS:
                assert (await person.do("register", password=PASSWORD))["type"] == "registered"
        else:
            self._token = (await person.do("login", name=self.name, password=PASSWORD))["token"]
        self._synced = True

    async def come_back(self, cut: int | None = None) -> None:
        """Resume if not here, fetch what was missed, repeat what is in doubt; maybe fail after some lines."""
        if self.person is not None:
            return
        self.person = await self.world.connect()
        self._synced = False
        try:
            await self.person.line()
            reply = await self._ask({"type": "resume", "token": self._token, "after": len(self.lobby)}, cut)
            assert (reply["type"], reply["user"]) == ("resumed", self.name), reply
            await self._fetch()
            self._synced = True
            repeated, self.doubtful = self.doubtful, []
            await self._send(repeated)
        except LOST:
            self.lose()

    async def come_back_in_vain(self) -> None:
        await self.come_back(self.world.random.randrange(8))
        await self.break_off()

    async def _fetch(self) -> None:
        """Get what is missing of the private conversations."""
        infos = (await self._ask({"type": "conversations"}))["conversations"]
        for info in infos:
            id = info["room"]
            held = self.private.setdefault(id, [])
            more = True
            while more:
                page = await self._ask({"type": "history", "room": id, "after": len(held), "count": PAGE})
                for line in page["messages"]:
                    if line["seq"] > len(held):
                        assert line["seq"] == len(held) + 1
                        held.append(_said(line))
                more = page["more"]

    async def break_off(self) -> None:
        """Lose the connection, so that the server notices."""
        if self.person is not None:
            await trio.aclose_forcefully(self.person.stream)
            self.lose()

    async def hang(self) -> None:
        """Lose the connection, but the server does not notice."""
        self.lose()

    def lose(self) -> None:
        """Forget the connection: what was asked there may be done or not."""
        self.person = None
        self.doubtful += [line for line in self._under_way if "key" in line]
        self._under_way.clear()

    # Talking

    async def send(self, to: str | None, count: int, *, keyed: bool) -> None:
        """Say something, without waiting for what becomes of it."""
        if self.person is None or self.doubtful:
            return
        lines = []
        for _ in range(count):
            text = self.world.text()
            line: Line = {"type": "send", "text": text}
            if to is not None:
                line["username"] = to
            if keyed:
                line["key"] = text[:12]
                self.world.certain.add(text)
            lines.append(line)
        try:
            await self._send(lines)
        except LOST:
            self.lose()

    async def _send(self, lines: list[Line]) -> None:
        assert self.person is not None
        numbered = []
        for line in lines:
            self._ids += 1
            numbered.append(line | {"id": self._ids})
        self._under_way += numbered
        if numbered:
            await self.person.send(*numbered)

    async def mark(self) -> None:
        """Read up to some message that was got."""
        places = {None: len(self.lobby)} | {id: len(held) for id, held in self.private.items()}
        place, got = self.world.random.choice(list(places.items()))
        request: Line = {"type": "read", "seq": self.world.random.randint(0, got)}
        if place is not None:
            request["room"] = place
        await self._ask_if_here(request)

    async def read_all(self) -> None:
        """Take everything that was said to this device by now."""
        await self._ask_if_here({"type": "ping"})

    async def _ask_if_here(self, request: Line) -> None:
        if self.person is not None:
            try:
                await self._ask(request)
            except LOST:
                self.lose()

    async def _ask(self, request: Line, cut: int | None = None) -> Line:
        """Return the reply; take what comes before, of which only so many lines may come."""
        assert self.person is not None
        self._ids += 1
        id = self._ids
        await self.person.send(request | {"id": id})
        taken = 0
        while taken != cut:
            line = await self.person.line()
            self._take(line)
            taken += 1
            if line.get("re") == id:
                return line
        raise EOFError

    def _take(self, line: Line) -> None:
        if line["type"] == "message":
            self._hear(line)
        elif line["type"] == "read":
            place = line["room"]
            known = self.world.read.get((self.label, place), 0)
            assert line["seq"] >= known, f"{self.label} has read {place} up to {known}: {line}"
            self.world.read[self.label, place] = line["seq"]
        elif line.get("re") and self._under_way and line["re"] == self._under_way[0]["id"]:
            assert line["type"] == "sent", line
            self.world.acknowledged[self._under_way.popleft()["text"]] = line["seq"]

    def _hear(self, line: Line) -> None:
        if line["room"] == LOBBY:
            assert line["seq"] == len(self.lobby) + 1, f"{self.label}, after {len(self.lobby)}: {line}"
            self.lobby.append(_said(line))
        elif self._synced:
            held = self.private.setdefault(line["room"], [])
            assert line["seq"] == len(held) + 1, f"{self.label}, after {len(held)}: {line}"
            held.append(_said(line))


def _said(line: Line) -> Said:
    return line["from"], line["text"]
