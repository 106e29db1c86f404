"""A network in memory between clients and a server: it is slow, stalls, breaks, and loses an end.

A `Wire` carries bytes one way, in order. A `Cable` is two of them, with an `End` for each side. What is cut
off may end in the middle of a line. What TCP does about a peer that vanished is done here too: after a while
of silence the connection is broken.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from math import ceil
from random import Random
from typing import Final

import trio

CAPACITY: Final = 64 * 1024  # bytes on their way, after which a sender waits; about what TCP has by default
KEEP_ALIVE: Final = 140.0  # seconds until an end notices that the other vanished; as the server asks of TCP
TICK: Final = 0.02  # seconds; what arrives does so at multiples of it, so that much meets at one moment
RECOVERY: Final = 5.0  # seconds after a stall in which what had piled up gets through


class Wire:
    """Bytes one way."""

    def __init__(self, latency: Callable[[], float]) -> None:
        self.vanished: float | None = None
        """Since when nothing arrives any more, and nobody was told."""
        self._latency = latency
        self._under_way: deque[tuple[float, bytes]] = deque()
        self._size = 0
        self._last_arrival = self._held_until = 0.0
        self._broken = self._ended = self._abandoned = False
        self._receiving, self._sending = trio.CancelScope(), trio.CancelScope()
        # A change lets who waits look again; for what arrives later the one scope's deadline is set, which
        # costs less than to wake somebody who would only wait again.

    @property
    def whole(self) -> bool:
        """Whether bytes still get through, if maybe late."""
        return not self._broken and self.vanished is None

    async def send(self, data: bytes) -> None:
        """Put data on its way. Raises trio.BrokenResourceError, trio.ClosedResourceError."""
        while True:
            self._notice_silence()
            if self._ended:
                raise trio.ClosedResourceError("it was closed")
            if self._broken or (self._abandoned and self.vanished is None):
                raise trio.BrokenResourceError("the connection broke")
            if self._size < CAPACITY:
                break
            with trio.CancelScope(deadline=self._silent_at) as self._sending:
                await trio.sleep_forever()
        self._size += len(data)
        if self.vanished is None:
            ticks = ceil((trio.current_time() + self._latency()) / TICK)
            self._last_arrival = max(self._last_arrival, ticks * TICK)
            self._under_way.append((self._last_arrival, data))
            if len(self._under_way) == 1:
                self._receiving.deadline = max(self._last_arrival, self._held_until)

    async def receive(self, most: int) -> bytes:
        """Return what arrived; nothing at the end. Raises as `send` does."""
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
        """When an end is to notice that nothing arrives any more."""
        return float("inf") if self.vanished is None else self.vanished + KEEP_ALIVE

    def _notice_silence(self) -> None:
        if trio.current_time() >= self._silent_at:
            self._broken = True

    def _change(self) -> None:
        self._receiving.cancel()
        self._sending.cancel()

    def end(self) -> None:
        """Say that no more comes."""
        self._ended = True
        self._change()

    def abandon(self) -> None:
        """Receive no more."""
        self._abandoned = True
        self._change()

    def cut(self, random: Random) -> None:
        """Break it: of what is on its way some arrives, up to anywhere in a line."""
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
        """Let nothing arrive until then."""
        self._held_until = max(self._held_until, until)
        self._change()

    def vanish(self) -> None:
        """Let nothing arrive any more, and nobody know."""
        if self.vanished is None:
            self.vanished = trio.current_time()
            self._change()


class End(trio.abc.HalfCloseableStream):
    """One side of a cable, as a server or a client has it."""

    def __init__(self, sends: Wire, receives: Wire) -> None:
        self.hear: Callable[[bytes], object] = len
        """Called with everything that is received."""
        self.saw_end = False
        """Whether the other side said that no more comes."""
        self._sends = sends
        self._receives = receives

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await trio.lowlevel.checkpoint_if_cancelled()
        await self._sends.send(bytes(data))

    async def wait_send_all_might_not_block(self) -> None:
        await trio.lowlevel.checkpoint()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        await trio.lowlevel.checkpoint_if_cancelled()
        data = await self._receives.receive(max_bytes or CAPACITY)
        self.saw_end = not data
        self.hear(data)
        return data

    async def send_eof(self) -> None:
        await trio.lowlevel.checkpoint()
        self._sends.end()

    async def aclose(self) -> None:
        self.close()
        await trio.lowlevel.checkpoint()

    def close(self) -> None:
        """Say that no more comes, and take no more."""
        self._sends.end()
        self._receives.abandon()


class Cable:
    """One connection: who made it, and what becomes of it."""

    def __init__(self, owner: str, random: Random, latency: Callable[[], float]) -> None:
        self.owner = owner
        self.clean_since = trio.current_time()
        """Since when it is as fast as it should be; may be in the future."""
        self.welcomed = False
        self.bye = ""
        """The code of the server's last word."""
        self._up, self._down = Wire(latency), Wire(latency)
        self._random = random
        self.client = End(self._up, self._down)
        self.server = End(self._down, self._up)

    @property
    def alive(self) -> bool:
        """Whether bytes still get through, if maybe late."""
        return self._up.whole and self._down.whole

    @property
    def in_time(self) -> bool:
        """Whether it is as fast as it should be."""
        return self.alive and self.clean_since <= trio.current_time()

    def cut(self) -> None:
        """Break it, and both sides get to know."""
        self.clean_since = float("inf")
        self._up.cut(self._random)
        self._down.cut(self._random)

    def half_open(self, *, client_knows: bool) -> None:
        """Lose the other side: the server does not hear of it for long, and the client maybe neither."""
        self.clean_since = float("inf")
        if client_knows:
            self._down.cut(self._random)
        self._up.vanish()
        self._down.vanish()

    def stall(self, seconds: float) -> None:
        """Let no bytes move for a while, then go on."""
        self._up.hold(trio.current_time() + seconds)
        self.stop_reading(seconds)

    def stop_reading(self, seconds: float) -> None:
        """Let nothing get to the client for a while."""
        self.excuse(seconds)
        self._down.hold(trio.current_time() + seconds)

    def excuse(self, seconds: float) -> None:
        """Expect nothing to be in time for so long, and until what piled up is through."""
        self.clean_since = max(self.clean_since, trio.current_time() + seconds + RECOVERY)


class Listener(trio.abc.Listener[trio.abc.HalfCloseableStream]):
    """What one life of a server listens on."""

    def __init__(self) -> None:
        self.arrivals, self._accepted = trio.open_memory_channel[End](float("inf"))

    async def accept(self) -> trio.abc.HalfCloseableStream:
        return await self._accepted.receive()

    async def aclose(self) -> None:
        with suppress(trio.WouldBlock):
            while True:  # as a system does with connections that nobody accepted
                self._accepted.receive_nowait().close()
        await self._accepted.aclose()


class Network:
    """Where a server is reached; a cable is made for everybody who connects."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.cables: list[Cable] = []
        """Those that still carry something."""
        self.latency = (0.002, 0.05)
        """Seconds that bytes are under way: from, to."""
        self._listener: Listener | None = None

    def set_latency(self, least: float, most: float) -> None:
        """Let bytes be under way for so long from now on."""
        self.latency = (least, most)
        for cable in self.cables:
            cable.excuse(0)

    def take_latency(self) -> float:
        return self.random.uniform(*self.latency)

    async def connect(self, owner: str) -> Cable:
        """Reach the server. Raises ConnectionRefusedError where there is none, as a system would."""
        await trio.sleep(self.take_latency())
        if self._listener is None:
            raise ConnectionRefusedError(111, "Connection refused")
        cable = Cable(owner, self.random, self.take_latency)
        self._listener.arrivals.send_nowait(cable.server)
        self.cables = [one for one in self.cables if one.alive]
        self.cables.append(cable)
        return cable

    def listen(self) -> Listener:
        """Let a server be reached from now on."""
        self._listener = Listener()
        return self._listener

    def refuse(self) -> None:
        """Let no server be reached."""
        self._listener = None
