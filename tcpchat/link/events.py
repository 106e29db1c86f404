"""The events of one client, on their way from the connection to the one task that reads them.

`Inbox` has the rules, as pure code; this module has the waiting. The connection puts events into `inbox` and
calls `notify`; the reader takes them with `next`. Each condition has one function that waits for it:

* *event available*, which the reader waits for in `next`: `notify` and `close` wake it;
* *buffer drained*, which the receiving task waits for in `wait_drained`: the reader wakes it;
* *page needed*, which the fetching task waits for in `wait_page_needed`: the reader wakes it.

A waiting task checks its condition again after it was woken, and no task switch lies between a check and the
wait that follows it, so that no wake-up is missed.
"""

from __future__ import annotations

from typing import Self

import trio

from tcpchat.link.inbox import Inbox
from tcpchat.protocol import Event

FAIRNESS = 100  # events that the reader may take before other tasks have their turn


class Events:
    """The iterator over a client's events, from when the client is made until it is closed."""

    def __init__(self, inbox: Inbox) -> None:
        self.inbox = inbox
        self._taken = 0
        self.closed = False
        self._failure: Exception | None = None
        self._available = trio.lowlevel.ParkingLot()
        self._drained = trio.lowlevel.ParkingLot()
        self._page_needed = trio.lowlevel.ParkingLot()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        event = await self.next()
        if event is None:
            raise StopAsyncIteration
        return event

    async def next(self) -> Event | None:
        """Return the next event, or None if the client was left. Raises what `close` was called with."""
        self._taken += 1
        if self._taken % FAIRNESS == 0:
            await trio.lowlevel.checkpoint()
        await trio.lowlevel.checkpoint_if_cancelled()
        while (event := self.inbox.get()) is None:
            if self._failure is not None:
                raise self._failure.with_traceback(None)
            if self.closed:
                return None
            self._page_needed.unpark_all()
            await self._available.park()
        if not self.inbox.nearly_full:
            self._drained.unpark_all()
        return event

    def notify(self) -> None:
        """Wake the reader, since there may be an event for it."""
        self._available.unpark_all()

    def close(self, failure: Exception | None) -> None:
        """End the iteration after the events that are left; with `failure`, by raising it."""
        self.closed, self._failure = True, failure
        self.notify()

    async def wait_drained(self) -> None:
        """Wait until there is plenty of room in the buffer."""
        while self.inbox.nearly_full:
            await self._drained.park()

    async def wait_page_needed(self) -> None:
        """Wait until the reader waits for events that must be requested from the server."""
        while not (self._available and self.inbox.lagging):
            await self._page_needed.park()
