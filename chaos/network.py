"""A network in memory between clients and a server, whose links can be slow, stall, break or lose an end.

A `Pipe` carries bytes one way, in order. A `Link` is two of them, with an `End` for each side. A link may be
cut in the middle of a line. As TCP does, an end notices after a while of silence that its peer vanished.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from math import ceil
from random import Random
from typing import Final

import trio

WINDOW: Final = 64 * 1024  # bytes under way, above which a sender waits; about TCP's default
KEEP_ALIVE: Final = 140.0  # seconds until an end notices that the other vanished; the server sets it for TCP
TICK: Final = 0.02  # seconds; bytes arrive at multiples of it, so that many arrive at one moment
RECOVERY: Final = 5.0  # seconds after a stall in which the bytes that had piled up get through


class Pipe:
    """Bytes one way."""

    def __init__(self, latency: Callable[[], float], window: int = WINDOW) -> None:
        self.vanished: float | None = None
        """When bytes silently stopped to arrive; None if they still do."""
        self._latency = latency
        self._window = window
        self._under_way: deque[tuple[float, bytes]] = deque()
        self._size = 0
        self._last_arrival = self._held_until = 0.0
        self._broken = self._ended = self._abandoned = False
        self._receiving, self._sending = trio.CancelScope(), trio.CancelScope()
        # A change cancels the scope, so that the waiting end looks again. For bytes that arrive later only
        # the scope's deadline is set, which costs less than waking an end that would wait again.

    @property
    def whole(self) -> bool:
        """Whether bytes still get through, perhaps late."""
        return not self._broken and self.vanished is None

    async def send(self, data: bytes) -> None:
        """Send data. Raises trio.BrokenResourceError, trio.ClosedResourceError."""
        while True:
            self._notice_silence()
            if self._ended:
                raise trio.ClosedResourceError("it was closed")
            if self._broken or (self._abandoned and self.vanished is None):
                raise trio.BrokenResourceError("the connection broke")
            if self._size < self._window:
                break
            with trio.CancelScope(deadline=self._silent_at) as self._sending:
                await trio.sleep_forever()
        self._size += len(data)
        if data and self.vanished is None:
            ticks = ceil((trio.current_time() + self._latency()) / TICK)
            self._last_arrival = max(self._last_arrival, ticks * TICK)
            self._under_way.append((self._last_arrival, data))
            if len(self._under_way) == 1:
                self._receiving.deadline = max(self._last_arrival, self._held_until)

    async def receive(self, most: int) -> bytes:
        """Return the bytes that arrived, or nothing at the end. Raises as `send` does."""
        while True:
            self._notice_silence()
            if self._abandoned:
                raise trio.ClosedResourceError("it was closed")
            at = self._silent_at
            if self.vanished is None and self._under_way:
                at = max(self._under_way[0][0], self._held_until)
                if at <= trio.current_time():
                    return self._take(most)
            elif self._broken:
                raise trio.BrokenResourceError("the connection broke")
            elif self._ended and self.vanished is None:
                return b""
            with trio.CancelScope(deadline=at) as self._receiving:
                await trio.sleep_forever()

    def _take(self, most: int) -> bytes:
        now, data = trio.current_time(), b""
        while self._under_way and self._under_way[0][0] <= now and len(data) < most:
            at, part = self._under_way.popleft()
            data += part
            if len(data) > most:
                self._under_way.appendleft((at, data[most:]))
                data = data[:most]
        self._size -= len(data)
        self._sending.cancel()
        return data

    @property
    def _silent_at(self) -> float:
        """When an end will notice the silence."""
        return float("inf") if self.vanished is None else self.vanished + KEEP_ALIVE

    def _notice_silence(self) -> None:
        if trio.current_time() >= self._silent_at:
            self._broken = True

    def _change(self) -> None:
        self._receiving.cancel()
        self._sending.cancel()

    def end(self) -> None:
        """Close the sending side."""
        self._ended = True
        self._change()

    def abandon(self) -> None:
        """Close the receiving side."""
        self._abandoned = True
        self._change()

    def cut(self, random: Random) -> None:
        """Break the pipe. Some bytes under way still arrive, up to any point in a line."""
        self._broken = True
        rest = random.randrange(self._size + 1) if self.vanished is None else 0
        kept: deque[tuple[float, bytes]] = deque()
        for at, data in self._under_way:
            if rest > 0:
                kept.append((at, data[:rest]))
            rest -= len(data)
        self._under_way = kept
        self._change()

    def hold(self, until: float) -> None:
        """Deliver nothing until then."""
        self._held_until = max(self._held_until, until)
        self._change()

    def vanish(self) -> None:
        """Deliver nothing any more, without either end noticing."""
        if self.vanished is None:
            self.vanished = trio.current_time()
            self._change()


class End(trio.abc.HalfCloseableStream):
    """One side of a link: the stream of the server or the client."""

    def __init__(self, sends: Pipe, receives: Pipe) -> None:
        self.on_receive: Callable[[bytes], object] = len
        """Called with all received bytes."""
        self.saw_end = False
        """Whether the other side closed the stream."""
        self._sends = sends
        self._receives = receives

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await trio.lowlevel.checkpoint_if_cancelled()
        await self._sends.send(bytes(data))

    async def wait_send_all_might_not_block(self) -> None:
        await trio.lowlevel.checkpoint()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        await trio.lowlevel.checkpoint_if_cancelled()
        data = await self._receives.receive(max_bytes or WINDOW)
        self.saw_end = not data
        self.on_receive(data)
        return data

    async def send_eof(self) -> None:
        await trio.lowlevel.checkpoint()
        self._sends.end()

    async def aclose(self) -> None:
        self.close()
        await trio.lowlevel.checkpoint()

    def close(self) -> None:
        """Close both directions."""
        self._sends.end()
        self._receives.abandon()


class Link:
    """One connection, and the faults that it can have."""

    def __init__(self, owner: str, random: Random, latency: Callable[[], float], window: int) -> None:
        self.owner = owner
        self.healthy_since = trio.current_time()
        """Since when bytes arrive in time; may be in the future."""
        self.welcomed = False
        self.bye = ""
        """The code of the `bye` that the client received."""
        self._up, self._down = Pipe(latency), Pipe(latency, window)
        self._random = random
        self.client = End(self._up, self._down)
        self.server = End(self._down, self._up)

    @property
    def alive(self) -> bool:
        """Whether bytes still get through, perhaps late."""
        return self._up.whole and self._down.whole

    @property
    def healthy(self) -> bool:
        """Whether bytes get through in time."""
        return self.alive and self.healthy_since <= trio.current_time()

    def cut(self) -> None:
        """Break the link, and let both ends notice."""
        self.healthy_since = float("inf")
        self._up.cut(self._random)
        self._down.cut(self._random)

    def half_open(self, *, client_knows: bool) -> None:
        """Break the link without the server noticing for long, nor the client unless `client_knows`."""
        self.healthy_since = float("inf")
        if client_knows:
            self._down.cut(self._random)
        self._up.vanish()
        self._down.vanish()

    def stall(self, seconds: float) -> None:
        """Deliver nothing in either direction for a while."""
        self._up.hold(trio.current_time() + seconds)
        self.stop_reading(seconds)

    def stop_reading(self, seconds: float) -> None:
        """Deliver nothing to the client for a while."""
        self.excuse(seconds)
        self._down.hold(trio.current_time() + seconds)

    def excuse(self, seconds: float) -> None:
        """Count the link as unhealthy for so long, and until the bytes that piled up are through."""
        self.healthy_since = max(self.healthy_since, trio.current_time() + seconds + RECOVERY)


class Listener(trio.abc.Listener[trio.abc.HalfCloseableStream]):
    """The listener of one server."""

    def __init__(self) -> None:
        self.arrivals, self._accepted = trio.open_memory_channel[End](float("inf"))

    async def accept(self) -> trio.abc.HalfCloseableStream:
        return await self._accepted.receive()

    async def aclose(self) -> None:
        with suppress(trio.WouldBlock):
            while True:  # as an operating system does with connections that were not accepted
                self._accepted.receive_nowait().close()
        await self._accepted.aclose()


class Network:
    """The place where clients reach the server; each connection gets a link."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.links: list[Link] = []
        """Those that still carry bytes."""
        self.latency = (0.002, 0.05)
        """Least and most seconds that bytes are under way."""
        self._listener: Listener | None = None

    def set_latency(self, least: float, most: float) -> None:
        """Set how long bytes are under way from now on, in seconds."""
        self.latency = (least, most)
        for link in self.links:
            link.excuse(0)

    def take_latency(self) -> float:
        return self.random.uniform(*self.latency)

    async def connect(self, owner: str, window: int = WINDOW) -> Link:
        """Connect to the server, which can send so many bytes before the client reads.

        Raises ConnectionRefusedError if there is no server.
        """
        await trio.sleep(self.take_latency())
        if self._listener is None:
            raise ConnectionRefusedError(111, "Connection refused")
        link = Link(owner, self.random, self.take_latency, window)
        self._listener.arrivals.send_nowait(link.server)
        self.links = [one for one in self.links if one.alive]
        self.links.append(link)
        return link

    def listen(self) -> Listener:
        """Return a new listener, which all connections reach from now on."""
        self._listener = Listener()
        return self._listener

    def refuse(self) -> None:
        """Refuse all connections from now on."""
        self._listener = None
