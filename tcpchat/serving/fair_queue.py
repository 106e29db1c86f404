"""Fair queueing of lines: a flooding connection delays only other flooding connections."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count

import trio

TURN = 0.0005  # seconds of handling lines, after which other connections get a turn
LINES_PER_TURN = 32  # the same in lines, in case the clock stands still
AHEAD = 2  # lines that a connection may have used above its share and still go on at once
AT_ONCE = 4  # waiting connections that go on in one turn of the loop
GUARANTEED = 25.0  # lines a second that every connection may use without waiting, whatever the number of them


class FairQueue:
    """Shares the loop among connections, by start-time fair queueing (Goyal, Vin and Cheng, 1996).

    The share is the number of lines that each waiting connection has used by now. A connection that used
    fewer goes on at once; of the others, a few go on in each turn of the loop, those with the fewest first.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self.monotonic = monotonic
        self._share = self._at = 0.0  # the share, and when it was that
        self._waiting: list[tuple[float, int, trio.Event]] = []
        self._numbers = count()
        self._admitted = 0  # to go on in the next turn of the loop

    def share(self) -> float:
        """Return the number of lines that every connection may have used by now."""
        return self._share + (self.monotonic() - self._at) * GUARANTEED

    async def wait(self, used: float) -> int:
        """Wait for a turn of a connection that used so many lines, if that is more than its share.

        Return how many lines it may use in this turn. Below its share it returns without a checkpoint.
        """
        if used <= self.share() + AHEAD:
            return AHEAD
        turn = used, next(self._numbers), trio.Event()
        heapq.heappush(self._waiting, turn)
        if self._admitted < AT_ONCE:
            self._admit()
        try:
            await turn[2].wait()
        finally:
            if turn[2].is_set():
                self._share, self._at = max(self.share(), used), self.monotonic()
                self._admitted -= 1
                self._admit()
            else:
                self._waiting.remove(turn)
                heapq.heapify(self._waiting)
        return LINES_PER_TURN

    def _admit(self) -> None:
        """Let the next connection go on, in the next turn of the loop."""
        if self._waiting:
            self._admitted += 1
            heapq.heappop(self._waiting)[2].set()


class Flow:
    """The lines of one connection: how many it used, and its turns."""

    __slots__ = ("_queue", "_until", "_used")

    def __init__(self, queue: FairQueue) -> None:
        self._queue = queue
        self._used = self._until = 0.0

    async def wait_turn(self) -> int:
        """Wait for this connection's turn; return how many lines it may use in it.

        Below its share it returns without a checkpoint.
        """
        lines = await self._queue.wait(self._used)
        self._used = max(self._used, self._queue.share())
        self._until = self._queue.monotonic() + TURN
        return lines

    def charge(self, lines: float) -> None:
        """Add work that is worth so many lines."""
        self._used += lines

    def is_over(self) -> bool:
        """Return whether the turn has lasted long enough."""
        return self._queue.monotonic() > self._until
