"""A pytest plugin for `make races`: the disk takes a random time before and after its work.

A promise that holds only while the disk is fast fails under this plugin, and so does a test that relies on a
fast disk. The same `SEED` gives the same times to the same calls, but the machine still orders the threads.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from typing import TypeVar

import trio

from tcpchat import threads

T = TypeVar("T")
MEAN = 0.001  # seconds; some tests cut a connection every 20 ms, which must be enough to reconnect
_random = random.Random(int(os.environ.get("SEED") or 1))  # no secret


async def _slowly(work: Callable[..., T], /, *arguments: object, limiter: trio.CapacityLimiter) -> T:
    before, after = (_random.expovariate(1 / MEAN) for _ in range(2))

    def run() -> T:
        time.sleep(before)
        try:
            return work(*arguments)
        finally:
            time.sleep(after)

    return await trio.to_thread.run_sync(run, limiter=limiter)


threads.to_thread = _slowly  # type: ignore[misc]  # before anything of the server is imported
