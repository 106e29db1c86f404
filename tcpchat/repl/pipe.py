"""The client for pipes, scripts and screen readers: linear text, or JSON lines. No cursor, no colour."""

from __future__ import annotations

import itertools
import signal
import sys
import termios
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

import attrs
import orjson
import trio

from tcpchat import streams
from tcpchat.client import Client, DisconnectedError, Reconnected, RefusedError
from tcpchat.errors import ChatError
from tcpchat.protocol import (
    LOBBY,
    MAX_COUNT,
    Edited,
    Event,
    Exit,
    Message,
    NeedsSecret,
    Reply,
    Request,
    Send,
    Unknown,
    as_error,
    encode,
)
from tcpchat.repl.controller import Controller
from tcpchat.repl.held_text import PASSWORD, Hold, needs_place, wrong_place
from tcpchat.repl.input.parse import (
    Ambiguous,
    Call,
    Misplaced,
    NeedsPassword,
    RunCommand,
    SendText,
    understand,
)
from tcpchat.repl.input.vocabulary import concerns_password
from tcpchat.repl.model.preferences import SETTINGS, Preferences
from tcpchat.repl.options import Options
from tcpchat.repl.password_checks import has_password
from tcpchat.repl.prompts import HELD, refusal
from tcpchat.repl.session import (
    connected,
    converse,
    leave_nothing,
    local_zone,
    open_client,
    storing_problem,
    with_name,
)
from tcpchat.repl.sync import listen
from tcpchat.repl.view import render
from tcpchat.repl.view.clean import clean_line
from tcpchat.repl.view.text import UNWRAPPED, Fragments, Look, plain

LOGIN_REQUIRED = "login-required"  # the code where the client is connected as nobody, and may log in


class PlainScreen:
    """A screen that only grows: the conversation on stdout, what goes wrong on stderr."""

    has_input = False

    def __init__(self, stdin: TextIO, stdout: TextIO, stderr: TextIO) -> None:
        self.asks = stdin.isatty()
        self._stdout = stdout
        self._stderr = stderr

    @property
    def width(self) -> int:
        """As wide as it gets: the program that reads this wraps lines itself, if at all."""
        return UNWRAPPED

    def show(self, fragments: Fragments) -> None:
        self._stdout.write(plain(fragments))
        self._stdout.flush()

    def complain(self, fragments: Fragments) -> None:
        self._stderr.write(plain(fragments))
        self._stderr.flush()

    def refresh(self) -> None:
        """Do nothing: there are no lines around the input."""

    def bell(self) -> None:
        """Do nothing: a script has no ears, and a screen reader reads aloud anyway."""

    def clear(self) -> None:
        """Do nothing: what was printed stays."""

    def edit(self, line: str, shown: str) -> None:
        self.complain([("", f"not sent: {clean_line(shown)}\n")])

    def use_theme(self, name: str) -> None:
        """Do nothing: there are no colours."""


def for_pipe(options: Options) -> Options:
    """Return the options for lines from a program: no old messages are shown, and sends wait their turn."""
    if sys.stdin.isatty():
        return options
    return attrs.evolve(options, history=0, history_on_reset=None, patient=True)


async def read_lines(secret: Callable[[], bool] = lambda: False) -> AsyncIterator[tuple[int, str]]:
    """Yield the lines of stdin with their numbers as they come; a secret one is not echoed.

    Whoever stops iterating leaves one read behind. Raises StartError if stdin cannot be read.
    """
    for number in itertools.count(1):
        with _without_echo(sys.stdin, hide=secret()):
            line = await trio.to_thread.run_sync(streams.read_line, abandon_on_cancel=True)
        if not line:
            return
        yield number, line.removesuffix("\n")


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


async def chat_plainly(options: Options) -> int:
    """Chat in linear text until all of stdin is answered; return how many lines failed.

    Raises as `converse` does.
    """
    screen = PlainScreen(sys.stdin, sys.stdout, sys.stderr)

    async def feed(controller: Controller) -> None:
        with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_leave_on_signal, controller, signals)
                async for number, line in read_lines(lambda: controller.lines.asks_password):
                    if wrong := streams.fault(line):
                        controller.lines.fail(f"line {number} is {wrong}; nothing was done")
                    else:
                        controller.enter(line)
                    if not screen.asks:
                        await controller.wait_settled()  # so that replies are in the order of the lines
                controller.lines.end()
                await controller.wait_settled()
                controller.leave_now()

    controller = await converse(options, screen, _preferences(options), feed)
    return controller.failures


async def _leave_on_signal(controller: Controller, signals: AsyncIterator[int]) -> None:
    async for _ in signals:
        controller.leave_now()


def _preferences(options: Options) -> Preferences:
    return Preferences(options.config and options.config / SETTINGS)


async def chat_in_json(options: Options) -> int:
    """Print each event and reply as a line of JSON, and handle the lines of stdin until its end.

    Returns how many lines failed. Raises as `converse` does.
    """
    failures = 0
    gave_up: DisconnectedError | RefusedError | None = None
    lines = _RequestReader()
    options = with_name(options, _preferences(options), person=False)
    async with connected(options) as (client, _):
        if client.refused is not None and client.refused.code != LOGIN_REQUIRED:
            raise client.refused
        _warn(client, options)

        async def print_events(scope: trio.CancelScope) -> None:
            nonlocal gave_up
            gave_up = await listen(client, _print)
            scope.cancel()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(print_events, nursery.cancel_scope)
            async for number, line in read_lines(lambda: lines.asks_password):
                try:
                    request = lines.read(_checked(number, line))
                    if isinstance(request, Exit):
                        break
                    if request is not None:
                        _print(await _request(client, request))
                except (ChatError, RefusedError) as error:
                    lines.refused(line)
                    failures += 1
                    _print(as_error(error) if isinstance(error, ChatError) else error.error)
            failures += lines.asks_password
            await leave_nothing(client)
            nursery.cancel_scope.cancel()
        if gave_up is not None:
            raise gave_up
    return failures


def _checked(number: int, line: str) -> str:
    """Return a line of stdin that is text. Raises ChatError."""
    if wrong := streams.fault(line):
        raise ChatError("bad-encoding", f"line {number} is {wrong}; nothing was done")
    return line


class _RequestReader:
    """Makes requests of lines, one of which may be the password that the one before it asked for."""

    def __init__(self) -> None:
        self._incomplete: NeedsSecret | None = None
        self._held = False  # the line before asks for a password, and was refused
        self._hold: Hold | None = None  # why text is refused
        self._checking = False  # the last request has a password

    @property
    def asks_password(self) -> bool:
        return self._incomplete is not None

    def read(self, line: str) -> Request | None:
        """Return the request of a line; None if it has none or waits for a password. Raises ChatError."""
        if self._held:
            self._held = False
            raise ChatError("bad-usage", HELD)
        if self._incomplete is not None:
            incomplete, self._incomplete = self._incomplete, None
            return self._complete(incomplete.answer(line.encode(errors="surrogateescape")))
        match understand(line):
            case SendText(text=text):
                return self._check(line, Send(text=text))
            case Call(request=request):
                return self._check(line, request)
            case NeedsPassword(incomplete=incomplete):
                return self._complete(incomplete)
            case RunCommand(name="to", argument=""):
                self._hold = None
            case RunCommand(name=name, argument=argument):
                self._hold = wrong_place(argument) if name == "to" else self._hold
                raise ChatError("unknown-command", f"/{name} is for terminals")
            case Ambiguous() as ambiguous:
                self._held = ambiguous.asks_password
                raise ChatError("bad-usage", refusal(ambiguous))
            case Misplaced() as misplaced:
                raise ChatError("bad-usage", misplaced.refusal)
        return None

    def refused(self, line: str) -> None:
        """Note that a line was refused: text after it may be the password that was wrong in it."""
        if self._hold is None and (self._checking or concerns_password(line)):
            self._hold = PASSWORD

    def _check(self, line: str, request: Request) -> Request:
        """Return the request. Raises ChatError if it would send text that is held."""
        self._checking = has_password(request)
        hold = self._hold
        if hold is not None and not hold.lasting:
            self._hold = None
        if hold is not None and needs_place(request):
            raise ChatError("bad-usage", hold.refusal(line))
        return request

    def _complete(self, request: Request | NeedsSecret) -> Request | None:
        if not isinstance(request, NeedsSecret):
            self._checking = has_password(request)
            return request
        self._incomplete = request
        _print(request.prompt())
        return None


async def _request(client: Client, request: Request) -> Reply:
    if isinstance(request, Send):
        return await client.send(
            request.text, room=request.room, username=request.username, time=request.time
        )
    return await client.request(request)


async def send(options: Options, text: str, username: str | None, time: float | None) -> None:
    """Send one message; return once it is stored. Raises ConnectError, DisconnectedError or RefusedError."""
    options = _for_script(options)
    async with open_client(options) as client:
        _warn(client, options)
        await client.send(text, username=username, time=time)
        await leave_nothing(client)


async def tail(options: Options, *, json: bool, follow: bool) -> None:
    """Print the last messages of the lobby, and with `follow` what comes then, also edits.

    Raises ConnectError or DisconnectedError.
    """
    script = attrs.evolve(_for_script(options), history=0)
    async with open_client(script) as client:
        _warn(client, script)
        look = Look(width=UNWRAPPED, me=client.user, zone=local_zone())

        def show(event: Message | Edited) -> None:
            if not event.ignored:
                _print(event) if json else _write(plain(render.message(event, look)))

        last = 0
        for message in await _last_messages(client, options.history):
            show(message)
            last = message.seq
        if follow:
            async for event in client.events():
                if isinstance(event, Reconnected) and event.data_reset:  # the numbers begin anew
                    last = 0
                elif isinstance(event, Message | Edited) and event.room == LOBBY and event.seq > last:
                    show(event)
        await leave_nothing(client)


async def _last_messages(client: Client, count: int) -> list[Message]:
    """Return so many messages of the lobby at most, oldest first."""
    messages: list[Message] = []
    while len(messages) < count:
        before = messages[0].seq if messages else None
        page = await client.history(count=min(count - len(messages), MAX_COUNT), before=before)
        messages = page + messages
        if not page:
            break
    return messages


def _for_script(options: Options) -> Options:
    """Return the options of a script, which uses saved credentials only with a name."""
    remember = options.remember and options.name is not None
    return attrs.evolve(options, remember=remember, history_on_reset=None)


def _warn(client: Client, options: Options) -> None:
    """Say on stderr if the user could not be saved as was asked for; the script goes on."""
    if problem := storing_problem(client, options):
        print(f"tcpchat: {problem}", file=sys.stderr)


def _print(line: Reply | Event) -> None:
    streams.write_json(orjson.dumps(line.fields) if isinstance(line, Unknown) else encode(line))


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
