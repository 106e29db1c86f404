"""Bytes in, answers out, however the bytes are split."""

from __future__ import annotations

import orjson
import pytest
import trio
import trio.testing

from tcpchat.link.transport import ConnectionLostError, Transport
from tcpchat.protocol import MAX_LINE_OUT, Event, Message, Ping, Pong, Reply, Send
from tcpchat.wire.base import Unknown
from tests.link.conftest import message

PONG = b'{"type":"pong","re":1,"at":"t"}\n'
SAID = orjson.dumps(message(1, "h\u00e9")) + b"\n"
NEW = b'{"type":"reacted","emoji":"x"}\n'
ANSWERS: list[Reply | Event] = [
    Pong(re=1, at="t"),
    Message(room="lobby", seq=1, at="", sender="bob", text="h\u00e9"),
    Unknown(fields={"type": "reacted", "emoji": "x"}),
]


@pytest.fixture
def pair() -> tuple[Transport, trio.testing.MemorySendStream, trio.testing.MemoryReceiveStream]:
    mine, theirs = trio.testing.memory_stream_pair()
    return Transport(mine), theirs.send_stream, theirs.receive_stream


Pair = tuple[Transport, trio.testing.MemorySendStream, trio.testing.MemoryReceiveStream]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50, 10_000])
async def test_lines_may_arrive_in_any_pieces(pair: Pair, size: int) -> None:
    link, send, _ = pair
    data = PONG + b"\n\r\n" + SAID.replace(b"\n", b"\r\n") + NEW
    answers = []

    async def read() -> None:
        answers.extend([await link.next() for _ in ANSWERS])

    async with trio.open_nursery() as nursery:
        nursery.start_soon(read)
        for start in range(0, len(data), size):
            await send.send_all(data[start : start + size])
            await trio.testing.wait_all_tasks_blocked()
    assert answers == ANSWERS
    assert link.next_nowait() is None


async def test_half_a_line_is_no_answer(pair: Pair) -> None:
    link, send, _ = pair
    await send.send_all(PONG + SAID[:-1])
    await link.receive()
    assert link.next_nowait() == ANSWERS[0]
    assert link.next_nowait() is None
    await send.send_all(SAID[-1:] + PONG[:5])
    assert await link.next() == ANSWERS[1]
    await send.send_all(PONG[5:])
    assert await link.next() == ANSWERS[0]


async def test_answers_before_the_end_are_returned(pair: Pair) -> None:
    link, send, _ = pair
    await send.send_all(PONG + SAID + b'{"type":"po')
    await send.aclose()
    assert [await link.next(), await link.next()] == ANSWERS[:2]
    with pytest.raises(ConnectionLostError, match=r"^the server closed the connection$"):
        await link.next()


async def test_a_line_of_the_maximal_length_is_read_and_a_longer_one_is_an_error(pair: Pair) -> None:
    link, send, _ = pair
    longest = NEW[:-1].replace(b"x", b"x" * (MAX_LINE_OUT - len(NEW) + 2))
    assert len(longest) == MAX_LINE_OUT
    await send.send_all(longest + b"\n")
    assert isinstance(await link.next(), Unknown)
    await send.send_all(longest + b" \n")
    with pytest.raises(ConnectionLostError, match="longer than"):
        await link.next()


@pytest.mark.parametrize("line", [b"HTTP/1.1 400 Bad Request\r\n", b'{"type":"pong"}\n', b"\xff\n"])
async def test_a_line_that_no_server_sends_is_an_error(pair: Pair, line: bytes) -> None:
    link, send, _ = pair
    await send.send_all(line)
    with pytest.raises(ConnectionLostError, match=r"no line of a tcpchat server|not as it should be"):
        await link.next()


async def test_requests_are_written_at_once_as_lines(pair: Pair) -> None:
    link, _, receive = pair
    await link.write(Ping(id=1), Send(id=2, text="h\u00e9", key="k"))
    lines = bytes(await receive.receive_some()).splitlines()
    assert list(map(orjson.loads, lines)) == [
        {"type": "ping", "id": 1},
        {"type": "send", "id": 2, "text": "h\u00e9", "key": "k"},
    ]


async def test_the_first_reason_of_an_abort_counts(pair: Pair) -> None:
    link, _, receive = pair
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def read() -> None:
            with pytest.raises(ConnectionLostError, match=r"^too slow$"):
                await link.next()

        await trio.testing.wait_all_tasks_blocked()
        await link.abort("too slow")
        await link.abort("other")
    with pytest.raises(ConnectionLostError, match=r"^too slow$"):
        await link.next()
    assert await receive.receive_some() == b""


class Breaking(trio.abc.Stream):
    """A stream whose other end is gone, as writing shows."""

    closed = False

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await trio.lowlevel.checkpoint()
        raise trio.BrokenResourceError

    async def wait_send_all_might_not_block(self) -> None:
        await trio.lowlevel.checkpoint()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        await trio.lowlevel.checkpoint()
        raise trio.ClosedResourceError if self.closed else trio.BrokenResourceError

    async def aclose(self) -> None:
        self.closed = True
        await trio.lowlevel.checkpoint()


async def test_a_write_that_fails_is_left_to_the_reader() -> None:
    stream = Breaking()
    link = Transport(stream)
    await link.write(Ping())
    assert not stream.closed, "there may be last words of the server to read"
    with pytest.raises(ConnectionLostError, match=r"^the connection broke$"):
        await link.next()


async def test_a_failed_read_loses_the_connection() -> None:
    with pytest.raises(ConnectionLostError, match=r"^the connection broke$"):
        await Transport(Breaking()).next()
