"""A server that starts from its disk has the state that it stopped with."""

from __future__ import annotations

from contextlib import closing

from hypothesis import given

from chaos.durable import differences, durable, restart
from tcpchat.store.sqlite import SqliteStore
from tests.chat.harness import Harness
from tests.chat.test_apply import STEPS, play


@given(STEPS)
def test_starting_from_disk_gives_the_same_state(steps: list[tuple[str, int, int, int]]) -> None:
    chat = Harness()
    play(chat, steps)
    with closing(SqliteStore(None)) as store:
        store.commit(chat.written)
        restarted = restart(chat.state, store)
    assert differences(durable(chat.state), durable(restarted, like=chat.state)) == []
