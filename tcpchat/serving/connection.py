"""A connection: a stream and its backlog. Accepts bytes without waiting, and knows nothing of the chat."""

from __future__ import annotations

import fcntl
import os
import socket
import struct
import termios
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import trio

from tcpchat.protocol import Bye, encode

RECEIVE = 64 * 1024  # bytes at a time; as long as the longest line
DRAIN = 64 * 1024  # bytes that are joined before they are sent to a slow reader, to save calls
LINGER = 1.0  # seconds that a peer gets to close after the end, while its bytes are discarded
SLOW_CONSUMER = encode(
    Bye(
        code="slow-consumer",
        message="you read too slowly and are too far behind; reconnect and request history",
    )
)

Spawn = Callable[[Callable[[], Any]], object]
"""Start a task that outlives the caller, such as `Nursery.start_soon`. What the task raises is a bug."""


class Connection:
    """One stream, from accept to close.

    Its own task reads; everybody writes with `write_nowait`, which never waits and never fails. If the stream
    is a socket, bytes are written to it at once. What it does not accept is the backlog, sent by a task that
    lives as long as there is one. Above `backlog_limit` bytes (0: unlimited) the connection is closed.
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
        """The host of the peer."""
        self.scope = trio.CancelScope()
        """The scope of the reading task; cancelled when there is no point in reading further."""
        self.reading = True
        """Whether lines of the peer are still handled."""
        self.reason = "closed"
        """The reason for the end of the connection: one word, for the log."""
        self.backlog = 0
        """Bytes waiting to be sent."""
        self.unsettled = 0
        """Operations that this connection requested and that are not on disk yet."""
        self.backlog_limit = backlog_limit
        self._spawn = spawn
        self._fd = stream.socket.fileno() if isinstance(stream, trio.SocketStream) else -1
        self._taking = True
        self._aborted = False
        self._sending = False
        self._queue: deque[bytes | memoryview] | None = None  # None: no drain task is running
        self._changed: trio.Event | None = None

    async def receive(self) -> bytes:
        """Return the next bytes; empty at the end. Raises trio.BrokenResourceError."""
        if self._fd < 0:
            return bytes(await self.stream.receive_some(RECEIVE))
        while True:  # as the stream does, with four frames fewer: most connections wait here
            await trio.lowlevel.wait_readable(self._fd)
            try:
                return os.read(self._fd, RECEIVE)
            except BlockingIOError:
                continue
            except OSError as error:
                raise trio.BrokenResourceError from error

    def write_nowait(self, data: bytes) -> None:
        """Send whole lines as soon as the stream accepts them. After `stop` they may be dropped."""
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
            # The queue contains whole lines, except for the rest of a write that began before the drain task
            # took over. The chunk that this task is sending ends with a whole line too, so bye may follow.
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
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            self.abort("broken")
        except Exception:
            self.abort("broken")
            raise
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
        """Send the replies to `count` operations, which are settled by this."""
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
        """Wait until every operation that this connection requested is on disk and answered, or rejected."""
        while self.unsettled:
            await self._next_change()

    async def wait_backlog(self, most: int) -> None:
        """Wait until at most so many bytes are waiting to be sent, or the connection is over."""
        await trio.lowlevel.checkpoint_if_cancelled()
        while self.backlog > most:
            await self._next_change()

    async def wait_drained(self) -> None:
        """Wait until the stream has accepted all bytes."""
        while self._queue is not None:
            await self._next_change()

    def stop(self, reason: str) -> None:
        """Stop reading; bytes that are waiting are still sent."""
        if self.reading:
            self.reading = False
            self.reason = reason
            self.scope.cancel()

    def abort(self, reason: str) -> None:
        """Stop reading and sending."""
        self.stop(reason)
        self._fd = -1
        self._taking = False
        self._aborted = True
        if self._queue is not None:
            self._queue.clear()

    async def finish(self, seconds: float) -> None:
        """Send the rest, for at most so many seconds, and end the sending side.

        Closing with unread input would reset the connection and discard what the peer has not read yet. So
        input is read and discarded until the peer closes too, or for a moment.
        """
        if self._aborted:
            return
        with trio.move_on_after(seconds):
            try:
                await self.wait_drained()
                await self.stream.send_eof()
                with trio.move_on_after(LINGER) as patience:
                    while await self.stream.receive_some(RECEIVE):
                        pass
                if patience.cancelled_caught:
                    self._reset_on_close()
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                pass  # the peer has closed

    def _reset_on_close(self) -> None:
        """Let closing reset a socket whose peer has everything and stays, so that the peer notices.

        A peer that only reads its terminal, as OpenBSD's nc does after the end, waits for its user without
        a reset. If its system lacks anything of what was sent, the socket is closed as ever.
        """
        if not isinstance(self.stream, trio.SocketStream):
            return
        sock = self.stream.socket
        with suppress(OSError):  # a system that cannot say what is not acknowledged yet
            (missing,) = struct.unpack("i", fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, bytes(4)))
            if not missing:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    async def close(self) -> None:
        """Close the stream at once. Nothing is written after this."""
        self.abort(self.reason)
        await trio.aclose_forcefully(self.stream)
