"""Time that stands still while anything can be done, and then jumps to when the next thing is due."""

from __future__ import annotations

import math

import trio

REAL_WAIT = 1.0  # seconds
EPOCH = 1_795_251_600_123  # 2026-11-21T09:00:00.123Z, in ms


class JumpingClock(trio.abc.Clock):
    """Trio's clock in a simulation.

    It does what `MockClock(autojump_threshold=0)` does, in half the time: trio asks how long to wait only
    when no task can run, and then nothing but time is waited for, since there are no threads and no sockets.
    """

    def __init__(self) -> None:
        self._now = 0.0

    def start_clock(self) -> None:
        """Begin; there is nothing to begin."""

    def current_time(self) -> float:
        return self._now

    def deadline_to_sleep_time(self, deadline: float) -> float:
        if math.isinf(deadline):  # as at the very end, when trio wakes itself
            return REAL_WAIT
        self._now = max(self._now, deadline)
        return 0.0


class TimeOfDay:
    """The server's clock, which goes with trio's."""

    def now(self) -> int:
        return EPOCH + round(trio.current_time() * 1000)

    def monotonic(self) -> float:
        return trio.current_time()
