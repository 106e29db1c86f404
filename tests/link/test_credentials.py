"""Credentials from run to run, with a fake server and a mock clock."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
import trio
from trio.testing import MockClock

from tcpchat.address import Address
from tcpchat.client import (
    Client,
    Closed,
    ConnectError,
    Credentials,
    Disconnected,
    DisconnectedError,
    Online,
    Reconnected,
    RefusedError,
)
from tcpchat.link.credential_store import FOLDER, CredentialStore
from tcpchat.link.desired_identity import Identity
from tcpchat.protocol import Exit, Renamed, Resume
from tests.link.conftest import FakeServer, Line, ServerSide, make_client, until

HOST = socket.gethostname()[:64]

Play = Callable[[ServerSide], Awaitable[object]]


@asynccontextmanager
async def client_of(
    fake: FakeServer, play: Play, *, then: Play | None = None, **options: Any
) -> AsyncIterator[tuple[Client, ServerSide]]:
    """Connect a client that `play` greets; `then` goes on with it."""
    servers = []
    failure = None

    async def accept() -> None:
        servers.append(await fake.accept())
        await play(servers[0])
        if then is not None:
            await then(servers[0])

    async with trio.open_nursery() as nursery:
        nursery.start_soon(accept)
        try:
            async with make_client(open_stream=fake.open_stream, **options) as client:
                yield client, servers[0]
        except Exception as error:  # comes out in no group
            failure = error
            nursery.cancel_scope.cancel()
    if failure is not None:
        raise failure


async def run(fake: FakeServer, play: Play, **options: Any) -> list[str]:
    """Be connected and leave; return what the client asked after it was greeted."""
    asked: list[str] = []

    async def rest(server: ServerSide) -> None:
        asked.extend(await server.end())

    async with client_of(fake, play, then=rest, **options):
        pass
    return asked


def files(folder: Path) -> list[Line]:
    """Return what is kept."""
    kept = (path for path in sorted((folder / FOLDER).glob("*")) if not path.name.endswith(".lock"))
    return [orjson.loads(path.read_bytes()) for path in kept]


def tokens(folder: Path) -> list[str]:
    return [line["token"] for line in files(folder)]


def welcomes(*args: Any, **fields: Any) -> Play:
    """Return what greets a client that asks nothing."""
    return lambda server: server.welcome(*args, **fields)


def resumes(token: str, user: str = "guest-1", *, registered: bool = False) -> Play:
    """Return what greets a client that comes back with this token."""

    async def play(server: ServerSide) -> None:
        await server.welcome("guest-9", token="t9")
        request = await server.next("resume")
        assert request["token"] == token
        await server.resumed(request, user, registered=registered, session=4)

    return play


def forgets(token: str, fresh: str) -> Play:
    """Return what greets a client whose token is worthless."""

    async def play(server: ServerSide) -> None:
        await server.welcome("guest-9", token=fresh)
        request = await server.next("resume")
        assert request["token"] == token
        await server.refuse(request, "bad-token")

    return play


def logs_in(token: str, *, old: str | None = None) -> Play:
    """Return what greets a client that logs in where that is required, after `old` did not do."""

    async def play(server: ServerSide) -> None:
        await server.welcome(None, token=None)
        if old is not None:
            request = await server.next("resume")
            assert request["token"] == old
            await server.refuse(request, "bad-token")
        request = await server.next("login")
        assert (request["name"], request["password"], request["device"]) == ("Alice", "secret", HOST)
        await server.reply(request, "logged-in", user="alice", session=2, token=token, seq=0)

    return play


ALICE: dict[str, Any] = {"name": "Alice", "password": "secret"}


async def test_a_remembered_guest_is_the_same_user_later(
    fake: FakeServer, autojump_clock: MockClock, tmp_path: Path
) -> None:
    assert await run(fake, welcomes(token="t1"), remember=tmp_path) == []  # no exit, which is for good
    assert tokens(tmp_path) == ["t1"]
    async with client_of(fake, resumes("t1", "alice"), remember=tmp_path) as (client, _):
        assert (client.user, client.token) == ("alice", "t1")
        assert (client.registered, client.session) == (False, 4)
        assert client.remembered
        assert client.remember_problem is None


async def test_leaving_without_exit_waits_for_calls_in_flight(
    fake: FakeServer, autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with trio.open_nursery() as nursery:
        async with client_of(fake, welcomes(), remember=tmp_path) as (client, server):

            @nursery.start_soon
            async def answer() -> None:
                request = await server.next("send")
                await trio.sleep(0.5)
                await server.sent(request, 1)
                await server.end()

            asked = client.send_nowait("hi")
        assert (await asked.wait()).type == "sent"


async def test_a_client_is_remembered_after_a_crash(
    fake: FakeServer, autojump_clock: MockClock, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="crash"):
        async with client_of(fake, welcomes(), remember=tmp_path):
            raise ValueError("crash")
    assert tokens(tmp_path) == ["t1"]


async def test_a_guest_who_is_not_remembered_sends_exit(
    fake: FakeServer, autojump_clock: MockClock, state: Path
) -> None:
    for remember in (False, None):
        assert await run(fake, welcomes(), remember=remember) == ["exit"]
    assert files(state) == []


@pytest.mark.parametrize(
    ("options", "kept"), [({}, ["t1"]), ({"token": "own"}, []), ({"token": "own", "remember": True}, ["own"])]
)
async def test_by_default_a_client_is_remembered_in_the_folder_of_the_users_state(
    fake: FakeServer,
    autojump_clock: MockClock,
    state: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: dict[str, Any],
    kept: list[str],
) -> None:
    monkeypatch.setattr(trio, "open_tcp_stream", lambda *_: fake.open_stream())
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def play() -> None:
            server = await fake.accept()
            await (resumes("own") if options else welcomes())(server)
            await server.end()

        async with make_client("h:1", **options) as client:
            assert client.remembered is bool(kept)
    assert tokens(state) == kept


async def test_a_token_is_sent_to_no_other_server(
    fake: FakeServer, autojump_clock: MockClock, tmp_path: Path
) -> None:
    await run(fake, welcomes(token="t1", journal="j"), remember=tmp_path)
    assert await run(fake, welcomes(token="t2", journal="other"), remember=tmp_path) == []
    assert tokens(tmp_path) == ["t2"]


async def test_after_a_loss_another_server_on_the_same_address_is_sent_no_token(
    fake: FakeServer, autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with client_of(fake, welcomes(), remember=tmp_path) as (client, server):
        await server.close()
        later = await fake.accept()
        await later.welcome("guest-2", token="t2", journal="other")
        assert (await later.receive())["type"] == "ping"
        await until(client, Reconnected)
        assert (client.user, client.token) == ("guest-2", "t2")
    assert tokens(tmp_path) == ["t2"]


async def test_a_worthless_token_is_replaced(
    fake: FakeServer, autojump_clock: MockClock, tmp_path: Path
) -> None:
    await run(fake, welcomes(token="t1"), remember=tmp_path)
    await run(fake, forgets("t1", "t2"), remember=tmp_path)
    assert tokens(tmp_path) == ["t2"]


async def test_a_token_that_the_program_gives_has_precedence(
    fake: FakeServer, autojump_clock: MockClock, tmp_path: Path
) -> None:
    await run(fake, welcomes(token="t1"), remember=tmp_path)
    await run(fake, resumes("own"), remember=tmp_path, token="own")
    assert tokens(tmp_path) == ["own"]


async def test_two_clients_at_once_are_two_users(
    fake: FakeServer, autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with client_of(fake, welcomes(token="t1"), remember=tmp_path) as (_, first):
        await run(fake, welcomes("guest-2", token="t2"), remember=tmp_path)
        await first.close()
    assert sorted(tokens(tmp_path)) == ["t1", "t2"]
    await run(fake, resumes("t1"), remember=tmp_path)


def beside(token: str, *, session: int) -> Play:
    """Return what greets a client that is the user of this token beside others."""

    async def play(server: ServerSide) -> None:
        await server.welcome("guest-9", token="t9")
        request = await server.next("resume")
        assert (request["token"], request["beside"]) == (token, True)
        await server.resumed(request, "alice", registered=False, session=session)

    return play


async def test_clients_with_one_name_at_once_are_one_user(
    fake: FakeServer, autojump_clock: MockClock, tmp_path: Path
) -> None:
    async def first(server: ServerSide) -> None:
        await server.welcome(token="t1")
        await server.reply(await server.next("rename"), "renamed", old="guest-1", new="alice")

    async with client_of(fake, first, remember=tmp_path, name="Alice") as (one, server):
        async with client_of(fake, beside("t1", session=5), remember=tmp_path, name="alice") as (two, second):
            assert (two.user, two.session, two.remembered) == ("alice", 5, True)
            assert not one.claim_alone()
            await second.close()
            later = await fake.accept()
            await beside("t1", session=6)(later)
            await until(two, Reconnected)
            await later.close()
        assert one.claim_alone()
        assert tokens(tmp_path) == ["t1"]
        await server.close()


async def test_a_client_waits_for_one_that_becomes_the_user_of_its_name(
    fake: FakeServer, autojump_clock: MockClock, tmp_path: Path
) -> None:
    first = CredentialStore(tmp_path, str(Address()), "alice")

    async def save_later() -> None:
        await trio.sleep(1)
        first.save(Identity(user="alice", token="t1", journal="j"))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(save_later)
        await run(fake, beside("t1", session=5), remember=tmp_path, name="alice")
    first.close()


async def test_a_client_does_not_wait_for_ever_for_another(
    fake: FakeServer, autojump_clock: MockClock, tmp_path: Path
) -> None:
    async def play(server: ServerSide) -> None:
        await server.welcome(token="t1")
        await server.reply(await server.next("rename"), "renamed", old="guest-1", new="alice")

    first = CredentialStore(tmp_path, str(Address()), "alice")
    await run(fake, play, remember=tmp_path, name="alice")
    assert tokens(tmp_path) == ["t1"]
    first.close()


async def test_of_several_registered_users_none_is_handed_out(
    fake: FakeServer, autojump_clock: MockClock, tmp_path: Path
) -> None:
    stores = [CredentialStore(tmp_path, str(Address()), None) for _ in range(2)]
    for store, user in zip(stores, ("alice", "ben"), strict=True):
        store.save(Identity(user=user, token=f"t-{user}", journal="j", registered=True))
    for store in stores:
        store.close()
    async with client_of(fake, welcomes(token="t1"), remember=tmp_path) as (client, server):
        assert client.user == "guest-1"
        assert sorted(client.remembered_users) == ["alice", "ben"]
        await server.close()
    assert sorted(tokens(tmp_path)) == ["t-alice", "t-ben", "t1"]


async def test_a_client_that_cannot_connect_unlocks_its_file(
    fake: FakeServer, autojump_clock: MockClock, tmp_path: Path
) -> None:
    fake.error = ConnectionRefusedError(111, "Connection refused")
    with pytest.raises(ConnectError):
        await run(fake, welcomes(), remember=tmp_path)
    fake.error = None
    await run(fake, welcomes(), remember=tmp_path)
    assert [path.name for path in (tmp_path / FOLDER).glob("*.2.lock")] == []


async def test_a_folder_that_cannot_be_used_is_only_a_problem(
    fake: FakeServer, autojump_clock: MockClock, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    async with client_of(fake, welcomes(), remember=tmp_path / "file") as (client, server):
        assert not client.remembered
        assert "not saved" in str(client.remember_problem)
        await server.close()
    assert await run(fake, welcomes(), remember=tmp_path / "file") == ["exit"]


async def test_without_a_home_there_is_only_a_problem(
    fake: FakeServer, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tcpchat.client.state_folder", lambda: None)
    async with client_of(fake, welcomes(), remember=True) as (client, server):
        assert not client.remembered
        assert client.remember_problem == "your identity is not saved: there is no home folder; set HOME"
        await server.close()


@pytest.mark.parametrize(("registered", "kept"), [(False, []), (True, ["t1"])])
async def test_an_explicit_exit_ends_a_guest_and_not_a_registered_user(
    fake: FakeServer, autojump_clock: MockClock, tmp_path: Path, registered: bool, kept: list[str]
) -> None:
    await run(fake, welcomes(token="t1"), remember=tmp_path)
    play = resumes("t1", registered=registered)
    async with client_of(fake, play, then=ServerSide.end, remember=tmp_path) as (client, _):
        await client.request(Exit())
    assert tokens(tmp_path) == kept
    assert client.remembered is registered


@pytest.mark.parametrize(("code", "kept"), [("revoked", []), ("banned", ["t1"]), ("replaced", ["t1"])])
async def test_a_client_whose_session_has_ended_does_not_reconnect(
    fake: FakeServer, autojump_clock: MockClock, tmp_path: Path, code: str, kept: list[str]
) -> None:
    async with client_of(fake, welcomes(), remember=tmp_path) as (client, server):
        await server.say({"type": "bye", "code": code, "message": "go away"})
        await server.close()
        with pytest.raises(RefusedError, match="go away"):
            async for _ in client.events():
                pass
        assert client.state == Closed("go away")
    assert tokens(tmp_path) == kept
    assert len(fake.attempts) == 1


@pytest.mark.parametrize("line", [{"type": "bye"}, {"type": "error"}])
async def test_a_banned_user_gets_the_reason_at_the_start_and_does_not_retry(
    fake: FakeServer, autojump_clock: MockClock, line: Line
) -> None:
    async def play(server: ServerSide) -> None:
        await server.say(line | {"code": "banned", "message": "until tomorrow"})
        await server.close()

    with pytest.raises(RefusedError, match="until tomorrow") as caught:
        await run(fake, play)
    assert caught.value.code == "banned"
    async with client_of(fake, welcomes()) as (client, server):
        await server.close()
        await play(await fake.accept())
        await until(client, Disconnected)
        with pytest.raises(RefusedError, match="until tomorrow"):
            await client.next_event()
    assert len(fake.attempts) == 3


@pytest.mark.parametrize("last", ["error", "bye"])
async def test_a_user_who_was_banned_meanwhile_does_not_return_as_another_user(
    fake: FakeServer, autojump_clock: MockClock, last: str
) -> None:
    async with client_of(fake, welcomes()) as (client, server):
        await server.close()
        later = await fake.accept()
        await later.welcome("guest-2", token="t2")
        request = await later.next("resume")
        if last == "error":
            await later.refuse(request, "banned")
        else:
            await later.say({"type": "bye", "code": "banned", "message": "because banned"})
        with pytest.raises(RefusedError, match="because banned"):
            async for _ in client.events():
                pass
        assert client.user == "guest-1"


async def test_a_resume_with_a_transient_failure_is_tried_again(
    fake: FakeServer, autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with client_of(fake, welcomes(), remember=tmp_path) as (client, server):
        await server.close()
        later = await fake.accept()
        await later.welcome("guest-2", token="t2")
        await later.refuse(await later.next("resume"), "storage-failed")
        await resumes("t1")(await fake.accept())
        await until(client, Reconnected)
        assert client.token == "t1"


async def test_register_sends_the_device_and_the_client_is_registered(
    fake: FakeServer, autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with trio.open_nursery() as nursery:
        async with client_of(fake, welcomes("alice"), remember=tmp_path) as (client, server):
            assert not client.registered

            @nursery.start_soon
            async def answer() -> None:
                request = await server.next("register")
                assert (request["password"], request["device"]) == ("secret", HOST)
                await server.reply(request, "registered", user="alice")
                assert await server.end() == ["exit"]  # which ends no registered user

            await client.register("secret")
            assert client.registered
        assert files(tmp_path)[0]["registered"] is True
    async with client_of(fake, resumes("t1", "alice", registered=True), remember=tmp_path) as (client, _):
        assert client.registered


async def test_after_a_login_the_client_has_a_new_token(
    fake: FakeServer, autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with client_of(fake, welcomes(), remember=tmp_path, device="my phone") as (client, server):
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def answer() -> None:
                request = await server.next("login")
                assert request["device"] == "my phone"
                await server.reply(request, "logged-in", user="alice", session=2, token="t2", seq=0)

            reply = await client.login("Alice", "secret")
        assert (reply.user, client.user, client.session, client.registered) == ("alice", "alice", 2, True)
        assert tokens(tmp_path) == ["t2"]
        assert "secret" not in str(files(tmp_path))
        await server.close()
        later = await fake.accept()
        await resumes("t2", "alice", registered=True)(later)
        await until(client, Reconnected)
        assert (client.user, client.registered) == ("alice", True)


async def test_after_a_logout_the_client_is_a_new_guest_and_does_not_ask_for_the_name(
    fake: FakeServer, autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with client_of(fake, logs_in("t1"), remember=tmp_path, **ALICE) as (client, server):
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def answer() -> None:
                request = await server.next("logout")
                await server.reply(request, "logged-out", user="guest-3", token="t3")

            await client.logout()
        assert (client.user, client.token, client.registered) == ("guest-3", "t3", False)
        assert client.session is None
        assert tokens(tmp_path) == ["t3"]
        await server.close()
        later = await fake.accept()
        await forgets("t3", "t4")(later)
        assert (await later.receive())["type"] in {"ping", "conversations"}
        await until(client, Reconnected)
        assert client.user == "guest-9"


async def test_after_a_logout_where_login_is_required_the_client_is_nobody_and_may_reconnect(
    fake: FakeServer, autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with client_of(fake, logs_in("t1"), remember=tmp_path, **ALICE) as (client, server):
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def answer() -> None:
                await server.reply(await server.next("logout"), "logged-out")

            await client.logout()
        assert (client.user, client.token) == ("", None)
        assert files(tmp_path) == []
        await server.close()
        later = await fake.accept()
        await later.welcome(None, token=None)
        await until(client, Reconnected)
        assert client.user == ""


async def test_a_rename_is_remembered_whichever_device_did_it(
    fake: FakeServer, autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with client_of(fake, welcomes("alice"), remember=tmp_path) as (client, server):
        await server.say({"type": "renamed", "old": "bob", "new": "rob"})
        assert await until(client, Renamed) == Renamed(old="bob", new="rob")
        assert client.user == "alice"
        await server.say({"type": "renamed", "old": "alice", "new": "carol"})
        assert await until(client, Renamed) == Renamed(old="alice", new="carol")
        assert client.user == "carol"
        assert files(tmp_path)[0]["user"] == "carol"
        await server.close()
        later = await fake.accept()
        await forgets("t1", "t2")(later)
        assert (await later.next("rename"))["name"] == "carol"


async def test_a_remembered_name_is_taken_again_if_the_guest_has_expired(
    fake: FakeServer, autojump_clock: MockClock, tmp_path: Path
) -> None:
    await run(fake, welcomes(), remember=tmp_path)
    async with client_of(fake, resumes("t1", "alice"), remember=tmp_path) as (_, server):
        await server.close()
        later = await fake.accept()
        await forgets("t1", "t2")(later)
        assert (await later.next("rename"))["name"] == "alice"


async def test_a_token_that_the_program_resumes_is_the_clients_from_then_on(
    fake: FakeServer, autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with client_of(fake, welcomes(), remember=tmp_path) as (client, server):
        asked = client.request_nowait(Resume(token="other"))
        await server.resumed(await server.next("resume"), "bob", registered=True)
        await asked.wait()
        assert (client.user, client.token, client.registered) == ("bob", "other", True)
    assert tokens(tmp_path) == ["other"]


async def test_a_remembered_user_with_another_name_takes_the_desired_name(
    fake: FakeServer, autojump_clock: MockClock, tmp_path: Path
) -> None:
    async def play(server: ServerSide) -> None:
        await resumes("t1", "bob")(server)
        request = await server.next("rename")
        assert request["name"] == "Alice"
        await server.reply(request, "renamed", old="bob", new="alice")

    async def first(server: ServerSide) -> None:
        await server.welcome(token="t1")
        await server.reply(await server.next("rename"), "renamed", old="guest-1", new="alice")

    await run(fake, first, remember=tmp_path, name="Alice")
    await run(fake, play, remember=tmp_path, name="Alice")
    await run(fake, resumes("t1", "alice"), remember=tmp_path, name="Alice")  # renames nothing
    assert [line["user"] for line in files(tmp_path)] == ["alice"]


async def test_without_a_password_a_required_login_is_an_error(
    fake: FakeServer, autojump_clock: MockClock
) -> None:
    for name in (None, "alice"):
        with pytest.raises(RefusedError, match="registered users: log in") as caught:
            await run(fake, welcomes(None, token=None), name=name)
        assert caught.value.code == "login-required"


async def test_a_password_is_used_once(fake: FakeServer, autojump_clock: MockClock, tmp_path: Path) -> None:
    async with client_of(fake, logs_in("t1"), remember=tmp_path, **ALICE) as (client, _):
        assert (client.user, client.registered, client.session) == ("alice", True, 2)
    assert tokens(tmp_path) == ["t1"]
    for options in (ALICE, {"name": "alice"}):
        await run(fake, resumes("t1", "alice", registered=True), remember=tmp_path, **options)
    await run(fake, logs_in("t2", old="t1"), remember=tmp_path, **ALICE)
    assert tokens(tmp_path) == ["t2"]


async def test_a_password_makes_the_registered_user_not_the_guest_of_that_name(
    fake: FakeServer, autojump_clock: MockClock, tmp_path: Path
) -> None:
    async def play(server: ServerSide) -> None:
        await resumes("t1", "alice")(server)
        request = await server.next("login")
        await server.reply(request, "logged-in", user="alice", session=1, token="t2", seq=0)

    await run(fake, welcomes("alice", token="t1"), remember=tmp_path, name="alice")
    async with client_of(fake, play, remember=tmp_path, **ALICE) as (client, _):
        assert client.registered
    assert tokens(tmp_path) == ["t2"]


@pytest.mark.parametrize("code", ["wrong-login", "rate-limited"])
async def test_a_login_that_is_refused_at_the_start_is_an_error(
    fake: FakeServer, autojump_clock: MockClock, code: str
) -> None:
    async def play(server: ServerSide) -> None:
        await server.welcome()
        await server.refuse(await server.next("login"), code)

    with pytest.raises(RefusedError) as caught:
        await run(fake, play, **ALICE)
    assert caught.value.code == code


async def test_after_logging_in_again_unanswered_sends_are_repeated(
    fake: FakeServer, autojump_clock: MockClock
) -> None:
    async with client_of(fake, logs_in("t1"), **ALICE) as (client, server):
        asked = client.send_nowait("psst", username="bob")
        first = await server.next("send")
        await server.close()
        later = await fake.accept()
        await logs_in("t2", old="t1")(later)
        again = await later.next("send")
        assert (again["key"], again["username"]) == (first["key"], "bob")
        await later.sent(again, 1)
        await asked.wait()
        assert client.token == "t2"


async def test_a_rate_limited_login_is_tried_again_later(fake: FakeServer, autojump_clock: MockClock) -> None:
    async with client_of(fake, logs_in("t1"), **ALICE) as (client, server):
        await server.close()
        later = await fake.accept()
        await later.welcome(None, token=None)
        await later.refuse(await later.next("resume"), "bad-token")
        await later.refuse(await later.next("login"), "rate-limited", retry_after=9)
        await logs_in("t2", old="t1")(await fake.accept())
        await until(client, Reconnected)
        assert isinstance(client.state, Online)


@pytest.mark.parametrize("required", [True, False])
async def test_a_changed_password_ends_the_client(
    fake: FakeServer, autojump_clock: MockClock, required: bool
) -> None:
    async with client_of(fake, logs_in("t1"), **ALICE) as (client, server):
        await server.close()
        later = await fake.accept()
        await (later.welcome(None, token=None) if required else later.welcome("guest-2", token="t2"))
        await later.refuse(await later.next("resume"), "bad-token")
        await later.refuse(await later.next("login"), "wrong-login")
        with pytest.raises(RefusedError, match="because wrong-login"):
            async for _ in client.events():
                pass
        assert isinstance(client.state, Closed)
    assert len(fake.attempts) == 2


async def test_an_ended_session_without_a_password_ends_the_client_where_login_is_required(
    fake: FakeServer, autojump_clock: MockClock, tmp_path: Path
) -> None:
    await run(fake, logs_in("t1"), remember=tmp_path, **ALICE)
    options: dict[str, Any] = {"remember": tmp_path, "name": "alice"}
    async with client_of(fake, resumes("t1", "alice", registered=True), **options) as (client, server):
        await server.close()
        later = await fake.accept()
        await later.welcome(None, token=None)
        await later.refuse(await later.next("resume"), "bad-token")
        with pytest.raises(RefusedError, match="for registered users"):
            async for _ in client.events():
                pass


async def test_a_new_password_is_used_for_later_logins(fake: FakeServer, autojump_clock: MockClock) -> None:
    async with client_of(fake, logs_in("t1"), **(ALICE | {"password": "secret"})) as (client, server):
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def answer() -> None:
                request = await server.next("password")
                assert (request["password"], request["new"]) == ("secret", "better")
                await server.reply(request, "password-changed", revoked=2)

            assert (await client.change_password("secret", "better")).revoked == 2
        await server.close()
        later = await fake.accept()
        await forgets("t1", "t9")(later)
        assert (await later.next("login"))["password"] == "better"


async def test_a_password_for_one_user_is_not_tried_for_another(
    fake: FakeServer, autojump_clock: MockClock
) -> None:
    async with client_of(fake, logs_in("t1"), **ALICE) as (client, server):
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def answer() -> None:
                request = await server.next("login")
                await server.reply(request, "logged-in", user="bob", session=1, token="t2", seq=0)

            await client.login("bob", "other")
        await server.close()
        later = await fake.accept()
        await forgets("t2", "t3")(later)
        assert (await later.next("rename"))["name"] == "bob"


def test_a_password_without_a_name_is_an_error_of_the_caller() -> None:
    with pytest.raises(ValueError, match="a password requires a name"):
        Credentials(password="secret")


async def test_being_nobody_leaves_the_saved_identity(
    fake: FakeServer, autojump_clock: MockClock, tmp_path: Path
) -> None:
    """On this address was another server; the one from before may be back tomorrow."""
    await run(fake, welcomes(token="t1"), remember=tmp_path)
    play = welcomes(None, token=None, journal="other")
    assert await run(fake, play, remember=tmp_path, required=False) == ["exit"]
    assert tokens(tmp_path) == ["t1"]


async def test_the_same_name_on_another_server_is_another_user(
    fake: FakeServer, autojump_clock: MockClock
) -> None:
    async with client_of(fake, logs_in("t1"), **ALICE) as (client, server):
        asked = client.send_nowait("hi")
        await server.next("send")
        await server.close()
        later = await fake.accept()
        await later.welcome(None, token=None, journal="other")
        request = await later.next("login")
        await later.reply(request, "logged-in", user="alice", session=1, token="t2", seq=0)
        with pytest.raises(DisconnectedError, match="may have been done or not"):
            await asked.wait()


async def test_a_registered_user_keeps_a_new_name(
    fake: FakeServer, autojump_clock: MockClock, tmp_path: Path
) -> None:
    await run(fake, logs_in("t1"), remember=tmp_path, **ALICE)
    play = resumes("t1", "carol", registered=True)
    assert await run(fake, play, remember=tmp_path, **ALICE) == ["exit"]


async def test_a_name_that_the_server_spells_differently_is_not_taken_again(
    fake: FakeServer, autojump_clock: MockClock
) -> None:
    async def play(server: ServerSide) -> None:
        await server.welcome()
        await server.reply(await server.next("rename"), "renamed", old="guest-1", new="alice")

    async with client_of(fake, play, name="ａｌｉｃｅ") as (client, server):
        await server.close()
        later = await fake.accept()
        await later.resume("alice")
        await until(client, Reconnected)
        assert (await later.receive())["type"] in {"ping", "conversations"}
