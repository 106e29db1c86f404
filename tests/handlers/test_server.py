"""`help`, `users`, `status`, `schema`, `ping` and `exit`."""

from __future__ import annotations

import pytest
import trio.testing
from jsonschema import Draft202012Validator

from tcpchat import __version__
from tcpchat.handlers import profile
from tcpchat.protocol import COMMANDS
from tcpchat.settings import Limits, Settings
from tests.running import RunningServer, run_server


@pytest.mark.parametrize("line", ["help", "/help", "\\HELP", {"type": "help"}])
async def test_help_lists_every_command(running: RunningServer, line: str) -> None:
    peer = await running.peer()
    commands = (await peer.ask(line))["commands"]
    assert [command["name"] for command in commands] == [command.name for command in COMMANDS]
    assert all(set(command) == {"name", "usage", "summary"} for command in commands)


@pytest.mark.parametrize("line", ["help send", "help SEND", {"type": "help", "command": "send"}])
async def test_help_explains_one_command(running: RunningServer, line: str) -> None:
    peer = await running.peer()
    (send,) = (await peer.ask(line))["commands"]
    assert send["usage"] == "send [-u/--username NAME] [-r/--room ROOM] [-t/--time DURATION] [--action] TEXT"
    assert {field["name"]: field["required"] for field in send["fields"]} == {
        "id": False,
        "text": True,
        "username": False,
        "room": False,
        "time": False,
        "action": False,
        "key": False,
    }
    assert all(field["help"] for field in send["fields"])
    assert "send -u bob hi" in send["examples"]


async def test_help_on_what_does_not_exist_names_the_nearest(running: RunningServer) -> None:
    peer = await running.peer()
    error = await peer.ask("help sned")
    assert (error["code"], error["suggestion"]) == ("unknown-command", "send")
    assert (await peer.ask("help send now"))["code"] == "bad-usage"


@pytest.mark.parametrize("line", ["users", {"type": "users"}])
async def test_users_tells_who_is_here_since_when(running: RunningServer, line: str) -> None:
    _, bob = await running.peers("bob", "alice")
    reply = await bob.ask(line)
    assert [user["name"] for user in reply["users"]] == ["alice", "bob"]
    assert all(user["since"].startswith("2026-11-") for user in reply["users"])
    assert reply["more"] is False
    assert [user["name"] for user in (await bob.ask("users --after alice"))["users"]] == ["bob"]
    assert (await bob.ask("users now"))["code"] == "bad-usage"


async def test_many_users_come_in_pages_by_name(
    running: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To list all at once would keep others waiting, and who is here changes meanwhile."""
    monkeypatch.setattr(profile, "PAGE", 2)
    alice, _, dave, _ = await running.peers("alice", "carol", "dave", "bob")
    page = await alice.ask({"type": "users"})
    assert ([user["name"] for user in page["users"]], page["more"]) == (["alice", "bob"], True)
    await dave.ask("rename zoe")
    page = await alice.ask({"type": "users", "after": "bob"})
    assert ([user["name"] for user in page["users"]], page["more"]) == (["carol", "zoe"], False)
    await dave.leave()
    assert [user["name"] for user in (await alice.ask("users --after bob"))["users"]] == ["carol"]


async def test_status_tells_how_the_server_is(mock_clock: trio.testing.MockClock) -> None:
    async with run_server(Settings(limits=Limits(messages_per_second=0))) as running:
        alice, _ = await running.peers("alice", "bob")
        mock_clock.jump(100)
        for line in ("send 1", "send 2", "send -u bob 3", "send -t 5 4"):
            await alice.ask(line)
        status = await alice.ask("status")
        counts = ("users", "connections", "messages", "messages_per_minute", "scheduled", "uptime")
        assert [status[count] for count in counts] == [2, 2, 3, 3, 1, 100]
        assert status["server"] == f"tcpchat {__version__}"
        assert status["limits"]["messages_per_second"] == 0
        assert status["limits"]["text_characters"] == 4000
        assert status["limits"]["reports_to_mute"] == 4
        alice.events.clear()
        mock_clock.jump(61)
        await alice.next("message")
        await alice.quiet()
        status = await alice.ask({"type": "status"})
        assert (status["messages"], status["messages_per_minute"], status["scheduled"]) == (4, 1, 0)


async def test_the_schema_fits_what_the_server_says(running: RunningServer) -> None:
    alice, bob = await running.peers("alice", "bob")
    schema = (await alice.ask("schema"))["schema"]
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    for line in ("help", "help send", "users", "send hi", "send -t 5 x", "scheduled", "cancel", "status"):
        validator.validate(await alice.ask(line))
    for line in ("history", "report bob spam", "rename carol", "ping", "schema", "nonsense", "exit"):
        validator.validate(await alice.ask(line) if line != "exit" else await _leave(alice))
    for event in [*alice.events, *await bob.quiet()]:
        validator.validate(event)


async def _leave(peer: object) -> dict[str, object]:
    await peer.send("exit")  # type: ignore[attr-defined]
    return await peer.next("bye")  # type: ignore[attr-defined,no-any-return]


async def test_ping_tells_the_time(running: RunningServer, mock_clock: trio.testing.MockClock) -> None:
    peer = await running.peer()
    mock_clock.jump(1.5)
    assert (await peer.ask({"type": "ping"}))["at"] == "2026-11-21T09:00:01.623Z"
    await peer.send("ping")
    assert (await peer.next("pong"))["at"] == "2026-11-21T09:00:01.623Z"
    assert (await peer.ask("ping pong"))["code"] == "bad-usage"


@pytest.mark.parametrize("line", ["exit", {"type": "exit", "id": "x"}])
async def test_exit_says_bye_and_closes(running: RunningServer, line: str) -> None:
    alice, bob = await running.peers("alice", "bob")
    await alice.send("send last words", line, "send too late")
    lines = await alice.rest()
    assert [line["type"] for line in lines] == ["sent", "message", "bye"]
    assert lines[-1]["code"] == "exit"
    assert (await bob.next("message"))["text"] == "last words"
    assert (await bob.next("left"))["users"] == ["alice"]
    assert await bob.quiet() == []
