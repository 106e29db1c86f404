"""A fake server that the test plays line by line, and a connection to a real one that can be cut."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import attrs
import orjson
import pytest
import trio
import trio.testing

from tcpchat.client import Client, Credentials, FlowControl, Reconnect, Replay
from tcpchat.protocol import Event

if TYPE_CHECKING:
    from tests.running import RunningServer  # most of these tests need none

Line = dict[str, Any]
SOON = Reconnect(first=0.001, most=0.01)
EVEN = Reconnect(first=1, factor=2, most=8, jitter=0)
E = TypeVar("E", bound=Event)


def make_client(*args: Any, **options: Any) -> Client:
    """Return a client; fields of its credentials, replay and flow may be given as options of their own."""
    for option, kind in (("credentials", Credentials), ("replay", Replay), ("flow", FlowControl)):
        names = {field.name for field in attrs.fields(kind)}
        if given := {name: options.pop(name) for name in names & options.keys()}:
            options[option] = kind(**given)
    return Client(*args, **options)


async def cannot_connect(fake: FakeServer, **options: Any) -> None:
    """Try to connect, which must raise an error."""
    async with make_client("chat.example:9", open_stream=fake.open_stream, **options):
        pytest.fail("there was no server")


class ServerSide:
    """The server's side of one connection to the fake server."""

    def __init__(self, stream: trio.abc.HalfCloseableStream) -> None:
        self.stream = stream
        self.mute = False
        """It does not answer pings."""
        self._tail = b""

    async def receive(self) -> Line:
        """Return the next request. Raises EOFError at the end of the stream."""
        while b"\n" not in self._tail:
            data = await self.stream.receive_some()
            if not data:
                raise EOFError
            self._tail += data
        line, _, self._tail = self._tail.partition(b"\n")
        request: Line = orjson.loads(line)
        return request

    async def next(self, type: str) -> Line:
        """Return the next request of this type.

        Pings before it are answered, and requests for lists of rooms get empty ones.
        """
        while (request := await self.receive())["type"] != type:
            if request["type"] == "rooms":
                await self.reply(request, "rooms", rooms=[], more=False)
            elif request["type"] == "conversations":
                await self.listed(request)
            elif not self.mute:
                assert request["type"] == "ping", request
                await self.reply(request, "pong", at="")
        return request

    async def listed(self, request: Line, *conversations: Line, more: bool = False) -> None:
        await self.reply(request, "conversations", conversations=list(conversations), more=more)

    async def say(self, *lines: Line) -> None:
        await self.stream.send_all(b"".join(orjson.dumps(line) + b"\n" for line in lines))

    async def reply(self, request: Line, type: str, **fields: Any) -> None:
        await self.say({"type": type, "re": request["id"]} | fields)

    async def sent(self, request: Line, seq: int) -> None:
        await self.reply(request, "sent", room="lobby", seq=seq, at="")

    async def refuse(self, request: Line, code: str, **fields: Any) -> None:
        await self.reply(request, "error", code=code, message=f"because {code}", **fields)

    async def welcome(
        self, user: str | None = "guest-1", *, seq: int = 0, token: str | None = "t1", journal: str = "j"
    ) -> None:
        await self.say(welcome(user, seq=seq, token=token, journal=journal))

    async def resume(self, user: str = "guest-1", *, seq: int = 0) -> Line:
        """Welcome a client that resumes a user."""
        await self.welcome("guest-2", seq=seq, token="t2")
        request = await self.next("resume")
        await self.resumed(request, user, seq=seq)
        return request

    async def resumed(
        self, request: Line, user: str, *, seq: int = 0, registered: bool = False, session: int = 1
    ) -> None:
        fields = {"user": user, "registered": registered, "session": session, "seq": seq}
        await self.reply(request, "resumed", **fields)

    async def end(self) -> list[str]:
        """Answer all requests until the client has left; return their types, without pings."""
        types = []
        with suppress(EOFError):
            while True:
                request = await self.receive()
                if request["type"] == "exit":
                    await self.reply(request, "bye", code="exit", message="bye")
                elif request["type"] == "ping":
                    await self.reply(request, "pong", at="")
                    continue
                elif request["type"] == "rooms":
                    await self.reply(request, "rooms", rooms=[], more=False)
                    continue
                elif request["type"] == "conversations":
                    await self.listed(request)
                types.append(request["type"])
        return types

    async def close(self) -> None:
        await trio.aclose_forcefully(self.stream)

    async def serve(self) -> None:
        """Answer pings and `exit` until the client has left."""
        with suppress(EOFError, trio.ClosedResourceError, trio.BrokenResourceError):
            request = await self.next("exit")
            await self.reply(request, "bye", code="exit", message="bye")


def welcome(
    user: str | None = "guest-1", *, seq: int = 0, token: str | None = "t1", journal: str = "j"
) -> Line:
    line = {
        "type": "welcome", "protocol": 1, "server": "played 1", "user": user, "room": "lobby", "seq": seq,
        "journal": journal, "token": token, "hint": "",
    }  # fmt: skip
    return {field: value for field, value in line.items() if value is not None}


def message(seq: int, text: str = "", *, conversation: str | None = None) -> Line:
    """Return a message in the lobby, or in a direct room."""
    where = {"room": "lobby"} if conversation is None else {"to": "me", "room": conversation}
    return {"type": "message", "seq": seq, "at": "", "from": "bob", "text": text or str(seq)} | where


class FakeServer:
    """A server that the test plays: `accept` its connections."""

    def __init__(self) -> None:
        self.attempts: list[float] = []
        self.error: OSError | None = None
        """The error of the next attempts to connect."""
        self._send, self._receive = trio.open_memory_channel[ServerSide](1000)

    async def open_stream(self) -> trio.abc.Stream:
        self.attempts.append(trio.current_time())
        await trio.lowlevel.checkpoint()
        if self.error is not None:
            raise self.error
        mine, theirs = trio.testing.memory_stream_pair()
        await self._send.send(ServerSide(theirs))
        return mine

    async def accept(self) -> ServerSide:
        return await self._receive.receive()

    @asynccontextmanager
    async def online(self, **options: Any) -> AsyncIterator[tuple[Client, ServerSide]]:
        """Connect a client, welcomed as guest-1 with token t1; leave at the end."""
        server = None

        async def greet() -> None:
            nonlocal server
            server = await self.accept()
            await server.welcome()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(greet)
            async with make_client(open_stream=self.open_stream, **options) as client:
                assert server is not None
                yield client, server


class Cable(trio.abc.Stream):
    """One connection to a real server."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.stream = stream
        self.sent: list[Line] = []
        """The lines that the client wrote."""
        self.loses_sent = False
        self.loses_received = False
        self.closed = False

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        self.sent += map(orjson.loads, bytes(data).splitlines())
        if self.loses_sent:
            await trio.lowlevel.checkpoint()
        else:
            await self.stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self.stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        data = await self.stream.receive_some(max_bytes)
        while data and self.loses_received:
            data = await self.stream.receive_some(max_bytes)
        return data

    async def aclose(self) -> None:
        self.closed = True
        await self.stream.aclose()

    async def cut(self) -> None:
        await trio.aclose_forcefully(self.stream)

    def requests(self, type: str) -> list[Line]:
        return [line for line in self.sent if line["type"] == type]


class Door:
    """Connects clients to a real server; it can be shut."""

    def __init__(self, running: RunningServer) -> None:
        self.running = running
        self.shut = False
        self.cables: list[Cable] = []

    async def open_stream(self) -> trio.abc.Stream:
        if self.shut:
            await trio.lowlevel.checkpoint()
            raise ConnectionRefusedError(111, "Connection refused")
        self.cables.append(Cable(await self.running.connect()))
        return self.cables[-1]

    @property
    def cable(self) -> Cable:
        return self.cables[-1]

    def client(self, **options: Any) -> Client:
        return make_client(open_stream=self.open_stream, **({"reconnect": SOON} | options))


async def until(client: Client, kind: type[E]) -> E:
    """Return the next event of this class."""
    event = await client.next_event()
    while not isinstance(event, kind):
        assert event is not None
        event = await client.next_event()
    return event


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for the user's state in place of the real one."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state/tcpchat"


@pytest.fixture
def fake() -> FakeServer:
    return FakeServer()


@pytest.fixture
def door(running: RunningServer) -> Door:
    return Door(running)
