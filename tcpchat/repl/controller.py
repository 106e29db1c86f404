"""The conversation of one person with one server: what a typed line does. Knows no terminal."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import tzinfo
from functools import partial

import trio

from tcpchat.client import (
    Client,
    Disconnected,
    DisconnectedError,
    Offline,
    Online,
    Reconnected,
    RefusedError,
)
from tcpchat.errors import ChatError
from tcpchat.protocol import (
    GUEST,
    Event,
    Exit,
    GetHelp,
    LoggedIn,
    LoggedOut,
    Muted,
    NeedsSecret,
    Register,
    Registered,
    Reply,
    Request,
    Resumed,
    Send,
    as_error,
)
from tcpchat.repl.calls import Asking
from tcpchat.repl.client_commands import LocalCommands
from tcpchat.repl.command_or_text import CommandOrText
from tcpchat.repl.end_of_stream import hear_out
from tcpchat.repl.greeting import greeting, where
from tcpchat.repl.initial_sync import look_around
from tcpchat.repl.input.parse import Ambiguous, Ask, AskSecret, Local, Say, tells_secret, understand
from tcpchat.repl.leaving import Leaving
from tcpchat.repl.model.markers import send_marks
from tcpchat.repl.model.model import Model
from tcpchat.repl.model.preferences import Preferences
from tcpchat.repl.prompt_view import View
from tcpchat.repl.questions import Question, Questions
from tcpchat.repl.secrets import Secrets
from tcpchat.repl.sends import Sending
from tcpchat.repl.view import render, status
from tcpchat.repl.view.screen import Screen
from tcpchat.repl.view.status import Status
from tcpchat.repl.view.text import Fragments
from tcpchat.times import Clock


class Controller:
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
        self.gave_up: DisconnectedError | RefusedError | None = None
        """Why there is no client any more: it was lost, or the server will not have it."""
        self._client = client
        self._screen = screen
        self.hosting = hosting
        self._status = Status(address=where(client), me=client.user)
        self._listener = Model(screen, preferences, self._status, clock, zone)
        self.view = View(client, self._listener, self._status, preferences)
        self._local = LocalCommands(screen, preferences, self._status, self._listener)
        self._questions = Questions(screen, self._status)
        self._secrets = Secrets(
            self._questions, tell=self.notice, refuse=self._failed, go_on=self._request, person=screen.asks
        )
        self._preferences = preferences
        self._command_or_text = CommandOrText(
            self._questions,
            screen,
            preferences,
            tell=self.notice,
            refuse=self._failed,
            say=self._say,
            do=self._do,
        )
        self._left = trio.Event()
        self._changed = trio.lowlevel.ParkingLot()
        self._idle = trio.lowlevel.ParkingLot()
        self._nursery: trio.Nursery | None = None
        self._sending = Sending(
            client,
            screen,
            self._listener,
            start=self._start,
            failed=self._failed,
            changed=self._changed,
            idle=self._idle,
        )
        self._asking = Asking(
            client,
            screen,
            self._listener,
            start=self._start,
            failed=self._failed,
            replied=self._replied,
            idle=self._idle,
        )
        self._leaving = Leaving(
            screen,
            self._questions,
            self._listener,
            self._sending,
            hosting=hosting,
            leave=self.leave_now,
            do=self._do,
        )

    def greet(self, kept: str | None) -> None:
        """Say where this is; `kept` tells where a server of our own keeps things."""
        for line in greeting(self._client, kept, person=self._screen.asks):
            self.notice(line)

    def notice(self, text: str) -> None:
        """Show a line of our own."""
        self._listener.notice(text)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Run until `leave`, or until the client gives up."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            nursery.start_soon(self._tick)
            nursery.start_soon(self._listen)
            if self._screen.asks:
                nursery.start_soon(send_marks, self._listener.reading, self._online, self._mark)
            self._look_around()
            task_status.started()
            await self._left.wait()
            if self.gave_up is not None:
                await self.wait_settled()  # which says what was not sent
            self._sending.give_up()
            nursery.cancel_scope.cancel()
        self._nursery = None

    async def _listen(self) -> None:
        self.gave_up = await hear_out(self._client, self._hear)
        self._left.set()

    def _hear(self, event: Event) -> None:
        self._status.me = self._client.user
        self._listener.hear(event)
        self._sending.hear(event)
        if isinstance(event, Disconnected | Reconnected | Muted):
            self._changed.unpark_all()
        if isinstance(event, Reconnected):
            self._look_around()

    def _online(self) -> bool:
        return isinstance(self._client.state, Online)

    def _mark(self, request: Request) -> None:
        """Tell the server how far the person has read; it matters to nobody if that does not work."""
        with suppress(DisconnectedError):
            self._client.request_nowait(request, on_reply=partial(self._listener.replied, request))

    def _look_around(self) -> None:
        look_around(self._client, self._listener, self._screen.refresh)
        self._listener.reading.moved.unpark_all()

    async def _tick(self) -> None:
        """Draw anew while something counts down."""
        while True:
            until = status.changes_at(self.view.now(), trio.current_time())
            with trio.move_on_at(float("inf") if until is None else until):
                await self._changed.park()
            self._screen.refresh()

    async def wait_settled(self) -> None:
        """Wait until everything that was entered is answered, and for a moment until it is shown."""
        while self._sending or self._asking:
            await self._idle.park()
        await self._sending.wait_shown()

    def waiting(self) -> Fragments:
        """Return the lines above the input: what was sent and is not acknowledged."""
        return self._sending.waiting()

    # What a typed line does.

    def here(self) -> None:
        """Take it that the person is there and sees what is shown."""
        if self._listener.reading.here():
            self._screen.refresh()

    def entered(self, line: str) -> None:
        """Do what the line says, or show why not."""
        if self._left.is_set():
            return
        self.here()
        question = self._questions.take()
        if question is not None:
            question.answer(line)
        elif not line and isinstance(self._client.state, Offline):
            self._client.retry_now()
        else:
            self._do(line)

    def no_more_lines(self) -> None:
        """Take it that nothing more will be entered."""
        if self.asks_secret:
            self.entered("")

    @property
    def asks_secret(self) -> bool:
        """Whether the next line is a secret."""
        return self._status.secret

    def keeps(self, line: str) -> bool:
        """Return whether a line may be kept, so that it can be found again: not one with a password."""
        question = self.question
        return not (question and (question.secret or question.private)) and not tells_secret(line)

    @property
    def question(self) -> Question | None:
        """What the person is asked now."""
        return self._questions.open

    def drop_question(self) -> bool:
        """Take back what was asked; return whether something was."""
        question = self._questions.take()
        if question is not None and question.drop is not None:
            question.drop()
        return question is not None

    def _do(self, line: str) -> None:
        try:
            kept = self._preferences.words if self._screen.asks else {}
            match understand(line, kept):
                case Say(text=text):
                    self._say(text)
                case Ask(request=request):
                    self._request(request)
                case AskSecret(incomplete=incomplete):
                    self._ask_secret(incomplete)
                case Local() as command:
                    if wrong := self._local.run(command):
                        self._failed(wrong)
                case Ambiguous() as asked:
                    self._command_or_text.ask(asked)
        except ChatError as error:
            self.failures += 1
            self._screen.complain(render.refusal(as_error(error), self._listener.look()))

    def _ask_secret(self, incomplete: NeedsSecret) -> None:
        """Ask for what was left out, unless the server would refuse it anyway."""
        user = self._client.user
        if incomplete.command.name == Register.type and user.startswith(GUEST):
            self._failed(f"take a name of your own first, with rename: {user} is for a guest")
        elif incomplete.command.name == Register.type and self._client.registered:
            self._failed(f"{user} is registered already")
        else:
            self._secrets.ask(incomplete)

    def _say(self, text: str) -> None:
        self._sending.send(Send(text=text, username=self._status.target))

    def _start(self, job: Callable[..., Awaitable[None]], *arguments: object) -> None:
        assert self._nursery is not None
        self._nursery.start_soon(job, *arguments)

    def _request(self, request: Request) -> None:
        match request:
            case Send():
                self._sending.send(request)
            case Exit():
                self.leave()
            case GetHelp():
                self._local.help(request.command)
            case _:
                self._asking.ask(request)

    def _replied(self, request: Request, reply: Reply) -> None:
        """Take note of an answer before anything that was said after it."""
        self._status.me = self._client.user
        self._listener.replied(request, reply)
        if isinstance(reply, LoggedIn | LoggedOut | Resumed | Registered):
            self._look_around()

    def _failed(self, text: str | None) -> None:
        """Count what came to nothing, and tell why unless that is told elsewhere."""
        self.failures += 1
        if text is not None:
            self._listener.complain(text)

    def leave(self) -> None:
        """Leave, after asking if somebody else or something would suffer."""
        self._leaving.ask()

    def leave_now(self) -> None:
        """Leave without asking, as a signal wants it."""
        self._left.set()
