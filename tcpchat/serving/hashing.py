"""A limited number of threads that hash passwords, so that loop and memory stay free for the chat."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

import trio

from tcpchat.errors import ChatError
from tcpchat.serving.passwords import hash_password, verify
from tcpchat.threads import RunSync

MOST_HASHERS = 2  # threads that hash at the same time; each uses a core and 64 MiB for a moment
WAITING = 100  # passwords that wait for a thread; more are refused
NICE = 10  # steps of priority below the loop's, so that the loop never waits for a core

T = TypeVar("T")


def hashers(cores: int) -> int:
    """Return how many threads may hash at the same time; one core is left to the loop and the disk."""
    return min(MOST_HASHERS, max(1, cores - 1))


class Hasher:
    """Hashes and verifies passwords. It takes equally long for right, wrong and unknown ones."""

    def __init__(self, run_sync: RunSync | None = None) -> None:
        count = hashers(os.cpu_count() or 1)
        self._run_sync = run_sync or LowPriorityThreads(count)
        self._free = trio.CapacityLimiter(count)

    async def hash(self, password: str) -> str:
        """Return the hash of a password, to be stored. Raises ChatError `bad-password`, `rate-limited`."""
        return await self._in_thread(hash_password, password)

    async def verify(self, hash: str | None, password: str) -> bool:
        """Return whether the password matches the hash. Raises ChatError `rate-limited`."""
        return await self._in_thread(verify, hash, password)

    async def _in_thread(self, work: Callable[..., T], *arguments: object) -> T:
        if self._free.statistics().tasks_waiting >= WAITING:
            message = "too many passwords are being checked; try again in a moment"
            raise ChatError("rate-limited", message, retry_after=1.0)
        return await self._run_sync(work, *arguments, limiter=self._free)


class LowPriorityThreads:
    """Threads of its own for the work: they stay at low priority, unlike Trio's, which write to the disk."""

    def __init__(self, count: int) -> None:
        self._threads = ThreadPoolExecutor(count, "hasher", initializer=_stand_back)

    async def __call__(
        self, work: Callable[..., T], /, *arguments: object, limiter: trio.CapacityLimiter
    ) -> T:
        async with limiter:
            future = self._threads.submit(work, *arguments)
            await _wait(future)
        return future.result()


async def _wait(future: Future[T]) -> None:
    done, token = trio.Event(), trio.lowlevel.current_trio_token()
    future.add_done_callback(lambda _: token.run_sync_soon(done.set))
    with trio.CancelScope(shield=True):  # the thread cannot be stopped, and is in use until it is done
        await done.wait()


def _stand_back() -> None:
    """Lower the priority of this thread, on systems where each thread has its own."""
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
