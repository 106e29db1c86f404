"""Who enters or leaves a room gets the events of that time, once and in order."""

from __future__ import annotations

from tcpchat.chat.operations.membership import JoinRoom, LeaveRoom
from tests.chat.harness import say_in
from tests.running import RunningServer
from tests.sessions import guest, user


async def test_who_enters_and_leaves_in_a_batch_gets_what_came_in_between(running: RunningServer) -> None:
    alice, bob = await user(running, "alice"), await guest(running, "bob")
    await alice.do("create", name="ops")
    author, other = running.user("alice"), running.user("bob")
    pipeline = running.node.pipeline
    pipeline.submit(say_in("ops", author, "before"))
    pipeline.submit(JoinRoom(user=other.id, room="ops"))
    pipeline.submit(say_in("ops", author, "now"))
    await pipeline.wait_idle()
    assert [line["seq"] for line in await bob.heard("member", "message")] == [3, 4]
    pipeline.submit(say_in("ops", author, "last"))
    pipeline.submit(LeaveRoom(user=other.id, room="ops"))
    pipeline.submit(say_in("ops", author, "after"))
    await pipeline.wait_idle()
    assert [line["seq"] for line in await bob.heard("member", "message")] == [5, 6]
    assert [line["seq"] for line in await alice.heard("member", "message")] == [1, 2, 3, 4, 5, 6, 7]
