"""Requests about named rooms: each returns what the server says, and events come once."""

from __future__ import annotations

import pytest

from tcpchat.client import RefusedError
from tcpchat.protocol import Invited, MemberChanged, Message
from tests.link.conftest import Door, until
from tests.running import RunningServer
from tests.sessions import PASSWORD


async def test_each_request_returns_what_the_server_says(running: RunningServer) -> None:
    door = Door(running)
    async with door.client(name="alice") as alice, door.client(name="bob") as bob:
        await alice.register(PASSWORD)
        room = await alice.rooms.create("ops", private=True, topic="what is up")
        assert (room.room, room.topic, room.role) == ("ops", "what is up", "owner")
        with pytest.raises(RefusedError, match="there is no room 'ops'"):
            await bob.rooms.join("ops")
        assert (await alice.rooms.invite("bob", "ops")).standing == "invited"
        assert (await until(bob, Invited)).room == "ops"
        assert [one.sender for one in await bob.rooms.invitations()] == ["alice"]
        assert (await bob.rooms.join("ops")).role == "member"
        assert (await alice.rooms.set_role("bob", "moderator", "ops")).standing == "moderator"
        assert (await bob.rooms.topic("ops", "all is well")).topic == "all is well"
        assert [(one.name, one.role) for one in await bob.rooms.members("ops")] == [
            ("alice", "owner"),
            ("bob", "moderator"),
        ]
        await bob.send("hi", room="ops")
        (listed,) = await alice.rooms.mine()
        assert (listed.room, listed.members, listed.unread) == ("ops", 2, 1)
        assert (await alice.rooms.remove("bob", "ops", reason="too loud")).standing == "removed"
        assert (await alice.rooms.invite("bob", "ops")).standing == "invited"
        assert (await bob.rooms.decline("ops")).standing == "none"
        assert (await alice.rooms.close("ops")).closed is not None
        assert (await alice.rooms.leave("ops")).standing == "none"
        assert await alice.rooms.visible() == []


async def test_what_was_missed_in_a_room_comes_once_and_in_order(running: RunningServer) -> None:
    door, other = Door(running), Door(running)
    async with door.client(name="alice") as alice, other.client(name="bob") as bob:
        await alice.register(PASSWORD)
        await alice.rooms.create("ops")
        await bob.rooms.join("ops")
        event = await until(bob, MemberChanged)
        assert (event.username, event.change, event.seq) == ("bob", "joined", 2)
        await alice.send("1", room="ops")
        assert (await until(bob, Message)).text == "1"
        other.shut = True
        await other.cable.cut()
        for text in ("2", "3"):
            await alice.send(text, room="ops")
        await alice.rooms.topic("ops", "counting")
        other.shut = False
        await alice.send("4", room="ops")
        heard = [(await until(bob, Message)).text for _ in range(3)]
        assert heard == ["2", "3", "4"]
        await alice.rooms.remove("bob", "ops")
        assert (await until(bob, MemberChanged)).change == "removed"
        await alice.send("not for bob", room="ops")
        await alice.send("for all")
        assert (await until(bob, Message)).text == "for all"
