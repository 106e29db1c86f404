"""Reading events: with a fake server and a mock clock, and of Events alone."""

from __future__ import annotations

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from tcpchat.client import Client, Replay
from tcpchat.link.connection import FETCH_RETRY
from tcpchat.link.events import FAIRNESS, Events
from tcpchat.link.inbox import Inbox
from tcpchat.protocol import Event, Joined, Message, Welcome
from tests.link.conftest import FakeServer, ServerSide, message, until
from tests.link.test_inbox import joined, said


async def test_missed_messages_come_in_pages_while_others_send(
    fake: FakeServer, autojump_clock: MockClock
) -> None:
    async with fake.online(last=3) as (client, begun):
        server = begun
        await server.close()
        server = await fake.accept()
        await server.resume(seq=4)
        read: list[int] = []

        async def read_all() -> None:
            async for event in client.events():
                if isinstance(event, Message):
                    read.append(event.seq)
                    if event.seq == 7:
                        return

        async with trio.open_nursery() as nursery:
            nursery.start_soon(read_all)
            request = await server.next("history")
            assert (request["after"], request["count"]) == (0, 500)
            await server.say(message(5))
            await server.reply(request, "history", room="lobby", messages=[message(1), message(2)], more=True)
            request = await server.next("history")
            assert request["after"] == 2
            await server.reply(
                request, "history", room="lobby", messages=[message(3), message(4), message(5)], more=False
            )
            await server.say(message(6), message(7))
        assert read == [1, 2, 3, 4, 5, 6, 7]


async def test_history_that_the_server_could_not_read_is_requested_again(
    fake: FakeServer, autojump_clock: MockClock
) -> None:
    async def play() -> None:
        server = await fake.accept()
        await server.welcome(seq=2)
        await server.refuse(await server.next("history"), "storage-failed")
        request = await server.next("history")
        await server.reply(request, "history", room="lobby", messages=[message(1), message(2)], more=False)
        await server.serve()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(play)
        async with Client(open_stream=fake.open_stream, replay=Replay(last=9)) as client:
            messages = [await until(client, Message) for _ in range(2)]
            assert [event.seq for event in messages] == [1, 2]
            assert trio.current_time() - fake.attempts[0] == FETCH_RETRY


async def test_a_page_that_is_lost_with_its_connection_is_requested_again(
    fake: FakeServer, autojump_clock: MockClock
) -> None:
    async with fake.online() as (client, begun):
        server = begun
        await server.say(message(3))

        async def play(server: ServerSide) -> None:
            assert (await server.next("history"))["after"] == 0
            await server.close()
            server = await fake.accept()
            await server.resume(seq=3)
            request = await server.next("history")
            messages = [message(seq) for seq in (1, 2, 3)]
            await server.reply(request, "history", room="lobby", messages=messages, more=False)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(play, server)
            messages = [await until(client, Message) for _ in range(3)]
        assert [event.seq for event in messages] == [1, 2, 3]


async def test_a_reader_that_stops_while_a_page_is_on_its_way_loses_nothing(
    fake: FakeServer, autojump_clock: MockClock
) -> None:
    async with fake.online() as (client, server):
        await until(client, Welcome)
        await server.say(message(3))
        with trio.move_on_after(0.5):
            await client.next_event()
        request = await server.next("history")
        with trio.move_on_after(0.5):
            await client.next_event()
        messages = [message(seq) for seq in (1, 2, 3)]
        await server.reply(request, "history", room="lobby", messages=messages, more=False)
        read = [await client.next_event() for _ in range(3)]
        assert [event.seq for event in read if isinstance(event, Message)] == [1, 2, 3]
        with trio.move_on_after(0.5):
            while True:
                assert (await server.receive())["type"] == "ping"


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


async def test_other_events_do_not_wait_for_a_page_that_is_on_its_way(
    fake: FakeServer, autojump_clock: MockClock
) -> None:
    async with fake.online() as (client, server):
        await server.say(message(3))
        await until(client, Welcome)
        read: list[Event] = []

        async def read_all() -> None:
            while (event := await client.next_event()) is not None:
                read.append(event)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(read_all)
            await server.next("history")
            await server.say({"type": "joined", "room": "lobby", "users": ["bob"]})
            await trio.testing.wait_all_tasks_blocked()
            assert read == [Joined(room="lobby", users=["bob"])]
            nursery.cancel_scope.cancel()


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
