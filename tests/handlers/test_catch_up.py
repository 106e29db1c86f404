"""`resume --after`: what was missed, then what is said, each once and in order."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from tcpchat.chat.room import RECENT
from tcpchat.settings import Limits, Settings
from tcpchat.store.changes import Change, NewMessage, NewUser
from tcpchat.store.queries.events import read_events
from tcpchat.store.sqlite import SqliteStore
from tests.running import Line, RunningServer, run_server
from tests.serving.test_delivery import GatedStore
from tests.sessions import SessionPeer, connect, end_of, guest, log_in, lose, resume, user

FAST = Settings(limits=Limits(messages_per_second=0, requests_per_second=0))


def numbers(lines: list[Line]) -> list[int]:
    return [line["seq"] for line in lines if line["type"] == "message" and line.get("room")]


async def say(person: SessionPeer, *texts: str) -> None:
    for text in texts:
        assert (await person.do("send", text=text))["type"] == "sent"


def fill(folder: Path, messages: int) -> None:
    """Put a long lobby on disk."""
    store = SqliteStore(folder, "off")
    store.commit([NewUser("x", 0)])
    rows = (NewMessage("lobby", n, n, "x", "x", None, None, f"text {n}") for n in range(1, messages + 1))
    store.commit(rows)
    store.close()


@pytest.mark.parametrize(
    ("after", "missed"), [(2, ["three", "four"]), (0, ["one", "two", "three", "four"]), (4, [])]
)
async def test_exactly_what_came_after_that_number_comes_before_the_reply(
    running: RunningServer, after: int, missed: list[str]
) -> None:
    alice, bob = await guest(running, "alice"), await guest(running, "bob")
    await say(bob, "one", "two")
    await lose(alice)
    await say(bob, "three", "four")
    again = await connect(running)
    await again.send({"type": "resume", "token": alice.token, "after": after, "id": 5})
    lines = [await again.line() for _ in range(len(missed) + 2)]
    assert [line["text"] for line in lines[:-2]] == missed
    assert numbers(lines) == list(range(after + 1, 5))
    assert (lines[-2]["type"], lines[-2]["re"], lines[-2]["seq"]) == ("resumed", 5, 4)
    assert lines[-1]["type"] == "unread"
    await say(bob, "five")
    assert (await again.next("message"))["seq"] == 5


async def test_the_plain_form(running: RunningServer) -> None:
    alice, bob = await guest(running, "alice"), await guest(running, "bob")
    await say(bob, "one", "two")
    again = await connect(running)
    await again.send(f"resume {alice.token} --after 1")
    assert [(await again.line())["type"] for _ in range(3)] == ["message", "resumed", "unread"]


async def test_without_after_comes_only_what_is_said_from_now_on(running: RunningServer) -> None:
    alice, bob = await guest(running, "alice"), await guest(running, "bob")
    await lose(alice)
    await say(bob, "missed")
    again = await connect(running)
    await say(bob, "said since the welcome")
    assert (await again.do("resume", token=alice.token))["type"] == "resumed"
    assert await again.texts() == ["said since the welcome"]


async def test_a_number_that_the_lobby_has_not_got_to_is_refused(running: RunningServer) -> None:
    alice, bob = await guest(running, "alice"), await guest(running, "bob")
    await say(bob, "one")
    person = await connect(running)
    error = await person.do("resume", token=alice.token, after=2)
    assert (error["code"], error["field"], error["limit"]) == ("bad-value", "after", 1)
    assert (await alice.do("ping"))["type"] == "pong", "nothing has happened"
    error = await person.do("resume", token=alice.token, after=-1)
    assert (error["code"], error["field"]) == ("bad-value", "after")


async def test_nobody_hears_of_the_guest_that_one_came_as(running: RunningServer) -> None:
    alice, bob = await user(running, "alice"), await guest(running, "bob")
    running.announce_presence()
    await bob.heard()
    for way in ({"token": alice.token, "after": 0}, {"token": alice.token}):
        person = await connect(running)
        await say(bob, "x")
        running.node.state.presence.settle()
        running.node.pipeline.announce()
        await person.do("resume", **way)
        await say(bob, "x")
        running.announce_presence()
        assert await bob.heard("joined", "left", "renamed") == []
        assert await bob.names() == ["alice", "bob"]


async def test_of_those_whom_one_ignores_come_numbers_only(tmp_path: Path) -> None:
    async with run_server(FAST, folder=tmp_path) as running:
        alice, bob, carol = [await user(running, name) for name in ("alice", "bob", "carol")]
        await alice.do("ignore", name="bob")
        await lose(alice)
        for number in range(RECENT):
            await say(bob if number % 2 else carol, f"text {number}")
        last = {"type": "message", "room": "lobby", "seq": 2, "from": "bob", "text": "", "ignored": True}
        for store in ("memory", "disk"):
            if store == "disk":
                await say(carol, "one more than memory has")
            again = await resume(running, alice.token, after=0)
            lines = await again.heard("message")
            assert numbers(lines) == list(range(1, running.state.rooms.lobby.seq + 1))
            assert [line.get("ignored", False) for line in lines[:RECENT]] == [False, True] * (RECENT // 2)
            assert lines[1] == last | {"at": lines[1]["at"]}


@pytest.mark.parametrize("missed", [1, RECENT - 1, RECENT, RECENT + 1, 2 * RECENT, 2 * RECENT + 1])
async def test_more_than_memory_holds(tmp_path: Path, missed: int) -> None:
    fill(tmp_path, missed + 3)
    async with run_server(FAST, folder=tmp_path) as running:
        alice = await user(running, "alice")
        again = await resume(running, alice.token, after=3)
        assert numbers(again.events) == list(range(4, missed + 4))


async def test_two_thousand_missed_messages(tmp_path: Path) -> None:
    fill(tmp_path, 2000)
    async with run_server(FAST, folder=tmp_path) as running:
        alice, bob = await user(running, "alice"), await guest(running, "bob")
        again = await resume(running, alice.token, after=0)
        assert numbers(again.events) == list(range(1, 2001))
        assert [line["text"] for line in again.events] == [f"text {n}" for n in range(1, 2001)]
        await say(bob, "now")
        assert (await again.heard("message"))[-1]["seq"] == 2001


@asynccontextmanager
async def _noise(running: RunningServer, senders: int) -> AsyncIterator[Callable[[], int]]:
    """Let several say something all the time, some of it many at once; gives how many were sent."""
    count = 0
    stop = trio.Event()

    async def chatter(person: SessionPeer, batch: int) -> None:
        nonlocal count
        while not stop.is_set():
            await person.send(*[{"type": "send", "text": f"from {person.name}"}] * batch)
            for _ in range(batch):
                await person.next("sent")
                count += 1
            person.events.clear()

    people = [await guest(running, f"noise{number}") for number in range(senders)]
    async with trio.open_nursery() as nursery:
        for number, person in enumerate(people):
            nursery.start_soon(chatter, person, 1 + 7 * number)
        yield lambda: count
        stop.set()


@pytest.mark.parametrize("missed", [0, 400, 1300])
async def test_no_gap_and_no_repeat_while_others_go_on_talking(tmp_path: Path, missed: int) -> None:
    fill(tmp_path, 50)
    async with run_server(FAST, folder=tmp_path) as running:
        alice = await user(running, "alice")
        async with _noise(running, 4) as said:
            for _ in range(5):
                after = running.state.rooms.lobby.seq
                before = said()
                while said() < before + missed:
                    await trio.lowlevel.checkpoint()
                again = await connect(running)
                reply = await again.do("resume", token=alice.token, after=after)
                lines = again.events
                assert numbers(lines) == list(range(after + 1, reply["seq"] + 1))
                again.events = []
                while len(again.events) < 200:
                    again.events.append(await again.line())
                heard = numbers(again.events)
                assert heard == list(range(reply["seq"] + 1, reply["seq"] + 1 + len(heard)))


async def test_who_reads_slowly_while_catching_up_gets_everything_and_delays_nobody(tmp_path: Path) -> None:
    fill(tmp_path, 3000)
    limits = Limits(messages_per_second=0, requests_per_second=0, backlog_bytes=600_000)
    async with run_server(Settings(limits=limits), folder=tmp_path) as running:
        alice, bob = await user(running, "alice"), await guest(running, "bob")
        mine, theirs = trio.testing.lockstep_stream_pair()
        await running._listener.let_in(theirs)
        slow = SessionPeer(mine)
        await slow.next("welcome")
        await slow.send({"type": "resume", "token": alice.token, "after": 0, "id": 1})
        for _ in range(40):
            await say(bob, "x" * 4000)
        (connection,) = [one for one in running.server.connections if one.backlog]
        assert connection.backlog < 600_000 // 2, "it is given as much as it reads"
        with trio.fail_after(20):
            lines = await slow._until(1)
        assert numbers(lines) == list(range(1, 3041))
        await say(bob, "now")
        assert (await slow.next("message"))["seq"] == 3041


class SlowDisk(GatedStore):
    """Holds back what is read, and that something is written."""

    def __init__(self) -> None:
        super().__init__()
        self.reading = threading.Event()
        self.go_on = threading.Event()
        self.told = threading.Event()
        self.told.set()

    def commit(self, changes: Iterable[Change]) -> None:
        super().commit(changes)
        self.told.wait(10)

    def ask(self, query: Any, /, *arguments: Any, **keywords: Any) -> Any:
        if query is read_events:
            self.reading.set()
            self.go_on.wait(10)
        return super().ask(query, *arguments, **keywords)


@pytest.mark.parametrize("how", ["replaced", "revoked"])
async def test_whose_place_is_taken_while_catching_up_hears_nothing_more(how: str) -> None:
    disk = SlowDisk()
    async with run_server(FAST, store=disk) as running:
        alice, bob = await user(running, "alice"), await guest(running, "bob")
        phone = await log_in(running, "alice")
        for _ in range(RECENT + 1):
            await bob.do("send", text="x")
        first = await connect(running)
        await first.send({"type": "resume", "token": phone.token, "after": 0})
        while not disk.reading.is_set():
            await trio.testing.wait_all_tasks_blocked()
        if how == "replaced":
            await resume(running, phone.token)
        else:
            assert (await alice.do("revoke", number=2))["type"] == "revoked"
        disk.go_on.set()
        assert await end_of(first) == how
        await trio.testing.wait_all_tasks_blocked()
        attached = {connection for who in running.state.presence.users() for connection in who.connections}
        assert set(running.state.audience.subscribed) <= attached


async def test_what_is_on_disk_and_not_told_yet_comes_once() -> None:
    disk = SlowDisk()
    disk.go_on.set()
    async with run_server(FAST, store=disk) as running:
        alice, bob = await user(running, "alice"), await guest(running, "bob")
        await bob.send(*["send x"] * (RECENT + 1))
        for _ in range(RECENT + 1):
            await bob.next("sent")
        disk.told.clear()
        batches = len(disk.batches)
        await bob.send("send last")
        while len(disk.batches) == batches:
            await trio.testing.wait_all_tasks_blocked()
        again = await connect(running)
        await again.send({"type": "resume", "token": alice.token, "after": 0, "id": 1})
        for _ in range(RECENT + 1):
            await again.next("message")
        disk.told.set()
        lines = [*again.events, *await again._until(1), *await again.quiet()]
        assert numbers(lines) == [RECENT + 2]


async def test_who_resumes_the_user_that_it_is_can_catch_up_too(tmp_path: Path) -> None:
    async with run_server(FAST, folder=tmp_path) as running:
        alice, bob = await user(running, "alice"), await guest(running, "bob")
        for number in range(5):
            await say(bob, str(number))
        await alice.heard()
        await alice.do("resume", token=alice.token, after=2)
        await say(bob, "live")
        heard = await alice.heard("message")
        assert [line["seq"] for line in heard] == [3, 4, 5, 6]
