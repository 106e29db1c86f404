"""What was said and is not answered yet, and what became of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import attrs
import trio

from tcpchat.client import Client, DisconnectedError, Offline, PendingCall, Reconnected, RefusedError
from tcpchat.protocol import Event, Message, PendingMessage, Scheduled, Send, Sent
from tcpchat.repl.model.model import Model
from tcpchat.repl.view import render_replies as replies
from tcpchat.repl.view import status
from tcpchat.repl.view.screen import Screen
from tcpchat.repl.view.text import Fragments

SHOWN = 1.0  # seconds to wait until what is acknowledged comes as an event too
SOON = 0.3  # seconds; what is acknowledged by then is not shown as waiting
REMEMBERED = 1000  # own messages that were shown

_Place: TypeAlias = tuple[str | None, int]
"""The room or user that a message went to, and its number there."""


@attrs.define(eq=False)
class Sending:
    """Sends, and follows what was sent until it is answered and shown.

    `start` runs a job beside; `failed` counts and may tell what came to nothing; `changed` is where waits who
    draws what counts down, and `idle` who wants everything to be answered.
    """

    _client: Client
    _screen: Screen
    _listener: Model
    _start: Callable[[Callable[[PendingCall], Awaitable[None]], PendingCall], None] = attrs.field(
        kw_only=True
    )
    _failed: Callable[[str | None], None] = attrs.field(kw_only=True)
    _changed: trio.lowlevel.ParkingLot = attrs.field(kw_only=True)
    _idle: trio.lowlevel.ParkingLot = attrs.field(kw_only=True)
    _sends: dict[PendingCall, float] = attrs.field(factory=dict, init=False)  # and when they were asked
    _unshown: set[_Place] = attrs.field(factory=set, init=False)  # of messages that are acknowledged
    _shown: deque[_Place] = attrs.field(factory=lambda: deque(maxlen=REMEMBERED), init=False)
    """Of own messages, also those of other devices."""

    def __len__(self) -> int:
        return len(self._sends)

    def send(self, send: Send) -> None:
        try:
            asked = self._client.send_nowait(
                send.text, room=send.room, username=send.username, time=send.time
            )
        except DisconnectedError as error:
            self._failed(f"not sent: {error}")
            return
        self._sends[asked] = trio.current_time()
        self._start(self._follow, asked)
        if isinstance(self._client.state, Offline):
            self._screen.refresh()

    async def _follow(self, asked: PendingCall) -> None:
        """Show what becomes of something that was sent; if it is kept, its event shows it."""
        with trio.move_on_after(SOON):
            await asked.wait_done()
        waited = not asked.done
        if waited:
            self._screen.refresh()
        assert isinstance(asked.request, Send)
        try:
            reply = await asked.wait()
            if isinstance(reply, Sent):
                place = (reply.username or reply.room, reply.seq)
                if place not in self._shown:
                    self._unshown.add(place)
            if isinstance(reply, Scheduled):
                self._remember(reply, asked.request.text)
                self._screen.show(replies.reply(reply, self._listener.look()))
        except RefusedError as error:
            if waited:  # by now nobody knows which one it was
                self._failed(f"not sent: {asked.request.text!r}")
            else:
                self._failed(None)
            self._listener.refused(error.error)
            self._changed.unpark_all()
        except DisconnectedError as error:
            self._not_sent(asked, str(error))
        finally:
            del self._sends[asked]
            self._idle.unpark_all()
        self._screen.refresh()

    def _remember(self, reply: Scheduled, text: str) -> None:
        message = PendingMessage(
            number=reply.number, at=reply.at, room=reply.room, username=reply.username, text=text
        )
        self._listener.pending.add(message)
        self._changed.unpark_all()

    def hear(self, event: Event) -> None:
        """Take it that a message of one's own, from here or another device, is shown; or none of before."""
        if isinstance(event, Message) and event.sender == self._client.user:
            self._show(event)
        elif isinstance(event, Reconnected) and event.data_reset:  # the same numbers are given again
            self._unshown.clear()
            self._shown.clear()

    def _show(self, message: Message) -> None:
        place = (message.to or message.room, message.seq)
        if place in self._unshown:
            self._unshown.discard(place)
        else:
            self._shown.append(place)
        self._idle.unpark_all()

    def give_up(self) -> None:
        """Say what is not acknowledged, since nobody waits for it any more."""
        for asked in self._sends:
            self._not_sent(asked, "you left")

    def _not_sent(self, asked: PendingCall, why: str) -> None:
        assert isinstance(asked.request, Send)
        what = "not known to be sent" if asked.written else "not sent"
        self._failed(f"{what}: {asked.request.text!r}: {why}")

    async def wait_shown(self) -> None:
        """Wait for a moment until all that was acknowledged is shown."""
        with trio.move_on_after(SHOWN):
            while self._unshown:
                await self._idle.park()

    def waiting(self) -> Fragments:
        """Return the lines above the input: what was sent and is not acknowledged."""
        now, offline = trio.current_time(), isinstance(self._client.state, Offline)
        late = [
            asked.request
            for asked, since in self._sends.items()
            if (offline or now - since >= SOON) and isinstance(asked.request, Send)
        ]
        return status.waiting(late, self._screen.width)
