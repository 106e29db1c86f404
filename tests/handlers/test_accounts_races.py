"""Races of accounts: no session outlives its end, and nothing fails half-way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from tcpchat.chat.throttle import NAME_GUESSES
from tcpchat.errors import ChatError
from tcpchat.serving.hashing import Hasher
from tcpchat.settings import Limits, Settings
from tcpchat.store.queries.events import read_events
from tcpchat.store.queries.users import find_user
from tests.running import RunningServer, run_server
from tests.serving.test_delivery import GatedStore
from tests.sessions import PASSWORD, connect, dead, end_of, guest, log_in, lose, resume, user


async def under_way(running: RunningServer) -> None:
    """Wait until something is on its way to a disk that takes its time."""
    while running.node.pipeline._idle.is_set():
        await trio.testing.wait_all_tasks_blocked()
    await trio.testing.wait_all_tasks_blocked()


async def test_a_login_with_the_old_password_does_not_outlive_a_new_one() -> None:
    disk = GatedStore()
    async with run_server(store=disk) as running:
        alice, phone = await user(running, "alice"), await connect(running)
        disk.open.clear()
        await alice.send({"type": "password", "password": PASSWORD, "new": "battery staple", "id": 5})
        await under_way(running)
        await phone.send({"type": "login", "name": "alice", "password": PASSWORD, "id": 6})
        for _ in range(20):
            await trio.testing.wait_all_tasks_blocked(0.005)
        disk.open.set()
        assert (await alice.next("password-changed"))["type"] == "password-changed"
        lines = [await phone.line()]
        while lines[-1]["type"] not in {"error", "logged-in"}:
            lines.append(await phone.line())
        if lines[-1]["type"] == "logged-in":
            assert await end_of(phone) == "revoked"
            assert await dead(running, lines[-1]["token"])
        else:
            assert lines[-1]["code"] == "wrong-login"
        assert len((await alice.do("sessions"))["sessions"]) == 1


async def test_who_resumes_a_session_that_is_being_logged_out_is_sent_away() -> None:
    disk = GatedStore()
    async with run_server(store=disk) as running:
        alice = await user(running, "alice")
        phone, thief = await log_in(running, "alice"), await connect(running)
        disk.open.clear()
        await phone.send({"type": "logout"})
        await under_way(running)
        await thief.send({"type": "resume", "token": phone.token, "id": 7})
        await trio.testing.wait_all_tasks_blocked()
        disk.open.set()
        while (line := await thief.line())["type"] not in {"error", "bye"}:
            pass  # who came just before the end of the session was put on its way is sent away with it
        assert line["code"] in {"bad-token", "revoked"}
        await running.node.pipeline.wait_idle()  # before that the session may not be ended on disk
        assert [session["number"] for session in (await alice.do("sessions"))["sessions"]] == [1]
        assert await dead(running, phone.token)


async def test_of_two_who_come_with_one_token_the_one_who_asked_later_stays(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with run_server(folder=tmp_path) as running:
        token = (await user(running, "alice")).token
    async with run_server(folder=tmp_path) as running:
        read, go_on = running.node.reader.ask, trio.Event()
        asked: list[bytes | str] = []

        async def first_slowly(query: Any, *arguments: Any, **keywords: Any) -> Any:
            if query is find_user:
                asked.append(arguments[0])
                if len(asked) == 1:
                    await go_on.wait()
            return await read(query, *arguments, **keywords)

        monkeypatch.setattr(running.node.reader, "ask", first_slowly)
        broken = await connect(running)  # its peer has given it up already
        await broken.send({"type": "resume", "token": token, "id": 3})
        while not asked:
            await trio.testing.wait_all_tasks_blocked()
        again = await resume(running, token)
        go_on.set()
        await trio.testing.wait_all_tasks_blocked(0.01)
        assert (await again.do("send", text="I am here"))["type"] == "sent"
        assert await end_of(broken) == "replaced"
        assert await again.names() == ["alice"]
        assert await dead(running, broken.token), "the guest that it was until then is gone"


async def test_who_is_replaced_while_a_password_is_hashed_is_registered_all_the_same(
    monkeypatch: pytest.MonkeyPatch, running: RunningServer
) -> None:
    hashing, go_on = trio.Event(), trio.Event()

    async def slowly(self: Hasher, password: str) -> str:
        hashing.set()
        with trio.CancelScope(shield=True):  # as a thread that hashes
            await go_on.wait()
        return "hash"

    monkeypatch.setattr(Hasher, "hash", slowly)
    alice = await guest(running, "alice")
    await alice.send({"type": "register", "password": PASSWORD, "id": 8})
    await hashing.wait()
    again = await resume(running, alice.token)
    go_on.set()
    assert [line["type"] for line in await alice.rest()][-2:] == ["registered", "bye"]
    assert not running.log.named("bug")
    assert (await again.do("whois", name="alice"))["registered"] is True


async def test_who_comes_back_is_not_the_one_too_many_who_is_forgotten(tmp_path: Path) -> None:
    async with run_server(Settings(limits=Limits(absent_users=1)), folder=tmp_path) as running:
        alice, bob = await user(running, "alice"), await guest(running, "bob")
        await alice.do("ignore", name="bob")
        await lose(alice)
        carol = await user(running, "carol")
        reply = await carol.do("resume", token=alice.token)
        assert reply["user"] == "alice"
        assert (await carol.do("ignore"))["users"] == ["bob"]
        await bob.do("send", text="spam")
        assert [line.get("ignored") for line in await carol.heard("message")] == [True]
        assert not await dead(running, alice.token)


async def test_one_address_cannot_keep_the_owner_out(
    monkeypatch: pytest.MonkeyPatch, running: RunningServer
) -> None:
    await user(running, "alice")
    running.address = "192.0.2.1"
    mallory = await connect(running)
    for _ in range(NAME_GUESSES + 3):
        await mallory.do("login", name="alice", password="wrong guess")
    assert (await mallory.do("login", name="alice", password=PASSWORD))["code"] == "rate-limited"
    running.address = "192.0.2.2"
    await log_in(running, "alice")


async def test_another_way_to_write_a_name_is_no_way_around_the_guesses(
    running: RunningServer, mock_clock: trio.testing.MockClock
) -> None:
    await user(running, "robert")
    codes = []
    for name in ("robert", "ＲＯＢＥＲＴ", "ｒobert", "Robert", "rｏbert", "ROBERT", "roberｔ"):
        person = await connect(running)
        codes.append((await person.do("login", name=name, password="wrong guess"))["code"])
    assert codes == ["wrong-login"] * (NAME_GUESSES + 1) + ["rate-limited"]


async def test_a_password_that_nobody_looked_at_is_no_guess(
    monkeypatch: pytest.MonkeyPatch, running: RunningServer
) -> None:
    await user(running, "alice")
    phone = await connect(running)

    async def busy(self: Hasher, hash: str | None, password: str) -> bool:
        raise ChatError("rate-limited", "too many passwords are being checked", retry_after=1.0)

    with monkeypatch.context() as patch:
        patch.setattr(Hasher, "verify", busy)
        for _ in range(NAME_GUESSES + 3):
            await phone.do("login", name="alice", password=PASSWORD)
    assert (await phone.do("login", name="alice", password=PASSWORD))["type"] == "logged-in"


async def test_exit_of_a_guest_is_on_disk_before_bye() -> None:
    disk = GatedStore()
    async with run_server(store=disk) as running:
        bob = await guest(running, "bob")
        await bob.do("send", text="something that is kept")
        disk.open.clear()
        await bob.send("exit")
        await under_way(running)
        id = running.user("bob").id
        disk.open.set()
        assert await end_of(bob) == "exit"
        found = disk.ask(find_user, id, 0)
        assert found is not None
        assert found.sessions == []


async def test_a_session_that_cannot_be_written_leaves_no_trace() -> None:
    disk = GatedStore()
    async with run_server(store=disk) as running:
        alice, phone = await user(running, "alice"), await connect(running)
        disk.full = True
        reply = await phone.do("login", name="alice", password=PASSWORD)
        disk.full = False
        assert reply["code"] == "storage-failed"
        assert (await phone.do("login", name="alice", password=PASSWORD))["session"] == 2
        await running.node.pipeline.wait_idle()
        numbers = [session["number"] for session in (await alice.do("sessions"))["sessions"]]
        assert numbers == [1, 2]


async def test_who_goes_while_catching_up_is_not_read_for_any_more(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from tests.handlers.test_catch_up import fill

    fill(tmp_path, 5000)
    async with run_server(folder=tmp_path) as running:
        reads: list[int] = []
        gone = trio.Event()
        read = running.node.reader.ask

        async def counted(query: Any, *arguments: Any, **keywords: Any) -> Any:
            if query is read_events:
                reads.append(arguments[1])
                await gone.wait()
            return await read(query, *arguments, **keywords)

        monkeypatch.setattr(running.node.reader, "ask", counted)
        alice = await user(running, "alice")
        await lose(alice)
        again = await connect(running)
        await again.send({"type": "resume", "token": alice.token, "after": 0})
        while not reads:
            await trio.testing.wait_all_tasks_blocked()
        await again.stream.aclose()
        running.node.stop()
        await trio.testing.wait_all_tasks_blocked()
        gone.set()
        await running.node.pipeline.wait_idle()
        await trio.testing.wait_all_tasks_blocked(0.05)
        assert len(reads) == 1


async def test_a_disk_that_fails_while_catching_up_ends_the_connection(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from tests.handlers.test_catch_up import fill

    fill(tmp_path, 2000)
    async with run_server(folder=tmp_path) as running:
        alice = await user(running, "alice")
        await lose(alice)

        read = running.node.reader.ask

        async def broken(query: Any, *arguments: Any, **keywords: Any) -> Any:
            if query is read_events:
                raise ChatError("storage-failed", "the server could not read from its disk; try again")
            return await read(query, *arguments, **keywords)

        monkeypatch.setattr(running.node.reader, "ask", broken)
        again = await connect(running)
        await again.send({"type": "resume", "token": alice.token, "after": 0, "id": 9})
        last = (await again.rest())[-1]
        assert (last["re"], last["code"]) == (9, "storage-failed")
        monkeypatch.undo()
        assert not await dead(running, alice.token)


def test_a_mention_costs_a_look_and_no_more() -> None:
    """Whatever is written behind @ is looked up as it is: no skeleton is made of it."""
    from tcpchat.chat import directory as module
    from tcpchat.chat.directory import Directory

    def none(name: str) -> str:
        raise AssertionError(name)

    directory = Directory()
    patch = pytest.MonkeyPatch()
    patch.setattr(module, "skeleton", none)
    try:
        assert directory.mentioned("@" + "ﷺ" * 127 + " @" + "a!" * 60) == []
    finally:
        patch.undo()


async def test_two_connections_that_change_the_same_setting_at_once_follow_each_other() -> None:
    disk = GatedStore()
    async with run_server(store=disk) as running:
        phone = await user(running, "alice")
        pc = await log_in(running, "alice")
        await guest(running, "bob")
        await guest(running, "carol")
        disk.open.clear()
        await phone.send({"type": "away", "text": "tea", "id": 1})
        await trio.testing.wait_all_tasks_blocked()
        await pc.send({"type": "back", "id": 1})
        await trio.testing.wait_all_tasks_blocked()
        disk.open.set()
        for peer, kind in ((phone, "away"), (pc, "back")):
            await peer.next(kind)
        assert "away" not in await phone.do("whois", name="alice")
        disk.open.clear()
        await phone.send({"type": "ignore", "name": "bob"})
        await trio.testing.wait_all_tasks_blocked()
        await pc.send({"type": "ignore", "name": "carol"})
        await trio.testing.wait_all_tasks_blocked()
        disk.open.set()
        assert (await phone.next("ignoring"))["users"] == ["bob"]
        assert (await pc.next("ignoring"))["users"] == ["bob", "carol"]
