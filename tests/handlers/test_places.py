"""Places: how a request names a room, alike in all commands."""

from __future__ import annotations

import pytest

from tests.running import RunningServer


@pytest.mark.parametrize("room", ["lobby", "#lobby", "Lobby"])
async def test_the_lobby_can_be_named_too(running: RunningServer, room: str) -> None:
    (alice,) = await running.peers("alice")
    for line in (
        f"send -r {room} hi",
        f"send --room={room} hi",
        {"type": "send", "text": "hi", "room": room},
    ):
        assert (await alice.ask(line))["room"] == "lobby"
    assert (await alice.ask(f"history -r {room}"))["room"] == "lobby"
    assert (await alice.ask(f"read -r {room}"))["room"] == "lobby"


async def test_a_direct_room_can_be_named_by_its_id(running: RunningServer) -> None:
    alice, bob, carol = await running.peers("alice", "bob", "carol")
    room = (await alice.ask("send -u bob one"))["room"]
    assert (await bob.ask(f"send -r {room} two")) | {"at": ""} == {
        "type": "sent", "room": room, "username": "alice", "seq": 2, "at": "",
    }  # fmt: skip
    assert (await bob.ask(f"send -r #{room} -t 60 later"))["username"] == "alice"
    assert [(await alice.next("message"))["text"] for _ in range(2)] == ["one", "two"]
    assert (await carol.ask(f"send -r {room} hi"))["code"] == "no-such-room"
    await bob.leave()
    assert (await alice.ask(f"send -r {room} three"))["code"] == "no-such-user", "bob is gone for good"
    assert (await alice.ask(f"history -r {room}"))["username"] == "bob"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("{} -r kitchen", "no-such-room"),
        ("{} -r @0123456789abcdef", "no-such-room"),
        ("{} -r lobby -u alice", "bad-usage"),
        ("{} -u @0123456789abcdef", "bad-usage"),
    ],
)
async def test_a_place_that_is_none_is_refused_by_each_command_alike(
    running: RunningServer, line: str, code: str
) -> None:
    (alice,) = await running.peers("alice")
    errors = [await alice.ask(line.format(command)) for command in ("history", "read", "history --unread")]
    errors.append(await alice.ask(line.format("send") + " hi"))
    assert {error["code"] for error in errors} == {code}
    assert len({error["message"] for error in errors}) == 1
