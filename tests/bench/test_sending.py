"""Senders: in one process, against a fake server."""

from __future__ import annotations

import time

from tcpchat.bench.sending import Senders
from tests.bench.fake_server import BANNED, fake_server, plan_for


def test_the_reason_is_read_even_if_sending_fails_first() -> None:
    with fake_server(answer=lambda _, line: line + BANNED) as port:
        senders = Senders(plan_for(port))
        (sender,) = senders.each
        with sender.connection.socket:
            while not sender.ended:
                sender.send(0)
                time.sleep(0.001)  # else what nobody reads any more could fill the way before it is closed
            while sender.is_open:
                senders.step()
    told = senders.result(1, 0)
    assert (told.closed, len(told.latencies)) == ({"banned": 1}, 1)
