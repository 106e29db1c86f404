"""Alice at a real server with bob, and alice at a fake one."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.repl.fake_server import FakeServer
from tests.repl.person import FakedPerson, ServedPerson, at_fake_server, at_server
from tests.running import Peer, RunningServer


@pytest.fixture
async def alice(running: RunningServer) -> AsyncIterator[ServedPerson]:
    """Alice at a real server."""
    async with at_server(running) as person:
        yield person


@pytest.fixture
async def bob(running: RunningServer, alice: ServedPerson) -> Peer:
    """Bob, who has joined before alice's eyes."""
    peer = await running.peer("bob")
    running.announce_presence()
    await alice.screen.line("bob joined")
    await peer.quiet()
    peer.events.clear()
    return peer


@pytest.fixture
async def faked() -> AsyncIterator[FakedPerson]:
    """Alice at a fake server."""
    async with at_fake_server(FakeServer()) as person:
        yield person
