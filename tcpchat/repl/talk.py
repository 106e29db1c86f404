"""The conversation of one person with one server: what a typed line does. Knows no terminal."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import tzinfo

import trio

from tcpchat.client import Asked, Client, Disconnected, DisconnectedError, Offline, Reconnected, RefusedError
from tcpchat.commands.exit import Exit
from tcpchat.commands.help import Help
from tcpchat.commands.history import History as AskHistory
from tcpchat.commands.scheduled import Scheduled as ListScheduled
from tcpchat.commands.send import Send
from tcpchat.commands.users import Users as ListUsers
from tcpchat.errors import ChatError
from tcpchat.protocol import (
    History,
    Message,
    Muted,
    PendingMessage,
    Renamed,
    Reply,
    Request,
    Schedule,
    Scheduled,
    Sent,
    Users,
    as_error,
)
from tcpchat.repl import render, replies, status
from tcpchat.repl.completion import Candidate, Live, complete
from tcpchat.repl.entered import Ask, Doubt, Local, Say, understand
from tcpchat.repl.listener import Listener
from tcpchat.repl.local import LocalCommands
from tcpchat.repl.look import Fragments
from tcpchat.repl.preferences import CHOICES, MEANING, Preferences
from tcpchat.repl.screen import Screen
from tcpchat.repl.status import Status
from tcpchat.times import Clock

SHOWN = 1.0  # seconds to wait until what is acknowledged comes as an event too
SOON = 0.3  # seconds; what is acknowledged by then is not shown as waiting
YES = {"y", "yes"}


class Talk:
    """One conversation, over reconnects, until `leave`, or until the client gives up."""

    def __init__(
        self,
        client: Client,
        screen: Screen,
        preferences: Preferences,
        clock: Clock,
        zone: tzinfo,
        *,
        hosting: bool = False,
    ) -> None:
        self.failures = 0
        """How many lines came to nothing."""
        self.gave_up: DisconnectedError | None = None
        self._client = client
        self._screen = screen
        self.hosting = hosting
        self._status = Status(address=str(client.address), me=client.user)
        self._listener = Listener(screen, preferences, self._status, clock, zone)
        self._local = LocalCommands(screen, preferences, self._status, self._listener)
        self._sends: dict[Asked, float] = {}  # not answered yet, and when they were asked
        self._own = 0  # messages that are acknowledged, less those that were shown
        self._asking = 0  # other requests that are not answered yet
        self._answer: Callable[[str], None] | None = None  # what the next line is the answer to
        self._left = trio.Event()
        self._changed = trio.lowlevel.ParkingLot()
        self._idle = trio.lowlevel.ParkingLot()
        self._nursery: trio.Nursery | None = None

    def greet(self, kept: str | None) -> None:
        """Say where this is; to scripts only if it is a server of our own, which `kept` tells."""
        client = self._client
        if kept is not None:
            self.notice(f"nobody answered on {client.address}, so this is the server now; {kept}")
        if self._screen.asks:
            self.notice(
                f"{client.server} on {client.address}; you are {client.user}. Just type, or type help."
            )

    def notice(self, text: str) -> None:
        """Show a line of our own."""
        self._listener.notice(text)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Talk until `leave`, or until the client gives up."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            nursery.start_soon(self._tick)
            nursery.start_soon(self._listen)
            self._look_around()
            task_status.started()
            await self._left.wait()
            if self.gave_up is not None:
                await self.wait_settled()  # which says what was not sent
            nursery.cancel_scope.cancel()
        self._nursery = None

    async def _listen(self) -> None:
        try:
            async for event in self._client.events():
                self._status.me = self._client.user
                self._listener.hear(event)
                if isinstance(event, Message) and event.sender == self._client.user:
                    self._own -= 1
                    self._idle.unpark_all()
                if isinstance(event, Disconnected | Reconnected | Muted):
                    self._changed.unpark_all()
                if isinstance(event, Reconnected):
                    self._look_around()
        except DisconnectedError as error:
            self.gave_up = error
        self._left.set()

    def _look_around(self) -> None:
        """Ask who is here and what waits."""
        self._pages(ListUsers(), self._listener.users)
        self._listener.pending.clear()
        self._pages(ListScheduled(), self._listener.scheduled)

    def _pages(self, request: ListUsers | ListScheduled, take: Callable[[Reply], None]) -> None:
        """Ask for all pages of a list, and hand on each at the moment that it comes."""

        def page(reply: Reply) -> None:
            take(reply)
            if isinstance(reply, Users) and reply.more:
                self._pages(ListUsers(after=reply.users[-1].name), take)
            elif isinstance(reply, Schedule) and reply.more:
                self._pages(ListScheduled(after=reply.messages[-1].number), take)
            else:
                self._screen.refresh()

        with suppress(DisconnectedError):  # it is asked again after coming back
            self._client.request_nowait(request, on_reply=page)

    async def _tick(self) -> None:
        """Draw anew while something counts down."""
        while True:
            until = status.changes_at(self._view(), trio.current_time())
            with trio.move_on_at(float("inf") if until is None else until):
                await self._changed.park()
            self._screen.refresh()

    async def wait_settled(self) -> None:
        """Wait until everything that was entered is answered, and for a moment until it is shown."""
        while self._sends or self._asking:
            await self._idle.park()
        with trio.move_on_after(SHOWN):
            while self._own > 0:
                await self._idle.park()

    # What the screen shows around the input.

    def _view(self) -> Status:
        view, client = self._status, self._client
        view.me, view.state, view.latency = client.user, client.state, client.latency
        view.here, view.scheduled = len(self._listener.roster), len(self._listener.still_pending())
        return view

    def prompt(self) -> Fragments:
        """Return what stands before the input."""
        return status.prompt(self._view(), trio.current_time())

    def toolbar(self) -> Fragments:
        """Return the line below the input."""
        return status.toolbar(self._view(), trio.current_time())

    def waiting(self) -> Fragments:
        """Return the lines above the input: what was sent and is not acknowledged."""
        now, offline = trio.current_time(), isinstance(self._client.state, Offline)
        late = [
            asked.request
            for asked, since in self._sends.items()
            if (offline or now - since >= SOON) and isinstance(asked.request, Send)
        ]
        return status.waiting(late, self._screen.width)

    def live(self) -> Live:
        """Return what completion chooses from."""
        pending = self._listener.still_pending()
        return Live(
            users=self._listener.roster.recent(),
            me=self._client.user,
            pending=[(number, message.text) for number, message in pending.items()],
            settings={name: CHOICES.get(name, ()) for name in MEANING},
        )

    def complete(self, before: str) -> list[Candidate]:
        """Return how what stands before the cursor may go on."""
        return complete(before, self.live())

    # What a typed line does.

    def entered(self, line: str) -> None:
        """Do what the line says, or show why not."""
        if self._left.is_set():
            return
        self._status.unread = 0
        if self._answer is not None:
            answer, self._answer, self._status.question = self._answer, None, None
            answer(line)
            self._screen.refresh()
        elif not line and isinstance(self._client.state, Offline):
            self._client.retry_now()
        else:
            self._do(line)

    def drop_question(self) -> bool:
        """Take back what was asked; return whether something was."""
        asked, self._answer, self._status.question = self._answer, None, None
        self._screen.refresh()
        return asked is not None

    def _do(self, line: str) -> None:
        try:
            meant = understand(line)
            match meant:
                case Say():
                    self._say(meant.text)
                case Ask():
                    self._request(meant.request)
                case Local():
                    if wrong := self._local.run(meant):
                        self._failed(wrong)
                case Doubt():
                    self._doubt(meant)
        except ChatError as error:
            self.failures += 1
            self._screen.complain(render.refusal(as_error(error), self._listener.look()))

    def _say(self, text: str) -> None:
        self._send(Send(text=text, username=self._status.target))

    def _send(self, send: Send) -> None:
        try:
            asked = self._client.send_nowait(send.text, username=send.username, time=send.time)
        except DisconnectedError as error:
            self._failed(f"not sent: {error}")
            return
        self._sends[asked] = trio.current_time()
        self._start(self._follow, asked)
        if isinstance(self._client.state, Offline):
            self._screen.refresh()

    def _start(self, job: Callable[..., object], *arguments: object) -> None:
        assert self._nursery is not None
        self._nursery.start_soon(job, *arguments)  # type: ignore[arg-type]  # all are async

    async def _follow(self, asked: Asked) -> None:
        """Show what becomes of something that was sent; if it is kept, its event shows it."""
        with trio.move_on_after(SOON):
            await asked.wait_done()
        if not asked.done:
            self._screen.refresh()
        try:
            reply = await asked.wait()
            if isinstance(reply, Sent):
                self._own += 1
            if isinstance(reply, Scheduled):
                assert isinstance(asked.request, Send)
                self._remember(reply, asked.request.text)
                self._screen.show(replies.reply(reply, self._listener.look()))
        except RefusedError as error:
            self.failures += 1
            self._listener.refused(error.error)
            self._changed.unpark_all()
        except DisconnectedError as error:
            assert isinstance(asked.request, Send)
            self._failed(f"not known to be sent: {asked.request.text!r}: {error}")
        finally:
            del self._sends[asked]
            self._idle.unpark_all()
        self._screen.refresh()

    def _remember(self, reply: Scheduled, text: str) -> None:
        message = PendingMessage(
            number=reply.number, at=reply.at, room=reply.room, username=reply.username, text=text
        )
        self._listener.pending[reply.number] = message
        self._changed.unpark_all()

    def _request(self, request: Request) -> None:
        match request:
            case Send():
                self._send(request)
            case Exit():
                self.leave()
            case Help():
                self._local.help(request.command)
            case _:
                self._asking += 1
                self._start(self._ask, request)

    async def _ask(self, request: Request) -> None:
        try:
            reply = await self._client.request(request)
            self._listener.scheduled(reply)
            if isinstance(reply, Renamed):
                self._listener.roster.renamed(reply.old, reply.new)
            look = self._listener.look()
            if isinstance(reply, History) and isinstance(request, AskHistory):
                self._screen.show(replies.history(reply, look, newer=request.after is not None))
            else:
                self._screen.show(replies.reply(reply, look))
        except RefusedError as error:
            self.failures += 1
            self._listener.refused(error.error)
        except DisconnectedError as error:
            self._failed(str(error))
        finally:
            self._asking -= 1
            self._idle.unpark_all()

    def _failed(self, text: str) -> None:
        self.failures += 1
        self._listener.complain(text)

    # What is asked first.

    def _doubt(self, doubt: Doubt) -> None:
        if not self._screen.asks:
            hint = f"; did you mean: {doubt.corrected}" if doubt.corrected else ""
            self._failed(f"not sent: it looks like a mistyped command{hint}; a blank before it makes it text")
            return

        def answer(line: str) -> None:
            word = line.strip().lower()
            if word in YES and doubt.corrected is not None:
                self._do(doubt.corrected)
            elif word in {"t", "text"}:
                self._say(doubt.line)
            elif not word:
                self._screen.edit(doubt.line)
            else:  # another line, which is meant to be one
                self.notice(f"not sent: {doubt.line}")
                self._do(line)

        run = f"y runs “{doubt.corrected}”, " if doubt.corrected else ""
        text = (
            f"“{doubt.line}” looks like a mistyped command: {run}t says it as text, Enter lets you change it"
        )
        self._question(text, "y, t or Enter" if run else "t or Enter", answer)

    def _question(self, text: str, short: str, answer: Callable[[str], None]) -> None:
        self.notice(text)
        self._status.question = short
        self._answer = answer
        self._screen.refresh()

    def leave(self) -> None:
        """Leave, after asking if somebody else or something would suffer."""
        others = len(self._listener.roster) - 1
        why = []
        if self._sends:
            waiting = len(self._sends)
            why.append(
                "a message is not sent yet" if waiting == 1 else f"{waiting} messages are not sent yet"
            )
        if self.hosting and others > 0:
            here = "1 other is here" if others == 1 else f"{others} others are here"
            why.append(f"{here}, for whom the server stops with you")
        if not why or not self._screen.asks or self._answer == self._leave_if:
            self._left.set()
            return
        self._question(f"{' and '.join(why)}. Leave all the same?", "y or n", self._leave_if)

    def _leave_if(self, line: str) -> None:
        if line.strip().lower() in YES:
            self._left.set()

    def leave_now(self) -> None:
        """Leave without asking, as a signal wants it."""
        self._left.set()
