"""A proxy between real clients and a real server that cuts, stalls, delays and dribbles, by a seed."""

from __future__ import annotations

from contextlib import suppress
from random import Random
from typing import Final

import attrs
import trio
import trio.lowlevel

RECEIVE: Final = 16 * 1024  # bytes at once
BEHAVIOURS: Final = ("forwards", "forwards", "delays", "dribbles", "stalls")
"""The ways in which a connection treats bytes; each connection has one."""
DELAY: Final = 0.05  # seconds at most, for each read
PIECE: Final = 64  # bytes of a piece at most
DRIBBLES: Final = 16  # such pieces of one read; the rest follows at once
STALL: Final = 1.0  # seconds at most
STALLS: Final = 0.05  # the share of reads that stall
LIFE: Final = 3.0  # seconds until a connection is cut, on average
LOST: Final = (OSError, trio.BrokenResourceError, trio.ClosedResourceError)


@attrs.define(eq=False)
class Proxy:
    """Listens on its own port, and connects to a server that may be down."""

    port: int
    """The server's port on this machine."""
    random: Random
    life: float = LIFE
    """Seconds until a connection is cut, on average."""
    calm: bool = attrs.field(default=True, init=False)
    """Whether new connections are forwarded without faults."""
    cuts: int = attrs.field(default=0, init=False)

    async def run(self, *, task_status: trio.TaskStatus[int]) -> None:
        """Serve until cancelled; `start` returns the proxy's port."""
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        port: int = listeners[0].socket.getsockname()[1]
        async with trio.open_nursery() as nursery:
            await nursery.start(trio.serve_listeners, self._serve, listeners)
            task_status.started(port)

    async def _serve(self, client: trio.SocketStream) -> None:
        """Forward the bytes of one connection both ways, until it is cut or either side closes it."""
        with suppress(*LOST):
            async with await trio.open_tcp_stream("127.0.0.1", self.port) as server:
                behaviour = BEHAVIOURS[0] if self.calm else self.random.choice(BEHAVIOURS)
                seconds = float("inf") if self.calm else self.random.expovariate(1 / self.life)
                with trio.move_on_after(seconds) as life:
                    async with trio.open_nursery() as nursery:
                        for one, other in ((client, server), (server, client)):
                            nursery.start_soon(self._pump, one, other, behaviour, nursery.cancel_scope)
                self.cuts += life.cancelled_caught
        await trio.aclose_forcefully(client)

    async def _pump(
        self, source: trio.SocketStream, sink: trio.SocketStream, behaviour: str, both: trio.CancelScope
    ) -> None:
        with suppress(*LOST):
            while data := await source.receive_some(RECEIVE):
                await self._forward(bytes(data), sink, behaviour)
        both.cancel()

    async def _forward(self, data: bytes, sink: trio.SocketStream, behaviour: str) -> None:
        if behaviour == "delays":
            await trio.sleep(self.random.uniform(0, DELAY))
        elif behaviour == "stalls" and self.random.random() < STALLS:
            await trio.sleep(self.random.uniform(0, STALL))
        elif behaviour == "dribbles":
            for _ in range(DRIBBLES):
                size = self.random.randint(1, PIECE)
                await sink.send_all(data[:size])
                data = data[size:]
                await trio.lowlevel.checkpoint()
        await sink.send_all(data)
