"""Private conversations: with whom, under which id, how far read, and with who is not there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import trio.testing

from tcpchat.store import StorageError
from tcpchat.store.queries.users import find_user
from tcpchat.store.sqlite import SqliteStore
from tests.handlers.test_unread import say, shown, unread
from tests.running import Line, RunningServer, run_server
from tests.serving.test_delivery import GatedStore
from tests.sessions import (
    Clock,
    SessionPeer,
    connect,
    guest,
    log_in,
    log_in_on,
    lose,
    pass_time,
    resume,
    user,
)

# Who is not there


async def test_what_is_said_to_an_absent_guest_is_kept(tmp_path: Path, mock_clock: Clock) -> None:
    async with run_server(folder=tmp_path) as running:
        alice, bob = await guest(running, "alice"), await guest(running, "bob")
        await lose(alice)
        await pass_time(running, mock_clock, 10)
        assert "alice" not in await bob.names()
        await say(bob, "psst", "again", to="alice")
        back = await resume(running, alice.token)
        assert await unread(back) == {"bob": (2, False, 0, 2)}
        assert await back.texts() == []
        await lose(back)
        await pass_time(running, mock_clock, 10)
    async with run_server(folder=tmp_path) as running:
        bob = await resume(running, bob.token)
        await say(bob, "third", to="alice")
        back = await resume(running, alice.token)
        (event,) = [line for line in back.events + await back.quiet() if line["type"] == "unread"]
        assert shown(event) == {"bob": (3, False, 0, 3)}
        history = await back.do("history", username="bob", after=0)
        assert [line["text"] for line in history["messages"]] == ["psst", "again", "third"]


async def test_what_is_said_to_a_user_who_is_not_in_memory_is_kept(tmp_path: Path, mock_clock: Clock) -> None:
    async with run_server(folder=tmp_path) as running:
        alice = await user(running, "alice")
        await lose(alice)
    for number in range(1, 4):
        async with run_server(folder=tmp_path) as running:
            bob = await log_in(running, "bob") if number > 1 else await user(running, "bob")
            assert (await bob.do("send", text=str(number), username="Alice"))["seq"] == number
            await pass_time(running, mock_clock, 700)
            if number == 3:
                phone = await log_in(running, "alice")
                assert await unread(phone) == {"bob": (3, False, 0, 3)}
                back = await resume(running, alice.token)
                lines = (await back.do("history", username="bob", after=0))["messages"]
                assert [line["text"] for line in lines] == ["1", "2", "3"]
                await say(back, "back", to="bob")
                assert (await bob.heard("message"))[-1]["seq"] == 4


async def test_many_write_at_once_to_a_user_who_is_not_in_memory(tmp_path: Path) -> None:
    async with run_server(folder=tmp_path) as running:
        await user(running, "alice")
    async with run_server(folder=tmp_path) as running:
        people = [await guest(running, f"p{number}") for number in range(8)]
        for person in people:
            await person.send(*[{"type": "send", "text": "hi", "username": "alice", "id": n} for n in (1, 2)])
        for person in people:
            assert [(await person.next("sent"))["seq"] for _ in range(2)] == [1, 2]
        alice = await log_in(running, "alice")
        assert len((await alice.do("conversations"))["conversations"]) == 8
        assert sum(count for count, *_ in (await unread(alice)).values()) == 16


async def test_a_mention_of_a_user_who_is_not_in_memory_counts(tmp_path: Path) -> None:
    async with run_server(folder=tmp_path) as running:
        await lose(await user(running, "alice"))
    async with run_server(folder=tmp_path) as running:
        await say(await guest(running, "bob"), "where is @alice?")
        assert len(running.state.presence) == 1
        assert await unread(await log_in(running, "alice")) == {"lobby": (1, True, 0, 1)}


async def test_who_is_read_from_disk_has_what_is_just_being_written(mock_clock: Clock) -> None:
    disk = GatedStore()
    async with run_server(store=disk) as running:
        alice, bob, carol = (
            await user(running, "alice"),
            await guest(running, "bob"),
            await guest(running, "carol"),
        )
        await lose(alice)
        await pass_time(running, mock_clock, 5, 594)
        disk.open.clear()
        await bob.send("send -u alice one")
        await trio.testing.wait_all_tasks_blocked()
        mock_clock.jump(2)
        await trio.testing.wait_all_tasks_blocked()
        await carol.send("send -u alice hi")
        await trio.testing.wait_all_tasks_blocked()
        disk.open.set()
        assert (await carol.next("sent"))["seq"] == 1
        assert (await bob.next("sent"))["seq"] == 1
        assert (await bob.do("send", text="two", username="alice"))["seq"] == 2
        back = await resume(running, alice.token)
        assert await unread(back) == {"bob": (2, False, 0, 2), "carol": (1, False, 0, 1)}


async def test_a_scheduled_message_finds_a_user_who_is_not_in_memory(
    tmp_path: Path, mock_clock: Clock
) -> None:
    async with run_server(folder=tmp_path) as running:
        alice, bob = await user(running, "alice"), await user(running, "bob")
        await say(bob, "first", to="alice")
        await bob.do("send", text="tea", time=60, username="alice")
    async with run_server(folder=tmp_path) as running:
        await pass_time(running, mock_clock, 61)
        while len(running.state.schedule):
            await pass_time(running, mock_clock)
        back = await resume(running, alice.token)
        assert await unread(back) == {"bob": (2, False, 0, 2)}
        bob = await log_in(running, "bob")
        assert (await bob.do("send", text="third", username="alice"))["seq"] == 3


# conversations


async def conversations(person: SessionPeer, **fields: Any) -> list[Line]:
    return list((await person.do("conversations", **fields))["conversations"])


async def test_conversations_tell_how_far_each_has_got(running: RunningServer, mock_clock: Clock) -> None:
    alice, bob = await user(running, "alice"), await user(running, "bob")
    await say(alice, "one", "two", to="bob")
    await say(bob, "three", to="alice")
    await bob.do("read", username="alice", seq=1)
    await alice.do("read", username="bob", seq=3)
    (mine,) = await conversations(alice)
    id = mine["room"]
    assert mine == {
        "username": "bob", "room": id, "seq": 3, "read": 3, "delivered": 3, "seen": 1,
    }  # fmt: skip
    assert await conversations(bob) == [
        {"username": "alice", "room": id, "seq": 3, "read": 1, "delivered": 3, "seen": 3}
    ]
    assert id[0] == "@"
    assert len(id) == 17


async def test_a_conversation_keeps_its_id_whatever_the_two_are_called(tmp_path: Path) -> None:
    async with run_server(folder=tmp_path) as running:
        alice, bob = await user(running, "alice"), await user(running, "bob")
        await say(bob, "one", to="alice")
        heard = await alice.next("message")
        (before,) = await conversations(alice)
        assert heard["room"] == before["room"]
        await bob.do("rename", name="bobby")
        await alice.do("rename", name="alicia")
        await say(bob, "two", to="alicia")
        assert (await alice.next("message"))["room"] == before["room"]
    async with run_server(folder=tmp_path) as running:
        alice = await log_in(running, "alicia")
        (after,) = await conversations(alice)
        assert after == before | {"username": "bobby", "seq": 2, "delivered": 2, "seen": 2}
        history = await alice.do("history", room=after["room"])
        assert [line["from"] for line in history["messages"]] == ["bob", "bobby"]
        assert history["username"] == "bobby"


async def test_who_is_gone_is_shown_under_the_last_name_and_can_still_be_read(
    tmp_path: Path, mock_clock: Clock
) -> None:
    async with run_server(folder=tmp_path) as running:
        alice, bob, mute = (
            await user(running, "alice"),
            await guest(running, "bob"),
            await guest(running, "mute"),
        )
        await say(bob, "psst", to="alice")
        await say(alice, "say something", to="mute")
        for person in (bob, mute):
            await person.leave()
        await pass_time(running, mock_clock, 1, 700)
        thief = await guest(running, "bob")
        await say(thief, "I am another bob", to="alice")
        infos = await conversations(alice)
        assert sorted(info["username"] for info in infos) == ["bob", "bob", "mute"]
        texts = []
        for info in infos:
            lines = (await alice.do("history", room=info["room"]))["messages"]
            texts += [line["text"] for line in lines]
        assert sorted(texts) == ["I am another bob", "psst", "say something"]
        assert len(await unread(alice)) == 1
        assert sum(info["count"] for info in (await alice.do("unread"))["rooms"]) == 2
        assert (await thief.do("history", username="alice"))["messages"][0]["text"] == "I am another bob"
    async with run_server(folder=tmp_path) as running:
        await pass_time(running, mock_clock, 100, 700)
        alice = await log_in(running, "alice")
        assert sorted(info["username"] for info in await conversations(alice)) == ["bob", "bob", "mute"]
        for info in await conversations(alice):
            await alice.do("read", room=info["room"])
        assert await unread(alice) == {}


async def test_conversations_come_in_pages(monkeypatch: pytest.MonkeyPatch, running: RunningServer) -> None:
    monkeypatch.setattr("tcpchat.handlers.rooms.PAGE", 3)
    alice = await user(running, "alice")
    for number in range(7):
        await say(await guest(running, f"p{number}"), "hi", to="alice")
    found: list[Line] = []
    pages = []
    fields: Line = {}
    while True:
        page = await alice.do("conversations", **fields)
        pages.append(len(page["conversations"]))
        found += page["conversations"]
        if not page["more"]:
            break
        fields = {"after": found[-1]["room"]}
    assert pages == [3, 3, 1]
    ids = [info["room"] for info in found]
    assert ids == sorted(set(ids))
    assert len((await alice.ask(f"conversations --after {ids[4]}"))["conversations"]) == 2


async def test_nobody_sees_the_conversations_of_others(running: RunningServer) -> None:
    alice, bob, carol = await user(running, "alice"), await user(running, "bob"), await user(running, "carol")
    await say(bob, "psst", to="alice")
    (info,) = await conversations(bob)
    assert await conversations(carol) == []
    assert await unread(carol) == {}
    for line in ("history", "read"):
        error = await carol.do(line, room=info["room"])
        assert error["code"] == "no-such-room"
    assert (await carol.do("history", unread=True, room=info["room"]))["code"] == "no-such-room"
    assert (await carol.do("send", text="hi", room=info["room"]))["code"] == "no-such-room"
    assert await unread(alice) == {"bob": (1, False, 0, 1)}


async def test_a_conversation_with_oneself(running: RunningServer) -> None:
    alice = await user(running, "alice")
    phone = await log_in(running, "alice")
    await say(alice, "buy milk", to="alice")
    assert await phone.texts() == ["buy milk"]
    assert await alice.texts() == ["buy milk"]
    assert await unread(alice) == {}
    (info,) = await conversations(phone)
    assert (info["username"], info["seq"]) == ("alice", 1)


async def test_who_logs_in_has_nothing_of_the_guest_before(running: RunningServer) -> None:
    await user(running, "alice")
    bob, other = await guest(running, "bob"), await connect(running)
    await say(bob, "psst", to=other.name)
    await log_in_on(other, "alice")
    assert await conversations(other) == []
    assert await unread(other) == {}


async def test_a_scheduled_message_waits_until_the_disk_gives_whom_it_is_for(
    tmp_path: Path, mock_clock: Clock
) -> None:
    class Unreadable(SqliteStore):
        broken = False

        def ask(self, query: Any, /, *arguments: Any, **keywords: Any) -> Any:
            if self.broken and query is find_user:
                raise StorageError("the disk is on holiday")
            return super().ask(query, *arguments, **keywords)

    async with run_server(folder=tmp_path) as running:
        await lose(await user(running, "alice"))
        await (await user(running, "bob")).do("send", text="tea", time=60, username="alice")
    disk = Unreadable(tmp_path, "off")
    async with run_server(store=disk) as running:
        disk.broken = True
        await pass_time(running, mock_clock, 61, 1.1, 1.1)
        assert len(running.state.schedule) == 1
        disk.broken = False
        while len(running.state.schedule):
            await pass_time(running, mock_clock, 1.1)
        assert await unread(await log_in(running, "alice")) == {"bob": (1, False, 0, 1)}
