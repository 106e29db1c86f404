"""The HTTP server for scrapes: where it listens, and how little it takes from the chat."""

from __future__ import annotations

import socket
from contextlib import ExitStack, suppress
from typing import Any

import pytest
import trio
import trio.testing

from tcpchat.errors import StartError
from tcpchat.service.app import open_metrics
from tcpchat.service.metrics import Metrics
from tcpchat.service.metrics_http import SCRAPERS, Endpoint
from tests.running import Log, RunningServer
from tests.service.test_metrics import scrape


async def test_idle_scrapers_use_few_descriptors_and_the_next_one_is_served(running: RunningServer) -> None:
    log: Any = Log()
    endpoint = Endpoint(Metrics(running.node).registry, "0", log)

    def connect_and_wait() -> int:
        with ExitStack() as stack:
            idle = [
                stack.enter_context(socket.create_connection(("127.0.0.1", endpoint.port), 10))
                for _ in range(SCRAPERS + 4)
            ]
            return sum(one.recv(1) == b"" for one in idle[SCRAPERS:])

    assert await trio.to_thread.run_sync(connect_and_wait) == 4, "closed at once, not left waiting"
    found: dict[str, float] = {}
    while not found:  # the others end a moment after they were closed
        with suppress(OSError):
            found = await trio.to_thread.run_sync(scrape, endpoint.port)
    await trio.to_thread.run_sync(endpoint.close)
    assert found["tcpchat_connections"] == 0


async def test_other_machines_can_scrape_only_if_configured_and_with_a_warning(
    running: RunningServer,
) -> None:
    log: Any = Log()
    await trio.to_thread.run_sync(Endpoint(Metrics(running.node).registry, "[::1]:0", log).close)
    assert log.named("anybody who can reach this address can read the metrics") == []
    await trio.to_thread.run_sync(Endpoint(Metrics(running.node).registry, "0.0.0.0:0", log).close)
    (warning,) = log.named("anybody who can reach this address can read the metrics")
    assert warning["host"] == "0.0.0.0"


async def test_a_port_in_use_is_a_start_error(running: RunningServer) -> None:
    log: Any = Log()
    refused = pytest.raises(StartError, match="give another --metrics")
    with socket.create_server(("127.0.0.1", 0)) as taken, refused:
        open_metrics(running.node, f"127.0.0.1:{taken.getsockname()[1]}", log).__enter__()
    with refused, open_metrics(running.node, "no.such.host.invalid:0", log):
        pass
