"""What a client hears when it reads, from a server that the test plays, with a clock that jumps."""

from __future__ import annotations

import trio
import trio.testing
from trio.testing import MockClock

from tcpchat.client import Client
from tcpchat.link.events import FAIRNESS, RETRY
from tcpchat.protocol import Message, Welcome
from tests.link.conftest import Fake, Talk, message
from tests.link.test_connection import until


async def test_missed_messages_come_in_pages_while_others_keep_talking(
    fake: Fake, autojump_clock: MockClock
) -> None:
    async with fake.online(history=3) as (client, begun):
        talk = begun
        await talk.close()
        talk = await fake.accept()
        await talk.resume(seq=4)
        read: list[int] = []

        async def read_all() -> None:
            async for event in client.events():
                if isinstance(event, Message):
                    read.append(event.seq)
                    if event.seq == 7:
                        return

        async with trio.open_nursery() as nursery:
            nursery.start_soon(read_all)
            request = await talk.next("history")
            assert (request["after"], request["count"]) == (0, 500)
            await talk.say(message(5))
            await talk.reply(request, "history", room="lobby", messages=[message(1), message(2)], more=True)
            request = await talk.next("history")
            assert request["after"] == 2
            await talk.reply(
                request, "history", room="lobby", messages=[message(3), message(4), message(5)], more=False
            )
            await talk.say(message(6), message(7))
        assert read == [1, 2, 3, 4, 5, 6, 7]


async def test_history_that_the_disk_did_not_give_is_asked_again(
    fake: Fake, autojump_clock: MockClock
) -> None:
    async def play() -> None:
        talk = await fake.accept()
        await talk.welcome(seq=2)
        await talk.refuse(await talk.next("history"), "storage-failed")
        request = await talk.next("history")
        await talk.reply(request, "history", room="lobby", messages=[message(1), message(2)], more=False)
        await talk.serve()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(play)
        async with Client(open_stream=fake.open_stream, history=9) as client:
            messages = [await until(client, Message) for _ in range(2)]
            assert [event.seq for event in messages] == [1, 2]
            assert trio.current_time() - fake.attempts[0] == RETRY


async def test_a_page_that_is_lost_with_its_connection_is_asked_again(
    fake: Fake, autojump_clock: MockClock
) -> None:
    async with fake.online() as (client, begun):
        talk = begun
        await talk.say(message(3))

        async def play(talk: Talk) -> None:
            assert (await talk.next("history"))["after"] == 0
            await talk.close()
            talk = await fake.accept()
            await talk.resume(seq=3)
            request = await talk.next("history")
            messages = [message(seq) for seq in (1, 2, 3)]
            await talk.reply(request, "history", room="lobby", messages=messages, more=False)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(play, talk)
            messages = [await until(client, Message) for _ in range(3)]
        assert [event.seq for event in messages] == [1, 2, 3]


async def test_who_stops_reading_while_a_page_is_on_its_way_loses_nothing(
    fake: Fake, autojump_clock: MockClock
) -> None:
    async with fake.online() as (client, talk):
        await until(client, Welcome)
        await talk.say(message(3))
        with trio.move_on_after(0.5):
            await client.next_event()
        request = await talk.next("history")
        with trio.move_on_after(0.5):
            await client.next_event()
        messages = [message(seq) for seq in (1, 2, 3)]
        await talk.reply(request, "history", room="lobby", messages=messages, more=False)
        read = [await client.next_event() for _ in range(3)]
        assert [event.seq for event in read if isinstance(event, Message)] == [1, 2, 3]
        with trio.move_on_after(0.5):
            while True:
                assert (await talk.hear())["type"] == "ping"


async def test_who_reads_a_lot_lets_others_have_their_turn(fake: Fake, autojump_clock: MockClock) -> None:
    async with fake.online() as (client, talk):
        await talk.say(*(message(seq) for seq in range(1, 1 + 3 * FAIRNESS)))
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


async def test_a_cancelled_reader_takes_no_event(fake: Fake, autojump_clock: MockClock) -> None:
    async with fake.online() as (client, talk):
        await talk.say(message(1))
        await trio.testing.wait_all_tasks_blocked()
        before = len(client._connection.feed)
        with trio.CancelScope() as scope:
            scope.cancel()
            await client.next_event()
        assert scope.cancelled_caught
        assert len(client._connection.feed) == before > 0
