"""What a client hears, for the one task that reads: events as they come, and pages of what was missed."""

from __future__ import annotations

from functools import partial
from typing import Self

import trio

from tcpchat.link.calls import PendingCall
from tcpchat.link.connection import Connection
from tcpchat.link.errors import DisconnectedError, RefusedError
from tcpchat.link.handshake import LATER
from tcpchat.link.state import Closed
from tcpchat.protocol import Event

FAIRNESS = 100  # events that one task may take before others have their turn
RETRY = 1.0  # seconds until history is asked again that the server could not read


class Events:
    """The iterator over the events of a connection, from when the client is made to its end."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._feed = connection.feed
        self._page: PendingCall | None = None  # of history, on its way
        self._taken = 0

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        event = await self.next()
        if event is None:
            raise StopAsyncIteration
        return event

    async def next(self) -> Event | None:
        """Return the next event, or None if the client left. Raises DisconnectedError if it gave up."""
        self._taken += 1
        if self._taken % FAIRNESS == 0:
            await trio.lowlevel.checkpoint()
        await trio.lowlevel.checkpoint_if_cancelled()
        while True:
            event = self._feed.next()
            if event is not None:
                if not self._feed.crowded:
                    self._connection.taken.unpark_all()
                return event
            state = self._connection.state
            if isinstance(state, Closed):
                if self._connection.failed:
                    raise self._connection.untrusted or DisconnectedError(state.reason)
                return None
            if self._feed.behind and self._connection.outbox.connected:
                await self._fetch()
            else:
                await self._connection.news.park()

    async def _fetch(self) -> None:
        """Get the next page of what was missed."""
        try:
            if self._page is None or self._page.done:
                wanted = self._feed.wanted()
                page = PendingCall(wanted, on_reply=partial(self._feed.answer, wanted))
                self._connection.ask(page)
                self._page = page
            await self._page.wait()
        except DisconnectedError:
            pass
        except RefusedError as error:
            if error.code in LATER or not self._feed.give_up():
                await trio.sleep(RETRY)
