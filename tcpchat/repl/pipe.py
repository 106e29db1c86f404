"""The client for pipes, scripts and screen readers: linear text. No cursor, no colour."""

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
from tcpchat.client import Client, Reconnected
from tcpchat.protocol import (
    LOBBY,
    MAX_COUNT,
    Edited,
    Event,
    Message,
    Reply,
    Unknown,
    encode,
)
from tcpchat.repl.controller import Controller
from tcpchat.repl.input.parse import as_command
from tcpchat.repl.model.preferences import SETTINGS, Preferences
from tcpchat.repl.options import Options
from tcpchat.repl.session import (
    converse,
    leave_nothing,
    open_client,
    storing_problem,
)
from tcpchat.repl.view import render
from tcpchat.repl.view.clean import clean_line
from tcpchat.repl.view.text import UNWRAPPED, Fragments, Look, plain
from tcpchat.times import MILLISECONDS, parse_timestamp


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

    def watch_key(self, tell: Callable[[str], None]) -> None:
        """Do nothing: there are no keys."""


def for_pipe(options: Options) -> Options:
    """Return the options for lines from a program: no old messages are shown."""
    if sys.stdin.isatty():
        return options
    return attrs.evolve(options, history=0, history_on_reset=None)


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


async def chat_plainly(options: Options, *, commands: bool) -> int:
    """Chat in linear text until all of stdin is answered; return how many lines failed.

    A person's lines mean what they mean in the terminal. Those of a program are text, or with `commands`
    commands. Raises as `converse` does.
    """
    screen = PlainScreen(sys.stdin, sys.stdout, sys.stderr)

    async def feed(controller: Controller) -> None:
        with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_leave_on_signal, controller, signals)
                async for number, line in read_lines(lambda: controller.lines.asks_password):
                    if wrong := streams.fault(line):
                        controller.lines.fail(f"line {number} is {wrong}; nothing was done")
                    elif screen.asks or controller.lines.asks_password:
                        controller.enter(line)
                    elif commands:
                        controller.enter(as_command(line))
                    else:
                        controller.lines.send(line)
                    if not screen.asks:
                        await controller.wait_settled()  # so that replies are in the order of the lines
                controller.lines.end()
                await controller.wait_settled()
                controller.leave_now()

    controller = await converse(options, screen, saved_preferences(options), feed)
    return controller.failures


async def _leave_on_signal(controller: Controller, signals: AsyncIterator[int]) -> None:
    async for _ in signals:
        controller.leave_now()


def saved_preferences(options: Options) -> Preferences:
    """Return the settings of the person whose program this is."""
    return Preferences(options.config and options.config / SETTINGS)


async def send(options: Options, text: str, username: str | None, time: float | None) -> None:
    """Send one message; return once it is stored. Raises ConnectError, DisconnectedError or RefusedError."""
    options = _for_script(options)
    async with open_client(options) as client:
        warn(client, options)
        await client.send(text, username=username, time=time)
        await leave_nothing(client)


async def tail(
    options: Options, since: float | None, username: str | None, *, json: bool, follow: bool
) -> None:
    """Print the last messages of the lobby, and with `follow` what comes then, also edits.

    With `since`, in seconds since 1970, only those from then on; with a `username`, the private messages with
    that user. Raises ConnectError, DisconnectedError or RefusedError.
    """
    script = attrs.evolve(_for_script(options), history=0)
    async with open_client(script) as client:
        warn(client, script)
        look = Look(width=UNWRAPPED, me=client.user, zone=None)

        def show(event: Message | Edited) -> None:
            if not event.ignored:
                print_line(event) if json else _write(plain(render.message(event, look)))

        def is_here(event: Message | Edited) -> bool:
            if username is None:
                return event.room == LOBBY
            return event.to is not None and username in {event.to, event.sender}

        last = 0
        for message in await _last_messages(client, options.history, since, username):
            show(message)
            last = message.seq
        if follow:
            async for event in client.events():
                if isinstance(event, Reconnected) and event.data_reset:  # the numbers begin anew
                    last = 0
                elif isinstance(event, Message | Edited) and is_here(event) and event.seq > last:
                    show(event)
        await leave_nothing(client)


async def _last_messages(
    client: Client, count: int, since: float | None, username: str | None
) -> list[Message]:
    """Return so many messages of a place at most, oldest first, and none from before `since`."""
    messages: list[Message] = []
    while len(messages) < count:
        before = messages[0].seq if messages else None
        wanted = min(count - len(messages), MAX_COUNT)
        page = await client.history(count=wanted, before=before, username=username)
        recent = [message for message in page if not _is_before(message, since)]
        messages = recent + messages
        if not page or len(recent) < len(page):
            break
    return messages


def _is_before(message: Message, since: float | None) -> bool:
    at = parse_timestamp(message.at)
    return since is not None and at is not None and at < since * MILLISECONDS


def _for_script(options: Options) -> Options:
    """Return the options of a script, which uses saved credentials only with a name."""
    remember = options.remember and options.name is not None
    return attrs.evolve(options, remember=remember, history_on_reset=None)


def warn(client: Client, options: Options) -> None:
    """Say on stderr if the user could not be saved as was asked for; the script goes on."""
    if problem := storing_problem(client, options):
        print(f"tcpchat: {problem}", file=sys.stderr)


def print_line(line: Reply | Event) -> None:
    """Print an event or a reply as a line of JSON."""
    streams.write_json(orjson.dumps(line.fields) if isinstance(line, Unknown) else encode(line))


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
