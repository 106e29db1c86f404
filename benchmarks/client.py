"""Messages a second that one client receives from a process that writes prepared lines.

Also prints the rate of a loop that only splits lines and parses JSON, and the ratio of the two.
"""

from __future__ import annotations

import os
import socket
import time

import attrs
import orjson
import trio

from tcpchat.client import Client, Credentials
from tcpchat.protocol import Message, Pong, Welcome, encode

MESSAGES = 300_000
AT = "2026-11-21T09:00:00.123Z"
TEXT = "the quick brown fox jumps over the lazy dog, twice"


def lines() -> bytes:
    first = Message(room="lobby", seq=1, at=AT, sender="alice", text=TEXT)
    return b"".join(encode(attrs.evolve(first, seq=seq)) for seq in range(1, MESSAGES + 1))


def serve(listener: socket.socket, data: bytes, connections: int) -> None:
    """Write the lines to each connection, as fast as it reads them."""
    hello = Welcome(
        protocol=1, server="bench", user="guest-1", room="lobby", seq=0, journal="j", token="t", hint=""
    )
    for _ in range(connections):
        connection, _ = listener.accept()
        connection.sendall(encode(hello))
        connection.recv(1 << 16)  # the client's first request, a ping
        connection.sendall(encode(Pong(at=AT), 1) + data)
        connection.recv(1)
    os._exit(0)


async def with_client(port: int) -> float:
    """Return the seconds until the reader of `events` has the last message."""
    async with Client(f"127.0.0.1:{port}", credentials=Credentials(remember=False)) as client:
        began = time.perf_counter()
        async for event in client.events():
            if isinstance(event, Message) and event.seq == MESSAGES:
                break
        return time.perf_counter() - began


def with_loop(port: int) -> float:
    """Return the seconds of the least work that any client in Python has to do."""
    with socket.create_connection(("127.0.0.1", port)) as connection, connection.makefile("rb") as file:
        connection.sendall(b"ping\n")
        file.readline()
        began = time.perf_counter()
        for line in file:
            if orjson.loads(line).get("seq") == MESSAGES:
                break
        return time.perf_counter() - began


def main() -> None:
    data = lines()
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    if os.fork() == 0:
        serve(listener, data, 2)
    client = MESSAGES / trio.run(with_client, port)
    loop = MESSAGES / with_loop(port)
    print(f"client {client:,.0f} messages/s; bare loop {loop:,.0f}; ratio {client / loop:.2f}")


main()
