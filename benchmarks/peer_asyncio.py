"""A naive chat server with asyncio: a task and a queue for each receiver.

    python benchmarks/peer_asyncio.py PORT

Otherwise it is like peer_trio.py: as much of tcpchat's protocol as the loads need, nothing stored, each
message encoded once, and a receiver that is too far behind is disconnected.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress

import orjson

BEHIND = 10_000  # messages that a receiver may be behind
LINE = 64 * 1024  # bytes read at once
Outbox = asyncio.Queue[bytes]


class Room:
    """All connections."""

    def __init__(self) -> None:
        self._outboxes: dict[Outbox, asyncio.StreamWriter] = {}
        self._seq = 0

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        outbox = Outbox(BEHIND)
        outbox.put_nowait(b'{"type":"welcome"}\n')
        self._outboxes[outbox] = writer
        task = asyncio.create_task(self._write(writer, outbox))
        try:
            await self._read(reader, outbox)
        except ConnectionError:
            pass  # the peer has disconnected
        finally:
            del self._outboxes[outbox]
            task.cancel()
            writer.close()

    async def _write(self, writer: asyncio.StreamWriter, outbox: Outbox) -> None:
        with suppress(ConnectionError):
            while True:
                writer.write(await outbox.get())
                await writer.drain()

    async def _read(self, reader: asyncio.StreamReader, outbox: Outbox) -> None:
        while line := await reader.readline():
            self._broadcast(orjson.loads(line)["text"])
            outbox.put_nowait(b'{"type":"sent","seq":%d}\n' % self._seq)

    def _broadcast(self, text: str) -> None:
        self._seq += 1
        message = {"type": "message", "room": "lobby", "seq": self._seq, "from": "somebody", "text": text}
        line = orjson.dumps(message) + b"\n"
        for outbox, writer in self._outboxes.items():
            try:
                outbox.put_nowait(line)
            except asyncio.QueueFull:
                writer.transport.abort()


async def main(port: int) -> None:
    server = await asyncio.start_server(Room().handle, "127.0.0.1", port, limit=LINE, backlog=4096)
    await server.serve_forever()


asyncio.run(main(int(sys.argv[1])))
