"""A session: the greeting, the name to have, and hosting where nobody answers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tcpchat.client import ConnectError, Disconnected, Reconnected, RefusedError
from tcpchat.errors import StartError
from tcpchat.protocol import Error
from tcpchat.repl.controller import Controller
from tcpchat.repl.model.preferences import Preferences
from tcpchat.repl.options import Options
from tcpchat.repl.pipe import _for_script
from tcpchat.repl.session import converse, greeting, open_client, with_name
from tcpchat.repl.view.text import plain
from tests.link.conftest import until
from tests.process import free_port
from tests.repl.fake_server import FakeServer, SocketServer
from tests.repl.person import RecordingScreen, at_fake_server


@pytest.mark.parametrize(
    ("user", "registered", "last"),
    [
        ("guest-1", False, "you are guest-1. Just type, or type help."),
        ("alice", True, "you are alice (registered). Just type, or type help."),
        (None, False, "this server is for registered users: /login NAME"),
    ],
)
async def test_the_greeting_names_the_server_and_the_user(
    user: str | None, registered: bool, last: str
) -> None:
    server = FakeServer(user)
    resumed = {"type": "resumed", "user": user, "registered": registered, "session": 1, "seq": 0}
    server.answers["resume"] = lambda _: resumed
    token = "t-secret" if registered else None
    async with at_fake_server(server, token=token, required=False) as person:
        options = Options(address="here")
        (line,) = greeting(person.client, options, None, person=True)
        assert line == f"played 1 on {person.client.address}; {last}"
        assert list(greeting(person.client, options, None, person=False)) == []
        (hosting, _) = greeting(person.client, options, "messages are stored in /there", person=True)
        assert hosting == (
            f"nobody answered on {person.client.address}, so this is the server now;"
            " messages are stored in /there"
        )


async def test_the_greeting_names_the_remembered_users(tmp_path: Path) -> None:
    async with at_fake_server(FakeServer()) as person:
        person.client._user.store.others = ["alice", "ben"]
        (_, others) = greeting(person.client, Options(address="here"), None, person=True)
        assert others == "remembered here: alice, ben; to be one of them, start with --name NAME"


async def test_the_greeting_says_why_the_user_is_not_saved() -> None:
    problem = "identity, settings and history are not saved: there is no home folder; set HOME"
    async with at_fake_server(FakeServer()) as person:
        options = Options(address="here", problem=problem)
        assert list(greeting(person.client, options, None, person=True))[1:] == [problem]
        options = Options(address="here", problem=problem, remember=False)
        assert len(list(greeting(person.client, options, None, person=True))) == 1


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("name-taken", "robert is taken. If it is your account, type: /login robert"),
        ("bad-name", "you cannot be robert: because bad-name"),
    ],
)
async def test_the_greeting_explains_another_name(code: str, text: str) -> None:
    server = FakeServer()
    server.refuse("rename", code)
    async with at_fake_server(server, name="robert", required=False) as person:
        lines = list(greeting(person.client, Options(address="x", name="robert"), None, person=True))
        assert lines[-1] == text


@pytest.mark.parametrize(
    ("given", "setting", "person", "name", "remember", "anyone"),
    [
        (None, "", True, None, True, True),
        (None, "", False, None, False, True),
        ("ann", "", False, "ann", True, False),
        ("ann", "zoe", True, "ann", True, True),
        (None, "zoe", True, "zoe", True, True),
        (None, "zoe", False, "zoe", True, True),
    ],
)
def test_a_script_speaks_under_its_own_name_or_not_at_all(
    given: str | None, setting: str, person: bool, name: str | None, remember: bool, anyone: bool
) -> None:
    preferences = Preferences(None)
    if setting:
        preferences.set("name", setting)
    options = with_name(Options(address="x", name=given), preferences, person=person)
    assert (options.name, options.remember, options.anyone) == (name, remember, anyone)


@pytest.mark.parametrize(("script", "messages"), [(False, 20), (True, 50)])
async def test_of_other_data_a_person_is_shown_the_last_messages_and_a_script_all(
    script: bool, messages: int
) -> None:
    fake = FakeServer(seq=3)
    with SocketServer(fake) as server:
        options = Options(address=server.address, remember=False)
        async with open_client(_for_script(options) if script else options) as client:
            fake.journal, fake.seq = "other", 50
            server.send({"type": "bye", "code": "server-stopping", "message": "the server stops"})
            await until(client, Disconnected)
            client.retry_now()
            assert (await until(client, Reconnected)).missed == messages


# From the connection to the end.


async def leave(controller: Controller) -> None:
    controller.leave_now()


async def stay(controller: Controller) -> None:
    pass


async def run(feed: Any, **options: Any) -> RecordingScreen:
    screen = RecordingScreen()
    await converse(Options(remember=False, **options), screen, Preferences(None), feed)
    return screen


async def test_it_connects_and_lasts_until_the_person_leaves() -> None:
    with SocketServer(FakeServer()) as server:
        screen = await run(leave, address=server.address)
    assert screen.notices.startswith(f"· played 1 on {server.address}; you are alice.")


async def test_the_first_line_may_be_to_a_user() -> None:
    """It may have been typed before the connection, so it waits until it is known who is here."""

    async def to_bob(controller: Controller) -> None:
        controller.enter("/to bob")
        prompts.append(plain(controller.prompt()))
        controller.leave_now()

    prompts: list[str] = []
    with SocketServer(FakeServer()) as server:
        await run(to_bob, address=server.address)
    assert prompts == ["alice → bob ▸ "]


async def test_it_raises_why_the_server_sends_it_away() -> None:
    fake = FakeServer()
    fake.answers["users"] = lambda _: {"re": None, "type": "bye", "code": "banned", "message": "go"}
    with SocketServer(fake) as server, pytest.raises(RefusedError) as refused:
        await run(stay, address=server.address)
    assert refused.value.error == Error(code="banned", message="go")


async def test_where_nothing_listens_it_hosts_if_it_may(tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    with pytest.raises(ConnectError):
        await run(leave, address=address)

    @asynccontextmanager
    async def host() -> AsyncIterator[str]:
        port = int(address.rpartition(":")[2])
        with SocketServer(FakeServer(), port=port):
            yield "messages are stored there"

    screen = await run(leave, address=address, host=host)
    assert f"nobody answered on {address}, so this is the server now; messages are stored there" in (
        screen.notices
    )


async def test_another_program_may_have_been_as_fast_to_host() -> None:
    @asynccontextmanager
    async def host() -> AsyncIterator[str]:
        if race:
            servers.append(SocketServer(FakeServer(), port=port).__enter__())
        raise StartError("the address is in use")
        yield ""

    port, servers = free_port(), list[SocketServer]()
    for race in (True, False):
        if race:
            screen = await run(leave, address=f"127.0.0.1:{port}", host=host)
            assert "this is the server now" not in screen.notices
            servers[0].__exit__()
        else:
            with pytest.raises(StartError, match="in use"):
                await run(leave, address=f"127.0.0.1:{port}", host=host)
