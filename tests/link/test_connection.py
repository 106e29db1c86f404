"""A client with a fake server and a mock clock: how it stays connected."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
import trio
import trio.testing
from trio.testing import MockClock

from tcpchat.client import (
    CaughtUp,
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
    Replay,
    Skipped,
)
from tcpchat.link import calls as calls_module
from tcpchat.link import connection as connections
from tcpchat.link.connection import CATCH_UP, DEAD, FETCH_RETRY, PING, WELCOME
from tcpchat.protocol import Bye, Event, Joined, Message, Ping, Rename, Renamed, Send, Welcome
from tcpchat.wire.base import Unknown
from tests.link.conftest import EVEN, FakeServer, ServerSide, cannot_connect, message, until

REFUSED = ConnectionRefusedError(111, "Connection refused")


async def test_nothing_listens(fake: FakeServer, autojump_clock: MockClock) -> None:
    fake.error = REFUSED
    with pytest.raises(ConnectError, match=r"^cannot reach chat.example:9: "):
        await cannot_connect(fake)
    assert len(fake.attempts) == 1


async def test_a_server_without_a_welcome_is_given_up_after_10_s(
    fake: FakeServer, autojump_clock: MockClock
) -> None:
    began = trio.current_time()
    with pytest.raises(
        ConnectError, match=r"chat.example:9 is no tcpchat server, or too busy: no welcome within 10 s"
    ):
        await cannot_connect(fake)
    assert trio.current_time() - began == WELCOME
    server = await fake.accept()
    assert (await server.receive())["type"] == "ping"
    with pytest.raises(EOFError):
        await server.receive()


async def test_a_lost_connection_is_an_event_and_the_client_reconnects_as_the_same_user(
    fake: FakeServer, autojump_clock: MockClock
) -> None:
    async with fake.online(reconnect=EVEN) as (client, begun):
        server = begun
        await until(client, CaughtUp)
        lost = trio.current_time()
        await server.close()
        assert await client.next_event() == Disconnected(reason="the server closed the connection")
        assert client.state == Offline(lost, lost + 1, "the server closed the connection")
        server = await fake.accept()
        request = await server.resume(seq=4)
        assert request["token"] == "t1"
        assert isinstance(await client.next_event(), Welcome)
        assert await client.next_event() == Reconnected(user="guest-1", seconds=1, missed=4)
        assert isinstance(client.state, Online)
        assert client.token == "t1"


async def test_each_connection_says_once_when_all_from_before_was_given(
    fake: FakeServer, autojump_clock: MockClock
) -> None:
    async def play() -> None:
        server = await fake.accept()
        await server.welcome(seq=2)
        request = await server.next("log")
        await server.reply(request, "log", room="lobby", events=[message(1), message(2)], first=1, more=False)
        await trio.testing.wait_all_tasks_blocked()  # the page is read
        await server.say(message(3))
        await server.close()
        server = await fake.accept()
        await server.resume(seq=4)
        request = await server.next("log")
        await server.reply(request, "log", room="lobby", events=[message(4)], first=1, more=False)
        await server.serve()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(play)
        async with Client(open_stream=fake.open_stream, replay=Replay(last=2)) as client:
            read = [await client.next_event() for _ in range(10)]
        shown = [event.seq if isinstance(event, Message) else type(event).__name__ for event in read]
        first = ["Welcome", 1, 2, "CaughtUp", 3, "Disconnected"]
        assert shown == [*first, "Welcome", "Reconnected", 4, "CaughtUp"]


async def test_attempts_wait_as_the_policy_says_and_show_the_latest_reason(
    fake: FakeServer, autojump_clock: MockClock
) -> None:
    async with fake.online(reconnect=EVEN) as (client, server):
        fake.error = OSError(113, "No route to host")
        began = trio.current_time()
        await server.close()
        await trio.sleep(20)
        assert [at - began for at in fake.attempts[1:]] == [1, 3, 7, 15]
        assert isinstance(client.state, Offline)
        assert (client.state.since, client.state.retry_at) == (began, began + 23)
        assert "No route to host" in client.state.reason
        fake.error = None
        await (await fake.accept()).resume()
        await until(client, Disconnected)
        assert (await until(client, Reconnected)) == Reconnected(user="guest-1", seconds=23, missed=0)
        assert len(fake.attempts) == 6


async def test_the_waits_start_again_after_a_steady_connection(
    fake: FakeServer, autojump_clock: MockClock
) -> None:
    async with fake.online(reconnect=EVEN) as (client, begun):
        server, waits = begun, []
        for lasts in (0, 0, 0, connections.STEADY, 0):
            await trio.sleep(lasts)
            await server.close()
            lost = trio.current_time()
            server = await fake.accept()
            waits.append(trio.current_time() - lost)
            await server.resume()
            await until(client, Reconnected)
        assert waits == [1, 2, 4, 1, 2]


async def test_the_jitter_shortens_the_wait(fake: FakeServer, autojump_clock: MockClock) -> None:
    policy = Reconnect(first=10, jitter=0.5, random=lambda: 0.5)
    async with fake.online(reconnect=policy) as (_, server):
        await server.close()
        await fake.accept()
        assert fake.attempts[1] - fake.attempts[0] == 7.5


async def test_retry_now_does_not_wait(fake: FakeServer, autojump_clock: MockClock) -> None:
    async with fake.online(reconnect=Reconnect(first=30, jitter=0)) as (client, server):
        fake.error = REFUSED
        await server.close()
        await until(client, Disconnected)
        for count in (2, 3):
            client.retry_now()
            await trio.testing.wait_all_tasks_blocked()
            assert len(fake.attempts) == count
        fake.error = None
        client.retry_now()
        await (await fake.accept()).resume()
        await until(client, Reconnected)
        assert fake.attempts[-1] == fake.attempts[0]


async def test_giving_up_ends_the_events_and_fails_waiting_sends(
    fake: FakeServer, autojump_clock: MockClock
) -> None:
    async with fake.online(reconnect=Reconnect(first=1, factor=1, jitter=0, give_up=5)) as (client, server):
        fake.error = REFUSED
        began = trio.current_time()
        await server.close()
        await until(client, Disconnected)
        with pytest.raises(DisconnectedError, match="gave up after 5 s: cannot reach"):
            await client.send("hi")
        assert trio.current_time() - began == 5
        assert len(fake.attempts) == 1 + 5
        for _ in range(2):
            with pytest.raises(DisconnectedError, match="gave up after 5 s"):
                await client.next_event()
        with pytest.raises(DisconnectedError, match="gave up"):
            await anext(aiter(client.events()))
        with pytest.raises(DisconnectedError, match="gave up"):
            await client.send("more")
        assert isinstance(client.state, Closed)


async def test_a_client_that_never_reconnects_ends_with_its_connection(
    fake: FakeServer, autojump_clock: MockClock
) -> None:
    async with fake.online(reconnect=Reconnect.never()) as (client, server):
        await server.say(message(1))
        await trio.testing.wait_all_tasks_blocked()
        await server.close()
        assert [type(await client.next_event()) for _ in range(3)] == [Welcome, Message, CaughtUp]
        with pytest.raises(DisconnectedError, match="the server closed the connection"):
            await client.next_event()
        assert client.state == Closed("the server closed the connection")
    assert len(fake.attempts) == 1


@pytest.mark.parametrize(("code", "failed"), [("replaced", True), ("exit", False)])
async def test_after_a_final_bye_the_client_does_not_reconnect(
    fake: FakeServer, autojump_clock: MockClock, code: str, failed: bool
) -> None:
    async with fake.online() as (client, server):
        await server.say({"type": "bye", "code": code, "message": "go away"})
        await server.close()
        assert isinstance(await until(client, Bye), Bye)
        if failed:
            with pytest.raises(RefusedError, match="go away") as refused:
                await client.next_event()
            assert refused.value.code == code
        else:
            assert await client.next_event() is None
        assert client.state == Closed("go away")
        with pytest.raises(DisconnectedError, match="go away"):
            client.send_nowait("hi")
    assert len(fake.attempts) == 1


@pytest.mark.parametrize("code", ["server-stopping", "slow-consumer", "later"])
async def test_after_another_bye_the_client_reconnects(
    fake: FakeServer, autojump_clock: MockClock, code: str
) -> None:
    async with fake.online() as (client, server):
        await server.say({"type": "bye", "code": code, "message": "for now"})
        await server.close()
        assert await until(client, Disconnected) == Disconnected(reason="for now")
        await (await fake.accept()).resume()
        await until(client, Reconnected)


@pytest.mark.parametrize(
    ("line", "why"),
    [(b"oops\n", "no line of a tcpchat server"), (b'{"type":"message"}\n', "not as it should be")],
)
async def test_a_line_that_is_no_answer_loses_the_connection(
    fake: FakeServer, autojump_clock: MockClock, line: bytes, why: str
) -> None:
    async with fake.online() as (client, server):
        await trio.testing.wait_all_tasks_blocked()
        await server.stream.send_all(line)
        lost = await until(client, Disconnected)
        assert why in lost.reason
        assert (await server.receive())["type"] == "ping"
        with pytest.raises(EOFError):
            await server.receive()
        await (await fake.accept()).resume()
        await until(client, Reconnected)


async def test_a_server_of_a_later_version_is_understood(fake: FakeServer, autojump_clock: MockClock) -> None:
    async with fake.online() as (client, server):
        await server.say({"type": "reacted", "emoji": "x"}, message(1) | {"mood": "good"})
        await until(client, CaughtUp)
        assert await client.next_event() == Unknown(fields={"type": "reacted", "emoji": "x"})
        assert isinstance(await client.next_event(), Message)


@pytest.mark.parametrize("size", [1, 17])
async def test_lines_may_arrive_in_small_pieces(
    fake: FakeServer, autojump_clock: MockClock, size: int
) -> None:
    class Pieces(ServerSide):
        async def say(self, *lines: Any) -> None:
            data = b"".join(orjson.dumps(line) + b"\n" for line in lines)
            for start in range(0, len(data), size):
                await self.stream.send_all(data[start : start + size])
                await trio.testing.wait_all_tasks_blocked()

    async def play() -> None:
        server = Pieces((await fake.accept()).stream)
        await server.welcome()
        await server.sent(await server.next("send"), 1)
        await server.say(message(1), message(2))
        await server.serve()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(play)
        async with Client(open_stream=fake.open_stream) as client:
            assert (await client.send("hi")).at == ""
            await until(client, Welcome)
            messages = [await until(client, Message) for _ in range(2)]
            assert [event.seq for event in messages] == [1, 2]


async def test_pings_go_out_and_measure_the_latency(fake: FakeServer, autojump_clock: MockClock) -> None:
    async with fake.online() as (client, server):
        for count in range(3):
            ping = await server.receive()
            assert ping["type"] == "ping"
            assert trio.current_time() - fake.attempts[0] == pytest.approx(count * (PING + 0.25))
            await trio.sleep(0.25)
            await server.reply(ping, "pong", at="")
        await trio.testing.wait_all_tasks_blocked()
        assert client.latency == pytest.approx(0.25)


async def test_a_silent_server_is_left_and_tried_again(fake: FakeServer, autojump_clock: MockClock) -> None:
    async with fake.online(reconnect=EVEN) as (client, server):
        began = trio.current_time()
        lost = await until(client, Disconnected)
        assert lost == Disconnected(reason="the server has not answered for 15 s")
        assert trio.current_time() - began == DEAD
        assert (await server.receive())["type"] == "ping"
        with pytest.raises(EOFError):
            await server.receive()
        await (await fake.accept()).resume()
        await until(client, Reconnected)


async def test_a_server_that_answers_just_in_time_is_kept(
    fake: FakeServer, autojump_clock: MockClock
) -> None:
    async with fake.online() as (client, server):
        for _ in range(3):
            ping = await server.receive()
            await trio.sleep(DEAD - 0.01)
            await server.reply(ping, "pong", at="")
        await trio.testing.wait_all_tasks_blocked()
        assert isinstance(client.state, Online)
        assert len(fake.attempts) == 1


async def test_an_attempt_without_a_welcome_is_followed_by_others(
    fake: FakeServer, autojump_clock: MockClock
) -> None:
    async with fake.online(reconnect=EVEN) as (client, begun):
        server = begun
        await server.close()
        silent = await fake.accept()
        server = await fake.accept()
        assert fake.attempts[-1] - fake.attempts[-2] == WELCOME + 2
        with pytest.raises(EOFError):
            await silent.receive()
        await server.resume()
        await until(client, Reconnected)


async def test_a_send_in_flight_is_repeated_with_its_key(fake: FakeServer, autojump_clock: MockClock) -> None:
    async with fake.online() as (client, begun):
        server = begun
        asked = [client.send_nowait(text) for text in ("one", "two")]
        first = [await server.next("send") for _ in asked]
        await server.sent(first[0], 1)
        await server.close()
        server = await fake.accept()
        await server.resume()
        again = await server.next("send")
        assert (again["text"], again["key"]) == ("two", first[1]["key"])
        assert first[0]["key"] != first[1]["key"]
        assert [one.text for one in client.unanswered] == ["two"]
        await server.sent(again, 2)
        for one in asked:
            await one.wait()
        assert client.unanswered == []


async def test_another_user_does_not_repeat_sends_that_may_have_arrived(
    fake: FakeServer, autojump_clock: MockClock
) -> None:
    async with fake.online() as (client, begun):
        server = begun
        written = client.send_nowait("one")
        await server.next("send")
        await server.close()
        await until(client, Disconnected)
        waiting = client.send_nowait("two")
        server = await fake.accept()
        await server.welcome("guest-2", token="t2")
        await server.refuse(await server.next("resume"), "bad-token")
        with pytest.raises(DisconnectedError, match="may have been done or not"):
            await written.wait()
        request = await server.next("send")
        assert request["text"] == "two"
        await server.sent(request, 1)
        await waiting.wait()


async def test_a_request_in_flight_fails_and_says_that_it_may_have_been_done(
    fake: FakeServer, autojump_clock: MockClock
) -> None:
    async with fake.online() as (client, server):
        asked = client.request_nowait(Rename(name="alice"))
        await server.next("rename")
        await server.close()
        with pytest.raises(DisconnectedError, match="may have been done or not"):
            await asked.wait()
        with pytest.raises(DisconnectedError, match="not connected"):
            await client.status()


async def test_rate_limited_sends_are_repeated_in_order(fake: FakeServer, autojump_clock: MockClock) -> None:
    async with fake.online(patient=True) as (client, server):
        asked = [client.send_nowait(text) for text in ("one", "two")]
        request = await server.next("send")
        for _ in range(3):
            began = trio.current_time()
            await server.refuse(request, "rate-limited", retry_after=2.5)
            request = await server.next("send")
            assert request["text"] == "one"
            assert trio.current_time() - began == 2.5
        await server.sent(request, 1)
        await server.sent(await server.next("send"), 2)
        for one in asked:
            await one.wait()


async def test_without_patience_a_rate_limited_send_is_refused(
    fake: FakeServer, autojump_clock: MockClock
) -> None:
    async with fake.online() as (client, server):
        asked = client.send_nowait("one")
        await server.refuse(await server.next("send"), "rate-limited", retry_after=2.5)
        with pytest.raises(RefusedError) as caught:
            await asked.wait()
        assert (caught.value.code, caught.value.error.retry_after) == ("rate-limited", 2.5)


async def test_a_server_that_does_not_say_bye_is_left_after_a_second(
    fake: FakeServer, autojump_clock: MockClock
) -> None:
    async with fake.online() as (client, _):
        began = trio.current_time()
    assert trio.current_time() - began == 1
    assert client.state == Closed("the client was left")


async def test_leaving_while_offline_takes_no_time(fake: FakeServer, autojump_clock: MockClock) -> None:
    async with fake.online() as (client, server):
        fake.error = REFUSED
        await server.close()
        await until(client, Disconnected)
        waiting = client.send_nowait("hi")
        began = trio.current_time()
    assert trio.current_time() == began
    with pytest.raises(DisconnectedError, match="the client was left"):
        await waiting.wait()
    assert await client.next_event() is None


async def test_leaving_while_an_attempt_hangs_takes_no_time(
    fake: FakeServer, autojump_clock: MockClock
) -> None:
    async with fake.online(reconnect=EVEN) as (_, server):
        await server.close()
        await fake.accept()
        await trio.testing.wait_all_tasks_blocked()
        began = trio.current_time()
    assert trio.current_time() == began


async def test_ping_returns_the_seconds(fake: FakeServer, autojump_clock: MockClock) -> None:
    async with fake.online() as (client, server):
        await server.reply(await server.receive(), "pong", at="")
        took: list[float] = []

        async def ping() -> None:
            took.append(await client.ping())

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ping)
            request = await server.receive()
            await trio.sleep(0.5)
            await server.reply(request, "pong", at="")
        assert took == [pytest.approx(0.5)]


async def test_with_a_pause_more_is_received_at_once(fake: FakeServer, autojump_clock: MockClock) -> None:
    async with fake.online(pause=2.0) as (client, server):
        await server.reply(await server.receive(), "pong", at="")
        await until(client, Welcome)
        await trio.testing.wait_all_tasks_blocked()
        began = trio.current_time()
        await server.say(message(1))
        await server.say(message(2))
        assert [(await until(client, Message)).seq for _ in range(2)] == [1, 2]
        assert trio.current_time() - began == 2


async def test_a_new_call_ends_the_pause(fake: FakeServer, autojump_clock: MockClock) -> None:
    async with fake.online(pause=2.0) as (client, server):
        await server.reply(await server.receive(), "pong", at="")
        await until(client, Welcome)
        await trio.testing.wait_all_tasks_blocked()
        began = trio.current_time()
        call = client.send_nowait("hi")
        await server.say(message(1))
        await server.sent(await server.next("send"), 2)
        await call.wait()
        assert (await until(client, Message)).seq == 1
        assert trio.current_time() == began


async def test_a_send_without_a_key_is_not_repeated(fake: FakeServer, autojump_clock: MockClock) -> None:
    async with fake.online() as (client, server):
        asked = client.request_nowait(Send(text="once"))
        await server.next("send")
        await server.close()
        await (await fake.accept()).resume()
        with trio.fail_after(5), pytest.raises(DisconnectedError):
            await asked.wait()


async def test_history_and_pings_pass_when_too_many_sends_wait(
    fake: FakeServer, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls_module, "MAX_WAITING", 3)
    async with fake.online() as (client, first):
        client.send_nowait("0")
        await first.next("send")
        await first.close()
        await until(client, Disconnected)
        for n in range(2):
            client.send_nowait(str(n))
        server = await fake.accept()
        await server.resume(seq=1)
        await server.next("send")
        client.send_nowait("3")
        client.request_nowait(Ping())


async def test_a_cancelled_client_fails_waiting_calls(fake: FakeServer, autojump_clock: MockClock) -> None:
    scope = trio.CancelScope()
    box: list[Client] = []

    async def owner() -> None:
        with scope:
            async with fake.online() as (client, _):
                box.append(client)
                await trio.sleep_forever()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(owner)
        await trio.testing.wait_all_tasks_blocked()
        asked = box[0].send_nowait("hi")
        scope.cancel()
        with trio.fail_after(5), pytest.raises(DisconnectedError):
            await asked.wait()
    assert isinstance(box[0].state, Closed)


async def test_a_reply_that_belongs_to_no_call_is_ignored(
    fake: FakeServer, autojump_clock: MockClock
) -> None:
    async with fake.online() as (client, server):
        await server.say({"type": "pong", "at": ""})
        await trio.sleep(0.1)
        assert isinstance(client.state, Online)


async def test_leaving_while_sends_wait(
    fake: FakeServer, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls_module, "MAX_WAITING", 1)
    async with fake.online(patient=True) as (client, server):
        client.send_nowait("0")
        await server.next("send")
        client.send_nowait("1")


async def test_a_server_that_refuses_exit_is_left_all_the_same(
    fake: FakeServer, autojump_clock: MockClock
) -> None:
    async with trio.open_nursery() as nursery:

        async def refuse(server: Any) -> None:
            await server.refuse(await server.next("exit"), "internal")

        async with fake.online() as (_, server):
            nursery.start_soon(refuse, server)


async def test_a_reply_of_the_wrong_type_is_an_error_that_programs_expect(
    fake: FakeServer, autojump_clock: MockClock
) -> None:
    async with fake.online() as (client, server):
        asked = trio.Event()

        async def ask() -> None:
            with pytest.raises(DisconnectedError, match="answered send with pong"):
                await client.send("hi")
            asked.set()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask)
            await server.reply(await server.next("send"), "pong", at="")
            await asked.wait()


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
            request = await server.next("log")
            assert (request["after"], request["count"]) == (0, 500)
            await server.say(message(5))
            await server.reply(
                request, "log", room="lobby", events=[message(1), message(2)], first=1, more=True
            )
            request = await server.next("log")
            assert request["after"] == 2
            await server.reply(
                request, "log", room="lobby", events=[message(3), message(4), message(5)], first=1, more=False
            )
            await server.say(message(6), message(7))
        assert read == [1, 2, 3, 4, 5, 6, 7]


async def test_history_that_the_server_could_not_read_is_requested_again(
    fake: FakeServer, autojump_clock: MockClock
) -> None:
    async def play() -> None:
        server = await fake.accept()
        await server.welcome(seq=2)
        await server.refuse(await server.next("log"), "storage-failed")
        request = await server.next("log")
        await server.reply(request, "log", room="lobby", events=[message(1), message(2)], first=1, more=False)
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
            assert (await server.next("log"))["after"] == 0
            await server.close()
            server = await fake.accept()
            await server.resume(seq=3)
            request = await server.next("log")
            messages = [message(seq) for seq in (1, 2, 3)]
            await server.reply(request, "log", room="lobby", events=messages, first=1, more=False)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(play, server)
            messages = [await until(client, Message) for _ in range(3)]
        assert [event.seq for event in messages] == [1, 2, 3]


async def test_a_reader_that_stops_while_a_page_is_on_its_way_loses_nothing(
    fake: FakeServer, autojump_clock: MockClock
) -> None:
    async with fake.online() as (client, server):
        await until(client, CaughtUp)
        await server.say(message(3))
        with trio.move_on_after(0.5):
            await client.next_event()
        request = await server.next("log")
        with trio.move_on_after(0.5):
            await client.next_event()
        messages = [message(seq) for seq in (1, 2, 3)]
        await server.reply(request, "log", room="lobby", events=messages, first=1, more=False)
        read = [await client.next_event() for _ in range(3)]
        assert [event.seq for event in read if isinstance(event, Message)] == [1, 2, 3]
        with trio.move_on_after(0.5):
            while True:
                assert (await server.receive())["type"] == "ping"


async def test_other_events_do_not_wait_for_a_page_that_is_on_its_way(
    fake: FakeServer, autojump_clock: MockClock
) -> None:
    async with fake.online() as (client, server):
        await until(client, CaughtUp)
        await server.say(message(3))
        read: list[Event] = []

        async def read_all() -> None:
            while (event := await client.next_event()) is not None:
                read.append(event)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(read_all)
            await server.next("log")
            await server.say({"type": "joined", "room": "lobby", "users": ["bob"]})
            await trio.testing.wait_all_tasks_blocked()
            assert read == [Joined(room="lobby", users=["bob"])]
            nursery.cancel_scope.cancel()


async def test_a_room_that_is_refused_is_given_up_and_the_reader_continues(
    fake: FakeServer, autojump_clock: MockClock
) -> None:
    async with fake.online() as (client, server):
        await until(client, Welcome)
        await server.say(message(3, conversation="@b"))

        async def play() -> None:
            await server.refuse(await server.next("log"), "no-such-user")
            await server.say(message(4, conversation="@b"))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(play)
            assert await until(client, Skipped) == Skipped(events=3)
            assert (await until(client, Message)).seq == 4


async def test_a_reader_that_does_not_keep_up_delays_receiving_a_bit(
    fake: FakeServer, autojump_clock: MockClock
) -> None:
    async with fake.online(buffer=4) as (client, server):
        await server.reply(await server.receive(), "pong", at="")
        await trio.testing.wait_all_tasks_blocked()
        began = trio.current_time()
        for seq in (1, 2, 3):
            await server.say(message(seq))
            await trio.testing.wait_all_tasks_blocked()
        assert len(client._events.inbox) == 2, "more than a quarter is full, so receiving has stopped"
        await trio.sleep(CATCH_UP)
        await trio.testing.wait_all_tasks_blocked()
        assert len(client._events.inbox) == 4
        for _ in range(4):
            await client.next_event()
        await trio.testing.wait_all_tasks_blocked()
        assert trio.current_time() - began == CATCH_UP


async def test_a_request_that_no_line_can_hold_is_an_error_of_the_caller(
    fake: FakeServer, autojump_clock: MockClock
) -> None:
    async with fake.online() as (client, _):
        with pytest.raises(ValueError, match="cannot be written as JSON"):
            client.request_nowait(Send(text="\ud800"))
        assert client.unanswered == []


async def test_a_rename_by_another_device_is_the_users_new_name(
    fake: FakeServer, autojump_clock: MockClock
) -> None:
    async with fake.online() as (client, server):
        await server.say({"type": "renamed", "old": "guest-1", "new": "al"})
        assert await until(client, Renamed) == Renamed(old="guest-1", new="al")
        assert client.user == "al"
        await server.say({"type": "renamed", "old": "guest-7", "new": "bob"})
        await until(client, Renamed)
        assert client.user == "al"
