"""Requests of others during a deletion: the disk is held, so that it takes as long as needed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from tcpchat.chat.user import User
from tcpchat.store.changes import NewMessage
from tcpchat.store.queries.users import find_user
from tests.admin.conftest import PASSWORD, Disk, Place, open_place
from tests.admin.test_data import left_of, lobby

LOGIN = {"type": "login", "name": "alice", "password": PASSWORD}
TURNS = 3000  # of the loop, in which what should wait would have gone on if it did not


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path / "data")


@pytest.fixture
async def place(tmp_path: Path, disk: Disk, mock_clock: trio.testing.MockClock) -> AsyncIterator[Place]:
    async with open_place(tmp_path / "data", store=disk) as opened:
        yield opened


async def until(condition: Callable[[], object], turns: float = float("inf")) -> None:
    """Wait until it is so, or for so many turns of the loop."""
    while turns and not condition():
        await trio.lowlevel.checkpoint()
        turns -= 1


@asynccontextmanager
async def deleting(place: Place) -> AsyncIterator[None]:
    """Have alice deleted: asked when the block begins, and done after it."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(partial(place.operator.done, "delete", name="alice"))
        yield


async def test_a_user_being_deleted_cannot_be_found_or_logged_in_as(
    place: Place, disk: Disk, mock_clock: trio.testing.MockClock
) -> None:
    await place.operator.done("create", name="alice", password=PASSWORD)
    bob, stranger = await place.peer("bob"), await place.peer()
    await bob.ask({"type": "send", "text": "scheduled", "username": "alice", "time": 10})
    with disk.held():
        async with deleting(place):
            await until(lambda: disk.committing)
            await bob.send({"type": "send", "text": "hello", "username": "alice"})
            await stranger.send(LOGIN)
            mock_clock.jump(11)
            await until(lambda: place.state.schedule.next_due() is None)
            disk.release()
    assert (await bob.next("error"))["code"] == "no-such-user"
    assert (await stranger.next("error"))["code"] == "wrong-login"
    await until(place.state.schedule.next_due)  # it was decided after the deletion, and is tried once more
    mock_clock.jump(2)
    assert (await bob.next("unsent"))["code"] == "no-such-user"
    assert left_of(place.operator.folder, "alice") == []


async def test_a_login_during_a_deletion_does_not_revive_the_user(place: Place, disk: Disk) -> None:
    await place.operator.done("create", name="alice", password=PASSWORD)
    named = place.state.directory.registered_as("alice")
    assert named
    user = place.state.users.get(named.user)
    assert user
    stranger = await place.peer()
    with disk.held():
        await stranger.send(LOGIN | {"id": 1})
        await until(lambda: disk.committing)  # the new session
        async with deleting(place):
            disk.release()
    if (await stranger.line())["type"] == "logged-in":
        assert (await stranger.rest())[-1]["code"] == "revoked"
    assert (await (await place.peer()).ask({"type": "whois", "name": "alice"}))["code"] == "no-such-user"
    assert left_of(place.operator.folder, "alice") == []


async def test_a_token_that_was_found_just_before_a_deletion_resumes_nothing(tmp_path: Path) -> None:
    async with open_place(tmp_path / "data") as place:
        await place.operator.done("create", name="alice", password=PASSWORD)
        alice = await place.logged_in("alice")
    async with open_place(tmp_path / "data") as place:
        found, deleted = trio.Event(), trio.Event()
        ask = place.node.reader.ask

        async def slowly(query: Any, *arguments: Any, **keywords: Any) -> Any:
            read = await ask(query, *arguments, **keywords)
            if query is find_user and isinstance(arguments[0], bytes):
                found.set()
                await deleted.wait()
            return read

        place.node.reader.ask = slowly  # type: ignore[method-assign, assignment]
        stranger = await place.peer()
        await stranger.send({"type": "resume", "token": alice.token})
        await found.wait()
        await place.operator.done("delete", name="alice")
        deleted.set()
        assert (await stranger.next("error"))["code"] == "no-such-user"


async def test_a_registration_in_flight_is_deleted_with_the_account(place: Place) -> None:
    hashes = place.node.hasher
    hashing, hashed = trio.Event(), trio.Event()

    async def slowly(password: str) -> str:
        hashing.set()
        with trio.CancelScope(shield=True):  # as a thread, which nothing stops
            await hashed.wait()
        return "hash"

    hashes.hash = slowly  # type: ignore[method-assign]
    alice = await place.peer("alice")
    await alice.send({"type": "register", "password": PASSWORD})
    await hashing.wait()
    user = place.state.directory.find("alice")
    assert isinstance(user, User)
    async with deleting(place):
        await until(lambda: place.state.users.get(user.id) is None, TURNS)
        hashed.set()
    assert (await alice.rest())[-1]["code"] == "revoked"
    assert (await place.operator("users"))["users"] == []
    assert place.state.directory.stored(user.id) is None
    assert place.log.named("bug") == []
    assert left_of(place.operator.folder, "alice") == []


async def test_a_due_message_that_failed_is_not_retried_after_a_deletion(
    place: Place, disk: Disk, mock_clock: trio.testing.MockClock
) -> None:
    alice, bob = await place.peer("alice"), await place.peer("bob")
    await alice.ask({"type": "send", "text": "secret", "time": 10})
    disk.refuses = NewMessage
    with disk.held():
        mock_clock.jump(11)
        await until(lambda: place.state.schedule.next_due() is None)
        async with deleting(place):
            await until(lambda: place.node.pipeline._queue, TURNS)
            disk.release()
    await place.node.pipeline.wait_idle()
    disk.refuses = ()
    mock_clock.jump(5)
    await until(lambda: not len(place.state.schedule))
    await place.node.pipeline.wait_idle()
    assert await lobby(bob) == []
