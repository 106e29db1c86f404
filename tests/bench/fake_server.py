"""A server for loads that loses, repeats and closes as a test says."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from tcpchat.address import Address
from tcpchat.bench.plan import Plan

BYE = b'{"type":"bye","code":"slow-consumer"}\n'
BANNED = b'{"type":"bye","code":"banned"}\n'
Deliver = Callable[[int, int, bytes], bytes]
"""Given a connection, a message and its line, returns the bytes for the connection."""
Answer = Callable[[int, bytes], bytes]
"""Given a message and its acknowledgement, returns the bytes for the sender."""


def to_all(index: int, number: int, line: bytes) -> bytes:
    return line


def once(number: int, line: bytes) -> bytes:
    return line


class FakeServer:
    """A server that knows as much of the protocol as a load needs, and delivers as the test says."""

    def __init__(self, deliver: Deliver, answer: Answer) -> None:
        self._deliver, self._answer = deliver, answer
        self._connections: list[socket.socket] = []
        self._count = 0
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()
        for connection in self._connections:
            connection.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                connection.sendall(b'{"type":"welcome"}\n')
                self._connections.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError), connection.makefile("rb") as lines:
            for line in lines:
                request = json.loads(line)
                with self._lock:
                    self._do(connection, request)

    def _do(self, connection: socket.socket, request: dict[str, Any]) -> None:
        if request["type"] == "history":
            connection.sendall(b'{"type":"history","re":"joined"}\n')
            return
        line = b'{"type":"message","text":"%s"}\n' % request["text"].encode()
        for index, other in enumerate(self._connections):
            with suppress(OSError):  # it is closed
                self._give(other, self._deliver(index, self._count, line))
        answer = self._answer(self._count, b'{"type":"sent","re":%d,"seq":1}\n' % request["id"])
        self._count += 1
        self._give(connection, answer)

    def _give(self, connection: socket.socket, given: bytes) -> None:
        connection.sendall(given)
        if given.endswith((BYE, BANNED)):
            connection.shutdown(socket.SHUT_RDWR)


@contextmanager
def fake_server(deliver: Deliver = to_all, answer: Answer = once) -> Iterator[int]:
    server = FakeServer(deliver, answer)
    try:
        yield server.port
    finally:
        server.close()


def plan_for(port: int) -> Plan:
    return Plan(
        address=Address("127.0.0.1", port), receivers=4, senders=1, seconds=0.3, rate=50, patience=0.5
    )
