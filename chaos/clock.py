"""A clock for Trio that jumps to the next deadline, and the time of day that goes with it."""

from __future__ import annotations

import math

import trio

REAL_WAIT = 1.0  # seconds
EPOCH = 1_795_251_600_123  # 2026-11-21T09:00:00.123Z, in ms


class JumpingClock(trio.abc.Clock):
    """Trio's clock in a simulation: it stands still while a task can run.

    It does what `MockClock(autojump_threshold=0)` does, in half the time. Trio asks how long to wait only
    when no task can run. As a simulation has no threads and no sockets, the next deadline is then all there
    is to wait for.
    """

    def __init__(self) -> None:
        self._now = 0.0

    def start_clock(self) -> None:
        """Do nothing; the clock needs no start."""

    def current_time(self) -> float:
        return self._now

    def deadline_to_sleep_time(self, deadline: float) -> float:
        if math.isinf(deadline):  # at the very end, when trio wakes itself
            return REAL_WAIT
        self._now = max(self._now, deadline)
        return 0.0


class TrioClock:
    """The server's clock, in step with trio's: simulated and mocked time pass for the server too."""

    def now(self) -> int:
        return EPOCH + round(trio.current_time() * 1000)

    def monotonic(self) -> float:
        return trio.current_time()
