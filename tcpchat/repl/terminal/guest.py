"""Trio as a guest of asyncio: the chat and the input line share one thread."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import trio

if TYPE_CHECKING:
    import outcome

T = TypeVar("T")


async def run_trio(main: Callable[[], Awaitable[T]]) -> T:
    """Run a Trio program inside of the running asyncio loop; return or raise what it does.

    If this task is cancelled, so is the program, and it is waited for.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[outcome.Outcome[T]] = loop.create_future()
    scope = trio.CancelScope()

    async def scoped() -> T:
        with scope:
            return await main()
        raise asyncio.CancelledError

    trio.lowlevel.start_guest_run(
        scoped,
        run_sync_soon_threadsafe=loop.call_soon_threadsafe,
        done_callback=done.set_result,
        host_uses_signal_set_wakeup_fd=True,
    )
    cancelled: asyncio.CancelledError | None = None
    while not done.done():
        try:
            await asyncio.shield(done)
        except asyncio.CancelledError as error:
            cancelled = error
            scope.cancel()
    if cancelled is not None:
        raise cancelled
    return done.result().unwrap()
