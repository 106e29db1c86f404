"""The backlog of a connection: bytes go out complete and in order, and a slow reader delays nobody else."""

from __future__ import annotations

import os
import select
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from tcpchat.serving.connection import DRAIN, LINGER, SLOW_CONSUMER, Connection

LIMIT = 1000

Stream = trio.abc.HalfCloseableStream
StreamPair = Callable[[], tuple[Stream, Stream]]


def socket_pair() -> tuple[trio.SocketStream, trio.SocketStream]:
    """Return both ends of a TCP connection whose kernel keeps as little as it can."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)  # inherited by what it accepts
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        ours = socket.socket()
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
        ours.connect(listener.getsockname())
        theirs, _ = listener.accept()
    streams = [trio.SocketStream(trio.socket.from_stdlib_socket(end)) for end in (ours, theirs)]
    return streams[0], streams[1]


MEMORY_PAIRS = [trio.testing.memory_stream_pair, trio.testing.lockstep_stream_pair]
PAIRS = pytest.mark.parametrize("pair", [socket_pair, *MEMORY_PAIRS])
STALLING = pytest.mark.parametrize("pair", [socket_pair, trio.testing.lockstep_stream_pair])


def stall(connection: Connection) -> bytes:
    """Write lines until the stream takes no more and one is under way; return them."""
    line = b"early" * 100 + b"\n"
    written = b""
    while not connection.backlog:
        connection.write_nowait(line)
        written += line
    return written


@asynccontextmanager
async def connected(pair: StreamPair, limit: int = LIMIT) -> AsyncIterator[tuple[Connection, Stream]]:
    """Open a connection to a peer; both are closed at the end."""
    ours, theirs = pair()
    async with trio.open_nursery() as nursery:
        connection = Connection(ours, nursery.start_soon, limit, "memory")
        try:
            yield connection, theirs
        finally:
            await connection.close()
            await trio.aclose_forcefully(theirs)


async def read_to_end(stream: Stream, sizes: Iterator[int] | None = None) -> bytes:
    data = bytearray()
    while got := await stream.receive_some(next(sizes) if sizes else None):
        data += got
    return bytes(data)


async def blocked(*awaitables: Callable[[], Awaitable[object]]) -> None:
    """Fail unless each of these waits."""
    for awaitable in awaitables:
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:

                async def and_tell(what: Callable[[], Awaitable[object]] = awaitable) -> None:
                    await what()
                    raise AssertionError("it did not wait")

                nursery.start_soon(and_tell)
                await trio.testing.wait_all_tasks_blocked()
                scope.cancel()


def lines_of(lengths: list[int]) -> list[bytes]:
    return [(b"%d " % number).ljust(length, b".") + b"\n" for number, length in enumerate(lengths)]


@given(
    lengths=st.lists(st.one_of(st.integers(0, 50), st.integers(1000, 10_000)), max_size=20),
    sizes=st.lists(st.integers(1, 20_000), min_size=1, max_size=10),
    pauses=st.lists(st.booleans(), min_size=1, max_size=5),
    in_memory=st.booleans(),
)
def test_a_slow_reader_gets_all_bytes_in_order(
    lengths: list[int], sizes: list[int], pauses: list[bool], *, in_memory: bool
) -> None:
    lines = lines_of(lengths)
    found = b""

    async def read(stream: Stream) -> None:
        nonlocal found
        turn = 0
        while got := await stream.receive_some(sizes[turn % len(sizes)]):
            found += got
            turn += 1

    async def main() -> None:
        pair = trio.testing.memory_stream_pair if in_memory else socket_pair
        async with connected(pair, limit=0) as (connection, peer), trio.open_nursery() as nursery:
            nursery.start_soon(read, peer)
            for turn, line in enumerate(lines):
                connection.write_nowait(line)
                if pauses[turn % len(pauses)]:
                    await trio.lowlevel.checkpoint()
            await connection.wait_drained()
            assert connection.backlog == 0
            await connection.stream.send_eof()

    trio.run(main)
    assert found == b"".join(lines)


async def test_bytes_that_a_socket_takes_are_sent_without_a_task_switch() -> None:
    async with connected(socket_pair) as (connection, peer):
        connection.write_nowait(b"hi\n")
        assert isinstance(peer, trio.SocketStream)
        assert os.read(peer.socket.fileno(), 100) == b"hi\n"
        assert connection.backlog == 0
        await connection.wait_drained()


@PAIRS
async def test_the_backlog_is_counted_in_bytes(pair: StreamPair) -> None:
    async with connected(pair, limit=0) as (connection, peer):
        written = stall(connection)
        before = connection.backlog
        connection.write_nowait(b"x" * 999 + b"\n")
        assert connection.backlog == before + 1000
        got = b""
        while len(got) < len(written) + 1000:
            got += await peer.receive_some(10_000)
        await connection.wait_drained()
        assert connection.backlog == 0


async def test_many_small_lines_are_joined_for_a_slow_reader() -> None:
    line = b"x" * 99 + b"\n"
    sends: list[int] = []

    async with connected(trio.testing.memory_stream_pair, limit=0) as (connection, _):

        async def note() -> None:
            sends.append(connection.backlog)

        assert isinstance(connection.stream, trio.StapledStream)
        assert isinstance(connection.stream.send_stream, trio.testing.MemorySendStream)
        connection.stream.send_stream.send_all_hook = note
        for _ in range(2000):
            connection.write_nowait(line)
        await connection.wait_drained()
    assert len(sends) == -(-2000 * len(line) // DRAIN)


@PAIRS
async def test_a_backlog_of_exactly_the_limit_is_allowed(pair: StreamPair) -> None:
    async with connected(pair) as (connection, peer), trio.open_nursery() as nursery:
        written = stall(connection)
        await trio.testing.wait_all_tasks_blocked()
        rest = b"x" * (LIMIT - connection.backlog - 1) + b"\n"
        connection.write_nowait(rest)
        assert connection.backlog == LIMIT
        nursery.start_soon(connection.finish, 5)
        assert await read_to_end(peer) == written + rest
        await trio.aclose_forcefully(peer)
        assert connection.reason == "closed"
        assert not connection.scope.cancel_called


@STALLING
async def test_over_the_limit_come_the_line_under_way_a_bye_and_the_end(pair: StreamPair) -> None:
    async with connected(pair) as (connection, peer), trio.open_nursery() as nursery:
        written = stall(connection)
        await trio.testing.wait_all_tasks_blocked()
        connection.write_nowait(b"x" * (LIMIT - connection.backlog) + b"\n")
        assert connection.reason == "slow-consumer"
        assert connection.scope.cancel_called
        connection.write_nowait(b"too late\n")
        nursery.start_soon(connection.finish, 5)
        assert await read_to_end(peer) == written + SLOW_CONSUMER
        await trio.aclose_forcefully(peer)


@PAIRS
async def test_whole_lines_come_before_the_bye_however_fast_the_limit_was_passed(pair: StreamPair) -> None:
    """A pass of the pipeline writes several times to one connection, and no other task runs meanwhile."""
    line = b"x" * 39_999 + b"\n"
    async with connected(pair, limit=60_000) as (connection, peer), trio.open_nursery() as nursery:
        written = b""
        while connection.reason == "closed":
            connection.write_nowait(line)
            written += line
        nursery.start_soon(connection.finish, 5)
        found = await read_to_end(peer)
        await trio.aclose_forcefully(peer)
        assert found.endswith(SLOW_CONSUMER)
        told = found.removesuffix(SLOW_CONSUMER)
        assert written.startswith(told)
        assert told.endswith(b"\n") or not told, f"cut after {told[-20:]!r}"


@PAIRS
async def test_one_write_of_more_than_the_limit_is_never_cut(pair: StreamPair) -> None:
    large = b"x" * 500_000 + b"\n"
    async with connected(pair) as (connection, peer), trio.open_nursery() as nursery:
        connection.write_nowait(large)
        assert connection.reason == "slow-consumer"
        nursery.start_soon(connection.finish, 5)
        found = await read_to_end(peer)
        await trio.aclose_forcefully(peer)
        assert found == large + SLOW_CONSUMER


@PAIRS
async def test_nothing_follows_the_bye_even_when_the_reader_catches_up(pair: StreamPair) -> None:
    async with connected(pair) as (connection, peer):
        stall(connection)
        await trio.testing.wait_all_tasks_blocked()
        connection.write_nowait(b"x" * LIMIT + b"\n")
        found = b""
        while not found.endswith(SLOW_CONSUMER):
            found += await peer.receive_some()
        await connection.wait_drained()
        connection.write_nowait(b"too late\n")
        await connection.wait_drained()
        await connection.stream.send_eof()
        assert await read_to_end(peer) == b""


async def test_without_a_limit_any_backlog_is_allowed() -> None:
    async with connected(socket_pair, limit=0) as (connection, peer), trio.open_nursery() as nursery:
        lines = lines_of([100_000] * 10)
        for line in lines:
            connection.write_nowait(line)
        assert connection.reason == "closed"
        nursery.start_soon(connection.finish, 5)
        assert await read_to_end(peer) == b"".join(lines)
        await trio.aclose_forcefully(peer)


async def test_a_slow_connection_does_not_delay_another() -> None:
    async with connected(socket_pair) as (slow, _), connected(socket_pair) as (fast, peer):
        stall(slow)
        fast.write_nowait(b"hi\n")
        assert await peer.receive_some() == b"hi\n"


@PAIRS
@pytest.mark.parametrize("reason", ["broken", "any other"])
async def test_writes_after_abort_go_nowhere_and_raise_nothing(pair: StreamPair, reason: str) -> None:
    async with connected(pair) as (connection, peer), trio.open_nursery() as nursery:
        connection.abort(reason)
        assert connection.scope.cancel_called
        for _ in range(3):
            connection.write_nowait(b"too late\n")
        await connection.wait_drained()
        assert connection.backlog == 0
        nursery.start_soon(connection.stream.send_eof)
        assert await read_to_end(peer) == b""


@PAIRS
async def test_writes_after_close_go_nowhere_and_raise_nothing(pair: StreamPair) -> None:
    async with connected(pair) as (connection, _):
        stall(connection)
        await trio.testing.wait_all_tasks_blocked()
        await connection.close()
        for _ in range(3):
            connection.write_nowait(b"too late\n")
        await connection.wait_drained()
        assert connection.backlog == 0


@PAIRS
async def test_a_write_after_close_raises_nothing_even_when_no_task_can_be_started(pair: StreamPair) -> None:
    """A stopping server waits for its pipeline after its connections."""
    async with connected(pair) as (connection, _):
        pass
    connection.write_nowait(b"too late\n")


async def test_a_write_to_a_closed_peer_is_noticed_and_raises_nothing() -> None:
    async with connected(socket_pair) as (connection, peer):
        await peer.aclose()
        while connection.reason == "closed":  # the first write provokes the reset
            connection.write_nowait(b"anybody?\n")
            await trio.lowlevel.checkpoint()
        assert connection.reason == "broken"
        assert connection.scope.cancel_called
        connection.write_nowait(b"no\n")
        await connection.finish(1000)


@PAIRS
async def test_a_peer_that_vanishes_with_a_backlog_ends_the_drain(pair: StreamPair) -> None:
    async with connected(pair) as (connection, peer):
        stall(connection)
        await trio.testing.wait_all_tasks_blocked()
        await trio.aclose_forcefully(peer)
        if pair is trio.testing.memory_stream_pair:  # it takes everything: only the next write tells
            connection.write_nowait(b"anybody?\n")
        with trio.fail_after(5):
            await connection.wait_drained()
        assert connection.reason == "broken"
        assert connection.backlog == 0


@PAIRS
async def test_receive_returns_bytes_and_nothing_at_the_end(pair: StreamPair) -> None:
    async with connected(pair) as (connection, peer), trio.open_nursery() as nursery:

        async def say_hi() -> None:
            await peer.send_all(b"hi\n")
            await peer.send_eof()

        nursery.start_soon(say_hi)
        assert await connection.receive() == b"hi\n"
        assert await connection.receive() == b""


async def test_receive_raises_on_a_broken_connection() -> None:
    async with connected(socket_pair) as (connection, peer):
        connection.write_nowait(b"unread\n")  # makes the peer's close a reset
        await trio.testing.wait_all_tasks_blocked()
        await peer.aclose()
        with pytest.raises(trio.BrokenResourceError):
            await connection.receive()


async def test_stop_keeps_the_first_reason() -> None:
    async with connected(socket_pair) as (connection, _):
        connection.stop("exit")
        connection.stop("server-stopping")
        assert connection.reason == "exit"
        assert connection.scope.cancel_called


async def test_bytes_written_after_stop_are_still_sent() -> None:
    async with connected(socket_pair) as (connection, peer):
        connection.stop("exit")
        connection.write_nowait(b"bye\n")
        assert await peer.receive_some() == b"bye\n"


async def test_wait_settled_wakes_when_the_last_entry_is_acknowledged() -> None:
    async with connected(socket_pair) as (connection, peer):
        await connection.wait_settled()
        connection.unsettled = 3
        async with trio.open_nursery() as nursery:
            nursery.start_soon(connection.wait_settled)
            nursery.start_soon(connection.wait_settled)
            await blocked(connection.wait_settled)
            connection.acknowledge(b"one\ntwo\n", 2)
            await blocked(connection.wait_settled)
            connection.acknowledge(b"three\n", 1)
        assert await peer.receive_some() == b"one\ntwo\nthree\n"
        await connection.wait_settled()


@PAIRS
async def test_wait_drained_wakes_when_the_stream_took_everything(pair: StreamPair) -> None:
    async with connected(pair) as (connection, peer):
        await connection.wait_drained()
        written = stall(connection)
        if pair is not trio.testing.memory_stream_pair:  # that one takes everything
            await blocked(connection.wait_drained)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(connection.wait_drained)
            found = b""
            while len(found) < len(written):
                found += await peer.receive_some()
        assert found == written


async def test_acknowledging_does_not_wake_a_wait_for_the_stream() -> None:
    async with connected(socket_pair, limit=0) as (connection, _):
        stall(connection)
        connection.unsettled = 1
        async with trio.open_nursery() as nursery:

            async def drained_too_early() -> None:
                await connection.wait_drained()
                raise AssertionError("there is still a backlog")

            nursery.start_soon(drained_too_early)
            await trio.testing.wait_all_tasks_blocked()
            connection.acknowledge(b"one\n", 1)
            await trio.testing.wait_all_tasks_blocked()
            assert connection.backlog
            nursery.cancel_scope.cancel()


@PAIRS
async def test_finish_sends_the_end_discards_input_and_returns_when_the_peer_closes(
    pair: StreamPair,
) -> None:
    async with connected(pair) as (connection, peer), trio.open_nursery() as nursery:
        written = stall(connection)
        finished = trio.Event()

        async def finish() -> None:
            await connection.finish(1000)
            finished.set()

        nursery.start_soon(finish)
        assert await read_to_end(peer) == written
        await peer.send_all(b"still talking\n" * 10)
        await trio.testing.wait_all_tasks_blocked()
        assert not finished.is_set()
        await peer.send_eof()
        with trio.fail_after(5):
            await finished.wait()


@pytest.mark.parametrize("stalled", [False, True])
async def test_finish_waits_for_a_slow_reader_and_briefly_for_a_peer_that_does_not_close(
    mock_clock: trio.testing.MockClock, *, stalled: bool
) -> None:
    longest = 3.0 if stalled else LINGER
    pair = trio.testing.lockstep_stream_pair
    async with connected(pair) as (connection, _), trio.open_nursery() as nursery:
        if stalled:
            stall(connection)
        finished = trio.Event()

        async def finish() -> None:
            await connection.finish(3)
            finished.set()

        nursery.start_soon(finish)
        for seconds in (0, longest - 0.1):
            await trio.testing.wait_all_tasks_blocked()
            mock_clock.jump(seconds)
            await trio.testing.wait_all_tasks_blocked()
            assert not finished.is_set()
        mock_clock.jump(0.2)
        await finished.wait()


def tcp_pair() -> tuple[trio.SocketStream, socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ours = socket.create_connection(listener.getsockname())
        theirs, _ = listener.accept()
    return trio.SocketStream(trio.socket.from_stdlib_socket(ours)), theirs


async def let_linger(
    connection: Connection, mock_clock: trio.testing.MockClock, acknowledge: Callable[[], object]
) -> None:
    """Finish a connection whose peer does not close, and close it."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(connection.finish, 3)
        await trio.testing.wait_all_tasks_blocked()
        acknowledge()
        await trio.testing.wait_all_tasks_blocked()
        mock_clock.jump(LINGER)
    await connection.close()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says what the peer has not acknowledged")
async def test_a_peer_that_has_everything_and_stays_is_reset(mock_clock: trio.testing.MockClock) -> None:
    """OpenBSD's nc only notices this; at the end of what it receives it goes on to read its terminal."""
    ours, peer = tcp_pair()
    async with trio.open_nursery() as nursery:
        connection = Connection(ours, nursery.start_soon, LIMIT, "")
        connection.write_nowait(b"bye\n")
        await let_linger(connection, mock_clock, lambda: peer.send(b"\n"))  # its system may take a moment
    with peer:
        poll = select.poll()
        poll.register(peer, 0)
        assert poll.poll(1000) == [(peer.fileno(), select.POLLERR | select.POLLHUP)]
        assert (peer.recv(100), peer.recv(100)) == (b"bye\n", b""), "what it has not read yet stays"


async def test_a_peer_that_still_has_something_to_receive_is_not_reset(
    mock_clock: trio.testing.MockClock,
) -> None:
    ours, theirs = socket_pair()
    peer = theirs.socket
    async with trio.open_nursery() as nursery:
        connection = Connection(ours, nursery.start_soon, 10**9, "")
        sent = b""
        while not connection.backlog:
            sent += b"x" * 1000
            connection.write_nowait(b"x" * 1000)
        got = b""
        while connection.backlog:  # until the rest is in our kernel, which the peer has no room for
            got += await theirs.receive_some(10)
            await trio.testing.wait_all_tasks_blocked()
        await let_linger(connection, mock_clock, lambda: None)
    while data := await theirs.receive_some():
        got += data
    assert got == sent
    assert not peer.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    await theirs.aclose()


@PAIRS
async def test_finish_of_a_connection_that_breaks_returns_at_once(pair: StreamPair) -> None:
    async with connected(pair) as (connection, peer), trio.open_nursery() as nursery:
        stall(connection)
        nursery.start_soon(connection.finish, 1000)
        await trio.testing.wait_all_tasks_blocked()
        await trio.aclose_forcefully(peer)


async def test_finish_of_a_broken_connection_does_nothing() -> None:
    async with connected(trio.testing.memory_stream_pair) as (connection, _):
        connection.abort("broken")
        await connection.finish(1000)
