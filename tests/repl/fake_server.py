"""A fake server: it answers as the test says, and records the requests."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from typing import Any, Self

import orjson
import trio
import trio.testing

from tcpchat.client import Client, Reconnect
from tests.link.conftest import make_client
from tests.process import PATIENCE
from tests.running import Line

AT = "2026-11-21T09:00:00.123Z"
SOON = Reconnect(first=0.001, most=0.01)
Answer = Callable[[Line], Line]


def message(seq: int, text: str, *, sender: str = "bob", to: str | None = None, **fields: Any) -> Line:
    """Return the event of a message in the lobby, or of the private conversation of alice and bob."""
    where: Line = {"room": "lobby"} if to is None else {"to": to, "room": "@b"}
    return {"type": "message", "seq": seq, "at": AT, "from": sender, "text": text} | where | fields


class FakeServer:
    """The server's lines; `answers` makes the reply, which may be an error, by the type of the request."""

    def __init__(self, user: str | None = "alice", *, seq: int = 0) -> None:
        self.requests: list[Line] = []
        self.seq = seq
        self.user = user
        self.journal = "j"
        self.answers: dict[str, Answer] = {
            "conversations": lambda _: {"type": "conversations", "conversations": [], "more": False},
            "rooms": lambda _: {"type": "rooms", "rooms": [], "more": False},
            "exit": lambda _: {"type": "bye", "code": "exit", "message": "bye"},
            "log": lambda _: {"type": "log", "room": "lobby", "events": [], "first": 1, "more": False},
            "history": lambda _: {"type": "history", "room": "lobby", "messages": [], "more": False},
            "ping": lambda _: {"type": "pong", "at": AT},
            "read": self._read,
            "rename": self._rename,
            "resume": self._resume,
            "scheduled": lambda _: {"type": "schedule", "messages": [], "more": False},
            "send": self._send,
            "users": self._users,
        }

    def welcome(self) -> Line:
        line = {
            "type": "welcome", "protocol": 1, "server": "played 1", "room": "lobby", "seq": self.seq,
            "journal": self.journal, "hint": "",
        }  # fmt: skip
        return line if self.user is None else line | {"user": self.user, "token": "t-secret"}

    def answer(self, request: Line) -> Line:
        self.requests.append(request)
        reply = {"re": request["id"]} | self.answers[request["type"]](request)
        return {name: value for name, value in reply.items() if value is not None}

    def of(self, type: str) -> list[Line]:
        """Return the requests of this type, without their ids."""
        return [
            {name: value for name, value in request.items() if name not in {"id", "type"}}
            for request in self.requests
            if request["type"] == type
        ]

    def refuse(self, type: str, code: str, **fields: Any) -> None:
        """Answer requests of this type with an error from now on."""
        self.answers[type] = lambda _: {
            "type": "error", "code": code, "message": f"because {code}"
        } | fields  # fmt: skip

    def reply(self, type: str, reply: str, **fields: Any) -> None:
        """Answer requests of this type so from now on."""
        self.answers[type] = lambda _: {"type": reply} | fields

    def _read(self, request: Line) -> Line:
        where = {"room": "@b", "username": "bob"} if request["room"] == "@b" else {"room": "lobby"}
        return {"type": "read", "seq": request["seq"]} | where

    def _rename(self, request: Line) -> Line:
        old, self.user = self.user, request["name"]
        return {"type": "renamed", "old": old, "new": self.user}

    def _resume(self, request: Line) -> Line:
        return {"type": "resumed", "user": self.user, "registered": False, "session": 1, "seq": self.seq}

    def _send(self, request: Line) -> Line:
        """Acknowledge a message, of which no event comes."""
        self.seq += 1
        name = request.get("username")
        return {
            "type": "sent",
            "room": "@b" if name else "lobby",
            "username": name,
            "seq": self.seq,
            "at": AT,
        }

    def _users(self, _: Line) -> Line:
        names = ["bob"] if self.user is None else [self.user, "bob"]
        return {"type": "users", "users": [{"name": name, "since": AT} for name in names], "more": False}


class MemoryServer:
    """A fake server on memory streams."""

    def __init__(self, server: FakeServer, nursery: trio.Nursery) -> None:
        self.server = server
        self.shut = False
        self.silent = False
        """It answers nothing."""
        self._nursery = nursery
        self._stream: trio.abc.Stream | None = None

    async def open_stream(self) -> trio.abc.Stream:
        await trio.lowlevel.checkpoint()
        if self.shut:
            raise ConnectionRefusedError(111, "Connection refused")
        mine, theirs = trio.testing.memory_stream_pair()
        self._stream = theirs
        await self.send(self.server.welcome())
        self._nursery.start_soon(self._serve, theirs)
        return mine

    def client(self, **options: Any) -> Client:
        return make_client(open_stream=self.open_stream, **({"reconnect": SOON} | options))

    async def _serve(self, stream: trio.abc.Stream) -> None:
        tail = b""
        try:
            while data := await stream.receive_some():
                *lines, tail = (tail + data).split(b"\n")
                for line in [] if self.silent else lines:
                    await stream.send_all(orjson.dumps(self.server.answer(orjson.loads(line))) + b"\n")
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass

    async def send(self, *lines: Line) -> None:
        """Send lines that nobody asked for."""
        assert self._stream is not None
        await self._stream.send_all(b"".join(orjson.dumps(line) + b"\n" for line in lines))

    async def cut(self) -> None:
        assert self._stream is not None
        await trio.aclose_forcefully(self._stream)


class SocketServer:
    """A fake server on a port of this machine, in a thread, for one client after the other."""

    def __init__(self, server: FakeServer, *, port: int = 0) -> None:
        self.server = server
        self._listener = socket.create_server(("127.0.0.1", port))
        self._listener.settimeout(PATIENCE)
        self.port: int = self._listener.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        self.open = threading.Event()
        """Clients are greeted."""
        self.open.set()
        self._thread = threading.Thread(target=self._serve)
        self._connection: socket.socket | None = None
        self._over = False

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over = True
        self.open.set()
        socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE).close()  # so that it ends
        if self._connection is not None:
            self._connection.close()
        self._thread.join(PATIENCE)
        self._listener.close()
        assert not self._thread.is_alive()

    def _serve(self) -> None:
        while not self._over:
            try:
                self._connection, _ = self._listener.accept()
                self._connection.settimeout(PATIENCE)
                self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if self.open.wait(PATIENCE) and not self._over:
                    self._answer(self._connection)
            except OSError:
                pass
            finally:
                if self._connection is not None:
                    self._connection.close()

    def _answer(self, connection: socket.socket) -> None:
        self.send(self.server.welcome())
        with connection.makefile("rb") as file:
            for line in file:
                reply = self.server.answer(orjson.loads(line))
                self.send(reply)
                if reply["type"] == "bye":
                    return

    def send(self, line: Line) -> None:
        assert self._connection is not None
        self._connection.sendall(orjson.dumps(line) + b"\n")
