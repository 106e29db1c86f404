"""Metrics for Prometheus: the server's own counts, read for each scrape, and the duration of commits.

Imported only if metrics are wanted. Scrapes are answered in threads (see `metrics_http`), so the state may
change while it is read here: collections are copied in one go.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NoReturn

import trio
from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from tcpchat._version import __version__
from tcpchat.chat.fanout import Fanout
from tcpchat.chat.operations.base import Operation
from tcpchat.chat.room import Kind
from tcpchat.errors import CODES
from tcpchat.protocol import Error
from tcpchat.service.node import Node
from tcpchat.times import Clock

LAG_INTERVAL = 0.1  # seconds between two measurements of the loop's delay
COMMIT = (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5)  # seconds
LAG = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5)  # seconds
BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)  # hardly more than `delivery.BATCH_SIZE`
_MESSAGE = b'{"type":"message"'


class Metrics(Collector):
    """The metrics of one node, for as long as it lasts."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._deliveries = 0
        self._refused_later: Counter[str] = Counter()
        self.registry = CollectorRegistry()
        self._commit = Histogram(
            "tcpchat_commit_seconds",
            "Time to write a batch to disk",
            buckets=COMMIT,
            registry=self.registry,
        )
        self._batch_size = Histogram(
            "tcpchat_batch_entries",
            "Messages and other changes in a batch",
            buckets=BATCH_SIZES,
            registry=self.registry,
        )
        self._lag = Histogram(
            "tcpchat_event_loop_lag_seconds",
            "Delay with which the event loop resumes a task",
            buckets=LAG,
            registry=self.registry,
        )
        self.registry.register(self)
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        node.pipeline.observer = self

    def committed(self, seconds: float, size: int) -> None:
        """Record that a batch is on disk, or that the disk refused it."""
        self._commit.observe(seconds)
        self._batch_size.observe(size)

    def released(self, batch: Sequence[Operation], fanout: Fanout, subscribers: int) -> None:
        """Note what is sent out, and the operations that were rejected."""
        for room, posts in fanout.posts.items():
            audience = len(room.listeners) if room.kind is Kind.NAMED else subscribers
            self._deliveries += sum(post.line.startswith(_MESSAGE) for post in posts) * audience
        for lines in fanout.direct.values():
            self._deliveries += sum(line.startswith(_MESSAGE) for line in lines)
        for operation in batch:
            if isinstance(operation.reply, Error) and operation.requester is not None:
                self._refused_later[operation.reply.code] += 1

    async def measure_lag(self, clock: Clock) -> NoReturn:
        """Measure the delay of the loop again and again."""
        while True:
            began = clock.monotonic()
            await trio.sleep(LAG_INTERVAL)
            self._lag.observe(max(0.0, clock.monotonic() - began - LAG_INTERVAL))

    def collect(self) -> Iterator[Metric]:
        """Yield the server's own counts."""
        server, state = self._node.server, self._node.state
        backlogs = [connection.backlog for connection in tuple(server.connections)]
        pending, slowest = len(state.schedule), max(backlogs, default=0)
        yield InfoMetricFamily("tcpchat_build", "Version of tcpchat", {"version": __version__})
        for name, help, gauge in (
            ("tcpchat_connections", "Current connections", len(backlogs)),
            ("tcpchat_users", "Current users", len(state.presence)),
            ("tcpchat_scheduled_messages", "Pending scheduled messages", pending),
            ("tcpchat_backlog_bytes", "Bytes waiting to be sent to all connections", sum(backlogs)),
            ("tcpchat_backlog_max_bytes", "Bytes waiting to be sent to the slowest connection", slowest),
        ):
            yield GaugeMetricFamily(name, help, gauge)
        for name, help, count in (
            ("tcpchat_messages", "Messages since the data was created", state.messages),
            ("tcpchat_deliveries", "Messages sent to connections when they were posted", self._deliveries),
        ):
            yield CounterMetricFamily(name, help, count)
        yield _by("code", "tcpchat_refusals", "Error replies", _sum(state.refusals, self._refused_later))
        yield _by("reason", "tcpchat_disconnections", "Connections that ended", dict(server.ended))


def _sum(first: Counter[str], second: Counter[str]) -> dict[str, int]:
    """Add them up for every known code, and no others."""
    return {code: first[code] + second[code] for code in CODES}


def _by(label: str, name: str, help: str, counts: dict[str, int]) -> Metric:
    family = CounterMetricFamily(name, help, labels=[label])
    for value, count in counts.items():
        family.add_metric([value], count)
    return family
