"""Every example in the docs is run against a server on a real port, and the reference leaves nothing out."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import orjson
import pytest
import trio
import trio.lowlevel
import trio.testing

from chaos.clock import TrioClock
from tcpchat.errors import CODES
from tcpchat.protocol import COMMANDS, EVENTS, REPLIES, Line
from tcpchat.service.node import Node
from tcpchat.settings import Limits, Rules, Settings
from tcpchat.store import StorageError
from tcpchat.store.changes import Change
from tcpchat.store.sqlite import SqliteStore
from tests.running import Line as Fields
from tests.running import Log, Peer

ROOT = Path(__file__).parent.parent
PROTOCOL = (ROOT / "docs/protocol.md").read_text()
_BLOCK = re.compile(r"^```chat(.*)\n((?:.*\n)*?)```$", re.MULTILINE)
_TOKEN = re.compile(r"<token of ([\w-]+)>")
_BROKEN = re.compile(r"\(the connection of ([\w-]+) breaks\)")
_ENDED = re.compile(r"\((\S+) sends `(.*)` without a newline, and no more\)")
_LATER = re.compile(r"\((\d+) seconds later\)")


def blocks() -> list[Any]:
    """Find the examples, each named by file and line."""
    found = []
    for path in sorted([ROOT / "README.md", *ROOT.glob("docs/*.md")]):
        text = path.read_text()
        for match in _BLOCK.finditer(text):
            line = text.count("\n", 0, match.start()) + 2
            found.append(pytest.param(match[1], match[2], id=f"{path.name}:{line}"))
    return found


class Disk(SqliteStore):
    """A disk that can be full."""

    full = False

    def commit(self, changes: Iterable[Change]) -> None:
        if self.full:
            raise StorageError("database or disk is full")
        super().commit(changes)


class ExampleServer:
    """The server of one example, and who appears in it."""

    def __init__(self, node: Node, disk: Disk, port: int, clock: trio.testing.MockClock) -> None:
        self.node = node
        self.disk = disk
        self.port = port
        self.clock = clock
        self.peers: dict[str, Peer] = {}
        self.tokens: dict[str, str] = {}

    async def peer(self, name: str) -> Peer:
        """Return who is called so; who appears first connects, and is renamed unless a guest."""
        if name not in self.peers:
            stream = await trio.open_tcp_stream("127.0.0.1", self.port)
            peer = self.peers[name] = Peer(stream)
            if not name.startswith("guest-"):
                self.tokens[name] = (await peer.next("welcome"))["token"]
                await peer.ask({"type": "rename", "name": name})
                self.node.state.presence.settle()
                self.node.pipeline.announce()
                for other in self.peers.values():
                    other.events += await other.quiet()
                    other.events.clear()
        return self.peers[name]

    async def play(self, line: str) -> None:
        if later := _LATER.fullmatch(line):
            self.clock.jump(int(later[1]))
        elif line == "(the disk is full)":
            self.disk.full = True
        elif broken := _BROKEN.fullmatch(line):
            await trio.aclose_forcefully(self.peers.pop(broken[1]).stream)
            await trio.lowlevel.checkpoint()
        elif ended := _ENDED.fullmatch(line):
            stream = (await self.peer(ended[1])).stream
            await stream.send_all(ended[2].encode())
            await stream.send_eof()
        elif line == "(users has a bug)":
            self.node.state.presence.users = None  # type: ignore[method-assign, assignment]
        elif " → " in line:
            name, _, request = line.partition(" → ")
            request = _TOKEN.sub(lambda match: self.tokens[match[1]], request)
            await (await self.peer(name)).send(_request(request))
        else:
            name, arrow, reply = line.partition(" ← ")
            assert arrow, f"what is {line!r}?"
            await self._expect(await self.peer(name), orjson.loads(reply))

    async def _expect(self, peer: Peer, expected: Fields) -> None:
        """Read the next line, which must be this one; presence may come before it."""
        presence = {"joined", "left", "renamed"}
        if expected["type"] in presence:
            self.node.state.audience.subscribe_all_pending()
            self.node.state.presence.settle()
            self.node.pipeline.announce()
        line = await peer.line()
        while line["type"] in presence - {expected["type"]}:
            line = await peer.line()
        assert orjson.dumps(_like(expected, line)) == orjson.dumps(expected)


def _like(expected: Any, value: Any) -> Any:
    """Return the value with … where that is expected."""
    if expected == "…":
        return "…"
    if isinstance(value, dict) and isinstance(expected, dict):
        return {key: _like(expected.get(key), part) for key, part in value.items()}
    if isinstance(value, list) and isinstance(expected, list) and len(value) == len(expected):
        return [_like(*pair) for pair in zip(expected, value, strict=True)]
    return value


def _request(text: str) -> bytes:
    """Write a request as bytes: `<ff>` is that byte, `<70000 bytes>` so many."""
    line = text.encode()
    line = re.sub(rb"<([0-9a-f]{2})>", lambda match: bytes.fromhex(match[1].decode()), line)
    return re.sub(rb"<(\d+) bytes>", lambda match: b"x" * int(match[1]), line) + b"\n"


@asynccontextmanager
async def server(options: str, clock: trio.testing.MockClock) -> AsyncIterator[ExampleServer]:
    given = {key: int(value) for key, _, value in (word.partition("=") for word in options.split())}
    kinds: tuple[Any, ...] = (Limits, Rules)
    groups = [
        kind(**{field.name: given[field.name] for field in attrs.fields(kind) if field.name in given})
        for kind in kinds
    ]
    settings = Settings(limits=groups[0], rules=groups[1])
    disk = Disk(None)
    log: Any = Log()
    node = Node(settings, disk, log, TrioClock())
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    async with trio.open_nursery() as nursery:
        await nursery.start(node.run, [(listener, node.server.accept) for listener in listeners])
        opened = ExampleServer(node, disk, listeners[0].socket.getsockname()[1], clock)
        try:
            yield opened
        finally:
            for peer in opened.peers.values():
                await trio.aclose_forcefully(peer.stream)
        nursery.cancel_scope.cancel()
    disk.close()


@pytest.mark.parametrize(("options", "text"), blocks())
async def test_examples(options: str, text: str, mock_clock: trio.testing.MockClock) -> None:
    async with server(options, mock_clock) as opened:
        for line in text.splitlines():
            await opened.play(line)


def test_every_command_is_documented_as_its_record_says() -> None:
    for command in COMMANDS:
        assert f"\n### {command.name}\n`{command.usage}`" in PROTOCOL
        for field in attrs.fields(command.request):
            if field.name != "id":
                help = re.escape(field.metadata["help"])
                row = rf"\| `{field.name}` \| (required)?(JSON only)? ?\| {help} \|"
                assert re.search(row, PROTOCOL), (command.name, field.name)
    for line in re.findall(r"^`\w+[^`]*`: ([^.\n]*)", PROTOCOL, re.MULTILINE):
        assert any(command.summary.startswith(line.split(" said\n")[0]) for command in COMMANDS), line


def test_every_error_code_has_an_example() -> None:
    errors = PROTOCOL.partition("\n## Errors\n")[2]
    sections = dict(re.findall(r"### ([a-z-]+)\n((?:(?!### ).*\n?)*)", errors))
    assert set(sections) == set(CODES)
    for code, section in sections.items():
        assert f'"code":"{code}"' in section


def test_every_reply_and_event_appears_in_the_reference() -> None:
    kinds: tuple[type[Line], ...] = (*REPLIES, *EVENTS)
    for kind in kinds:
        assert f'"type":"{kind.type}"' in PROTOCOL or f"`{kind.type}`" in PROTOCOL, kind


def test_the_architecture_is_one_page() -> None:
    assert len((ROOT / "docs/architecture.md").read_text().splitlines()) <= 60
