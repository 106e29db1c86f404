"""The client for pipes, scripts and screen readers: linear text, or JSON lines. No cursor, no colour."""

from __future__ import annotations

import signal
import sys
import termios
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

import attrs
import orjson
import trio

from tcpchat.client import Client, DisconnectedError, RefusedError
from tcpchat.errors import ChatError
from tcpchat.protocol import (
    Event,
    Exit,
    Message,
    NeedsSecret,
    Reply,
    Request,
    Send,
    Unknown,
    Welcome,
    as_error,
    encode,
)
from tcpchat.repl.command_or_text import HELD, refusal
from tcpchat.repl.controller import Controller
from tcpchat.repl.end_of_stream import hear_out
from tcpchat.repl.input.parse import Ambiguous, Ask, AskSecret, Local, Say, understand
from tcpchat.repl.model.preferences import SETTINGS, Preferences
from tcpchat.repl.options import Options
from tcpchat.repl.session import (
    as_whom,
    connected,
    converse,
    leave_nothing,
    local_zone,
    open_client,
)
from tcpchat.repl.view import render
from tcpchat.repl.view.clean import clean_line
from tcpchat.repl.view.text import UNWRAPPED, Fragments, Look, plain

LOGIN_REQUIRED = "login-required"  # the code where nobody is connected, who may log in


class Plain:
    """A screen that only grows: the conversation on stdout, what goes wrong on stderr."""

    def __init__(self, stdin: TextIO, stdout: TextIO, stderr: TextIO) -> None:
        self.asks = stdin.isatty()
        self._stdout = stdout
        self._stderr = stderr

    @property
    def width(self) -> int:
        """As wide as it gets: what reads this wraps lines itself, if at all."""
        return UNWRAPPED

    def show(self, fragments: Fragments) -> None:
        self._stdout.write(plain(fragments))
        self._stdout.flush()

    def complain(self, fragments: Fragments) -> None:
        self._stderr.write(plain(fragments))
        self._stderr.flush()

    def refresh(self) -> None:
        """Do nothing: nothing stands around the input."""

    def bell(self) -> None:
        """Do nothing: a script has no ears, and a screen reader reads aloud anyway."""

    def clear(self) -> None:
        """Do nothing: what was said stays."""

    def edit(self, line: str, shown: str) -> None:
        self.complain([("", f"not sent: {clean_line(shown)}\n")])

    def use_theme(self, name: str) -> None:
        """Do nothing: there are no colours."""


def for_pipe(plan: Options) -> Options:
    """Return the plan for whoever feeds this program: nothing old is shown, and nothing is too fast."""
    return plan if sys.stdin.isatty() else attrs.evolve(plan, history=0, history_on_reset=None, patient=True)


async def read_lines(stdin: TextIO, secret: Callable[[], bool] = lambda: False) -> AsyncIterator[str]:
    """Yield the lines of stdin as they come; whoever stops listening leaves one read behind.

    A line that is to be a `secret` is not echoed.
    """
    while True:
        with _without_echo(stdin, hide=secret()):
            line = await trio.to_thread.run_sync(stdin.readline, abandon_on_cancel=True)
        if not line:
            return
        yield line.removesuffix("\n")


@contextmanager
def _without_echo(stdin: TextIO, *, hide: bool) -> Iterator[None]:
    if not (hide and stdin.isatty()):
        yield
        return
    before = termios.tcgetattr(stdin)
    hidden = termios.tcgetattr(stdin)
    hidden[3] &= ~termios.ECHO
    termios.tcsetattr(stdin, termios.TCSADRAIN, hidden)
    try:
        yield
    finally:
        termios.tcsetattr(stdin, termios.TCSADRAIN, before)


async def leave_on_signal(talk: Controller, signals: AsyncIterator[int]) -> None:
    async for _ in signals:
        talk.leave_now()


async def talk_plainly(plan: Options) -> int:
    """Chat in linear text until all of stdin is answered; return how many lines failed.

    Raises as `converse` does.
    """
    screen = Plain(sys.stdin, sys.stdout, sys.stderr)

    async def feed(talk: Controller) -> None:
        with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(leave_on_signal, talk, signals)
                async for line in read_lines(sys.stdin, lambda: talk.asks_secret):
                    talk.entered(line)
                    if not screen.asks:
                        await talk.wait_settled()  # so that what is printed is in the order of the lines
                talk.no_more_lines()
                await talk.wait_settled()
                talk.leave_now()

    talk = await converse(plan, screen, Preferences(plan.config and plan.config / SETTINGS), feed)
    return talk.failures


async def talk_json(plan: Options) -> int:
    """Print each event and reply as a line of JSON, and do what stdin says until its end.

    Returns how many lines failed. Raises as `converse` does.
    """
    failures = 0
    gave_up: DisconnectedError | RefusedError | None = None
    lines = _Lines()
    plan = as_whom(plan, Preferences(plan.config and plan.config / SETTINGS), person=False)
    async with connected(plan) as (client, _):
        if client.refused is not None and client.refused.code != LOGIN_REQUIRED:
            raise client.refused

        async def print_events(scope: trio.CancelScope) -> None:
            nonlocal gave_up
            gave_up = await hear_out(client, _print)
            scope.cancel()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(print_events, nursery.cancel_scope)
            async for line in read_lines(sys.stdin, lambda: lines.waits_for_secret):
                try:
                    request = lines.read(line)
                    if isinstance(request, Exit):
                        break
                    if request is not None:
                        _print(await _ask(client, request))
                except (ChatError, RefusedError) as error:
                    failures += 1
                    _print(as_error(error) if isinstance(error, ChatError) else error.error)
            failures += lines.waits_for_secret
            await leave_nothing(client)
            nursery.cancel_scope.cancel()
        if gave_up is not None:
            raise gave_up
    return failures


class _Lines:
    """Makes requests of lines, one of which may be the password that the one before it asked for."""

    def __init__(self) -> None:
        self._incomplete: NeedsSecret | None = None
        self._held = False  # the line before asks for a password, and was refused

    @property
    def waits_for_secret(self) -> bool:
        return self._incomplete is not None

    def read(self, line: str) -> Request | None:
        """Return what a line asks for; None if that is nothing or it waits for a secret. Raises ChatError."""
        if self._held:
            self._held = False
            raise ChatError("bad-usage", HELD)
        if self._incomplete is not None:
            incomplete, self._incomplete = self._incomplete, None
            return self._complete(incomplete.answer(line.encode(errors="surrogateescape")))
        match understand(line):
            case Say(text=text):
                return Send(text=text)
            case Ask(request=request):
                return request
            case AskSecret(incomplete=incomplete):
                return self._complete(incomplete)
            case Local(name=name):
                raise ChatError("unknown-command", f"/{name} is for terminals")
            case Ambiguous() as asked:
                self._held = asked.asks_secret
                raise ChatError("bad-usage", refusal(asked))
        return None

    def _complete(self, request: Request | NeedsSecret) -> Request | None:
        if not isinstance(request, NeedsSecret):
            return request
        self._incomplete = request
        _print(request.prompt())
        return None


async def _ask(client: Client, request: Request) -> Reply:
    if isinstance(request, Send):
        return await client.send(
            request.text, room=request.room, username=request.username, time=request.time
        )
    return await client.request(request)


async def send(plan: Options, text: str, username: str | None, time: float | None) -> None:
    """Say one thing; return once it is kept. Raises ConnectError, DisconnectedError or RefusedError."""
    async with open_client(_in_a_script(plan)) as client:
        await client.send(text, username=username, time=time)
        await leave_nothing(client)


async def tail(plan: Options, *, json: bool, follow: bool) -> None:
    """Print the last messages, and with `follow` all that come. Raises ConnectError or DisconnectedError."""
    async with open_client(_in_a_script(plan)) as client:
        look = Look(width=UNWRAPPED, me=client.user, zone=local_zone())
        last = 0
        async for event in client.events():
            if isinstance(event, Welcome):
                last = last or event.seq
            if isinstance(event, Message):
                _print(event) if json else _write(plain(render.message(event, look)))
            done = plan.history == 0 or last == 0 or (isinstance(event, Message) and event.seq >= last)
            if done and not follow:
                break
        await leave_nothing(client)


def _in_a_script(plan: Options) -> Options:
    """Return the plan of who is somebody only by name."""
    return attrs.evolve(plan, remember=plan.remember and plan.name is not None, history_on_reset=None)


def _print(line: Reply | Event) -> None:
    _write((encode(line) if not isinstance(line, Unknown) else orjson.dumps(line.fields) + b"\n").decode())


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
