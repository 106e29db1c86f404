"""Receivers: in one process, against a fake server."""

from __future__ import annotations

import socket
import time
from contextlib import closing

import pytest

from tcpchat.bench import receiving
from tcpchat.bench.payload import make_text
from tcpchat.bench.plan import SendLog
from tcpchat.bench.receiving import Receivers
from tests.bench.fake_server import BYE, FakeServer, once, plan_for
from tests.process import PATIENCE


def send(server: FakeServer, *numbers: int) -> None:
    """Let a sender send messages, which the server delivers."""
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        for number in numbers:
            text = make_text("0", 0, number, time.monotonic_ns(), 64)
            connection.sendall(b'{"type":"send","id":%d,"text":"%s"}\n' % (number, text.encode()))
        replies = b""
        while replies.count(b'"sent"') < len(numbers):
            replies += connection.recv(1 << 16)


def read(receivers: Receivers, deliveries: int) -> None:
    until = time.monotonic() + PATIENCE
    while receivers.deliveries < deliveries:
        assert time.monotonic() < until
        receivers.step(0.01)


def test_messages_are_counted_for_each_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiving, "SAMPLED", 2)

    def deliver(index: int, number: int, line: bytes) -> bytes:
        if index == 2 and number == 1:
            return BYE
        return b"" if (index, number) == (1, 0) else line

    server = FakeServer(deliver, once)
    with closing(server), closing(Receivers(plan_for(server.port), 3)) as receivers:
        check(server, receivers)


def check(server: FakeServer, receivers: Receivers) -> None:
    send(server, 0, 1)
    read(receivers, 4)  # two of the first, one each of the others
    while "slow-consumer" not in receivers.result((SendLog(sent=2),), 0).closed:
        receivers.step(0.01)
    result = receivers.result((SendLog(sent=2),), 0.5)
    assert (result.deliveries, result.lost, result.doubled, result.core) == (4, 1, 0, 0.5)
    assert result.closed == {"slow-consumer": 1}
    assert 0 < len(result.latencies) <= 3
    assert receivers.progress == 2
    assert receivers.last_at > 0
