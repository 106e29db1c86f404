"""One connection to a server, as answers and requests instead of bytes, whatever they mean."""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from typing import Final

import trio

from tcpchat.errors import ChatError
from tcpchat.link.tls import explain
from tcpchat.protocol import MAX_LINE_OUT, Event, LineReader, Reply, Request, encode, read_answer

RECEIVE: Final = 256 * 1024  # bytes at once; a busy room fills it


class ConnectionLostError(Exception):
    """The connection is of no use any more; the text says why.

    `is_other`: the peer is no tcpchat server.
    """

    def __init__(self, message: str, *, is_other: bool = False) -> None:
        super().__init__(message)
        self.is_other = is_other


class Transport:
    """Lives as long as its stream. One task reads, another writes."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self._stream = stream
        self._lines = LineReader(MAX_LINE_OUT)
        self._answers: deque[Reply | Event] = deque()
        self._aborted = ""

    def next_nowait(self) -> Reply | Event | None:
        """Return the next answer that was received, or None."""
        return self._answers.popleft() if self._answers else None

    async def next(self) -> Reply | Event:
        """Return the next answer. Raises ConnectionLostError."""
        while not self._answers:
            await self.receive()
        return self._answers.popleft()

    async def receive(self) -> None:
        """Receive some more. Raises ConnectionLostError at the end, or if the peer is no tcpchat server."""
        try:
            data = await self._stream.receive_some(RECEIVE)
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise ConnectionLostError(self._aborted or explain(error)) from None
        if not data:
            raise ConnectionLostError("the server closed the connection")
        self._lines.feed(bytes(data))
        try:
            while self._lines.has_line():
                if line := self._lines.next_line():
                    self._answers.append(read_answer(line))
        except ChatError as error:
            raise ConnectionLostError(error.message, is_other=True) from None

    async def write(self, *requests: Request) -> None:
        """Write requests at once.

        A failure is left to the reader, which finds it after the server's last lines.
        """
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            await self._stream.send_all(b"".join(map(encode, requests)))

    async def abort(self, reason: str) -> None:
        """Close without farewell; the reader gets ConnectionLostError with this reason."""
        self._aborted = self._aborted or reason
        await trio.aclose_forcefully(self._stream)
