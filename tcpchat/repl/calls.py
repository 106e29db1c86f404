"""What was asked and is not answered yet, but for what was said, and the answers as they come."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

import attrs

from tcpchat.client import Client, DisconnectedError, PendingCall, RefusedError
from tcpchat.protocol import History, ReadHistory, Reply, Request
from tcpchat.repl.model.model import Model
from tcpchat.repl.view import render_replies as replies
from tcpchat.repl.view.screen import Screen

if TYPE_CHECKING:
    import trio


@attrs.define(eq=False)
class Asking:
    """Asks the server, and shows what it answers.

    `start` runs a job beside; `failed` counts and may tell what came to nothing; `replied` gets an answer
    before anything that was said after it; `idle` is where waits who wants everything to be answered.
    """

    _client: Client
    _screen: Screen
    _listener: Model
    _start: Callable[[Callable[[PendingCall], Awaitable[None]], PendingCall], None] = attrs.field(
        kw_only=True
    )
    _failed: Callable[[str | None], None] = attrs.field(kw_only=True)
    _replied: Callable[[Request, Reply], None] = attrs.field(kw_only=True)
    _idle: trio.lowlevel.ParkingLot = attrs.field(kw_only=True)
    _unanswered: int = attrs.field(default=0, init=False)

    def __len__(self) -> int:
        return self._unanswered

    def ask(self, request: Request) -> None:
        """Ask at once, so that what is entered next comes after it."""
        try:
            asked = self._client.request_nowait(request, on_reply=partial(self._replied, request))
        except DisconnectedError as error:
            self._failed(f"{request.type} was not done: {error}")
            return
        self._unanswered += 1
        self._start(self._follow, asked)

    async def _follow(self, asked: PendingCall) -> None:
        """Show what the server answers."""
        request = asked.request
        try:
            reply = await asked.wait()
            look = self._listener.look()
            if isinstance(reply, History) and isinstance(request, ReadHistory):
                self._screen.show(replies.history(reply, look, newer=request.after is not None))
            else:
                self._screen.show(replies.reply(reply, look))
        except RefusedError as error:
            self._failed(None)
            self._listener.refused(error.error)
        except DisconnectedError as error:
            self._failed(str(error))
        finally:
            self._unanswered -= 1
            self._idle.unpark_all()
