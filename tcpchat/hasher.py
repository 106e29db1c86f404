"""Hashes passwords in threads, few at a time, so that the loop and the memory have room for the chat."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import trio

from tcpchat.errors import ChatError
from tcpchat.passwords import hash_password, verify

HASHERS = 2  # threads that hash at the same time; each takes a core and 64 MiB for a moment
WAITING = 100  # passwords that wait for one; more are refused

T = TypeVar("T")


class Hasher:
    """Takes a moment for each password, right or wrong, of a user or of nobody."""

    def __init__(self) -> None:
        self._threads = trio.CapacityLimiter(HASHERS)

    async def hash(self, password: str) -> str:
        """Return what is kept of a password. Raises ChatError `bad-password`, `rate-limited`."""
        return await self._in_thread(hash_password, password)

    async def verify(self, hash: str | None, password: str) -> bool:
        """Tell whether it is the password of the hash. Raises ChatError `rate-limited`."""
        return await self._in_thread(verify, hash, password)

    async def _in_thread(self, work: Callable[..., T], *arguments: object) -> T:
        if self._threads.statistics().tasks_waiting >= WAITING:
            message = "too many passwords are being checked; try again in a moment"
            raise ChatError("rate-limited", message, retry_after=1.0)
        return await trio.to_thread.run_sync(work, *arguments, limiter=self._threads)
