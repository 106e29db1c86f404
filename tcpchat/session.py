"""One connection's conversation: line → request → outcome → reply, in the order of the requests."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

import attrs
import trio

from tcpchat.chat.context import Context
from tcpchat.chat.entry import Entry
from tcpchat.chat.limits import TokenBucket
from tcpchat.commands import BY_NAME, Outcome, read_request
from tcpchat.connection import RECEIVE, Connection
from tcpchat.delivery import Log, Pipeline
from tcpchat.errors import ChatError
from tcpchat.protocol import Bye, Error, Id, LineReader, Reply, encode

LINES_PER_TURN = 32  # handled before others get their turn; a flood of them costs the others about 1 ms
UNSETTLED = 1024  # entries of one connection under way, after which its next line waits
REPLIES_AHEAD = 256 * 1024  # bytes of backlog, after which a connection must read before it is read
HTTP_REFUSED = "this is a chat, not a web server; connect with netcat and type one command a line"
_HTTP = re.compile(rb"[A-Z]{3,16} \S+ HTTP/\d")


def as_error(error: ChatError) -> Error:
    """Return the line that a user's mistake is answered with."""
    return Error(code=error.code, message=error.message, **error.details)


@attrs.define(eq=False)
class Session:
    """Reads requests and answers each, until the peer leaves or is told to.

    Lives as long as its connection is read, in that connection's task.
    """

    connection: Connection
    context: Context
    reader: LineReader
    bucket: TokenBucket
    """Slows down who asks a lot: everything but a send that is accepted costs a token."""
    pipeline: Pipeline
    log: Log
    new_reference: Callable[[], str]

    async def run(self) -> None:
        """Converse. What the peer does wrong is answered; an exception is a bug."""
        connection = self.connection
        while True:
            try:
                data = await connection.stream.receive_some(RECEIVE)
            except trio.BrokenResourceError:
                connection.abort("broken")
                return
            if not data:
                return
            self.reader.feed(bytes(data))
            handled = 0
            while await self._handle_line():
                handled += 1
                if handled % LINES_PER_TURN == 0:
                    await trio.lowlevel.checkpoint()

    async def _handle_line(self) -> bool:
        """Answer the next line, or have it answered by the pipeline; return False if there is none."""
        what: str = "line"
        re: Id | None = None
        outcome: Outcome | Awaitable[Outcome]
        try:
            line = self.reader.next_line()
            if line is None:
                return False
            if _HTTP.match(line):
                raise ChatError("http-refused", HTTP_REFUSED)
            request = read_request(line)
            if request is None:
                return True
            what, re = request.type, request.id
            command = BY_NAME[what]
            if not command.pipelined:
                await self.connection.wait_settled()
            outcome = command.run(self.context, request)
            if not isinstance(outcome, Entry | Reply):
                outcome = await outcome
        except ChatError as error:
            re = error.re if re is None else re
            outcome = as_error(error)
        except Exception:
            outcome = self._bug(what)
        if isinstance(outcome, Entry):
            self._submit(outcome, re)
            if BY_NAME[what].pipelined:
                if self.connection.unsettled >= UNSETTLED:
                    await self.connection.wait_settled()
                return True
        await self.connection.wait_settled()
        if isinstance(outcome, Reply):
            self.connection.write_nowait(encode(outcome, re))
        await self._done(what, outcome.reply if isinstance(outcome, Entry) else outcome)
        return True

    def _submit(self, entry: Entry, re: Id | None) -> None:
        entry.asker, entry.re = self.connection, re
        self.connection.unsettled += 1
        self.pipeline.submit(entry)

    def _bug(self, what: str) -> Error:
        """Log the exception at hand, and say no more of it than where to find it."""
        reference = self.new_reference()
        self.log.exception("bug", request=what, reference=reference)
        message = f"a bug of the server; its operator finds it in the log as {reference}"
        return Error(code="internal", message=message, reference=reference)

    async def _done(self, what: str, reply: Reply | None) -> None:
        """Note the result, end the conversation if that was it, or slow down a peer that asks a lot."""
        connection = self.connection
        result = reply.code if isinstance(reply, Error) else "ok"
        self.log.info("request", type=what, user=self.context.user.name, result=result)
        if isinstance(reply, Bye) or result == "http-refused":
            connection.stop("exit" if isinstance(reply, Bye) else "http")
        if wait := self.bucket.take(self.context.chat.clock.monotonic()):
            await trio.sleep(wait)
        if connection.backlog > REPLIES_AHEAD:
            await connection.wait_drained()
