"""A client with a real server: what a program may rely on, whatever the network does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from tcpchat import handlers
from tcpchat.client import (
    Address,
    Client,
    Closed,
    ConnectError,
    Disconnected,
    DisconnectedError,
    Offline,
    Online,
    Reconnect,
    Reconnected,
    RefusedError,
    Skipped,
)
from tcpchat.protocol import Bye, Joined, Message, ReadLog, Scheduled, Sent, Welcome, page
from tcpchat.settings import Limits, Settings
from tcpchat.store.sqlite import SqliteStore
from tests.link.conftest import SOON, Door, until
from tests.running import Peer, RunningServer, at_once, run_server

FREE = Settings(limits=Limits(messages_per_second=0, message_burst=0, request_burst=0, requests_per_second=0))


@asynccontextmanager
async def free_door() -> AsyncIterator[Door]:
    """A server that does not slow down anybody."""
    async with run_server(FREE) as running:
        yield Door(running)


async def messages(client: Client, last: int) -> list[int]:
    """Read the lobby up to this number."""
    read: list[int] = []
    while not read or read[-1] != last:
        event = await client.next_event()
        assert event is not None
        if isinstance(event, Message) and event.room is not None:
            read.append(event.seq)
    return read


async def say(peer: Peer, *texts: str) -> None:
    """Send each and wait for the last one's reply."""
    await peer.send(*({"type": "send", "text": text} for text in texts))
    for _ in texts:
        assert "seq" in await peer.next("sent")


async def said(running: RunningServer) -> list[str]:
    """Return what is in the lobby's history."""
    peer = await running.peer()
    reply = await peer.ask({"type": "history", "count": 500})
    await peer.leave()
    return [line["text"] for line in reply["messages"]]


def abort_all(running: RunningServer) -> None:
    """Close all connections from the server's side."""
    for connection in list(running.server.connections):
        connection.abort("test")


async def test_entering_connects_and_leaving_sends_exit(door: Door, mock_clock: MockClock) -> None:
    """With a clock that stands still, so that nobody is announced in between."""
    bob = await door.running.peer("bob")
    async with door.client(name="Alice") as client:
        assert client.user == "alice"
        assert client.server.startswith("tcpchat ")
        assert client.token
        assert isinstance(client.state, Online)
        assert str(client.address) == "127.0.0.1:8000"
        door.running.announce_presence()
        assert (await bob.next("joined"))["users"] == ["alice"]
    assert isinstance(client.state, Closed)
    assert [line["type"] for line in door.cable.sent][-1] == "exit"
    door.running.announce_presence()
    assert (await bob.next("left"))["users"] == ["alice"]  # at once, not after five seconds
    assert Welcome in [type(event) async for event in client.events()]  # what came is still there
    assert await client.next_event() is None


@pytest.mark.parametrize(
    ("address", "expected"),
    [("h:1", Address("h", 1)), (Address("::1"), Address("::1")), (":9", Address(port=9))],
)
def test_an_address_may_be_text(address: str | Address, expected: Address) -> None:
    assert Client(address).address == expected


def test_a_bad_address_is_an_error_at_once() -> None:
    with pytest.raises(ValueError, match="is not HOST"):
        Client("a:b:c:d x")


async def test_a_client_that_was_not_entered_makes_no_requests() -> None:
    client = Client()
    with pytest.raises(DisconnectedError, match="not connected yet"):
        await client.send("hi")


async def test_a_port_where_nothing_listens() -> None:
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listener.socket.getsockname()[1]
    await listener.aclose()
    with pytest.raises(ConnectError, match=f"^cannot reach 127.0.0.1:{port}: "):
        await Client(f"127.0.0.1:{port}").__aenter__()


async def test_a_full_server_is_an_error_when_connecting() -> None:
    async with run_server(Settings(limits=Limits(connections=1))) as running:
        await running.peer()
        with pytest.raises(ConnectError, match="the server has reached its limit of 1 connection;"):
            async with Door(running).client():
                pytest.fail("it is full")


async def test_a_name_that_is_taken_is_refused_at_the_start(door: Door) -> None:
    await door.running.peer("bob")
    with pytest.raises(RefusedError, match="bob is taken") as caught:
        async with door.client(name="bob"):
            pytest.fail("the name is taken")
    assert caught.value.code == "name-taken"
    assert door.cable.closed


@pytest.mark.parametrize("kind", [ValueError, DisconnectedError, StopAsyncIteration])
async def test_an_error_of_the_block_is_raised_as_it_is(door: Door, kind: type[Exception]) -> None:
    error = kind("mine")
    with pytest.raises(kind) as caught:
        async with door.client():
            raise error
    assert caught.value is error


async def test_a_group_of_the_block_is_raised_as_it_is(door: Door) -> None:
    error = ExceptionGroup("mine", [ValueError()])
    with pytest.raises(ExceptionGroup) as caught:
        async with door.client():
            raise error
    assert caught.value is error


async def test_a_cancelled_block_ends(door: Door) -> None:
    with trio.move_on_after(0.05) as scope:
        async with door.client():
            await trio.sleep_forever()
    assert scope.cancelled_caught


async def test_requests_return_their_results(door: Door) -> None:
    bob = await door.running.peer("bob")
    async with door.client(name="alice") as client:
        sent = await client.send("hi")
        assert isinstance(sent, Sent)
        assert (sent.room, sent.seq) == ("lobby", 1)
        private = await client.send("psst", username="bob")
        assert isinstance(private, Sent)
        assert (private.username, private.seq) == ("bob", 1)
        assert (await bob.next("message"))["text"] == "hi"
        assert (await bob.next("message"))["to"] == "bob"
        again = await client.send("psst again", room=private.room)
        assert isinstance(again, Sent)
        assert (again.room, again.seq) == (private.room, 2)
        assert (await bob.next("message"))["to"] == "bob"
        later = await client.send("tea", time=600)
        assert isinstance(later, Scheduled)
        assert [(one.number, one.text) for one in await client.scheduled()] == [(later.number, "tea")]
        assert isinstance(await client.send("cake", time=700), Scheduled)
        assert (await client.cancel(later.number)).text == "tea"
        assert (await client.cancel()).text == "cake"
        assert await client.scheduled() == []
        assert [user.name for user in await client.users()] == ["alice", "bob"]
        history = await client.history()
        assert [one.text for one in history] == ["hi"]
        assert isinstance(history[0], Message)
        assert await client.history(before=1) == []
        assert await client.history(after=1) == []
        assert [one.text for one in await client.history(username="bob")] == ["psst", "psst again"]
        assert (await client.report("bob", "spam")).reports == 1
        assert (await client.status()).users == 2
        assert await client.ping() >= 0
        assert client.latency is not None
        renamed = await client.rename("Carol")
        assert (renamed.new, client.user) == ("carol", "carol")


async def test_lists_longer_than_a_page_are_complete(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    for theme in (handlers.messages, handlers.profile):
        monkeypatch.setattr(theme, "page", lambda parts: page(parts, 150))
    peers = await door.running.peers("bob", "carol", "dave", "eve", "frank")
    async with door.client(name="alice") as client:
        names = [user.name for user in await client.users()]
        assert names == ["alice", "bob", "carol", "dave", "eve", "frank"]
        for number in range(5):
            await client.send(f"tea {number}", time=60 + number)
        assert [one.text for one in await client.scheduled()] == [f"tea {number}" for number in range(5)]
    assert peers


@pytest.mark.parametrize(
    ("ask", "code"),
    [
        (lambda client: client.send(""), "text-empty"),
        (lambda client: client.send("x" * 5000), "text-too-long"),
        (lambda client: client.send("hi", username="nobody"), "no-such-user"),
        (lambda client: client.rename("two words"), "bad-name"),
        (lambda client: client.cancel(), "no-such-scheduled"),
        (lambda client: client.history(0), "bad-value"),
        (lambda client: client.report(client.user), "report-self"),
    ],
)
async def test_a_refusal_is_raised_with_its_code(
    door: Door, ask: Callable[[Client], Awaitable[object]], code: str
) -> None:
    async with door.client() as client:
        with pytest.raises(RefusedError) as caught:
            await ask(client)
        assert caught.value.code == code
        assert str(caught.value) == caught.value.error.message
        assert isinstance(client.state, Online)


async def test_a_rate_limited_send_is_refused_with_the_seconds_unless_the_client_is_patient(
    autojump_clock: MockClock,
) -> None:
    slow = Settings(limits=Limits(message_burst=1, messages_per_second=50))
    async with run_server(slow, run_sync=at_once) as running:
        async with Door(running).client() as client:
            await client.send("one")
            with pytest.raises(RefusedError) as caught:
                await client.send("two")
            assert caught.value.code == "rate-limited"
            assert caught.value.error.retry_after
        async with Door(running).client(patient=True) as client:
            asked = [client.send_nowait(str(number)) for number in range(10)]
            for one in asked:
                await one.wait()
        assert await said(running) == ["one", *map(str, range(10))]


async def test_history_before_the_events(door: Door) -> None:
    bob = await door.running.peer("bob")
    await say(bob, *map(str, range(1, 11)))
    async with door.client(last=3) as client:
        await say(bob, "11")
        assert await messages(client, 11) == [8, 9, 10, 11]


async def test_a_later_client_with_the_token_is_the_same_user(door: Door) -> None:
    with pytest.raises(ValueError, match="crash"):
        async with door.client(name="alice") as client:
            raise ValueError("crash")
    async with door.client(token=client.token) as again:
        assert (again.user, again.token) == ("alice", client.token)


@pytest.mark.parametrize("by", ["client", "server"])
async def test_a_lost_connection_is_an_event_and_missed_messages_follow(door: Door, by: str) -> None:
    async with door.client(name="alice") as client:
        door.shut = True
        if by == "server":
            abort_all(door.running)
        else:
            await door.cable.cut()
        await until(client, Disconnected)
        assert isinstance(client.state, Offline)
        bob = await door.running.peer("bob")
        await say(bob, "one", "two")
        door.shut = False
        back = await until(client, Reconnected)
        assert (back.user, back.missed) == ("alice", 2)
        assert client.user == "alice"
        await say(bob, "three")
        assert await messages(client, 3) == [1, 2, 3]


async def test_1200_missed_messages_come_once_in_order_while_others_send() -> None:
    async with free_door() as door, door.client() as client:
        bob = await door.running.peer("bob")
        await say(bob, "before")
        assert await messages(client, 1) == [1]
        door.shut = True
        await door.cable.cut()
        await until(client, Disconnected)
        for start in range(0, 1200, 100):
            await say(bob, *(str(start + number) for number in range(100)))
        door.shut = False

        async def talk() -> None:
            for number in range(300):
                await say(bob, f"live {number}")

        async with trio.open_nursery() as nursery:
            nursery.start_soon(talk)
            assert await messages(client, 1501) == list(range(2, 1502))
        assert len(door.cable.requests("log")) >= 3


async def test_connections_that_break_again_and_again_lose_and_repeat_nothing() -> None:
    async with free_door() as door, door.client() as client:
        bob = await door.running.peer("bob")
        sent = 0

        async def talk() -> None:
            for number in range(600):
                await say(bob, str(number))

        async def mine() -> None:
            nonlocal sent
            for number in range(100):
                await client.send(f"mine {number}")
                sent += 1

        async def cut() -> None:
            """Break each connection soon after it brought something, however slow the machine is."""
            while True:
                before = client._events.inbox.last, sent
                await trio.sleep(0.02)
                while (client._events.inbox.last, sent) == before:
                    await trio.sleep(0.001)
                await door.cable.cut()

        async with trio.open_nursery() as breaking:
            breaking.start_soon(cut)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(talk)
                nursery.start_soon(mine)
                assert await messages(client, 700) == list(range(1, 701))
            breaking.cancel_scope.cancel()
        assert len(door.cables) > 2
        assert sent == 100


@pytest.mark.parametrize("arrived", [True, False])
async def test_a_send_in_flight_arrives_once_whether_the_server_received_it_or_not(
    door: Door, arrived: bool
) -> None:
    async with door.client() as client:
        await client.send("before")
        cable = door.cable
        cable.loses_sent, cable.loses_received = not arrived, arrived
        asked = client.send_nowait("once")
        while not cable.requests("send")[1:] or len(await said(door.running)) != 1 + arrived:
            await trio.sleep(0.001)
        assert not asked.done
        assert [one.text for one in client.unanswered] == ["once"]
        await cable.cut()
        reply = await asked.wait()
        assert isinstance(reply, Sent)
        assert reply.seq == 2
        assert client.unanswered == []
        assert await said(door.running) == ["before", "once"]
        (again,) = door.cable.requests("send")
        assert again["key"] == cable.requests("send")[1]["key"]
        assert await messages(client, 2) == [1, 2]


async def test_two_clients_never_use_the_same_key(door: Door) -> None:
    for _ in range(2):
        async with door.client() as client:
            await client.send("a")
            await client.send("b")
    keys = [line["key"] for cable in door.cables for line in cable.requests("send")]
    assert len(set(keys)) == 4


async def test_sends_while_offline_wait_and_go_out_in_order(door: Door) -> None:
    async with door.client(name="alice") as client:
        door.shut = True
        await door.cable.cut()
        await until(client, Disconnected)
        asked = [client.send_nowait(str(number)) for number in range(30)]
        with pytest.raises(DisconnectedError, match="not connected"):
            await client.users()
        with pytest.raises(DisconnectedError, match="not connected"):
            await client.ping()
        assert [one.text for one in client.unanswered] == [str(number) for number in range(30)]
        door.shut = False
        replies = [await one.wait() for one in asked]
        assert [reply.seq for reply in replies if isinstance(reply, Sent)] == list(range(1, 31))
        assert await said(door.running) == [str(number) for number in range(30)]


async def test_sends_of_a_lost_connection_go_out_in_order_beyond_the_burst(autojump_clock: MockClock) -> None:
    slow = Settings(limits=Limits(message_burst=3, messages_per_second=200))
    async with run_server(slow, run_sync=at_once) as running:
        door = Door(running)
        async with door.client() as client:
            door.shut = True
            door.cable.loses_sent = True
            asked = [client.send_nowait("0")]
            await trio.testing.wait_all_tasks_blocked()
            await door.cable.cut()
            await until(client, Disconnected)
            asked += [client.send_nowait(str(number)) for number in range(1, 20)]
            door.shut = False
            for one in asked:
                await one.wait()
            assert len(door.cable.requests("send")) > 20  # some were too fast and repeated
        assert await said(running) == [str(number) for number in range(20)]


async def test_giving_up_fails_events_and_waiting_sends(door: Door) -> None:
    policy = Reconnect(first=0.005, most=0.01, give_up=0.05)
    async with door.client(reconnect=policy) as client:
        door.shut = True
        await door.cable.cut()
        with pytest.raises(DisconnectedError, match="gave up"):
            await client.send("hi")
        with pytest.raises(DisconnectedError, match="gave up"):
            async for _ in client.events():
                pass
    assert isinstance(client.state, Closed)


async def test_a_client_is_entered_once(door: Door) -> None:
    async with door.client() as client:
        with pytest.raises(RuntimeError, match="make another one"):
            await client.__aenter__()
        assert isinstance(client.state, Online)
    with pytest.raises(RuntimeError, match="make another one"):
        async with client:
            pass


async def test_a_replaced_client_does_not_reconnect(door: Door) -> None:
    async with door.client(name="alice") as first, door.client(token=first.token) as second:
        assert second.user == "alice"
        bye = await until(first, Bye)
        assert bye.code == "replaced"
        with pytest.raises(RefusedError, match="another connection") as refused:
            await first.next_event()
        assert refused.value.code == "replaced"
        assert isinstance(first.state, Closed)
        assert isinstance(second.state, Online)
        assert len(door.cables) == 2


async def test_another_journal_begins_anew(door: Door) -> None:
    async with run_server() as other:
        bob, carol = await door.running.peer("bob"), await other.peer("carol")
        await say(carol, "a", "b")
        async with door.client(name="alice") as client:
            await say(bob, "1", "2", "3")
            assert await messages(client, 3) == [1, 2, 3]
            old = door.cable
            door.running = other
            await old.cut()
            back = await until(client, Reconnected)
            assert (back.user, back.missed) == ("alice", 2)
            await say(carol, "c")
            assert await messages(client, 3) == [1, 2, 3]


async def test_a_restarted_server_with_its_data_continues(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path, "off")
    async with run_server(store=store) as running:
        door = Door(running)
        bob = await running.peer("bob")
        async with door.client(name="alice") as client:
            await say(bob, "1", "2")
            await client.send("3")
            assert await messages(client, 3) == [1, 2, 3]
            door.shut = True
            running.node.stop()
            await until(client, Disconnected)
            waiting = client.send_nowait("4")
            store.close()
            async with run_server(folder=tmp_path) as door.running:
                door.shut = False
                reply = await waiting.wait()
                assert isinstance(reply, Sent)
                assert reply.seq == 4
                assert client.user == "alice"
                assert await messages(client, 4) == [4]


async def test_a_slow_reader_loses_no_message_of_the_lobby() -> None:
    async with free_door() as door, door.client(buffer=10) as client:
        bob = await door.running.peer("bob")
        for start in range(0, 5000, 250):
            await say(bob, *(str(start + number) for number in range(250)))
        assert len(client._events.inbox) <= 10
        read = []
        async for event in client.events():
            if isinstance(event, Message):
                read.append(event.seq)
                if event.seq % 1000 == 0:
                    await client.ping()
            if read and read[-1] == 5000:
                break
        assert read == list(range(1, 5001))


async def test_a_reader_that_sends_in_its_loop_does_not_block() -> None:
    async with free_door() as door, door.client(name="echo", buffer=5) as client:
        bob = await door.running.peer("bob")
        await say(bob, *(f"ask {number}" for number in range(300)))
        read = []
        async for event in client.events():
            if isinstance(event, Message):
                read.append(event.seq)
                if event.text.startswith("ask"):
                    await client.send(f"answer {event.text}")
                if event.seq == 600:
                    break
        assert read == list(range(1, 601))


async def test_other_events_that_a_slow_reader_missed_are_counted() -> None:
    async with free_door() as door, door.client(buffer=3) as client:
        for _ in range(10):
            await (await door.running.peer()).quiet()
            door.running.announce_presence()
        await client.ping()
        heard = 0
        event = await client.next_event()
        while not isinstance(event, Skipped):
            heard += isinstance(event, Joined)
            event = await client.next_event()
        assert (heard, event.events) == (2, 8)  # the welcome is the third


async def test_a_reader_that_pauses_loses_nothing() -> None:
    async with free_door() as door, door.client(buffer=20) as client:
        bob = await door.running.peer("bob")
        read: list[int] = []

        async def talk() -> None:
            for number in range(400):
                await say(bob, str(number))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(talk)
            while not read or read[-1] != 400:
                with trio.move_on_after(0.001):
                    async for event in client.events():
                        if isinstance(event, Message):
                            read.append(event.seq)
                        if read and read[-1] == 400:
                            break
                await trio.sleep(0.003)
        assert read == list(range(1, 401))


async def test_leaving_while_offline_fails_waiting_sends_and_does_not_hang(door: Door) -> None:
    with trio.fail_after(30):
        async with door.client(reconnect=Reconnect(first=60)) as client:
            await door.cable.cut()
            await until(client, Disconnected)
            waiting = client.send_nowait("hi")
        with pytest.raises(DisconnectedError, match="the client was left"):
            await waiting.wait()
        assert await client.next_event() is None


async def test_retry_now_reconnects_at_once(door: Door) -> None:
    with trio.fail_after(30):
        async with door.client(reconnect=Reconnect(first=60, most=60)) as client:
            await door.cable.cut()
            await until(client, Disconnected)
            client.retry_now()
            await until(client, Reconnected)


async def test_events_end_with_the_client_while_a_reader_waits(door: Door) -> None:
    async with trio.open_nursery() as nursery, door.client(reconnect=SOON) as client:

        @nursery.start_soon
        async def read() -> None:
            events = [event async for event in client.events()]
            assert events

        await client.ping()


async def test_leaving_closes_the_stream(door: Door) -> None:
    async with door.client() as client:
        await client.ping()
    assert door.cable.closed


async def test_cancelling_closes_the_stream(door: Door) -> None:
    with trio.move_on_after(0.05):
        async with door.client():
            await trio.sleep_forever()
    assert door.cable.closed


async def test_sends_made_offline_go_out_beyond_the_burst() -> None:
    async with run_server(Settings(limits=Limits(message_burst=3, messages_per_second=200))) as running:
        door = Door(running)
        async with door.client() as client:
            door.shut = True
            await door.cable.cut()
            await until(client, Disconnected)
            asked = [client.send_nowait(str(n)) for n in range(20)]
            door.shut = False
            for one in asked:
                await one.wait()
        assert await said(running) == [str(n) for n in range(20)]


async def test_a_text_too_long_for_a_line_is_refused(door: Door) -> None:
    async with door.client() as client:
        with trio.fail_after(30), pytest.raises(RefusedError):
            await client.send("x" * 70_000)


@pytest.mark.parametrize("kwargs", [{"text": "\ud800"}])
async def test_a_text_that_is_not_unicode_is_an_error_of_the_caller(door: Door, kwargs: Any) -> None:
    async with door.client() as client:
        with pytest.raises((ValueError, TypeError, RefusedError)):
            await client.send(**kwargs)
        await client.ping()


async def test_control_c_is_raised_as_it_is(door: Door) -> None:
    with pytest.raises(KeyboardInterrupt):
        async with door.client():
            raise KeyboardInterrupt


async def test_a_time_that_is_not_a_number_does_not_send_at_once(door: Door) -> None:
    async with door.client() as client:
        with pytest.raises((ValueError, RefusedError)):
            await client.send("later", time=float("nan"))


async def test_an_edit_in_flight_counts_once_whether_the_server_received_it_or_not(door: Door) -> None:
    async with door.client(name="alice") as client:
        await client.send("helo")
        cable = door.cable
        cable.loses_received = True
        edits: list[Sent] = []

        async def edit() -> None:
            edits.append(await client.edit(1, "hello"))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(edit)
            while await said(door.running) != ["hello"]:
                await trio.sleep(0.001)
            await cable.cut()
        assert [one.seq for one in edits] == [2]
        (again,) = door.cable.requests("edit")
        assert again["key"] == cable.requests("edit")[0]["key"]
        log = await client.request(ReadLog())
        assert [event.type for event in log.events] == ["message", "edited"]
        with pytest.raises(RefusedError):
            await client.edit(7, "no such message")
