"""Guests and registered users for tests, who may have several sessions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import trio
import trio.testing

from tests.running import Line, Peer, RunningServer, run_server

PASSWORD = "correct horse"
Clock = trio.testing.MockClock


class SessionPeer(Peer):
    """A peer that knows its token and sends requests as JSON."""

    token = ""
    session = 0

    async def do(self, type: str, **fields: Any) -> Line:
        """Send a request and return the reply."""
        return await self.ask({"type": type} | fields)

    async def heard(self, *types: str) -> list[Line]:
        """Return the events of these types, or all, since the last call."""
        lines = [*self.events, *await self.quiet()]
        self.events.clear()
        return [line for line in lines if not types or line["type"] in types]

    async def texts(self) -> list[str]:
        """Return the texts of the messages since the last call."""
        return [line["text"] for line in await self.heard("message")]

    async def names(self) -> list[str]:
        return [user["name"] for user in (await self.do("users"))["users"]]


async def connect(running: RunningServer) -> SessionPeer:
    """Connect and read the welcome."""
    person = SessionPeer(await running.connect())
    welcome = await person.next("welcome")
    person.name, person.token = welcome.get("user", ""), welcome.get("token", "")
    return person


async def guest(running: RunningServer, name: str | None = None) -> SessionPeer:
    person = await connect(running)
    if name is not None:
        reply = await person.do("rename", name=name)
        assert reply["type"] == "renamed", reply
        person.name = name
    return person


async def user(running: RunningServer, name: str, **fields: Any) -> SessionPeer:
    """Connect a user and register."""
    person = await guest(running, name)
    reply = await person.do("register", password=PASSWORD, **fields)
    assert reply["type"] == "registered", reply
    return person


async def log_in(running: RunningServer, name: str, **fields: Any) -> SessionPeer:
    """Connect another session of a registered user."""
    return await log_in_on(await connect(running), name, **fields)


async def log_in_on(person: SessionPeer, name: str, **fields: Any) -> SessionPeer:
    reply = await person.do("login", name=name, **{"password": PASSWORD} | fields)
    assert reply["type"] == "logged-in", reply
    person.name, person.token, person.session = reply["user"], reply["token"], reply["session"]
    return person


async def resume(running: RunningServer, token: str, **fields: Any) -> SessionPeer:
    """Resume a session on a new connection."""
    person = await connect(running)
    reply = await person.do("resume", token=token, **fields)
    assert reply["type"] == "resumed", reply
    person.name, person.token, person.session = reply["user"], token, reply["session"]
    return person


async def dead(running: RunningServer, token: str) -> bool:
    """Return whether the token is worthless."""
    person = await connect(running)
    reply = await person.do("resume", token=token)
    if reply["type"] == "resumed":
        return False
    assert reply["code"] == "bad-token", reply
    await person.leave()
    return True


async def lose(*people: Peer) -> None:
    """Cut the connections, and let the server notice."""
    for person in people:
        await person.stream.aclose()
    await trio.testing.wait_all_tasks_blocked()


async def end_of(person: Peer) -> str:
    """Return the code of the `bye` that ends the connection."""
    last = (await person.rest())[-1]
    assert last["type"] == "bye", last
    return str(last["code"])


async def pass_time(running: RunningServer, clock: Clock, *seconds: float) -> None:
    """Let time pass, and after each duration everything that becomes due."""
    for span in (*seconds, 0):
        await trio.testing.wait_all_tasks_blocked()
        await running.node.pipeline.wait_idle()
        await trio.testing.wait_all_tasks_blocked()
        clock.jump(span)


async def stored_users(folder: Path, *, registered: str, guest_name: str) -> dict[str, str]:
    """Return the tokens, by name, of a registered user and a guest whom a server in this folder admitted."""
    async with run_server(folder=folder) as running:
        people = [await user(running, registered), await guest(running, guest_name)]
        for person in people:
            await person.ask("send so that the user is written")
        return {person.name: person.token for person in people}
