"""The function that runs blocking work: in a thread, unless a caller of the server passes another one.

Two kinds of work always use a thread: a copy of the database, which checks in its thread whether it was
cancelled, and a reload of the settings.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol, TypeVar

import trio

T = TypeVar("T")


class RunSync(Protocol):
    """Runs a blocking function without blocking the loop, within the limiter's capacity.

    A function that has started runs to its end even if the caller is cancelled, as in
    `trio.to_thread.run_sync`.
    """

    async def __call__(
        self, work: Callable[..., T], /, *arguments: Any, limiter: trio.CapacityLimiter
    ) -> T: ...


to_thread: Final[RunSync] = trio.to_thread.run_sync
