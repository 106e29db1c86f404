"""`sessions`, `revoke`, and what it is like to be one user on several devices."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio
import trio.testing

from tcpchat.chat.operations.upkeep import StoreSessions
from tcpchat.chat.user import User
from tcpchat.settings import Limits, Rules, Settings
from tcpchat.store.changes import SetSession
from tcpchat.store.queries.users import find_user
from tests.running import Line, RunningServer, run_server
from tests.serving.test_delivery import GatedStore
from tests.sessions import (
    Clock,
    SessionPeer,
    connect,
    dead,
    end_of,
    guest,
    log_in,
    lose,
    pass_time,
    resume,
    user,
)


async def sessions(person: SessionPeer) -> list[Line]:
    return list((await person.do("sessions"))["sessions"])


# The list


async def test_sessions_are_numbered_with_device_address_and_times(
    monkeypatch: pytest.MonkeyPatch, running: RunningServer, mock_clock: Clock
) -> None:
    running.address = "192.0.2.1"
    alice = await user(running, "alice", device="laptop")
    mock_clock.jump(60)
    running.address = "192.0.2.2"
    phone = await log_in(running, "alice", device="phone")
    plain = await log_in(running, "alice")
    assert [phone.session, plain.session] == [2, 3]
    mock_clock.jump(60)
    await lose(plain)
    mock_clock.jump(60)
    assert await sessions(phone) == [
        {
            "number": 1, "device": "laptop", "address": "192.0.2.1", "here": True, "current": False,
            "since": "2026-11-21T09:00:00.123Z", "used": "2026-11-21T09:00:00.123Z",
        },
        {
            "number": 2, "device": "phone", "address": "192.0.2.2", "here": True, "current": True,
            "since": "2026-11-21T09:01:00.123Z", "used": "2026-11-21T09:01:00.123Z",
        },
        {
            "number": 3, "device": "", "address": "192.0.2.2", "here": False, "current": False,
            "since": "2026-11-21T09:01:00.123Z", "used": "2026-11-21T09:02:00.123Z",
        },
    ]  # fmt: skip
    assert [session["current"] for session in await sessions(alice)] == [True, False, False]


async def test_sessions_are_the_same_after_a_restart(tmp_path: Path, mock_clock: Clock) -> None:
    async with run_server(folder=tmp_path) as running:
        alice = await user(running, "alice", device="laptop")
        phone = await log_in(running, "alice", device="phone")
        await lose(alice)
        mock_clock.jump(60)
        await lose(phone)
        before = await sessions(await resume(running, alice.token))
        await pass_time(running, mock_clock, 1, 1)
    async with run_server(folder=tmp_path) as running:
        after = await sessions(await resume(running, alice.token))
        changing = ("used", "here")
        assert [{**line, **dict.fromkeys(changing)} for line in after] == [
            {**line, **dict.fromkeys(changing)} for line in before
        ]
        assert after[1] == before[1]


async def test_a_guest_has_one_session(running: RunningServer) -> None:
    bob = await guest(running, "bob")
    (session,) = await sessions(bob)
    assert (session["number"], session["current"]) == (1, True)


# Ending them


async def test_a_revoked_session_is_over_wherever_it_is(tmp_path: Path, mock_clock: Clock) -> None:
    async with run_server(folder=tmp_path) as running:
        alice = await user(running, "alice")
        phone, tablet = await log_in(running, "alice"), await log_in(running, "alice")
        await lose(tablet)
        assert await alice.do("revoke", number=2) == {"type": "revoked", "number": 2, "re": alice._ids}
        assert (await alice.ask("revoke 3"))["number"] == 3
        assert await end_of(phone) == "revoked"
        assert await dead(running, phone.token)
        assert await dead(running, tablet.token)
        assert [session["number"] for session in await sessions(alice)] == [1]
        await pass_time(running, mock_clock, 1, 1)
    async with run_server(folder=tmp_path) as running:
        assert await dead(running, phone.token)
        assert await dead(running, tablet.token)
        assert (await resume(running, alice.token)).name == "alice"


async def test_a_session_that_is_not_there(running: RunningServer) -> None:
    alice = await user(running, "alice")
    await log_in(running, "alice")
    bob = await user(running, "bob")
    for number in (3, 0):
        error = await alice.do("revoke", number=number)
        assert (error["code"], error["message"].endswith("are: 1, 2")) == ("no-such-session", True)
    assert (await bob.do("revoke", number=2))["code"] == "no-such-session", "it is another user's"


async def test_who_revokes_the_own_session_is_told_and_leaves(running: RunningServer) -> None:
    for name in ("alice", "bob"):
        person = await (user if name == "alice" else guest)(running, name)
        await person.send({"type": "revoke", "number": 1, "id": 9}, "send too late")
        kinds = [line["type"] for line in await person.rest() if line["type"] != "joined"]
        assert kinds == ["revoked", "bye"]
        assert await dead(running, person.token)
    other = await connect(running)
    assert (await other.do("rename", name="alice"))["code"] == "name-taken"
    assert (await other.do("rename", name="bob"))["type"] == "renamed", "who was a guest is gone"
    assert (await other.do("history"))["messages"] == []
    await log_in(running, "alice")


async def test_one_session_too_many_ends_the_one_that_was_not_used_for_longest(
    tmp_path: Path, mock_clock: Clock
) -> None:
    settings = Settings(limits=Limits(sessions_per_user=3))
    async with run_server(settings, folder=tmp_path) as running:
        alice = await user(running, "alice")
        people = [alice]
        for _ in range(2):
            mock_clock.jump(1)
            people.append(await log_in(running, "alice"))
        mock_clock.jump(1)
        await lose(people[1])
        people.append(await log_in(running, "alice"))
        assert [session["number"] for session in await sessions(alice)] == [1, 3, 4]
        people.append(await log_in(running, "alice"))
        assert await end_of(alice) == "revoked"
        dead_ones = [await dead(running, person.token) for person in (alice, people[1])]
        assert dead_ones == [True, True]
    async with run_server(settings, folder=tmp_path) as running:
        assert [await dead(running, person.token) for person in people] == [True, True, False, False, False]


async def test_the_disk_may_refuse_to_end_a_session(mock_clock: Clock) -> None:
    disk = GatedStore()
    async with run_server(store=disk) as running:
        alice = await user(running, "alice")
        phone = await log_in(running, "alice")
        await pass_time(running, mock_clock, 1)
        disk.full = True
        for line in (
            {"type": "revoke", "number": 2},
            {"type": "logout"},
            {"type": "password", "password": "correct horse", "new": "battery staple"},
            {"type": "login", "name": "alice", "password": "correct horse"},
        ):
            assert (await alice.ask(line))["code"] == "storage-failed"
        assert (await phone.do("ping"))["type"] == "pong"
        assert [session["number"] for session in await sessions(alice)] == [1, 2]
        disk.full = False
        assert (await alice.do("revoke", number=2))["type"] == "revoked"
        assert await end_of(phone) == "revoked"


ENDINGS: list[Line] = [
    {"type": "revoke", "number": 2},
    {"type": "logout"},
    {"type": "password", "password": "correct horse", "new": "battery staple"},
]


@pytest.mark.parametrize("ending", ENDINGS, ids=lambda line: line["type"])
async def test_nothing_writes_a_token_again_that_is_just_being_ended(ending: Line, mock_clock: Clock) -> None:
    """What the disk must know of other connections of the user may stand right behind it in the pipeline."""
    disk = GatedStore()
    async with run_server(store=disk) as running:
        alice = await user(running, "alice")
        phone = await log_in(running, "alice")
        await pass_time(running, mock_clock, 1, 1)
        disk.batches.clear()
        disk.open.clear()
        await (phone if ending["type"] == "logout" else alice).send(ending)
        while running.node.pipeline._idle.is_set():
            await trio.testing.wait_all_tasks_blocked()
        found = running.state.directory.find("alice")
        assert isinstance(found, User)
        running.state.sessions.mark_dirty(found)
        running.node.pipeline.submit(StoreSessions())
        disk.open.set()
        await running.node.pipeline.wait_idle()
        assert any(isinstance(change, SetSession) for batch in disk.batches for change in batch)
        kept = disk.ask(find_user, found.id, 0)
        assert kept is not None
        assert [device.number for device in kept.sessions] == [1]
        assert await dead(running, phone.token)


# One user, several devices


async def test_each_device_hears_what_the_others_send_and_get(running: RunningServer) -> None:
    alice = await user(running, "alice")
    phone = await log_in(running, "alice")
    bob = await guest(running, "bob")
    for person in (alice, phone, bob):
        await person.heard()
    lobby = await alice.do("send", text="to all")
    private = await phone.do("send", text="to bob", username="bob")
    await bob.do("send", text="to alice", username="alice")
    await bob.do("send", text="me too")
    room = private["room"]
    seen = [("lobby", 1, "alice"), (room, 1, "alice"), (room, 2, "bob"), ("lobby", 2, "bob")]
    for person in (alice, phone, bob):
        lines = await person.heard("message")
        assert [(line["room"], line["seq"], line["from"]) for line in lines] == seen
        assert [line["to"] for line in lines if "to" in line] == ["bob", "alice"]
    assert (lobby["seq"], private["seq"]) == (1, 1)


async def test_a_rename_reaches_all_devices_of_the_user(running: RunningServer) -> None:
    alice = await user(running, "alice")
    phone = await log_in(running, "alice")
    bob = await guest(running, "bob")
    running.announce_presence()
    for person in (alice, phone, bob):
        await person.heard()
    reply = await alice.do("rename", name="alicia")
    running.announce_presence()
    event = {"type": "renamed", "old": "alice", "new": "alicia"}
    assert reply == event | {"re": alice._ids}
    assert await alice.heard() == []
    assert await phone.heard() == [event], "once"
    assert await bob.heard() == [event]
    await phone.do("send", text="x")
    assert (await bob.next("message"))["from"] == "alicia"


async def test_a_mute_and_the_schedule_are_the_users(mock_clock: Clock) -> None:
    async with run_server(Settings(rules=Rules(reports_to_mute=1))) as running:
        alice = await user(running, "alice")
        phone = await log_in(running, "alice")
        bob = await guest(running, "bob")
        assert (await alice.do("send", text="tea", time=60))["number"] == 1
        assert (await phone.do("send", text="cake", time=60))["number"] == 2
        listed = [pending["text"] for pending in (await phone.do("scheduled"))["messages"]]
        assert listed == ["tea", "cake"]
        assert (await phone.do("cancel", number=1))["text"] == "tea"
        await bob.do("report", username="alice")
        for person in (alice, phone):
            assert (await person.do("send", text="x"))["code"] == "muted"
            assert len(await person.heard("muted")) == 1
        await pass_time(running, mock_clock, 60)
        for person in (alice, phone):
            assert [line["text"] for line in await person.heard("unsent")] == ["cake"]
        third = await log_in(running, "alice")
        assert (await third.do("send", text="x"))["code"] == "muted"


async def test_a_key_is_the_users_on_whichever_device(running: RunningServer) -> None:
    alice = await user(running, "alice")
    phone = await log_in(running, "alice")
    first = await alice.do("send", text="once", key="k")
    again = await phone.do("send", text="once", key="k")
    assert again | {"re": 0} == first | {"re": 0}


async def test_the_limit_of_messages_is_the_users(mock_clock: Clock) -> None:
    limits = Limits(messages_per_second=1, message_burst=2)
    async with run_server(Settings(limits=limits)) as running:
        alice = await user(running, "alice")
        phone = await log_in(running, "alice")
        codes = [(await person.do("send", text="x")).get("code") for person in (alice, phone, alice, phone)]
        assert codes == [None, None, "rate-limited", "rate-limited"]


async def test_a_user_is_shown_once_and_absent_when_the_last_connection_is_gone_for_a_moment(
    running: RunningServer, mock_clock: Clock
) -> None:
    alice = await user(running, "alice")
    phone = await log_in(running, "alice")
    bob = await guest(running, "bob")
    running.announce_presence()
    await bob.heard()
    assert await bob.names() == ["alice", "bob"]
    await lose(alice)
    await pass_time(running, mock_clock, 60, 60)
    assert await bob.names() == ["alice", "bob"]
    assert await bob.heard("left") == []
    await phone.leave()
    await pass_time(running, mock_clock, 4.9)
    running.announce_presence()
    assert (await bob.names(), await bob.heard("left")) == (["alice", "bob"], [])
    await pass_time(running, mock_clock, 0.2, 0.2)
    assert await bob.names() == ["bob"]
    assert [line["users"] for line in await bob.heard("left")] == [["alice"]]
    await resume(running, alice.token)
    await resume(running, phone.token)
    running.announce_presence()
    joined = [name for line in await bob.heard("joined") for name in line["users"]]
    assert joined.count("alice") == 1


async def test_another_device_comes_and_goes_unseen(running: RunningServer, mock_clock: Clock) -> None:
    await user(running, "alice")
    bob = await guest(running, "bob")
    running.announce_presence()
    await bob.heard()
    phone = await connect(running)
    await phone.do("login", name="alice", password="correct horse")
    running.announce_presence()
    await phone.leave()
    await pass_time(running, mock_clock, 5, 5)
    running.announce_presence()
    assert [line for line in await bob.heard("joined", "left", "renamed") if "alice" in str(line)] == []


async def test_coming_back_on_one_device_leaves_the_others_alone(running: RunningServer) -> None:
    alice = await user(running, "alice")
    phone = await log_in(running, "alice")
    again = await resume(running, phone.token)
    assert again.session == 2
    assert await end_of(phone) == "replaced"
    assert (await alice.do("ping"))["type"] == "pong"
    await alice.do("send", text="both")
    assert await again.texts() == ["both"]


async def test_registering_keeps_the_conversations_and_devices_share_them(running: RunningServer) -> None:
    bob = await guest(running, "bob")
    alice = await guest(running, "alice")
    await bob.do("send", text="before", username="alice")
    await alice.do("register", password="correct horse")
    phone = await log_in(running, "alice")
    history = await phone.do("history", username="bob")
    assert [line["text"] for line in history["messages"]] == ["before"]


async def test_the_last_sessions_of_a_user_are_no_end_of_the_user(tmp_path: Path, mock_clock: Clock) -> None:
    async with run_server(folder=tmp_path) as running:
        alice = await user(running, "alice")
        bob = await guest(running, "bob")
        await bob.do("send", text="psst", username="alice")
        await alice.do("logout")
        await bob.do("send", text="are you there?", username="alice")
        await pass_time(running, mock_clock, 1, 700)
        await bob.do("send", text="hello?", username="alice")
    async with run_server(folder=tmp_path) as running:
        alice = await log_in(running, "alice")
        history = await alice.do("history", username="bob")
        assert [line["text"] for line in history["messages"]] == ["psst", "are you there?", "hello?"]


# What two connections do at once


async def test_who_is_forgotten_while_logging_in_is_there_all_the_same(mock_clock: Clock) -> None:
    disk = GatedStore()
    async with run_server(store=disk) as running:
        alice = await user(running, "alice")
        bob = await guest(running, "bob")
        await lose(alice)
        await pass_time(running, mock_clock, 5, 594)
        phone = await connect(running)
        disk.open.clear()
        await phone.send({"type": "login", "name": "alice", "password": "correct horse"})
        while running.node.pipeline._idle.is_set():
            await trio.testing.wait_all_tasks_blocked()
        mock_clock.jump(2)
        await trio.testing.wait_all_tasks_blocked()
        disk.open.set()
        token = (await phone.next("logged-in"))["token"]
        await bob.do("send", text="psst", username="alice")
        assert await phone.texts() == ["psst"]
        again = await resume(running, token)
        old = await resume(running, alice.token)
        assert (await old.do("send", text="hi", username="bob"))["seq"] == 2
        assert await again.texts() == ["hi"]


async def test_who_expires_while_a_report_waits_is_reported_all_the_same(mock_clock: Clock) -> None:
    disk = GatedStore()
    async with run_server(store=disk) as running:
        carol = await user(running, "carol")
        bob, dora = await guest(running, "bob"), await guest(running, "dora")
        await lose(carol)
        await pass_time(running, mock_clock, 5, 594)
        await running.node.pipeline.wait_idle()
        disk.open.clear()
        await dora.send({"type": "send", "text": "the disk is busy with this"})
        await trio.testing.wait_all_tasks_blocked()
        await bob.send({"type": "report", "username": "carol"})
        await trio.testing.wait_all_tasks_blocked()
        mock_clock.jump(60)
        await trio.testing.wait_all_tasks_blocked()
        disk.open.set()
        while (reply := await bob.line())["type"] not in {"reported", "error"}:
            pass
        assert (reply["type"], reply.get("username")) == ("reported", "carol")
        await pass_time(running, mock_clock, 60)
        assert not isinstance(running.state.directory.find("carol"), User), "then the user expires"
