"""A proxy between real clients and a real server that cuts, stalls, delays and dribbles, by a seed."""

from __future__ import annotations

from contextlib import suppress
from random import Random
from typing import Final

import attrs
import trio
import trio.lowlevel

RECEIVE: Final = 16 * 1024  # bytes at once
MANNERS: Final = ("as it is", "as it is", "delays", "dribbles", "stalls")
"""How a connection treats bytes, all its life."""
DELAY: Final = 0.05  # seconds at most, for each piece
PIECE: Final = 64  # bytes that dribble at once, at most
DRIBBLES: Final = 16  # such pieces of what came at once; the rest follows
STALL: Final = 1.0  # seconds at most
STALLS: Final = 0.05  # of all pieces, how many wait so long
LIFE: Final = 3.0  # seconds until a connection is cut, on average
LOST: Final = (OSError, trio.BrokenResourceError, trio.ClosedResourceError)


@attrs.define(eq=False)
class Proxy:
    """Listens on a port of its own for a server that may be away."""

    port: int
    """The server's, on this machine."""
    random: Random
    life: float = LIFE
    """Seconds until a connection is cut, on average."""
    calm: bool = attrs.field(default=True, init=False)
    """Connections that are made now go well, until the server ends them."""
    cuts: int = attrs.field(default=0, init=False)

    async def run(self, *, task_status: trio.TaskStatus[int]) -> None:
        """Serve until cancelled; tells its own port."""
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        port: int = listeners[0].socket.getsockname()[1]
        async with trio.open_nursery() as nursery:
            await nursery.start(trio.serve_listeners, self._serve, listeners)
            task_status.started(port)

    async def _serve(self, client: trio.SocketStream) -> None:
        """Carry the bytes of one connection both ways, until it is cut or either side goes."""
        with suppress(*LOST):
            async with await trio.open_tcp_stream("127.0.0.1", self.port) as server:
                manners = MANNERS[0] if self.calm else self.random.choice(MANNERS)
                seconds = float("inf") if self.calm else self.random.expovariate(1 / self.life)
                with trio.move_on_after(seconds) as life:
                    async with trio.open_nursery() as nursery:
                        for one, other in ((client, server), (server, client)):
                            nursery.start_soon(self._pump, one, other, manners, nursery.cancel_scope)
                self.cuts += life.cancelled_caught
        await trio.aclose_forcefully(client)

    async def _pump(
        self, source: trio.SocketStream, sink: trio.SocketStream, manners: str, both: trio.CancelScope
    ) -> None:
        with suppress(*LOST):
            while data := await source.receive_some(RECEIVE):
                await self._pass_on(bytes(data), sink, manners)
        both.cancel()

    async def _pass_on(self, data: bytes, sink: trio.SocketStream, manners: str) -> None:
        if manners == "delays":
            await trio.sleep(self.random.uniform(0, DELAY))
        elif manners == "stalls" and self.random.random() < STALLS:
            await trio.sleep(self.random.uniform(0, STALL))
        elif manners == "dribbles":
            for _ in range(DRIBBLES):
                size = self.random.randint(1, PIECE)
                await sink.send_all(data[:size])
                data = data[size:]
                await trio.lowlevel.checkpoint()
        await sink.send_all(data)
