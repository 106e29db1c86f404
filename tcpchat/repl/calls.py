"""The requests under way that somebody typed, messages among them, and what becomes of each."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import TypeAlias

import trio

from tcpchat.client import Client, DisconnectedError, Offline, PendingCall, Reconnected, RefusedError
from tcpchat.protocol import Edit, Event, Message, PendingMessage, Reply, Request, Scheduled, Send, Sent
from tcpchat.repl.answers import Answer, Answers, Show
from tcpchat.repl.model.model import Model
from tcpchat.repl.view import status
from tcpchat.repl.view.display import Display
from tcpchat.repl.view.text import Fragments

SHOWN_WITHIN = 1.0  # seconds to wait for the event of an acknowledged message
WAITS_AFTER = 0.3  # seconds; a message that is acknowledged by then is not shown as waiting
PATIENCE = 1.0  # seconds that the client's own answers wait for those of the server
REMEMBERED = 1000  # messages of yours that were shown

_Number: TypeAlias = tuple[str, int]
"""The room and number of a message."""


OnEnd: TypeAlias = Callable[[Exception | None], None]
"""Is told why a request failed; None if it did not."""


class Calls:
    """Makes requests in the order in which they are typed, and shows their replies.

    `on_reply` gets each reply before any later event. `countdown` is unparked when something in the lines
    around the input begins to count down.
    """

    def __init__(
        self,
        client: Client,
        model: Model,
        display: Display,
        countdown: trio.lowlevel.ParkingLot,
        on_reply: Callable[[Request, Reply], None],
    ) -> None:
        self.failures = 0
        """How many requests failed."""
        self._client = client
        self._model = model
        self._display = display
        self._countdown = countdown
        self._on_reply = on_reply
        self._nursery: trio.Nursery | None = None
        self._sends: dict[PendingCall, float] = {}  # and when each began
        self._others = 0
        self._told_held = False  # how many messages wait for the server's limit
        self._answers = Answers()
        self._not_shown: set[_Number] = set()  # acknowledged messages whose event is not there yet
        self._shown: deque[_Number] = deque(maxlen=REMEMBERED)  # yours, those of other devices too
        self._changed = trio.lowlevel.ParkingLot()

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        """Follow calls until cancelled."""
        async with trio.open_nursery() as self._nursery:
            task_status.started()
            await trio.sleep_forever()

    @property
    def unsent(self) -> int:
        """How many messages and edits are not acknowledged."""
        return len(self._sends)

    def send(self, send: Send | Edit) -> None:
        """Send or edit a message, at once or when the server is back."""
        client, text, room, username = self._client, send.text, send.room, send.username
        call: PendingCall
        try:
            if isinstance(send, Edit):
                call = client.edit_nowait(send.seq, text, room=room, username=username)
            else:
                action = bool(send.action)
                call = client.send_nowait(text, room=room, username=username, time=send.time, action=action)
        except DisconnectedError as error:
            self._fail(f"not sent: {error}")
            return
        self._sends[call] = trio.current_time()
        assert self._nursery is not None
        self._nursery.start_soon(self._follow_send, call)
        if isinstance(self._client.state, Offline):
            self._display.screen.refresh()

    def request(self, request: Request, on_end: OnEnd | None = None) -> None:
        """Make a request, unless the server is away; `on_end` is called once its outcome is shown."""
        try:
            on_reply = partial(self._on_reply, request)
            call = self._client.request_nowait(request, on_reply=on_reply, in_order=True)
        except DisconnectedError as error:
            self.show_in_order(partial(self._fail, f"{request.type} was not done: {error}"))
            if on_end is not None:
                on_end(error)
            return
        self._others += 1
        assert self._nursery is not None
        self._nursery.start_soon(self._follow, call, self._answers.expect(), on_end)

    async def _follow(self, call: PendingCall, answer: Answer, on_end: OnEnd | None) -> None:
        failed: Exception | None = None
        try:
            show = partial(self._display.reply, call.request, await call.wait())
        except RefusedError as error:
            failed = error
            show = partial(self._refuse, error)
        except DisconnectedError as error:
            failed = error
            show = partial(self._fail, str(error))
        self._answers.put(answer, partial(self._end, show, on_end, failed))

    def _end(self, show: Show, on_end: OnEnd | None, failed: Exception | None) -> None:
        show()
        self._others -= 1
        self._changed.unpark_all()
        if on_end is not None:
            on_end(failed)

    def show_in_order(self, show: Show) -> None:
        """Show an answer of the client's own after the replies to what was typed before.

        It does not wait long, since the server may be slow.
        """
        if not self._answers.add(show):
            assert self._nursery is not None
            self._nursery.start_soon(self._hurry)

    async def _hurry(self) -> None:
        await trio.sleep(PATIENCE)
        self._answers.hurry()

    async def _follow_send(self, call: PendingCall) -> None:
        """Show what becomes of a message or an edit; once it is stored, its event shows it."""
        send = call.request
        assert isinstance(send, Send | Edit)
        with trio.move_on_after(WAITS_AFTER):
            await call.wait_done()
        if not call.done:
            self._tell_held()
            self._display.screen.refresh()
        try:
            self._acknowledge(send, await call.wait())
        except RefusedError as error:
            self._display.fail(f"{_not_sent(send)}: {send.text!r}")  # nobody knows which message it was
            self._refuse(error)
        except DisconnectedError as error:
            self._give_up(call, str(error))
        finally:
            del self._sends[call]
            self._changed.unpark_all()
        self._display.screen.refresh()

    def _tell_held(self) -> None:
        """Say once how many messages wait, where no line above the input says it."""
        held = self._client.held
        if held and not self._told_held and not self._display.screen.has_input:
            self._display.notice(status.held_line(held))
        self._told_held = held > 0

    def _acknowledge(self, send: Send | Edit, reply: Reply) -> None:
        if isinstance(send, Edit):
            return
        if isinstance(reply, Sent):
            number = (reply.room, reply.seq)
            if number not in self._shown:
                self._not_shown.add(number)
        elif isinstance(reply, Scheduled):
            self._model.scheduled.add(
                PendingMessage(
                    number=reply.number,
                    at=reply.at,
                    room=reply.room,
                    username=reply.username,
                    text=send.text,
                    action=send.action,
                )
            )
            self._display.reply(send, reply)
            self._countdown.unpark_all()

    def _refuse(self, error: RefusedError) -> None:
        self.failures += 1
        self._model.apply_refusal(error.error)
        self._display.refuse(error.error)
        self._countdown.unpark_all()

    def _fail(self, text: str) -> None:
        self.failures += 1
        self._display.fail(text)

    def _give_up(self, call: PendingCall, why: str) -> None:
        assert isinstance(call.request, Send | Edit)
        what = _not_sent(call.request, uncertain=call.written)
        self._fail(f"{what}: {call.request.text!r}: {why}")

    def give_up(self) -> None:
        """Show which messages are not acknowledged, since nobody waits for them any more."""
        for call in self._sends:
            self._give_up(call, "you left")

    def apply(self, event: Event) -> None:
        """Take an event that was shown: a message of yours, or that the server has other data."""
        if isinstance(event, Message) and self._model.is_mine(event):
            number = (event.room, event.seq)
            if number in self._not_shown:
                self._not_shown.discard(number)
            else:
                self._shown.append(number)
            self._changed.unpark_all()
        elif isinstance(event, Reconnected) and event.data_reset:  # the same numbers are given again
            self._not_shown.clear()
            self._shown.clear()

    async def wait_settled(self) -> None:
        """Wait until every call has its reply, and for a moment until acknowledged messages are shown."""
        while self._sends or self._others:
            await self._changed.park()
        with trio.move_on_after(SHOWN_WITHIN):
            while self._not_shown:
                await self._changed.park()

    def waiting(self) -> Fragments:
        """Return the lines above the input: messages that are sent and not acknowledged."""
        now, offline = trio.current_time(), isinstance(self._client.state, Offline)
        late = [
            call.request
            for call, began in self._sends.items()
            if (offline or now - began >= WAITS_AFTER) and isinstance(call.request, Send | Edit)
        ]
        return status.waiting(late, self._display.screen.width, held=self._client.held)


def _not_sent(send: Send | Edit, *, uncertain: bool = False) -> str:
    """Return that a message or an edit is not on the server, or may not be."""
    if isinstance(send, Edit):
        return "may not have been changed to" if uncertain else "not changed to"
    return "may not have been sent" if uncertain else "not sent"
