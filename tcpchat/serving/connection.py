"""A connection: a stream and its outbox. Takes bytes without waiting, and knows nothing of the chat."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from typing import Any

import trio

from tcpchat.protocol import Bye, encode

RECEIVE = 64 * 1024  # bytes at a time; as long as the longest line
DRAIN = 64 * 1024  # bytes; joined before they are sent to a slow reader, which then costs few calls
LINGER = 1.0  # seconds
SLOW_CONSUMER = encode(
    Bye(
        code="slow-consumer",
        message="you read too slowly and are too far behind; come back and ask for history",
    )
)

Spawn = Callable[[Callable[[], Any]], object]
"""Start a task that outlives the caller, such as `Nursery.start_soon`."""


class Connection:
    """One stream, from accept to close.

    Its own task reads; everybody writes with `write_nowait`, which never waits and never fails. Where the
    stream is a socket, bytes go straight to it. What it does not take at once is the backlog, sent by a task
    that lives as long as there is one. Over `backlog_limit` bytes (0: unlimited) the connection is lost.
    """

    __slots__ = (
        "_aborted", "_changed", "_fd", "_queue", "_sending", "_spawn", "_taking",
        "address", "backlog", "backlog_limit", "reading",
        "reason", "scope", "stream", "unsettled",
    )  # fmt: skip

    def __init__(
        self, stream: trio.abc.HalfCloseableStream, spawn: Spawn, backlog_limit: int, address: str
    ) -> None:
        self.stream = stream
        self.address = address
        """The host that it comes from."""
        self.scope = trio.CancelScope()
        """The reading task's; cancelled when there is no point in reading on."""
        self.reading = True
        """Whether lines of the peer are still to be handled."""
        self.reason = "closed"
        """Why the connection ended, a word for the log."""
        self.backlog = 0
        """Bytes that wait to be sent."""
        self.unsettled = 0
        """Entries that this connection asked for and that are not on disk yet."""
        self.backlog_limit = backlog_limit
        self._spawn = spawn
        self._fd = stream.socket.fileno() if isinstance(stream, trio.SocketStream) else -1
        self._taking = True
        self._aborted = False
        self._sending = False
        self._queue: deque[bytes | memoryview] | None = None  # None: no drain task is running
        self._changed: trio.Event | None = None

    async def receive(self) -> bytes:
        """Return what came next; nothing at the end. Raises trio.BrokenResourceError."""
        if self._fd < 0:
            return bytes(await self.stream.receive_some(RECEIVE))
        while True:  # what the stream does too, in four frames less: most connections wait here
            await trio.lowlevel.wait_readable(self._fd)
            try:
                return os.read(self._fd, RECEIVE)
            except BlockingIOError:
                continue
            except OSError as error:
                raise trio.BrokenResourceError from error

    def write_nowait(self, data: bytes) -> None:
        """Send whole lines as soon as the stream takes them. After `stop` they may go nowhere."""
        if not self._taking:
            return
        if self._queue is None and self._fd >= 0:
            try:
                sent = os.write(self._fd, data)
            except BlockingIOError:
                sent = 0
            except OSError:
                self.abort("broken")
                return
            if sent == len(data):
                return
            self._enqueue(memoryview(data)[sent:])
        else:
            self._enqueue(data)

    def _enqueue(self, data: bytes | memoryview) -> None:
        if self._queue is None:
            self._queue = deque()
            self._spawn(self._drain)
        self._queue.append(data)
        self.backlog += len(data)
        if self.backlog_limit and self.backlog > self.backlog_limit:
            # Everything in the queue is whole lines, but for the rest of what was begun before the drain
            # task took it. What that is sending ends with a line's end too, so bye may follow.
            rest = () if self._sending else (self._queue[0],)
            self._queue.clear()
            self._queue.extend((*rest, SLOW_CONSUMER))
            self._taking = False
            self.stop("slow-consumer")

    async def _drain(self) -> None:
        """Send the backlog. Only this task waits for the stream to be writable."""
        assert self._queue is not None
        try:
            while self._queue:
                self._sending = True
                chunk = self._take()
                await self.stream.send_all(chunk)
                self.backlog = max(0, self.backlog - len(chunk))
                self._wake()
        except Exception:  # this task has no other boundary; mostly the peer is gone
            self.abort("broken")
        finally:
            self._queue = None
            self._sending = False
            self.backlog = 0
            self._wake()

    def _take(self) -> bytes | memoryview:
        assert self._queue is not None
        first = self._queue.popleft()
        if not self._queue or len(first) >= DRAIN:
            return first
        parts, size = [first], len(first)
        while self._queue and size < DRAIN:
            parts.append(self._queue.popleft())
            size += len(parts[-1])
        return b"".join(parts)

    def acknowledge(self, replies: bytes, count: int) -> None:
        """Send the replies to `count` entries, which are settled by this."""
        self.write_nowait(replies)
        self.unsettled -= count
        if not self.unsettled:
            self._wake()

    def _wake(self) -> None:
        if self._changed is not None:
            self._changed.set()
            self._changed = None

    async def _next_change(self) -> None:
        if self._changed is None:
            self._changed = trio.Event()
        await self._changed.wait()

    async def wait_settled(self) -> None:
        """Wait until everything that this connection asked for is on disk and answered, or refused."""
        while self.unsettled:
            await self._next_change()

    async def wait_backlog(self, most: int) -> None:
        """Wait until at most so many bytes wait to be sent; nothing is waited for in vain once it is over."""
        await trio.lowlevel.checkpoint_if_cancelled()
        while self.backlog > most:
            await self._next_change()

    async def wait_drained(self) -> None:
        """Wait until the stream took all bytes."""
        while self._queue is not None:
            await self._next_change()

    def stop(self, reason: str) -> None:
        """Read no more; what is still to be sent may be sent."""
        if self.reading:
            self.reading = False
            self.reason = reason
            self.scope.cancel()

    def abort(self, reason: str) -> None:
        """Read and send no more."""
        self.stop(reason)
        self._fd = -1
        self._taking = False
        self._aborted = True
        if self._queue is not None:
            self._queue.clear()

    async def finish(self, seconds: float) -> None:
        """Send what is left, at most for so many seconds, and say that there is no more.

        A close with unread bytes would reset the connection and take back what the peer has not read yet. So
        those are read away until the peer closes too, or for a moment.
        """
        if self._aborted:
            return
        with trio.move_on_after(seconds):
            try:
                await self.wait_drained()
                await self.stream.send_eof()
                with trio.move_on_after(LINGER):
                    while await self.stream.receive_some(RECEIVE):
                        pass
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                pass  # nobody is there any more

    async def close(self) -> None:
        """Close the stream at once. Nothing is written after this."""
        self.abort(self.reason)
        await trio.aclose_forcefully(self.stream)
