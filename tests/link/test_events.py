"""Reading events: with a fake server and a mock clock, and of Events alone."""

from __future__ import annotations

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from tcpchat.link.events import FAIRNESS, Events
from tcpchat.link.inbox import Inbox
from tests.link.conftest import FakeServer, message
from tests.link.test_inbox import joined, said


async def test_a_busy_reader_lets_other_tasks_run(fake: FakeServer, autojump_clock: MockClock) -> None:
    async with fake.online() as (client, server):
        await server.say(*(message(seq) for seq in range(1, 1 + 3 * FAIRNESS)))
        await trio.testing.wait_all_tasks_blocked()
        turns = 0

        async def other() -> None:
            nonlocal turns
            while True:
                turns += 1
                await trio.lowlevel.checkpoint()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(other)
            for _ in range(3 * FAIRNESS):
                await client.next_event()
            nursery.cancel_scope.cancel()
        assert turns >= 2


async def test_a_cancelled_reader_takes_no_event(fake: FakeServer, autojump_clock: MockClock) -> None:
    async with fake.online() as (client, server):
        await server.say(message(1))
        await trio.testing.wait_all_tasks_blocked()
        before = len(client._events.inbox)
        with trio.CancelScope() as scope:
            scope.cancel()
            await client.next_event()
        assert scope.cancelled_caught
        assert len(client._events.inbox) == before > 0


def gap(inbox: Inbox) -> None:
    """Let the lobby lag."""
    inbox.welcome(0, "j")
    inbox.put(said(2))
    assert inbox.lagging


async def test_a_page_is_needed_once_the_reader_waits_for_missing_events() -> None:
    events = Events(Inbox())
    events.inbox.put(joined(1))
    needed = trio.Event()

    async def wait() -> None:
        await events.wait_page_needed()
        needed.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        await events.next()
        await trio.testing.wait_all_tasks_blocked()
        assert not needed.is_set(), "nothing is missing"
        nursery.start_soon(events.next)
        await trio.testing.wait_all_tasks_blocked()
        assert not needed.is_set(), "nothing is missing"
        gap(events.inbox)
        events.notify()
        await needed.wait()
        nursery.cancel_scope.cancel()


async def test_no_page_is_needed_while_there_are_events_to_read() -> None:
    events = Events(Inbox())
    gap(events.inbox)
    events.inbox.put(joined(1))
    await events.next()
    with trio.move_on_after(0.01) as scope:
        await events.wait_page_needed()
    assert scope.cancelled_caught


async def test_the_buffer_is_drained_once_a_quarter_is_left() -> None:
    events = Events(Inbox(8))
    for number in range(4):
        events.inbox.put(joined(number))
    drained = trio.Event()

    async def wait() -> None:
        await events.wait_drained()
        drained.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        for done in (False, True):
            await events.next()
            await trio.testing.wait_all_tasks_blocked()
            assert drained.is_set() is done
    assert len(events.inbox) == 2


async def test_events_that_are_left_come_before_the_end_and_a_failure_is_raised_each_time() -> None:
    for failure in (None, ValueError("because")):
        events = Events(Inbox())
        events.inbox.put(joined(1))
        events.close(failure)
        assert await events.next() == joined(1)
        for _ in range(2):
            if failure is None:
                assert await events.next() is None
            else:
                with pytest.raises(ValueError, match="because"):
                    await events.next()


async def test_closing_wakes_the_reader() -> None:
    events = Events(Inbox())
    async with trio.open_nursery() as nursery:
        nursery.start_soon(events.next)
        await trio.testing.wait_all_tasks_blocked()
        events.close(None)
