"""Whose lines are handled next: who asks much keeps nobody waiting but itself."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count

import trio

TURN = 0.0005  # seconds of handling lines, after which others get their turn
LINES_PER_TURN = 32  # the same, should the clock stand still
AHEAD = 2  # lines that a connection may have had more than its share and still goes on at once
AT_ONCE = 4  # connections of those that wait that go on in one turn of the loop
GUARANTEED = 25.0  # lines a second that everybody may have without waiting, however many there are


class Turns:
    """Shares the loop among connections, by start-time fair queueing (Goyal, Vin and Cheng, 1996).

    The share is how many lines each of those that wait has had by now. Who had fewer goes on at once; of the
    others a few in each turn of the loop, first who had the fewest.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self.monotonic = monotonic
        self._share = self._at = 0.0  # the share, and when it was that
        self._waiting: list[tuple[float, int, trio.Event]] = []
        self._numbers = count()
        self._admitted = 0  # to go on in the next turn of the loop

    def share(self) -> float:
        """Return how many lines everybody may have had by now."""
        return self._share + (self.monotonic() - self._at) * GUARANTEED

    async def wait(self, had: float) -> int:
        """Wait for a turn of a connection that had so many lines, if that is more than its share.

        Return how many lines it may have in this turn. Below its share it returns without a checkpoint.
        """
        if had <= self.share() + AHEAD:
            return AHEAD
        turn = had, next(self._numbers), trio.Event()
        heapq.heappush(self._waiting, turn)
        if self._admitted < AT_ONCE:
            self._admit()
        try:
            await turn[2].wait()
        finally:
            if turn[2].is_set():
                self._share, self._at = max(self.share(), had), self.monotonic()
                self._admitted -= 1
                self._admit()
            else:
                self._waiting.remove(turn)
                heapq.heapify(self._waiting)
        return LINES_PER_TURN

    def _admit(self) -> None:
        """Let the next one go on, in the next turn of the loop."""
        if self._waiting:
            self._admitted += 1
            heapq.heappop(self._waiting)[2].set()


class Share:
    """What one connection had, and its turns."""

    __slots__ = ("_had", "_turns", "_until")

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._had = self._until = 0.0

    async def wait_turn(self) -> int:
        """Wait until it is this connection's turn; return how many lines that has at most.

        Below its share it returns without a checkpoint.
        """
        lines = await self._turns.wait(self._had)
        self._had = max(self._had, self._turns.share())
        self._until = self._turns.monotonic() + TURN
        return lines

    def take(self, lines: float) -> None:
        """Note work that is worth so many lines."""
        self._had += lines

    def is_over(self) -> bool:
        """Tell whether the turn has lasted long enough."""
        return self._turns.monotonic() > self._until
