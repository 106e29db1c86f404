"""The client for programs: events and replies are lines of JSON, and lines of JSON are requests."""

from __future__ import annotations

import sys

import attrs
import trio

from tcpchat import streams
from tcpchat.client import CaughtUp, Client, DisconnectedError, RefusedError
from tcpchat.commands.parser import read_request
from tcpchat.errors import ChatError
from tcpchat.protocol import Edit, Event, Exit, Id, NeedsSecret, Reply, Request, Send, Unknown, as_error
from tcpchat.repl.held_text import PASSWORD, Hold, needs_place, wrong_place
from tcpchat.repl.input.parse import (
    Call,
    Misplaced,
    NeedsPassword,
    RunCommand,
    SendText,
    as_command,
    understand,
)
from tcpchat.repl.input.vocabulary import concerns_password
from tcpchat.repl.options import Options
from tcpchat.repl.password_checks import has_password
from tcpchat.repl.pipe import print_line, read_lines, saved_preferences, warn
from tcpchat.repl.session import connected, leave_nothing, with_name
from tcpchat.repl.sync import listen

LOGIN_REQUIRED = "login-required"  # the code where the client is connected as nobody, and may log in


async def chat_in_json(options: Options, *, commands: bool) -> int:
    """Print each event and reply as a line of JSON, and handle the lines of stdin until its end.

    A line that begins with `{` is a request, as on the wire, and its `id` is in the reply. Others are text,
    or with `commands` commands. Returns how many lines failed. Raises as `converse` does.
    """
    failures = 0
    gave_up: DisconnectedError | RefusedError | None = None
    lines = RequestReader(commands=commands)
    options = with_name(options, saved_preferences(options), person=False)
    async with connected(options) as (client, _):
        if client.refused is not None and client.refused.code != LOGIN_REQUIRED:
            raise client.refused
        warn(client, options)

        async def print_events(scope: trio.CancelScope) -> None:
            nonlocal gave_up
            gave_up = await listen(client, _print_event)
            scope.cancel()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(print_events, nursery.cancel_scope)
            async for number, line in read_lines(lambda: lines.asks_password):
                try:
                    request = lines.read(_checked(number, line))
                    if isinstance(request, Exit):
                        break
                    if request is not None:
                        print_line(_answering(request.id, await _request(client, request)))
                except (ChatError, RefusedError) as error:
                    lines.refused(line)
                    failures += 1
                    refused = as_error(error) if isinstance(error, ChatError) else error.error
                    print_line(_answering(lines.id, refused))
            failures += lines.asks_password
            await leave_nothing(client)
            nursery.cancel_scope.cancel()
        if gave_up is not None:
            raise gave_up
    return failures


def _print_event(event: Event) -> None:
    if not isinstance(event, CaughtUp):  # no line of the server's, and not there without the library
        print_line(event)


def _checked(number: int, line: str) -> str:
    """Return a line of stdin that is text. Raises ChatError."""
    if wrong := streams.fault(line):
        raise ChatError("bad-encoding", f"line {number} is {wrong}; nothing was done")
    return line


class RequestReader:
    """Makes requests of lines, one of which may be the password that the one before it asked for."""

    def __init__(self, *, commands: bool) -> None:
        self.id: Id | None = None
        """The id that the program gave to the last line, if it was JSON."""
        self._commands = commands
        self._incomplete: NeedsSecret | None = None
        self._hold: Hold | None = None  # why text is refused
        self._checking = False  # the last request has a password

    @property
    def asks_password(self) -> bool:
        return self._incomplete is not None

    def read(self, line: str) -> Request | None:
        """Return the request of a line; None if it has none or waits for a password. Raises ChatError."""
        self.id = None
        if self._incomplete is not None:
            incomplete, self._incomplete = self._incomplete, None
            return self._complete(incomplete.answer(line.encode(errors="surrogateescape")))
        if line.startswith("{"):
            return self._check(line, self._decode(line))
        if not self._commands:
            return self._check(line, Send(text=line)) if line.strip() else None
        return self._understand(line)

    def _understand(self, line: str) -> Request | None:
        match understand(as_command(line)):
            case SendText(text=text):
                return self._check(line, Send(text=text))
            case Call(request=request):
                return self._check(line, request)
            case NeedsPassword(incomplete=incomplete):
                return self._complete(incomplete)
            case RunCommand(name="to", argument=""):
                self._hold = None
            case RunCommand(name=name, argument=argument):
                self._hold = wrong_place(f"to {argument}") if name == "to" else self._hold
                raise ChatError("unknown-command", f"/{name} is for terminals")
            case Misplaced() as misplaced:
                raise ChatError("bad-usage", misplaced.refusal)
        return None

    def _decode(self, line: str) -> Request:
        try:
            request = read_request(line.encode(sys.stdin.encoding))
        except ChatError as error:
            self.id = error.re
            raise
        assert isinstance(request, Request)  # an object is never a question or an empty line
        self.id = request.id
        return request

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
        print_line(request.prompt())
        return None


def _answering(id: Id | None, reply: Reply) -> Reply:
    """Return a reply with the id of the program's request, not with the one that the library gave it."""
    if isinstance(reply, Unknown):
        fields = {name: value for name, value in reply.fields.items() if name != "re"}
        return attrs.evolve(reply, fields=fields if id is None else fields | {"re": id})
    return attrs.evolve(reply, re=id)


async def _request(client: Client, request: Request) -> Reply:
    if isinstance(request, Edit) and request.key is None:
        return await client.edit(request.seq, request.text, room=request.room, username=request.username)
    if isinstance(request, Send) and request.key is None:
        return await client.send(
            request.text,
            room=request.room,
            username=request.username,
            time=request.time,
            action=bool(request.action),
        )
    return await client.request(request)
