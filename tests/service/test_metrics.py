"""Metrics match what happened, by a real scrape after a known conversation."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterable
from http.client import HTTPConnection
from typing import Any

import pytest
import trio
import trio.testing
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from chaos.clock import TrioClock
from tcpchat import __version__
from tcpchat.errors import CODES
from tcpchat.server import Server
from tcpchat.service.app import open_metrics
from tcpchat.service.metrics import Metrics
from tcpchat.service.metrics_http import Endpoint
from tcpchat.store import StorageError
from tcpchat.store.changes import Change
from tcpchat.store.sqlite import SqliteStore
from tests.process import PATIENCE, ServerProcess
from tests.running import Log, RunningServer, run_server

Samples = dict[str, float]


def scrape(port: int) -> Samples:
    asking = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    asking.request("GET", "/metrics")
    text = asking.getresponse().read().decode()
    asking.close()
    return samples(text)


def samples(text: str) -> Samples:
    """Return each sample as it is written: `name{label="value"}` or `name`."""
    found: Samples = {}
    for family in text_string_to_metric_families(text):
        assert family.documentation, family.name
        assert family.type != "unknown", family.name
        for sample in family.samples:
            labels = ",".join(f'{name}="{value}"' for name, value in sample.labels.items())
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


class Watched:
    """A server whose metrics are asked for."""

    def __init__(self, running: RunningServer) -> None:
        self.running = running
        self.metrics = Metrics(running.node)

    def samples(self) -> Samples:
        return samples(generate_latest(self.metrics.registry).decode())


@pytest.fixture
def watched(running: RunningServer) -> Watched:
    return Watched(running)


async def test_a_conversation_is_counted(watched: Watched) -> None:
    running = watched.running
    alice, bob, eve = await running.peers("alice", "bob", "eve")
    for text in ("one", "two"):
        await alice.ask(f"send {text}")
    await alice.ask({"type": "register", "password": "correct horse"})
    await alice.ask("create ops")
    await bob.ask("join ops")
    await alice.ask("send -r ops three")
    await bob.ask("send -u alice psst")
    await bob.ask("send -t 60 later")
    await eve.ask("report eve")
    await eve.ask("nonsense")
    await eve.ask("nonsense again")
    await eve.leave()
    while len(running.server.connections) > 2:
        await trio.testing.wait_all_tasks_blocked()

    log: Any = Log()
    endpoint = Endpoint(watched.metrics.registry, "0", log)
    found = await trio.to_thread.run_sync(scrape, endpoint.port)
    await trio.to_thread.run_sync(endpoint.close)

    assert found["tcpchat_connections"] == 2
    assert found["tcpchat_users"] == 2
    assert found["tcpchat_messages_total"] == 4
    deliveries = 2 * 3 + 2 + 2
    assert found["tcpchat_deliveries_total"] == deliveries, "in the room and in private to two each"
    assert found["tcpchat_scheduled_messages"] == 1
    assert found["tcpchat_backlog_bytes"] == 0
    assert found['tcpchat_refusals_total{code="report-self"}'] == 1
    assert found['tcpchat_refusals_total{code="unknown-command"}'] == 2
    assert found['tcpchat_disconnections_total{reason="exit"}'] == 1
    commits = found["tcpchat_commit_seconds_count"]
    assert commits == found["tcpchat_batch_entries_count"] >= 4
    assert found["tcpchat_commit_seconds_sum"] >= 0
    assert found["tcpchat_batch_entries_sum"] >= commits
    assert found[f'tcpchat_build_info{{version="{__version__}"}}'] == 1
    assert found["process_open_fds"] > 0
    assert any(name.startswith("python_info{") for name in found)


async def test_refusals_are_counted_for_known_codes_only(watched: Watched) -> None:
    """So that nobody who connects can make a server tell ever more."""
    found = watched.samples()
    codes = {name for name in found if name.startswith("tcpchat_refusals_total")}
    assert codes == {f'tcpchat_refusals_total{{code="{code}"}}' for code in CODES}


async def test_the_backlog_of_a_reader_that_stops_is_shown(watched: Watched) -> None:
    peer = await watched.running.peer()
    await watched.running.peer()
    (slow, other) = sorted(watched.running.server.connections, key=lambda one: -one.backlog)
    slow.backlog, other.backlog = 700, 30
    found = watched.samples()
    assert (found["tcpchat_backlog_bytes"], found["tcpchat_backlog_max_bytes"]) == (730, 700)
    slow.backlog = other.backlog = 0
    await peer.leave()


class Disk(SqliteStore):
    """Can be full."""

    full = False

    def commit(self, changes: Iterable[Change]) -> None:
        if self.full:
            raise StorageError("the disk is full")
        super().commit(changes)


async def test_a_batch_that_the_disk_refuses_counts_once_for_each_requester() -> None:
    """Whether the pipeline answers, or the session once its commit has failed."""
    disk = Disk(None)
    async with run_server(store=disk) as running:
        opened = Watched(running)
        peer, other = await running.peers("alice", "bob")
        await peer.ask({"type": "register", "password": "correct horse"})
        disk.full = True
        for line in ("send one", "send two", "away for lunch"):
            assert (await peer.ask(line))["code"] == "storage-failed"
        reply = await other.ask({"type": "login", "name": "alice", "password": "correct horse"})
        assert reply["code"] == "storage-failed"
        assert opened.samples()['tcpchat_refusals_total{code="storage-failed"}'] == 4


async def test_a_full_server_counts_its_refusals(watched: Watched) -> None:
    running = watched.running
    running.state.slots.total = 1
    await running.peer()
    with pytest.raises(EOFError):
        await running.peer()
    assert watched.samples()['tcpchat_refusals_total{code="server-full"}'] == 1


async def test_the_delay_of_a_blocked_loop_is_shown(
    watched: Watched, mock_clock: trio.testing.MockClock
) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(watched.metrics.measure_lag, TrioClock())
        for seconds in (0.1, 0.3):
            await trio.testing.wait_all_tasks_blocked()
            mock_clock.jump(seconds)
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    found = watched.samples()
    assert found["tcpchat_event_loop_lag_seconds_count"] == 2
    assert found["tcpchat_event_loop_lag_seconds_sum"] == pytest.approx(0.2)
    assert found['tcpchat_event_loop_lag_seconds_bucket{le="0.001"}'] == 1


async def test_without_metrics_nothing_is_measured(running: RunningServer) -> None:
    log: Any = Log()
    with open_metrics(running.node, None, log) as metrics:
        assert metrics is None
    assert running.node.pipeline.observer is None


def test_a_server_without_metrics_imports_no_metrics() -> None:
    script = "import sys, tcpchat.service.daemon, tcpchat.cli.app; print(*sys.modules)"
    loaded = subprocess.check_output([sys.executable, "-c", script], text=True).split()
    assert Server.__module__ in loaded
    assert not [module for module in loaded if module.startswith(("prometheus_client", "http"))]


def test_a_server_logs_the_url_of_its_metrics() -> None:
    with ServerProcess("--ephemeral", "--metrics", "0") as server, server.connect() as client:
        client.send("send hello")
        client.next("sent")
        while "scrape=http://127.0.0.1:" not in server.log():
            time.sleep(0.01)
        port = int(server.log().partition("scrape=http://127.0.0.1:")[2].partition("/")[0])
        while scrape(port)["tcpchat_messages_total"] != 1:  # it is counted after the acknowledgement
            time.sleep(0.01)
