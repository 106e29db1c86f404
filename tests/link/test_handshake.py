"""The handshake of the first connection and of later ones, with a fake server and a mock clock."""

from __future__ import annotations

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from tcpchat.client import (
    Client,
    ConnectError,
    Credentials,
    Disconnected,
    DisconnectedError,
    Online,
    Reconnected,
    RefusedError,
)
from tcpchat.link.connection import HANDSHAKE, WELCOME
from tcpchat.link.desired_identity import DesiredIdentity
from tcpchat.link.handshake import LOGINS, PROBE
from tcpchat.protocol import Message, Rename, Renamed, Welcome
from tests.link.conftest import EVEN, SOON, FakeServer, cannot_connect, make_client, message, until
from tests.link.test_credentials import ALICE, client_of, logs_in, resumes


async def test_a_broken_handshake_does_not_lose_the_user(fake: FakeServer, autojump_clock: MockClock) -> None:
    async with fake.online() as (_, first):
        await first.close()
        second = await fake.accept()
        await second.welcome("guest-2", token="t2")
        assert (await second.next("resume"))["token"] == "t1"
        await second.close()
        third = await fake.accept()
        await third.welcome("guest-3", token="t3")
        assert (await third.next("resume"))["token"] == "t1"


async def test_a_broken_handshake_as_another_user_repeats_no_sends(
    fake: FakeServer, autojump_clock: MockClock
) -> None:
    """What may have been sent as the user of before must not be sent again as the guest of now."""
    async with fake.online() as (client, first):
        client._user.desired = DesiredIdentity(name="alice")
        asked = client.send_nowait("pay 100")
        await first.next("send")
        await first.close()
        second = await fake.accept()
        await second.welcome("guest-2", token="t2")
        await second.refuse(await second.next("resume"), "bad-token")
        await second.next("rename")
        await second.close()
        third = await fake.accept()
        await third.welcome("guest-3", token="t3")
        request = await third.next("resume")
        assert request["token"] == "t1"
        await third.refuse(request, "bad-token")
        await third.reply(await third.next("rename"), "renamed", old="guest-3", new="alice")
        with pytest.raises(DisconnectedError, match="may have been done"):
            await asked.wait()


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
async def test_a_peer_without_a_welcome_is_no_server(
    fake: FakeServer, autojump_clock: MockClock, line: bytes, why: str
) -> None:
    async def play() -> None:
        server = await fake.accept()
        await server.stream.send_all(line)
        await server.stream.send_eof()
        with pytest.raises(EOFError):
            await server.receive()  # the client has closed

    async with trio.open_nursery() as nursery:
        nursery.start_soon(play)
        with pytest.raises(ConnectError, match="^chat.example:9: .*" + why):
            await cannot_connect(fake)


async def test_a_welcome_just_in_time_is_accepted(fake: FakeServer, autojump_clock: MockClock) -> None:
    async def play() -> None:
        server = await fake.accept()
        await trio.sleep(WELCOME - 0.01)
        assert (await server.receive())["type"] == "ping", "the client asks what this is"
        await server.welcome("guest-7", seq=5, token="secret")
        await server.serve()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(play)
        async with Client(open_stream=fake.open_stream) as client:
            assert (client.user, client.server, client.token) == ("guest-7", "played 1", "secret")
            assert isinstance(client.state, Online)
            event = await client.next_event()
            assert isinstance(event, Welcome)
            assert event.seq == 5


async def test_the_name_is_taken_before_other_requests(fake: FakeServer, autojump_clock: MockClock) -> None:
    async def play() -> None:
        server = await fake.accept()
        await server.welcome()
        request = await server.receive()
        assert (request["type"], request["name"]) == ("rename", "Alice")
        await server.say(message(1))
        await server.reply(request, "renamed", old="guest-1", new="alice")
        await server.serve()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(play)
        async with Client(open_stream=fake.open_stream, name="Alice") as client:
            assert client.user == "alice"
            assert [type(await client.next_event()) for _ in range(2)] == [Welcome, Message]


async def test_a_name_that_is_taken_at_the_start_is_refused(
    fake: FakeServer, autojump_clock: MockClock
) -> None:
    async def play() -> None:
        server = await fake.accept()
        await server.welcome()
        await server.refuse(await server.next("rename"), "name-taken", name="bob")
        with pytest.raises(EOFError):
            await server.receive()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(play)
        with pytest.raises(RefusedError, match="because name-taken") as caught:
            await cannot_connect(fake, name="bob")
    assert (caught.value.code, caught.value.error.name) == ("name-taken", "bob")


async def test_a_bye_during_the_handshake_is_the_reason(fake: FakeServer, autojump_clock: MockClock) -> None:
    async def play() -> None:
        server = await fake.accept()
        await server.welcome()
        await server.next("rename")
        await server.say({"type": "bye", "code": "server-stopping", "message": "the server stops"})
        await server.close()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(play)
        with pytest.raises(ConnectError, match=r"^chat.example:9: the server stops$"):
            await cannot_connect(fake, name="bob")


@pytest.mark.parametrize("known", [True, False])
async def test_a_token_from_an_earlier_run_makes_the_same_user_if_it_is_valid(
    fake: FakeServer, autojump_clock: MockClock, known: bool
) -> None:
    async def play() -> None:
        server = await fake.accept()
        await server.welcome(token="new")
        request = await server.next("resume")
        assert request["token"] == "old"
        if known:
            await server.resumed(request, "alice")
        else:
            await server.refuse(request, "bad-token")
        await server.serve()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(play)
        async with Client(open_stream=fake.open_stream, credentials=Credentials(token="old")) as client:
            assert (client.user, client.token) == (("alice", "old") if known else ("guest-1", "new"))


async def test_the_name_of_the_resumed_user_is_not_taken_again(
    fake: FakeServer, autojump_clock: MockClock
) -> None:
    async def play() -> None:
        server = await fake.accept()
        await server.resume("alice")
        assert (await server.receive())["type"] == "ping"
        await server.serve()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(play)
        credentials = Credentials(token="old", name="alice")
        async with Client(open_stream=fake.open_stream, credentials=credentials) as client:
            await trio.sleep(0.1)
            assert client.user == "alice"


async def test_a_client_whose_guest_expired_takes_the_name_again(
    fake: FakeServer, autojump_clock: MockClock
) -> None:
    async with fake.online() as (client, begun):
        server = begun
        asked = client.request_nowait(Rename(name="alice"))
        await server.reply(await server.next("rename"), "renamed", old="guest-1", new="alice")
        await asked.wait()
        await server.close()
        server = await fake.accept()
        await server.welcome("guest-2", token="t2")
        await server.refuse(await server.next("resume"), "bad-token")
        request = await server.next("rename")
        assert request["name"] == "alice"
        await server.reply(request, "renamed", old="guest-2", new="alice")
        back = await until(client, Reconnected)
        assert back.user == client.user == "alice"
        assert client.token == "t2"


async def test_a_name_that_was_taken_meanwhile_is_lost_and_tried_again_later(
    fake: FakeServer, autojump_clock: MockClock
) -> None:
    async with fake.online() as (client, begun):
        server = begun
        asked = client.request_nowait(Rename(name="alice"))
        await server.reply(await server.next("rename"), "renamed", old="guest-1", new="alice")
        await asked.wait()
        await server.close()
        server = await fake.accept()
        await server.resume("guest-5")
        await server.refuse(await server.next("rename"), "name-taken")
        assert await until(client, Renamed) == Renamed(old="alice", new="guest-5")
        await until(client, Reconnected)
        assert client.user == "guest-5"
        await server.close()
        server = await fake.accept()
        await server.resume("guest-5")
        await server.reply(await server.next("rename"), "renamed", old="guest-5", new="alice")
        await until(client, Reconnected)
        assert client.user == "alice"


@pytest.mark.parametrize("anyone", [True, False])
async def test_nobody_is_connected_where_login_is_required(fake: FakeServer, anyone: bool) -> None:
    async with trio.open_nursery() as nursery:

        async def play() -> None:
            server = await fake.accept()
            await server.welcome(None, token=None)
            await server.serve()

        nursery.start_soon(play)
        client = make_client(open_stream=fake.open_stream, required=not anyone)
        if not anyone:
            with pytest.raises(RefusedError, match="registered users"):
                await client.__aenter__()
            return
        async with client:
            assert (client.user, client.registered) == ("", False)
            assert client.refused is not None
            assert client.refused.code == "login-required"
            assert isinstance(await client.next_event(), Welcome)


@pytest.mark.parametrize("anyone", [True, False])
async def test_a_client_that_cannot_have_the_name_is_a_guest(fake: FakeServer, anyone: bool) -> None:
    async with trio.open_nursery() as nursery:

        async def play() -> None:
            server = await fake.accept()
            await server.welcome()
            await server.refuse(await server.next("rename"), "name-taken")
            if anyone:
                await server.close()
                server = await fake.accept()
                await server.resume()
            await server.serve()  # where nobody asks for the name again

        nursery.start_soon(play)
        client = make_client(open_stream=fake.open_stream, name="alice", required=not anyone, reconnect=SOON)
        if not anyone:
            with pytest.raises(RefusedError, match="name-taken"):
                await client.__aenter__()
            return
        async with client:
            assert client.user == "guest-1"
            assert client.refused is not None
            assert client.refused.code == "name-taken"
            while not isinstance(await client.next_event(), Reconnected):
                pass
            assert client.refused is None
            assert client.user == "guest-1"


async def test_a_client_with_a_wrong_password_is_a_guest(fake: FakeServer) -> None:
    async with trio.open_nursery() as nursery:

        async def play() -> None:
            server = await fake.accept()
            await server.welcome()
            await server.refuse(await server.next("login"), "wrong-login")
            await server.serve()

        nursery.start_soon(play)
        credentials = Credentials(name="alice", password="x", required=False)
        async with Client(open_stream=fake.open_stream, credentials=credentials) as client:
            assert client.user == "guest-1"
            assert client.refused is not None
            assert client.refused.code == "wrong-login"


async def test_after_a_reset_of_all_data_the_client_is_another_user(
    fake: FakeServer, autojump_clock: MockClock
) -> None:
    async with fake.online(reconnect=EVEN) as (client, first):
        await first.close()
        server = await fake.accept()
        await server.welcome("guest-1", token="t2", seq=3, journal="other")
        back = Reconnected(
            user="guest-1", seconds=1, missed=3, data_reset=True, same_user=False, registered=False
        )
        assert await until(client, Reconnected) == back
        await server.close()
        server = await fake.accept()
        await server.welcome("guest-2", token="t3", seq=3, journal="other")
        await server.resumed(await server.next("resume"), "guest-1", seq=3)
        again = await until(client, Reconnected)
        assert (again.data_reset, again.same_user) == (False, True), "it is the same data again"


async def test_after_a_loss_of_recent_data_the_client_is_the_same_user(
    fake: FakeServer, autojump_clock: MockClock
) -> None:
    """A disk that was not asked to be sure lost the end, or a snapshot was put back."""
    async with fake.online() as (client, first):
        await first.say(message(1), message(2))
        await until(client, Welcome)
        for _ in range(2):
            await client.next_event()
        await first.close()
        server = await fake.accept()
        await server.resume(seq=1)
        back = await until(client, Reconnected)
        assert (back.data_reset, back.same_user, back.missed) == (True, True, 1)


async def test_an_expired_user_is_another_user_without_a_data_reset(
    fake: FakeServer, autojump_clock: MockClock
) -> None:
    async with fake.online() as (client, first):
        await first.close()
        server = await fake.accept()
        await server.welcome("guest-2", token="t2")
        await server.refuse(await server.next("resume"), "bad-token")
        back = await until(client, Reconnected)
        assert (back.data_reset, back.same_user) == (False, False)


async def test_after_logging_in_again_the_user_is_registered(
    fake: FakeServer, autojump_clock: MockClock
) -> None:
    async with client_of(fake, logs_in("t1"), **ALICE) as (client, first):
        await first.close()
        server = await fake.accept()
        await server.welcome(None, token=None, journal="other")
        request = await server.next("login")
        await server.reply(request, "logged-in", user="alice", session=1, token="t2", seq=0)
        back = await until(client, Reconnected)
        assert (back.user, back.registered, back.same_user, back.refused) == ("alice", True, False, None)


async def test_the_refusal_of_the_name_is_reported_until_it_is_free(
    fake: FakeServer, autojump_clock: MockClock
) -> None:
    async with client_of(fake, resumes("t1", "alice", registered=True), token="t1") as (client, first):
        await until(client, Welcome)
        assert client.refused is None
        await first.close()
        server = await fake.accept()
        await server.welcome("guest-2", token="t2", journal="other")
        request = await server.next("rename")
        assert request["name"] == "alice"
        await server.refuse(request, "name-taken")
        back = await until(client, Reconnected)
        assert (back.user, back.refused) == ("guest-2", "because name-taken")
        assert client.refused is not None
        assert client.refused.code == "name-taken"
        await server.close()
        server = await fake.accept()
        await server.welcome("guest-3", token="t3", journal="other")
        await server.resumed(await server.next("resume"), "guest-2")
        await server.reply(await server.next("rename"), "renamed", old="guest-2", new="alice")
        assert (await until(client, Reconnected)).refused is None
        assert client.refused is None


async def test_after_a_reset_a_send_that_may_have_arrived_is_not_repeated_and_a_waiting_one_is_sent_once(
    fake: FakeServer, autojump_clock: MockClock
) -> None:
    async with fake.online() as (client, first):
        doubtful = client.send_nowait("in doubt")
        await first.next("send")
        await first.close()
        await until(client, Disconnected)
        waiting = client.send_nowait("waits")
        server = await fake.accept()
        await server.welcome("guest-1", token="t2", journal="other")
        request = await server.next("send")
        assert request["text"] == "waits"
        await server.sent(request, 1)
        assert (await waiting.wait()).type == "sent"
        with trio.fail_after(1), pytest.raises(DisconnectedError, match="may have been done or not"):
            await doubtful.wait()
        client.send_nowait("next")
        assert (await server.next("send"))["text"] == "next"


async def test_after_a_reset_only_the_last_messages_are_requested(
    fake: FakeServer, autojump_clock: MockClock
) -> None:
    async with fake.online(last_on_reset=2) as (client, first):
        await first.close()
        server = await fake.accept()
        await server.welcome("guest-1", token="t2", seq=5000, journal="other")
        back = await until(client, Reconnected)
        assert back.missed == 2
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def answer() -> None:
                request = await server.next("log")
                assert request["after"] == 4998
                page = [message(4999), message(5000)]
                await server.reply(request, "log", room="lobby", events=page, first=1, more=False)

            for seq in (4999, 5000):
                assert getattr(await client.next_event(), "seq", None) == seq


async def test_a_program_that_waits_for_a_request_is_asked_what_it_is(
    fake: FakeServer, autojump_clock: MockClock
) -> None:
    """As a web server does, which answers what is no request of its own at once."""

    async def play() -> None:
        server = await fake.accept()
        assert (await server.receive())["type"] == "ping"
        assert trio.current_time() - fake.attempts[0] == PROBE
        await server.stream.send_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(play)
        with pytest.raises(ConnectError, match=r"no line of a tcpchat server: .*HTTP/1\.1 400") as failed:
            await cannot_connect(fake)
        assert failed.value.is_other
        assert trio.current_time() - fake.attempts[0] == PROBE


async def test_a_server_that_is_slow_to_welcome_is_one(fake: FakeServer, autojump_clock: MockClock) -> None:
    async def play() -> None:
        server = await fake.accept()
        assert (await server.receive())["type"] == "ping"
        await server.welcome()
        await server.say({"type": "pong", "at": "t"})
        await server.serve()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(play)
        async with Client(open_stream=fake.open_stream) as client:
            assert client.user == "guest-1"
            await client.ping()
        nursery.cancel_scope.cancel()


async def test_logins_at_once_wait_for_one_another(fake: FakeServer, autojump_clock: MockClock) -> None:
    began = trio.current_time()

    async def play() -> None:
        server = await fake.accept()
        await server.welcome()
        for wait in (1.0, 2.0):
            await server.refuse(await server.next("login"), "rate-limited", retry_after=wait)
        request = await server.next("login")
        assert trio.current_time() == began + 3.0
        await server.reply(request, "logged-in", user="alice", session=1, token="t2", seq=0)
        await server.serve()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(play)
        async with make_client(open_stream=fake.open_stream, **ALICE) as client:
            assert client.user == "alice"


@pytest.mark.parametrize(("waits", "attempts"), [([30.0], 1), ([1.0] * LOGINS, LOGINS)])
async def test_a_login_that_is_refused_for_long_is_an_error(
    fake: FakeServer, autojump_clock: MockClock, waits: list[float], attempts: int
) -> None:
    asked = 0

    async def play() -> None:
        nonlocal asked
        server = await fake.accept()
        await server.welcome()
        for wait in waits:
            request = await server.next("login")
            asked += 1
            await server.refuse(request, "rate-limited", retry_after=wait)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(play)
        with pytest.raises(RefusedError):
            await cannot_connect(fake, **ALICE)
    assert asked == attempts


async def test_a_server_that_is_slow_to_check_a_password_is_waited_for(
    fake: FakeServer, autojump_clock: MockClock
) -> None:
    began = trio.current_time()

    async def play() -> None:
        server = await fake.accept()
        await trio.sleep(WELCOME - 1)
        await server.receive()
        await server.welcome()
        await server.next("login")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(play)
        with pytest.raises(ConnectError, match="is too busy: no answer within 60 s"):
            await cannot_connect(fake, **ALICE)
    assert trio.current_time() - began == WELCOME - 1 + HANDSHAKE
