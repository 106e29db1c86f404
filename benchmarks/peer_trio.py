"""A naive chat server with Trio: a task and a channel for each receiver.

    python benchmarks/peer_trio.py PORT

It speaks as much of tcpchat's protocol as the loads need, and stores nothing. A message is encoded once and
put into the memory channel of each receiver; a receiver that is too far behind is disconnected.
"""

from __future__ import annotations

import sys

import orjson
import trio

BEHIND = 10_000  # messages that a receiver may be behind
Outbox = trio.MemorySendChannel[bytes]


class Room:
    """All connections."""

    def __init__(self) -> None:
        self._outboxes: dict[Outbox, trio.CancelScope] = {}
        self._seq = 0

    async def handle(self, stream: trio.SocketStream) -> None:
        outbox, inbox = trio.open_memory_channel[bytes](BEHIND)
        try:
            async with trio.open_nursery() as nursery:
                self._outboxes[outbox] = nursery.cancel_scope
                nursery.start_soon(self._write, stream, inbox)
                outbox.send_nowait(b'{"type":"welcome"}\n')
                await self._read(stream, outbox)
                nursery.cancel_scope.cancel()
        except* (trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # the peer has disconnected
        finally:
            del self._outboxes[outbox]

    async def _write(self, stream: trio.SocketStream, inbox: trio.MemoryReceiveChannel[bytes]) -> None:
        async for line in inbox:
            await stream.send_all(line)

    async def _read(self, stream: trio.SocketStream, outbox: Outbox) -> None:
        tail = b""
        async for data in stream:
            *lines, tail = (tail + data).split(b"\n")
            for line in lines:
                self._broadcast(orjson.loads(line)["text"])
                outbox.send_nowait(b'{"type":"sent","seq":%d}\n' % self._seq)

    def _broadcast(self, text: str) -> None:
        self._seq += 1
        message = {"type": "message", "room": "lobby", "seq": self._seq, "from": "somebody", "text": text}
        line = orjson.dumps(message) + b"\n"
        for outbox, scope in self._outboxes.items():
            try:
                outbox.send_nowait(line)
            except trio.WouldBlock:
                scope.cancel()


async def main(port: int) -> None:
    await trio.serve_tcp(Room().handle, port, host="127.0.0.1", backlog=4096)


trio.run(main, int(sys.argv[1]))
