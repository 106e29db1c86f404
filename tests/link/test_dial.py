"""Opening a stream to a server, and the reasons why that fails."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from tcpchat.address import Address
from tcpchat.client import ConnectError, Tls
from tcpchat.link.dial import CONNECT, dial, opener


async def failure(error: OSError) -> ConnectError:
    async def open_stream() -> trio.abc.Stream:
        raise error

    with pytest.raises(ConnectError) as caught:
        await dial("chat.example:9", open_stream)
    return caught.value


async def test_only_a_refused_connection_means_that_nothing_listens() -> None:
    refused = await failure(ConnectionRefusedError(111, "Connection refused"))
    assert str(refused) == "cannot reach chat.example:9: nothing listens there; is the server running?"
    assert refused.nothing_listens
    assert not (await failure(OSError(113, "No route to host"))).nothing_listens


async def test_the_message_has_the_cause_that_trio_wraps() -> None:
    """`open_tcp_stream` raises an OSError of its own, caused by those of all addresses."""
    error = OSError("all attempts to connect to chat.example:9 failed")
    assert "all attempts" in str(await failure(error))
    route, refused = OSError(113, "No route to host"), ConnectionRefusedError(111, "Connection refused")
    error.__cause__ = route
    assert str(await failure(error)) == "cannot reach chat.example:9: No route to host"
    error.__cause__ = ExceptionGroup("", [refused, route])
    assert (await failure(error)).nothing_listens


async def test_a_host_that_does_not_answer_is_given_up(autojump_clock: MockClock) -> None:
    began = trio.current_time()
    with pytest.raises(ConnectError, match=r"cannot reach h:1: no answer within 10 s"):
        await dial("h:1", trio.sleep_forever)
    assert trio.current_time() - began == CONNECT


async def test_a_host_that_answers_just_in_time_is_reached(autojump_clock: MockClock) -> None:
    stream, _ = trio.testing.memory_stream_pair()

    async def open_stream() -> trio.abc.Stream:
        await trio.sleep(CONNECT - 0.01)
        return stream

    assert await dial("h:1", open_stream) is stream


async def test_a_stream_is_opened_to_the_address() -> None:
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    address = Address("127.0.0.1", listener.socket.getsockname()[1])
    async with (
        listener,
        await dial(str(address), opener(address, None)) as mine,
        await listener.accept() as theirs,
    ):
        await mine.send_all(b"x")
        assert await theirs.receive_some() == b"x"


def test_bad_files_of_tls_are_an_error_before_anything_is_opened() -> None:
    with pytest.raises(ValueError, match="cannot read authorities"):
        opener(Address(), Tls(ca=Path("/nowhere")))
