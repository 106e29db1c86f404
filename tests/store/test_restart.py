"""A server that starts from its disk has the state that it stopped with."""

from __future__ import annotations

from contextlib import closing

from hypothesis import given

from chaos.durable import differences, durable, restart
from tcpchat.chat.operations.markers import MarkRead
from tcpchat.chat.operations.membership import LeaveRoom
from tcpchat.store.sqlite import SqliteStore
from tests.chat.harness import Harness, say_in
from tests.chat.test_apply import STEPS, play


@given(STEPS)
def test_starting_from_disk_gives_the_same_state(steps: list[tuple[str, int, int, int]]) -> None:
    chat = Harness()
    play(chat, steps)
    with closing(SqliteStore(None)) as store:
        store.commit(chat.written)
        restarted = restart(chat.state, store)
    assert differences(durable(chat.state), durable(restarted, like=chat.state)) == []


def test_who_read_and_left_a_room_in_one_batch_is_not_in_it_after_a_restart() -> None:
    chat = Harness()
    alice, bob = chat.join("alice", "bob")
    chat.create(alice, "ops", bob)
    chat.take(say_in("ops", alice, "hi"))
    chat.take(
        MarkRead(user=bob.id, room="ops", username=None, seq=4),
        chat.send(bob, "bye", key="k"),
        LeaveRoom(user=bob.id, room="ops"),
    )
    with closing(SqliteStore(None)) as store:
        store.commit(chat.written)
        restarted = restart(chat.state, store)
    assert differences(durable(chat.state), durable(restarted, like=chat.state)) == []
    assert "ops" not in bob.members
