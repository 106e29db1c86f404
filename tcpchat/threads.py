"""How work is run that blocks: in threads, unless whoever makes the server brings another way.

Two things are always run in a thread: a copy of the database, which asks there whether it was cancelled, and
reading the settings again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol, TypeVar

import trio

T = TypeVar("T")


class RunBlocking(Protocol):
    """Runs blocking work so that the loop goes on meanwhile, at most as much at a time as the limiter lets.

    What was begun is not abandoned when the caller is cancelled, as in `trio.to_thread.run_sync`.
    """

    async def __call__(
        self, work: Callable[..., T], /, *arguments: Any, limiter: trio.CapacityLimiter
    ) -> T: ...


in_thread: Final[RunBlocking] = trio.to_thread.run_sync
