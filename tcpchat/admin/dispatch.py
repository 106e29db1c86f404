"""The way of an operator's request: from a line to its reply, one at a time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import attrs
import trio

from tcpchat.admin import BY_NAME, read_request
from tcpchat.admin.context import OperatorContext
from tcpchat.errors import ChatError
from tcpchat.log import Log
from tcpchat.protocol import Error, Event, LineReader, Reply, Request, as_error, encode, internal_error
from tcpchat.settings import MAX_LINE

RECEIVE = 64 * 1024  # bytes at a time

Write = Callable[[bytes], Awaitable[None]]


@attrs.frozen(eq=False)
class Dispatcher:
    """Answers the operator of one node."""

    context: OperatorContext
    log: Log
    new_reference: Callable[[], str]

    async def serve(self, stream: trio.abc.Stream) -> None:
        """Answer one connection to its end, and close it. Raises nothing."""
        reader = LineReader(MAX_LINE)
        try:
            async with stream:
                while data := await stream.receive_some(RECEIVE):
                    reader.feed(bytes(data))
                    while reader.has_line():
                        await self.answer(reader.next_line, stream.send_all)
        except trio.BrokenResourceError:
            pass  # the operator does not read the reply; the command took effect all the same
        except Exception:
            self.log.exception("bug", at="admin socket")

    async def answer(self, next_line: Callable[[], bytes], write: Write) -> None:
        """Run the command in a line; write its events, then its reply. Raises only what `write` raises."""
        request: Request | None = None
        try:
            request = read_request(next_line())
            reply = await self._run(request, write)
        except ChatError as error:
            reply = as_error(error)
        what = "line" if request is None else request.type
        result = reply.code if isinstance(reply, Error) else "ok"
        self.log.info("operator", request=what, **_about(request), result=result)
        await write(encode(reply, None if request is None else request.id))

    async def _run(self, request: Request, write: Write) -> Reply:
        """Run it to its last commit. Raises ChatError."""

        async def send(event: Event) -> None:
            await write(encode(event))

        context = attrs.evolve(self.context, send=send)
        try:
            reply: Reply = await BY_NAME[request.type].run(context, request)
        except (ChatError, OSError, trio.BrokenResourceError):
            raise
        except Exception:
            reference = self.new_reference()
            self.log.exception("bug", request=request.type, reference=reference)
            return internal_error(reference)
        return reply


def _about(request: Request | None) -> dict[str, str]:
    """Return the target of a request, for the log."""
    for field in ("target", "name", "file"):
        if isinstance(about := getattr(request, field, None), str):
            return {"target": about}
    return {}
