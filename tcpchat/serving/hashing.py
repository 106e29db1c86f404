"""Hashes passwords in threads, few at a time, so that the loop and the memory have room for the chat."""

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

MOST_HASHERS = 2  # threads that hash at the same time; each takes a core and 64 MiB for a moment
WAITING = 100  # passwords that wait for one; more are refused
NICE = 10  # steps of priority below the loop's, so that it never waits for a core where a hash has one

T = TypeVar("T")


def hashers(cores: int) -> int:
    """Return how many threads may hash at the same time: one core is left to the loop and its disk."""
    return min(MOST_HASHERS, max(1, cores - 1))


class Hasher:
    """Takes a moment for each password, right or wrong, of a user or of nobody."""

    def __init__(self, run_sync: RunSync | None = None) -> None:
        count = hashers(os.cpu_count() or 1)
        self._run_sync = run_sync or LowPriorityThreads(count)
        self._free = trio.CapacityLimiter(count)

    async def hash(self, password: str) -> str:
        """Return what is kept of a password. Raises ChatError `bad-password`, `rate-limited`."""
        return await self._in_thread(hash_password, password)

    async def verify(self, hash: str | None, password: str) -> bool:
        """Tell whether it is the password of the hash. Raises ChatError `rate-limited`."""
        return await self._in_thread(verify, hash, password)

    async def _in_thread(self, work: Callable[..., T], *arguments: object) -> T:
        if self._free.statistics().tasks_waiting >= WAITING:
            message = "too many passwords are being checked; try again in a moment"
            raise ChatError("rate-limited", message, retry_after=1.0)
        return await self._run_sync(work, *arguments, limiter=self._free)


class LowPriorityThreads:
    """Runs work in threads of its own: a priority once lowered stays so, and Trio's write to the disk."""

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
    with trio.CancelScope(shield=True):  # the thread cannot be stopped, and is somebody's until it is done
        await done.wait()


def _stand_back() -> None:
    """Lower the priority of this thread, where threads have their own."""
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
