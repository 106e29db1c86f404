"""Metrics for Prometheus: what a server counts anyway, read when somebody asks, and what a batch took.

Nothing of this is imported unless metrics are wanted. The format is prometheus-client's. Whoever asks is
answered in a thread (see `metrics_http`), so what is read here may change meanwhile: it is copied in one go.
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

from tcpchat import __version__
from tcpchat.chat.entry import Delivery, Entry
from tcpchat.errors import CODES
from tcpchat.protocol import Error
from tcpchat.service.node import Node
from tcpchat.times import Clock

LAG_INTERVAL = 0.1  # seconds between two looks at how late the loop is
COMMIT = (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5)  # seconds
LAG = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5)  # seconds
ENTRIES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)  # at most `delivery.BATCH_ENTRIES`
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
            "How long a batch took to be on disk",
            buckets=COMMIT,
            registry=self.registry,
        )
        self._entries = Histogram(
            "tcpchat_batch_entries",
            "Entries in a batch: messages and other changes",
            buckets=ENTRIES,
            registry=self.registry,
        )
        self._lag = Histogram(
            "tcpchat_event_loop_lag_seconds",
            "How much later than it wanted to a task went on",
            buckets=LAG,
            registry=self.registry,
        )
        self.registry.register(self)
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        node.pipeline.observer = self

    def committed(self, seconds: float, entries: int) -> None:
        """Note that a batch is on disk, or that the disk refused it."""
        self._commit.observe(seconds)
        self._entries.observe(entries)

    def released(self, batch: Sequence[Entry], delivery: Delivery, receivers: int) -> None:
        """Note what was told, and who in the batch was refused after all."""
        self._deliveries += len(delivery.said) * receivers
        for lines in delivery.direct.values():
            self._deliveries += sum(line.startswith(_MESSAGE) for line in lines)
        for entry in batch:
            if isinstance(entry.reply, Error) and entry.asker is not None:
                self._refused_later[entry.reply.code] += 1

    async def measure_lag(self, clock: Clock) -> NoReturn:
        """Look again and again how late the loop is."""
        while True:
            began = clock.monotonic()
            await trio.sleep(LAG_INTERVAL)
            self._lag.observe(max(0.0, clock.monotonic() - began - LAG_INTERVAL))

    def collect(self) -> Iterator[Metric]:
        """Read the server's own counts."""
        server, chat = self._node.server, self._node.chat
        backlogs = [connection.backlog for connection in tuple(server.connections)]
        pending, slowest = len(chat.schedule), max(backlogs, default=0)
        yield InfoMetricFamily("tcpchat_build", "Which tcpchat this is", {"version": __version__})
        for name, help, gauge in (
            ("tcpchat_connections", "Connections now", len(backlogs)),
            ("tcpchat_users", "Users who are here now", chat.hub.user_count()),
            ("tcpchat_scheduled_messages", "Messages that wait for their time", pending),
            ("tcpchat_backlog_bytes", "Bytes that connections have not taken yet", sum(backlogs)),
            ("tcpchat_backlog_max_bytes", "Bytes that the slowest one has not taken yet", slowest),
        ):
            yield GaugeMetricFamily(name, help, gauge)
        for name, help, count in (
            ("tcpchat_messages", "Messages since there is this data", chat.messages),
            ("tcpchat_deliveries", "Messages given to connections as they were said", self._deliveries),
        ):
            yield CounterMetricFamily(name, help, count)
        yield _by("code", "tcpchat_refusals", "Error replies", _sum(chat.refusals, self._refused_later))
        yield _by("reason", "tcpchat_disconnections", "Connections that ended", dict(server.ended))


def _sum(first: Counter[str], second: Counter[str]) -> dict[str, int]:
    """Add them up for every code that there is, and for nothing else."""
    return {code: first[code] + second[code] for code in CODES}


def _by(label: str, name: str, help: str, counts: dict[str, int]) -> Metric:
    family = CounterMetricFamily(name, help, labels=[label])
    for value, count in counts.items():
        family.add_metric([value], count)
    return family
