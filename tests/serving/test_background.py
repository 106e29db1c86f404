"""The tasks that act by the clock, and how the state wakes them."""

from __future__ import annotations

from typing import Any

import trio
import trio.testing

from tcpchat.serving.background import PRUNE, SESSIONS, STAY, Wakeup
from tcpchat.store.changes import Prune, SetLeft
from tests.running import RunningServer, run_server
from tests.serving.test_delivery import GatedStore

Clock = trio.testing.MockClock
settled = trio.testing.wait_all_tasks_blocked


async def is_waiting(wakeup: Wakeup) -> bool:
    done = trio.Event()

    async def wait() -> None:
        await wakeup.wait()
        done.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        await settled()
        nursery.cancel_scope.cancel()
    return not done.is_set()


async def test_a_notification_before_the_wait_is_not_lost() -> None:
    wakeup = Wakeup()
    wakeup.notify()
    assert not await is_waiting(wakeup)


async def test_notifications_before_the_wait_count_as_one() -> None:
    wakeup = Wakeup()
    wakeup.notify()
    wakeup.notify()
    await wakeup.wait()
    assert await is_waiting(wakeup)


async def test_a_notification_wakes_the_task_that_waits() -> None:
    wakeup = Wakeup()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(wakeup.wait)
        await settled()
        wakeup.notify()


async def test_a_cancelled_wait_takes_no_notification() -> None:
    wakeup = Wakeup()
    wakeup.notify()
    with trio.CancelScope() as scope:
        scope.cancel()
        await wakeup.wait()
    assert scope.cancelled_caught
    assert not await is_waiting(wakeup)


async def test_a_script_that_says_one_thing_is_no_presence_and_one_who_stays_is(mock_clock: Clock) -> None:
    async with run_server() as running:
        (alice,) = await running.peers("alice")
        script, person = await running.peer(), await running.peer()
        await script.ask("send deploy done")
        await person.ask("rename bob")
        assert (await alice.next("message"))["text"] == "deploy done"
        await script.leave()
        for _ in range(20):
            await settled()
            mock_clock.jump(STAY / 8)
        await settled()
        told = [line for line in (*alice.events, *await alice.quiet()) if line["type"] in {"joined", "left"}]
        assert [(line["type"], line["users"]) for line in told] == [("joined", ["bob"])]


def count(disk: GatedStore, kind: type[Any]) -> int:
    return sum(isinstance(change, kind) for batch in disk.batches for change in batch)


def prunes(disk: GatedStore) -> int:
    return count(disk, Prune)


async def test_the_disk_is_pruned_by_the_clock_however_often_sessions_are_written(mock_clock: Clock) -> None:
    disk = GatedStore()
    async with run_server(store=disk) as running:
        (alice,) = await running.peers("alice")
        await alice.ask("send so that there is something to write")
        assert prunes(disk) == 1, "at the start"
        for _ in range(5):
            await _write_sessions(running, disk, mock_clock)
        assert prunes(disk) == 1
        mock_clock.jump(PRUNE)
        for _ in range(2):
            await _write_sessions(running, disk, mock_clock)
        assert prunes(disk) == 2


async def _write_sessions(running: RunningServer, disk: GatedStore, clock: Clock) -> None:
    """Let sessions be written once more, and be to be written again by then, as on a busy server."""
    user, written = running.user("alice"), count(disk, SetLeft)
    while count(disk, SetLeft) == written:
        running.state.sessions.mark_dirty(user)
        await settled()
        await running.node.pipeline.wait_idle()
        running.state.sessions.mark_dirty(user)
        clock.jump(2 * SESSIONS)
        await settled()
