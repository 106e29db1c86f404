"""One connection's requests: line → request → outcome → reply, in the order of the requests."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import attrs
import trio

from tcpchat.chat.limits import TokenBucket
from tcpchat.chat.operations.base import Operation
from tcpchat.errors import ChatError
from tcpchat.handlers import HANDLERS, NOWAIT, PRECHECKS, Caller, Outcome
from tcpchat.log import Log
from tcpchat.protocol import (
    BY_NAME,
    Bye,
    Command,
    Edit,
    EncodedReply,
    Error,
    Event,
    Id,
    LineReader,
    LineTooLongError,
    NeedsSecret,
    Reply,
    Request,
    Send,
    as_error,
    encode,
    internal_error,
    read_request,
)
from tcpchat.serving.connection import Connection
from tcpchat.serving.delivery import Pipeline
from tcpchat.serving.fair_queue import Flow

UNSETTLED = 1024  # operations of one connection under way, after which its next line waits
REPLY_BYTES = 16 * 1024  # of a reply, for which it counts as one request more
REPLIES_AHEAD = 256 * 1024  # bytes of backlog, after which a connection must read before it is read
SHOWN = 64  # characters of a refused text that its error repeats
ABOUT_ACCOUNTS = {"login", "logout", "password", "register", "report", "revoke"}
"""The commands that an operator wants to see; to log every other is a matter of `debug`."""
REFUSED = {"http-refused": "http", "not-tls": "tls"}
"""Codes of refusals that end the connection, with the word for why."""
HTTP_REFUSED = "this is a chat, not a web server; connect with netcat and type one command a line"
UNFINISHED = "your input ended within a line, which was not carried out: end each line with a newline"
TLS_REFUSED = "this port does not speak TLS: connect without it, or to the port that does, usually 8443"
_TLS = b"\x16\x03"  # how a TLS client begins: a handshake, of a version 3 point something
_HTTP = re.compile(rb"[A-Z]{3,16} (?:/|\*|https?://|\S+:\d+ )")


@attrs.define(eq=False)
class Requests:
    """Reads requests and answers each, until the peer leaves or is to leave.

    Lives as long as its connection is read, in that connection's task.
    """

    connection: Connection
    caller: Caller
    reader: LineReader
    bucket: TokenBucket
    """Slows down a peer that asks a lot: everything but an accepted send costs a token."""
    flow: Flow
    """Of the loop's time."""
    pipeline: Pipeline
    log: Log
    new_reference: Callable[[], str]
    last_result: tuple[str, str] = ("", "")
    """The last request's type, and `ok` or the code of its error."""
    cost: int = 1
    """How many requests the current one counts for."""
    needs_secret: NeedsSecret | None = None
    """The request whose secret is the next line."""

    async def run(self) -> None:
        """Answer requests. What the peer does wrong is answered; an exception is a bug."""
        first = b""
        while True:
            try:
                data = await self.connection.receive()
            except trio.BrokenResourceError:
                self.connection.abort("broken")
                return
            if not data:
                await self._refuse_unfinished()
                return
            if len(first) < len(_TLS):
                first += data[: len(_TLS)]
                if first.startswith(_TLS):  # there may be no line's end in it, so not as a line
                    await self._reply("line", as_error(ChatError("not-tls", TLS_REFUSED)), None)
                    return
            self.reader.feed(data)
            await self._handle_lines()

    async def _refuse_unfinished(self) -> None:
        """Tell a peer that ended its input within a line, which may still read, that the line was dropped."""
        if self.reader.unfinished:
            await self._reply("line", as_error(ChatError("unfinished-line", UNFINISHED)), None)

    async def _handle_lines(self) -> None:
        connection, flow = self.connection, self.flow
        lines = 0
        while self.reader.has_line() and connection.reading:
            if not lines or flow.is_over():
                lines = await flow.wait_turn()
            lines -= 1
            flow.charge(1)
            await self._handle_line()
            if connection.backlog > REPLIES_AHEAD:
                await connection.wait_backlog(REPLIES_AHEAD)

    async def _handle_line(self) -> None:
        """Answer the next line, or have it answered by the pipeline."""
        connection = self.connection
        try:
            request = self._next_request()
        except ChatError as error:
            await self._reply("line", as_error(error), error.re)
            return
        if request is None:
            return
        if isinstance(request, NeedsSecret):
            await self._prompt(request)
            return
        command = BY_NAME[request.type]
        self.cost = command.cost
        if not command.pipelined:
            await self._handle_alone(command, request)
            return
        outcome = self._run_nowait(command, request)
        if outcome is None:
            outcome = await self._run(command, request)
        if not isinstance(outcome, Operation):
            await self._reply(request.type, outcome, request.id)
            return
        self._submit(outcome, request)
        if outcome.costs_request:
            await self._charge()
        if connection.unsettled >= UNSETTLED:
            await connection.wait_settled()

    async def _handle_alone(self, command: Command[Any, Any], request: Request) -> None:
        """Answer a request that waits for earlier ones, and for which later ones wait."""
        await self.connection.wait_settled()
        outcome = await self._run(command, request)
        if not isinstance(outcome, Operation):
            await self._reply(request.type, outcome, request.id)
            return
        self._submit(outcome, request)
        await self.connection.wait_settled()
        await self._done(request.type, outcome.reply)

    def _submit(self, operation: Operation, request: Request) -> None:
        """Let the pipeline answer the request; the handler may have added it to what is submitted."""
        operation.ids.append(request.id)
        self.connection.unsettled += 1
        if operation.requester is None:
            operation.requester = self.connection
            self.pipeline.submit(operation)

    def _run_nowait(self, command: Command[Any, Any], request: Request) -> Outcome[Reply] | None:
        """Do what is asked, or return None where the command has to wait for something."""
        try:
            self.caller.begin(command)
            return NOWAIT[command.request](self.caller, request)
        except Exception as error:
            return self._failed(request, error)

    async def _run(self, command: Command[Any, Any], request: Request) -> Outcome[Reply]:
        """Do what is asked; what goes wrong is a reply too."""
        try:
            self.caller.begin(command)
            outcome: Outcome[Reply] = await HANDLERS[command.request](self.caller, request)
        except Exception as error:
            return self._failed(request, error)
        return outcome

    def _failed(self, request: Request, error: Exception) -> Reply:
        """Return the reply to a user's mistake, or to a bug of ours, which is logged."""
        if isinstance(error, ChatError):
            if error.code == "rate-limited" and request.id is None and isinstance(request, Send | Edit):
                error.details["text"] = request.text[:SHOWN]  # of many lines at once this is refused
            return as_error(error)
        reference = self.new_reference()
        self.log.error("bug", request=request.type, reference=reference, exc_info=error)
        return internal_error(reference)

    async def _prompt(self, needs_secret: NeedsSecret) -> None:
        """Ask for the secret that the line left out, unless the command would be refused anyway."""
        command = needs_secret.command
        try:
            self.caller.begin(command)
            if (precheck := PRECHECKS.get(command.request)) is not None:
                precheck(self.caller)
        except ChatError as error:
            await self._reply(command.name, as_error(error), None)
            return
        self.needs_secret = needs_secret
        await self._say(needs_secret.prompt())
        await self._charge()

    def _next_request(self) -> Request | NeedsSecret | None:
        """Read the next line; None if it is empty. Raises ChatError.

        After a prompt the line is the secret, whatever it looks like: JSON, a command, blanks. Only HTTP is
        still refused. A line that is refused gives the command up.
        """
        needs_secret, self.needs_secret = self.needs_secret, None
        try:
            line = self.reader.next_line()
        except LineTooLongError as error:
            if _HTTP.match(error.head):
                raise ChatError("http-refused", HTTP_REFUSED) from None
            raise
        if b" HTTP/" in line and _HTTP.match(line):
            raise ChatError("http-refused", HTTP_REFUSED)
        return read_request(line) if needs_secret is None else needs_secret.answer(line)

    async def _reply(self, what: str, reply: Reply | EncodedReply[Reply], re: Id | None) -> None:
        if isinstance(reply, Error):
            self.caller.state.refusals[reply.code] += 1
        await self._say(reply, re)
        await self._done(what, reply)

    async def _say(self, line: Reply | EncodedReply[Reply] | Event, re: Id | None = None) -> None:
        """Write after every earlier request is answered; a stop waits for that too."""
        with trio.CancelScope(shield=True):
            await self.connection.wait_settled()
        trailing, self.caller.trailing_lines = self.caller.trailing_lines, b""
        data = (line.encode(re) if isinstance(line, EncodedReply) else encode(line, re)) + trailing
        self.cost += len(data) // REPLY_BYTES
        self.connection.write_nowait(data)

    async def _done(self, what: str, reply: Reply | EncodedReply[Reply] | None) -> None:
        """Log the result; end the connection if that was it, or slow down a peer that asks a lot."""
        connection = self.connection
        result = reply.code if isinstance(reply, Error) else "ok"
        # A flood of the same refusal is one line, so that nobody fills the operator's disk.
        if result == "ok" or (what, result) != self.last_result:
            log = self.log.info if what in ABOUT_ACCOUNTS else self.log.debug
            log("request", type=what, user=self.caller.user.name, result=result)
        self.last_result = (what, result)
        if isinstance(reply, Bye) or result in REFUSED:
            connection.stop("exit" if isinstance(reply, Bye) else REFUSED[result])
        await self._charge()

    async def _charge(self) -> None:
        """Take what a request costs, and wait if there is nothing left."""
        cost, self.cost = self.cost + self.caller.cost, 1
        self.caller.cost = 0
        self.flow.charge(cost - 1)
        while wait := self.bucket.take(self.caller.state.clock.monotonic(), cost):  # noqa: ASYNC110  # only time helps
            await trio.sleep(wait)
