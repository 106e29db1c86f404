"""How a client stays connected, against a server that the test plays, with a clock that jumps."""

from __future__ import annotations

from typing import Any, TypeVar

import orjson
import pytest
import trio
import trio.testing
from trio.testing import MockClock

from tcpchat.client import (
    Client,
    Closed,
    ConnectError,
    Credentials,
    Disconnected,
    DisconnectedError,
    Offline,
    Online,
    Reconnect,
    Reconnected,
    RefusedError,
)
from tcpchat.commands.rename import Rename
from tcpchat.link import connection as connections
from tcpchat.link.connection import DEAD, HANDSHAKE, PING
from tcpchat.protocol import Bye, Event, Message, Renamed, Welcome
from tcpchat.wire.answers import Unknown
from tests.link.conftest import Fake, Talk, make_client, message

E = TypeVar("E", bound=Event)
EVEN = Reconnect(first=1, factor=2, most=8, jitter=0)
REFUSED = ConnectionRefusedError(111, "Connection refused")


async def until(client: Client, kind: type[E]) -> E:
    """Return the next event of this class."""
    event = await client.next_event()
    while not isinstance(event, kind):
        assert event is not None
        event = await client.next_event()
    return event


async def connect(fake: Fake, **options: Any) -> None:
    async with make_client("chat.example:9", open_stream=fake.open_stream, **options):
        pytest.fail("there was no server")


async def test_nobody_listens(fake: Fake, autojump_clock: MockClock) -> None:
    fake.error = REFUSED
    with pytest.raises(ConnectError, match=r"^cannot reach chat.example:9: "):
        await connect(fake)
    assert len(fake.attempts) == 1


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "no line of a tcpchat server"),
        (b"220 mail.example ESMTP\r\n", "no line of a tcpchat server"),
        (b'{"type":"pong","at":"t"}\n', "this is no tcpchat server"),
        (b'{"type":"hello"}\n', "this is no tcpchat server"),
        (b'{"type":"welcome"}\n', "not as it should be"),
        (b'{"type":"error","code":"server-full","message":"the server is full"}\n', "the server is full$"),
        (b'{"type":"bye","code":"server-stopping","message":"the server stops"}\n', "the server stops$"),
        (b"", "the server closed the connection"),
        (b'{"type":"wel', "the server closed the connection"),
    ],
)
async def test_who_does_not_greet_is_no_server(
    fake: Fake, autojump_clock: MockClock, line: bytes, why: str
) -> None:
    async def play() -> None:
        talk = await fake.accept()
        await talk.stream.send_all(line)
        await talk.stream.send_eof()
        with pytest.raises(EOFError):
            await talk.hear()  # the client has closed

    async with trio.open_nursery() as nursery:
        nursery.start_soon(play)
        with pytest.raises(ConnectError, match="^chat.example:9: .*" + why):
            await connect(fake)


async def test_a_server_that_says_nothing_for_10_s_is_given_up(fake: Fake, autojump_clock: MockClock) -> None:
    began = trio.current_time()
    with pytest.raises(
        ConnectError, match=r"chat.example:9 is no tcpchat server, or too busy: no welcome within 10 s"
    ):
        await connect(fake)
    assert trio.current_time() - began == HANDSHAKE
    with pytest.raises(EOFError):
        await (await fake.accept()).hear()


async def test_a_server_that_greets_just_in_time_is_taken(fake: Fake, autojump_clock: MockClock) -> None:
    async def play() -> None:
        talk = await fake.accept()
        await trio.sleep(HANDSHAKE - 0.01)
        await talk.welcome("guest-7", seq=5, token="secret")
        await talk.serve()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(play)
        async with Client(open_stream=fake.open_stream) as client:
            assert (client.user, client.server, client.token) == ("guest-7", "played 1", "secret")
            assert isinstance(client.state, Online)
            event = await client.next_event()
            assert isinstance(event, Welcome)
            assert event.seq == 5


async def test_a_name_is_taken_before_anything_else_is_said(fake: Fake, autojump_clock: MockClock) -> None:
    async def play() -> None:
        talk = await fake.accept()
        await talk.welcome()
        request = await talk.hear()
        assert (request["type"], request["name"]) == ("rename", "Alice")
        await talk.say(message(1))
        await talk.reply(request, "renamed", old="guest-1", new="alice")
        await talk.serve()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(play)
        async with Client(open_stream=fake.open_stream, name="Alice") as client:
            assert client.user == "alice"
            assert [type(await client.next_event()) for _ in range(2)] == [Welcome, Message]


async def test_a_name_that_is_taken_at_the_start_is_refused(fake: Fake, autojump_clock: MockClock) -> None:
    async def play() -> None:
        talk = await fake.accept()
        await talk.welcome()
        await talk.refuse(await talk.next("rename"), "name-taken", name="bob")
        with pytest.raises(EOFError):
            await talk.hear()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(play)
        with pytest.raises(RefusedError, match="because name-taken") as caught:
            await connect(fake, name="bob")
    assert (caught.value.code, caught.value.error.name) == ("name-taken", "bob")


async def test_a_bye_instead_of_the_name_is_the_reason(fake: Fake, autojump_clock: MockClock) -> None:
    async def play() -> None:
        talk = await fake.accept()
        await talk.welcome()
        await talk.next("rename")
        await talk.say({"type": "bye", "code": "server-stopping", "message": "the server stops"})
        await talk.close()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(play)
        with pytest.raises(ConnectError, match=r"^chat.example:9: the server stops$"):
            await connect(fake, name="bob")


@pytest.mark.parametrize("known", [True, False])
async def test_a_token_of_an_earlier_run_makes_the_same_user_if_it_is_still_good(
    fake: Fake, autojump_clock: MockClock, known: bool
) -> None:
    async def play() -> None:
        talk = await fake.accept()
        await talk.welcome(token="new")
        request = await talk.next("resume")
        assert request["token"] == "old"
        if known:
            await talk.resumed(request, "alice")
        else:
            await talk.refuse(request, "bad-token")
        await talk.serve()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(play)
        async with Client(open_stream=fake.open_stream, credentials=Credentials(token="old")) as client:
            assert (client.user, client.token) == (("alice", "old") if known else ("guest-1", "new"))


async def test_the_name_that_the_token_gives_is_not_taken_again(
    fake: Fake, autojump_clock: MockClock
) -> None:
    async def play() -> None:
        talk = await fake.accept()
        await talk.resume("alice")
        assert (await talk.hear())["type"] == "ping"
        await talk.serve()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(play)
        credentials = Credentials(token="old", name="alice")
        async with Client(open_stream=fake.open_stream, credentials=credentials) as client:
            await trio.sleep(0.1)
            assert client.user == "alice"


async def test_a_lost_connection_is_told_and_comes_back_as_the_same_user(
    fake: Fake, autojump_clock: MockClock
) -> None:
    async with fake.online(reconnect=EVEN) as (client, begun):
        talk = begun
        await until(client, Welcome)
        lost = trio.current_time()
        await talk.close()
        assert await client.next_event() == Disconnected(reason="the server closed the connection")
        assert client.state == Offline(lost, lost + 1, "the server closed the connection")
        talk = await fake.accept()
        request = await talk.resume(seq=4)
        assert request["token"] == "t1"
        assert isinstance(await client.next_event(), Welcome)
        assert await client.next_event() == Reconnected(user="guest-1", seconds=1, missed=4)
        assert isinstance(client.state, Online)
        assert client.token == "t1"


async def test_attempts_wait_as_the_policy_says_and_tell_the_latest_reason(
    fake: Fake, autojump_clock: MockClock
) -> None:
    async with fake.online(reconnect=EVEN) as (client, talk):
        fake.error = OSError(113, "No route to host")
        began = trio.current_time()
        await talk.close()
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


async def test_the_waits_begin_anew_after_a_connection_that_lasted(
    fake: Fake, autojump_clock: MockClock
) -> None:
    async with fake.online(reconnect=EVEN) as (client, begun):
        talk, waits = begun, []
        for lasts in (0, 0, 0, connections.STEADY, 0):
            await trio.sleep(lasts)
            await talk.close()
            lost = trio.current_time()
            talk = await fake.accept()
            waits.append(trio.current_time() - lost)
            await talk.resume()
            await until(client, Reconnected)
        assert waits == [1, 2, 4, 1, 2]


async def test_the_jitter_is_taken_off(fake: Fake, autojump_clock: MockClock) -> None:
    policy = Reconnect(first=10, jitter=0.5, random=lambda: 0.5)
    async with fake.online(reconnect=policy) as (_, talk):
        await talk.close()
        await fake.accept()
        assert fake.attempts[1] - fake.attempts[0] == 7.5


async def test_retry_now_does_not_wait(fake: Fake, autojump_clock: MockClock) -> None:
    async with fake.online(reconnect=Reconnect(first=30, jitter=0)) as (client, talk):
        fake.error = REFUSED
        await talk.close()
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


async def test_giving_up_ends_the_events_and_fails_what_waits(fake: Fake, autojump_clock: MockClock) -> None:
    async with fake.online(reconnect=Reconnect(first=1, factor=1, jitter=0, give_up=5)) as (client, talk):
        fake.error = REFUSED
        began = trio.current_time()
        await talk.close()
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
    fake: Fake, autojump_clock: MockClock
) -> None:
    async with fake.online(reconnect=Reconnect.never()) as (client, talk):
        await talk.say(message(1))
        await trio.testing.wait_all_tasks_blocked()
        await talk.close()
        assert [type(await client.next_event()) for _ in range(2)] == [Welcome, Message]
        with pytest.raises(DisconnectedError, match="the server closed the connection"):
            await client.next_event()
        assert client.state == Closed("the server closed the connection")
    assert len(fake.attempts) == 1


@pytest.mark.parametrize(("code", "failed"), [("replaced", True), ("exit", False)])
async def test_after_a_bye_for_good_there_is_no_coming_back(
    fake: Fake, autojump_clock: MockClock, code: str, failed: bool
) -> None:
    async with fake.online() as (client, talk):
        await talk.say({"type": "bye", "code": code, "message": "go away"})
        await talk.close()
        assert isinstance(await until(client, Bye), Bye)
        if failed:
            with pytest.raises(DisconnectedError, match="go away"):
                await client.next_event()
        else:
            assert await client.next_event() is None
        assert client.state == Closed("go away")
        with pytest.raises(DisconnectedError, match="go away"):
            client.send_nowait("hi")
    assert len(fake.attempts) == 1


@pytest.mark.parametrize("code", ["server-stopping", "slow-consumer", "later"])
async def test_after_another_bye_the_client_comes_back(
    fake: Fake, autojump_clock: MockClock, code: str
) -> None:
    async with fake.online() as (client, talk):
        await talk.say({"type": "bye", "code": code, "message": "for now"})
        await talk.close()
        assert await until(client, Disconnected) == Disconnected(reason="for now")
        await (await fake.accept()).resume()
        await until(client, Reconnected)


@pytest.mark.parametrize(
    ("line", "why"),
    [(b"oops\n", "no line of a tcpchat server"), (b'{"type":"message"}\n', "not as it should be")],
)
async def test_nonsense_on_the_way_is_a_loss(
    fake: Fake, autojump_clock: MockClock, line: bytes, why: str
) -> None:
    async with fake.online() as (client, talk):
        await trio.testing.wait_all_tasks_blocked()
        await talk.stream.send_all(line)
        lost = await until(client, Disconnected)
        assert why in lost.reason
        assert (await talk.hear())["type"] == "ping"
        with pytest.raises(EOFError):
            await talk.hear()
        await (await fake.accept()).resume()
        await until(client, Reconnected)


async def test_a_server_of_a_later_version_is_understood(fake: Fake, autojump_clock: MockClock) -> None:
    async with fake.online() as (client, talk):
        await talk.say({"type": "reacted", "emoji": "x"}, message(1) | {"mood": "good"})
        await until(client, Welcome)
        assert await client.next_event() == Unknown(fields={"type": "reacted", "emoji": "x"})
        assert isinstance(await client.next_event(), Message)


@pytest.mark.parametrize("size", [1, 17])
async def test_a_conversation_in_small_pieces(fake: Fake, autojump_clock: MockClock, size: int) -> None:
    class Pieces(Talk):
        async def say(self, *lines: Any) -> None:
            data = b"".join(orjson.dumps(line) + b"\n" for line in lines)
            for start in range(0, len(data), size):
                await self.stream.send_all(data[start : start + size])
                await trio.testing.wait_all_tasks_blocked()

    async def play() -> None:
        talk = Pieces((await fake.accept()).stream)
        await talk.welcome()
        await talk.sent(await talk.next("send"), 1)
        await talk.say(message(1), message(2))
        await talk.serve()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(play)
        async with Client(open_stream=fake.open_stream) as client:
            assert (await client.send("hi")).at == ""
            await until(client, Welcome)
            messages = [await until(client, Message) for _ in range(2)]
            assert [event.seq for event in messages] == [1, 2]


async def test_signs_of_life_go_out_and_measure_the_way(fake: Fake, autojump_clock: MockClock) -> None:
    async with fake.online() as (client, talk):
        for count in range(3):
            ping = await talk.hear()
            assert ping["type"] == "ping"
            assert trio.current_time() - fake.attempts[0] == pytest.approx(count * (PING + 0.25))
            await trio.sleep(0.25)
            await talk.reply(ping, "pong", at="")
        await trio.testing.wait_all_tasks_blocked()
        assert client.latency == pytest.approx(0.25)


async def test_a_server_that_is_silent_is_left_and_tried_again(fake: Fake, autojump_clock: MockClock) -> None:
    async with fake.online(reconnect=EVEN) as (client, talk):
        began = trio.current_time()
        lost = await until(client, Disconnected)
        assert lost == Disconnected(reason="the server has not answered for 15 s")
        assert trio.current_time() - began == DEAD
        assert (await talk.hear())["type"] == "ping"
        with pytest.raises(EOFError):
            await talk.hear()
        await (await fake.accept()).resume()
        await until(client, Reconnected)


async def test_a_server_that_answers_just_in_time_is_kept(fake: Fake, autojump_clock: MockClock) -> None:
    async with fake.online() as (client, talk):
        for _ in range(3):
            ping = await talk.hear()
            await trio.sleep(DEAD - 0.01)
            await talk.reply(ping, "pong", at="")
        await trio.testing.wait_all_tasks_blocked()
        assert isinstance(client.state, Online)
        assert len(fake.attempts) == 1


async def test_an_attempt_that_is_not_greeted_is_not_the_last(fake: Fake, autojump_clock: MockClock) -> None:
    async with fake.online(reconnect=EVEN) as (client, begun):
        talk = begun
        await talk.close()
        silent = await fake.accept()
        talk = await fake.accept()
        assert fake.attempts[-1] - fake.attempts[-2] == HANDSHAKE + 2
        with pytest.raises(EOFError):
            await silent.hear()
        await talk.resume()
        await until(client, Reconnected)


async def test_who_is_not_remembered_takes_the_name_again(fake: Fake, autojump_clock: MockClock) -> None:
    async with fake.online() as (client, begun):
        talk = begun
        asked = client.request_nowait(Rename(name="alice"))
        await talk.reply(await talk.next("rename"), "renamed", old="guest-1", new="alice")
        await asked.wait()
        await talk.close()
        talk = await fake.accept()
        await talk.welcome("guest-2", token="t2")
        await talk.refuse(await talk.next("resume"), "bad-token")
        request = await talk.next("rename")
        assert request["name"] == "alice"
        await talk.reply(request, "renamed", old="guest-2", new="alice")
        back = await until(client, Reconnected)
        assert back.user == client.user == "alice"
        assert client.token == "t2"


async def test_a_name_that_somebody_took_meanwhile_is_told_and_tried_again_later(
    fake: Fake, autojump_clock: MockClock
) -> None:
    async with fake.online() as (client, begun):
        talk = begun
        asked = client.request_nowait(Rename(name="alice"))
        await talk.reply(await talk.next("rename"), "renamed", old="guest-1", new="alice")
        await asked.wait()
        await talk.close()
        talk = await fake.accept()
        await talk.resume("guest-5")
        await talk.refuse(await talk.next("rename"), "name-taken")
        assert await until(client, Renamed) == Renamed(old="alice", new="guest-5")
        await until(client, Reconnected)
        assert client.user == "guest-5"
        await talk.close()
        talk = await fake.accept()
        await talk.resume("guest-5")
        await talk.reply(await talk.next("rename"), "renamed", old="guest-5", new="alice")
        await until(client, Reconnected)
        assert client.user == "alice"


async def test_a_send_in_flight_is_sent_again_under_its_key(fake: Fake, autojump_clock: MockClock) -> None:
    async with fake.online() as (client, begun):
        talk = begun
        asked = [client.send_nowait(text) for text in ("one", "two")]
        first = [await talk.next("send") for _ in asked]
        await talk.sent(first[0], 1)
        await talk.close()
        talk = await fake.accept()
        await talk.resume()
        again = await talk.next("send")
        assert (again["text"], again["key"]) == ("two", first[1]["key"])
        assert first[0]["key"] != first[1]["key"]
        assert [one.text for one in client.unanswered] == ["two"]
        await talk.sent(again, 2)
        for one in asked:
            await one.wait()
        assert client.unanswered == []


async def test_another_user_does_not_repeat_what_may_have_been_said(
    fake: Fake, autojump_clock: MockClock
) -> None:
    async with fake.online() as (client, begun):
        talk = begun
        written = client.send_nowait("one")
        await talk.next("send")
        await talk.close()
        await until(client, Disconnected)
        waiting = client.send_nowait("two")
        talk = await fake.accept()
        await talk.welcome("guest-2", token="t2")
        await talk.refuse(await talk.next("resume"), "bad-token")
        with pytest.raises(DisconnectedError, match="may have been done or not"):
            await written.wait()
        request = await talk.next("send")
        assert request["text"] == "two"
        await talk.sent(request, 1)
        await waiting.wait()


async def test_a_question_in_flight_is_told_that_it_may_have_been_done(
    fake: Fake, autojump_clock: MockClock
) -> None:
    async with fake.online() as (client, talk):
        asked = client.request_nowait(Rename(name="alice"))
        await talk.next("rename")
        await talk.close()
        with pytest.raises(DisconnectedError, match="may have been done or not"):
            await asked.wait()
        with pytest.raises(DisconnectedError, match="not connected"):
            await client.status()


async def test_what_came_too_fast_is_repeated_in_order(fake: Fake, autojump_clock: MockClock) -> None:
    async with fake.online(patient=True) as (client, talk):
        asked = [client.send_nowait(text) for text in ("one", "two")]
        request = await talk.next("send")
        for _ in range(3):
            began = trio.current_time()
            await talk.refuse(request, "rate-limited", retry_after=2.5)
            request = await talk.next("send")
            assert request["text"] == "one"
            assert trio.current_time() - began == 2.5
        await talk.sent(request, 1)
        await talk.sent(await talk.next("send"), 2)
        for one in asked:
            await one.wait()


async def test_who_is_not_patient_is_refused(fake: Fake, autojump_clock: MockClock) -> None:
    async with fake.online() as (client, talk):
        asked = client.send_nowait("one")
        await talk.refuse(await talk.next("send"), "rate-limited", retry_after=2.5)
        with pytest.raises(RefusedError) as caught:
            await asked.wait()
        assert (caught.value.code, caught.value.error.retry_after) == ("rate-limited", 2.5)


async def test_a_server_that_does_not_say_bye_is_left_after_a_second(
    fake: Fake, autojump_clock: MockClock
) -> None:
    async with fake.online() as (client, _):
        began = trio.current_time()
    assert trio.current_time() - began == 1
    assert client.state == Closed("the client was left")


async def test_leaving_while_offline_takes_no_time(fake: Fake, autojump_clock: MockClock) -> None:
    async with fake.online() as (client, talk):
        fake.error = REFUSED
        await talk.close()
        await until(client, Disconnected)
        waiting = client.send_nowait("hi")
        began = trio.current_time()
    assert trio.current_time() == began
    with pytest.raises(DisconnectedError, match="the client was left"):
        await waiting.wait()
    assert await client.next_event() is None


async def test_leaving_while_an_attempt_hangs_takes_no_time(fake: Fake, autojump_clock: MockClock) -> None:
    async with fake.online(reconnect=EVEN) as (_, talk):
        await talk.close()
        await fake.accept()
        await trio.testing.wait_all_tasks_blocked()
        began = trio.current_time()
    assert trio.current_time() == began


async def test_ping_returns_the_seconds(fake: Fake, autojump_clock: MockClock) -> None:
    async with fake.online() as (client, talk):
        await talk.reply(await talk.hear(), "pong", at="")
        took: list[float] = []

        async def ping() -> None:
            took.append(await client.ping())

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ping)
            request = await talk.hear()
            await trio.sleep(0.5)
            await talk.reply(request, "pong", at="")
        assert took == [pytest.approx(0.5)]


async def test_with_a_pause_more_is_received_at_once(fake: Fake, autojump_clock: MockClock) -> None:
    async with fake.online(pause=2.0) as (client, talk):
        await talk.reply(await talk.hear(), "pong", at="")
        await until(client, Welcome)
        await trio.testing.wait_all_tasks_blocked()
        began = trio.current_time()
        await talk.say(message(1))
        await talk.say(message(2))
        assert [(await until(client, Message)).seq for _ in range(2)] == [1, 2]
        assert trio.current_time() - began == 2


async def test_a_new_call_ends_the_pause(fake: Fake, autojump_clock: MockClock) -> None:
    async with fake.online(pause=2.0) as (client, talk):
        await talk.reply(await talk.hear(), "pong", at="")
        await until(client, Welcome)
        await trio.testing.wait_all_tasks_blocked()
        began = trio.current_time()
        call = client.send_nowait("hi")
        await talk.say(message(1))
        await talk.sent(await talk.next("send"), 2)
        await call.wait()
        assert (await until(client, Message)).seq == 1
        assert trio.current_time() == began
