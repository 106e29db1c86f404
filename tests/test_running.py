"""The server of the tests: what its listener does as a kernel would."""

from __future__ import annotations

import pytest

from tests.running import MemoryListener


async def test_a_closed_listener_refuses() -> None:
    listener = MemoryListener()
    await listener.aclose()
    with pytest.raises(ConnectionRefusedError):
        await listener.connect()


async def test_closing_a_listener_ends_what_it_has_not_accepted() -> None:
    listener = MemoryListener()
    stream = await listener.connect()
    await listener.aclose()
    assert await stream.receive_some() == b""
