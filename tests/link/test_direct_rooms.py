"""Direct rooms over lost connections and from run to run, usually with a fake server."""

from __future__ import annotations

from functools import partial
from itertools import count
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from tcpchat.client import Client, Credentials, Reconnected, Skipped
from tcpchat.protocol import MAX_COUNT, Absent, Event, Message, Read, Receipt, Resume, Unread
from tests.link.conftest import Door, FakeServer, ServerSide, message, until
from tests.link.test_client import FREE
from tests.running import Line, Peer, run_server

BOB, EVE = "@b0b0b0b0b0b0b0b0", "@e0e0e0e0e0e0e0e0"


def info(id: str, seq: int, read: int = 0) -> Line:
    return {"username": "bob", "room": id, "seq": seq, "read": read, "delivered": seq}


async def page(talk: ServerSide, id: str | None, after: int, *seqs: int, more: bool = False) -> None:
    """Answer the next question for history, which must be this."""
    request = await talk.next("log")
    assert (request.get("room"), request["after"], request["count"]) == (id, after, MAX_COUNT)
    messages = [message(seq, conversation=id) for seq in seqs]
    await talk.reply(request, "log", room=id or "lobby", events=messages, first=1, more=more)


async def heard(client: Client, count: int) -> list[tuple[str | None, int]]:
    """Return so many next messages, each as its conversation and number."""
    messages = [await until(client, Message) for _ in range(count)]
    return [(one.room, one.seq) for one in messages]


async def asked_for_conversations(talk: ServerSide) -> Line:
    """Return the request for conversations, which comes next: after that for named rooms."""
    return await talk.next("conversations")


async def accept(fake: FakeServer, *lines: Line) -> tuple[ServerSide, Line]:
    """Greet a client that was here before, and say these lines; return its question for conversations."""
    talk = await fake.accept()
    await talk.resume("alice")
    await talk.say(*lines)
    return talk, await asked_for_conversations(talk)


async def test_missed_direct_messages_follow_once_and_in_order(
    fake: FakeServer, autojump_clock: MockClock
) -> None:
    async with fake.online() as (client, talk):
        await talk.say(message(1, conversation=BOB), message(2, conversation=BOB))
        assert await heard(client, 2) == [(BOB, 1), (BOB, 2)]
        await talk.close()
        again = await fake.accept()
        await again.resume(seq=1)

        async def play() -> None:
            request = await asked_for_conversations(again)
            assert request.get("after") is None
            await again.say(message(4, conversation=BOB))
            await again.listed(request, info(BOB, 4), more=True)
            request = await asked_for_conversations(again)
            assert request["after"] == BOB
            await again.listed(request, info(EVE, 1, read=1))
            await page(again, None, 0, 1)
            await page(again, BOB, 2, 3, 4)
            await page(again, EVE, 0, 1)
            await again.say(message(5, conversation=BOB))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(play)
            back = await until(client, Reconnected)
            assert back.missed == 1  # of the lobby
            expected = [("lobby", 1), (BOB, 3), (BOB, 4), (EVE, 1), (BOB, 5)]
            assert await heard(client, 5) == expected


async def test_unread_direct_messages_come_at_the_start(fake: FakeServer, autojump_clock: MockClock) -> None:
    async def play() -> None:
        unread = {"type": "unread", "rooms": []}
        talk, request = await accept(fake, unread, message(3, conversation=BOB))
        await talk.listed(request, info(BOB, 3, read=1), info(EVE, 2, read=2))
        await page(talk, BOB, 1, 2, 3)
        await talk.say(message(3, conversation=EVE))
        await talk.serve()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(play)
        async with Client(open_stream=fake.open_stream, credentials=Credentials(token="t")) as client:
            assert (await until(client, Unread)).rooms == []
            assert await heard(client, 3) == [(BOB, 2), (BOB, 3), (EVE, 3)]


async def test_a_page_that_the_server_could_not_read_is_requested_again(
    fake: FakeServer, autojump_clock: MockClock
) -> None:
    async def play() -> None:
        talk, request = await accept(fake)
        await talk.refuse(request, "storage-failed")
        await talk.listed(await asked_for_conversations(talk), info(BOB, 1))
        await talk.refuse(await talk.next("log"), "storage-failed")
        await page(talk, BOB, 0, 1)
        await talk.serve()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(play)
        async with Client(open_stream=fake.open_stream, credentials=Credentials(token="t")) as client:
            assert await heard(client, 1) == [(BOB, 1)]
            assert trio.current_time() - fake.attempts[0] == 2


async def test_a_room_that_is_refused_does_not_block_the_others(
    fake: FakeServer, autojump_clock: MockClock
) -> None:
    async def play() -> None:
        talk, request = await accept(fake)
        await talk.listed(request, info(BOB, 2), info(EVE, 1))
        await talk.refuse(await talk.next("log"), "no-such-user")
        await page(talk, EVE, 0, 1)
        await talk.serve()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(play)
        async with Client(open_stream=fake.open_stream, credentials=Credentials(token="t")) as client:
            assert await until(client, Skipped) == Skipped(events=2)
            assert await heard(client, 1) == [(EVE, 1)]


async def test_after_a_login_the_events_begin_with_that_users_unread_messages(
    fake: FakeServer, autojump_clock: MockClock
) -> None:
    async with fake.online() as (client, talk):
        await talk.say(message(1, conversation=BOB))
        assert await heard(client, 1) == [(BOB, 1)]

        async def play() -> None:
            request = await talk.next("login")
            await talk.reply(request, "logged-in", user="alice", session=1, token="t2", seq=0)
            await talk.say(message(9, conversation=EVE))
            request = await asked_for_conversations(talk)
            await talk.listed(request, info(BOB, 1, read=0), info(EVE, 9, read=8))
            await page(talk, BOB, 0, 1)
            await page(talk, EVE, 8, 9)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(play)
            await client.login("alice", "secret")
            assert await heard(client, 2) == [(BOB, 1), (EVE, 9)]


async def test_after_a_logout_direct_rooms_are_new(fake: FakeServer, autojump_clock: MockClock) -> None:
    async with fake.online() as (client, talk):
        await talk.say(message(1, conversation=BOB))

        async def play() -> None:
            await talk.reply(await talk.next("logout"), "logged-out", user="guest-3", token="t3")
            await talk.say(message(1, conversation=BOB))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(play)
            await client.logout()
            assert await heard(client, 2) == [(BOB, 1), (BOB, 1)]


async def test_resuming_the_current_user_repeats_nothing(fake: FakeServer, autojump_clock: MockClock) -> None:
    async with fake.online() as (client, talk):
        await talk.say(message(1, conversation=BOB))
        asked = client.request_nowait(Resume(token="t1"))
        await talk.resumed(await talk.next("resume"), "guest-1")
        await asked.wait()
        await talk.say(message(1, conversation=BOB), message(2, conversation=BOB))
        assert await heard(client, 2) == [(BOB, 1), (BOB, 2)]


async def test_a_direct_message_in_flight_is_repeated_with_its_key(
    fake: FakeServer, autojump_clock: MockClock
) -> None:
    async with fake.online() as (client, talk):
        asked = client.send_nowait("psst", username="bob")
        first = await talk.next("send")
        await talk.close()
        again = await fake.accept()
        await again.resume()
        second = await again.next("send")
        assert (second["key"], second["username"]) == (first["key"], "bob")
        await again.reply(second, "sent", room=BOB, username="bob", seq=1, at="")
        await asked.wait()


@pytest.mark.parametrize(
    ("line", "event"),
    [
        (
            {"type": "receipt", "username": "bob", "room": BOB, "delivered": 3, "seen": 2},
            Receipt(username="bob", room=BOB, delivered=3, seen=2),
        ),
        ({"type": "absent", "username": "bob", "here": False}, Absent(username="bob", here=False)),
        (
            {"type": "read", "username": "bob", "room": BOB, "seq": 2},
            Read(username="bob", room=BOB, seq=2),
        ),
        ({"type": "unread", "rooms": []}, Unread(rooms=[])),
    ],
)
async def test_events_about_direct_rooms_are_passed_on(
    fake: FakeServer, autojump_clock: MockClock, line: Line, event: Event
) -> None:
    async with fake.online() as (client, talk):
        await talk.say(line)
        assert await until(client, type(event)) == event


@pytest.mark.parametrize("end", ["cut", "deaf"])
async def test_connections_that_break_again_and_again_lose_and_repeat_nothing(end: str) -> None:
    async with run_server(FREE) as running:
        door = Door(running)
        bob, eve = await running.peers("bob", "eve")
        async with door.client(name="alice") as client:
            got: dict[str | None, list[str]] = {"bob": [], "eve": [], "alice": []}

            async def talk(peer: Peer) -> None:
                for number in range(60):
                    await peer.ask({"type": "send", "username": "alice", "text": str(number)})
                    await trio.sleep(0.001)

            async def answer() -> None:
                for number in range(30):
                    await client.send(str(number), username="bob")

            async def disturb() -> None:
                for milliseconds in count(10):  # rarer and rarer, else a slow machine would never be through
                    await trio.sleep(milliseconds / 1000)
                    door.cable.loses_received = end == "deaf"
                    await trio.sleep(milliseconds / 1000)
                    await door.cable.cut()

            async with trio.open_nursery() as breaking:
                breaking.start_soon(disturb)
                async with trio.open_nursery() as nursery:
                    for job in (partial(talk, bob), partial(talk, eve), answer):
                        nursery.start_soon(job)
                    while sum(map(len, got.values())) < 150:
                        message = await until(client, Message)
                        got[message.sender].append(message.text)
                breaking.cancel_scope.cancel()
            assert got["bob"] == got["eve"] == [str(number) for number in range(60)]
            assert got["alice"] == [str(number) for number in range(30)]
            assert len(door.cables) > 2


async def test_a_later_run_gets_unread_messages_only(tmp_path: Path) -> None:
    async with run_server(FREE) as running:
        door = Door(running)
        bob = await running.peer("bob")
        async with door.client(name="alice", remember=tmp_path) as client:
            for text in ("one", "two"):
                await bob.ask({"type": "send", "username": "alice", "text": text})
            first = await until(client, Message)
            await client.mark_read(room=first.room, seq=first.seq)
        await bob.ask({"type": "send", "username": "alice", "text": "three"})
        async with door.client(name="alice", remember=tmp_path) as client:
            assert [(await until(client, Message)).text for _ in range(2)] == ["two", "three"]
            (unread,) = await client.unread()
            assert (unread.username, unread.count, unread.read) == ("bob", 2, 1)
            assert [one.text async for one in client.unread_messages(username="bob")] == ["two", "three"]
