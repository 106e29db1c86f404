"""`resume --beside`: several programs with one token are one user, each in a session of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from trio.testing import wait_all_tasks_blocked

from tcpchat.handlers import sessions as handler
from tcpchat.settings import Limits, Settings
from tests.running import RunningServer, run_server
from tests.sessions import PASSWORD, dead, guest, log_in, lose, resume, user

SMALL = Settings(limits=Limits(sessions_per_user=2))


async def test_a_session_beside_takes_nobodys_place(running: RunningServer) -> None:
    alice = await user(running, "alice")
    beside = [await resume(running, alice.token, beside=True) for _ in range(25)]
    assert {one.name for one in beside} == {"alice"}
    assert len({1, *(one.session for one in beside)}) == 1 + 25
    assert (await alice.do("send", text="hi"))["type"] == "sent"
    for one in beside:
        assert (await one.next("message"))["text"] == "hi"
        assert (await one.do("send", text="from beside"))["type"] == "sent"
    listed = (await alice.do("sessions"))["sessions"]
    assert [one["here"] for one in listed] == [True] * 26


async def test_of_very_many_sessions_the_last_are_listed(
    running: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handler, "LISTED_BESIDE", 2)
    alice = await user(running, "alice")
    beside = [await resume(running, alice.token, beside=True) for _ in range(4)]
    listed = [one["number"] for one in (await beside[0].do("sessions"))["sessions"]]
    assert listed == [1, *(one.session for one in (beside[0], *beside[-2:]))]


async def test_a_session_beside_ends_with_its_connection(running: RunningServer) -> None:
    alice = await user(running, "alice")
    beside = await resume(running, alice.token, beside=True)
    await beside.leave()
    await wait_all_tasks_blocked()
    assert len((await alice.do("sessions"))["sessions"]) == 1
    again = await resume(running, alice.token)
    assert (await again.do("whois", name="alice"))["registered"] is True


@pytest.mark.parametrize("registered", [True, False])
async def test_a_session_beside_goes_on_without_the_first(running: RunningServer, registered: bool) -> None:
    alice = await (user if registered else guest)(running, "alice")
    beside = await resume(running, alice.token, beside=True)
    await alice.leave()
    await wait_all_tasks_blocked()
    assert (await beside.do("send", text="still here"))["type"] == "sent"
    assert await dead(running, alice.token) is not registered


async def test_a_guest_beside_does_not_end_the_guest(running: RunningServer) -> None:
    alice = await guest(running, "alice")
    beside = await resume(running, alice.token, beside=True)
    await lose(alice)
    await beside.leave()
    await wait_all_tasks_blocked()
    assert (await resume(running, alice.token)).name == "alice"


@pytest.mark.parametrize("which", ["first", "beside"])
async def test_a_session_is_revoked_with_those_beside_it(running: RunningServer, which: str) -> None:
    alice = await user(running, "alice")
    beside = await resume(running, alice.token, beside=True)
    phone = await log_in(running, "alice")
    await phone.do("revoke", number=1 if which == "first" else beside.session)
    assert (await beside.next("bye"))["code"] == "revoked"
    assert await dead(running, alice.token) is (which == "first")


async def test_a_new_password_ends_sessions_beside_other_tokens(running: RunningServer) -> None:
    alice = await user(running, "alice")
    beside = await resume(running, alice.token, beside=True)
    phone = await log_in(running, "alice")
    await phone.do("password", password=PASSWORD, new="battery staple")
    assert (await beside.next("bye"))["code"] == "revoked"


async def test_a_password_changed_beside_keeps_the_token(running: RunningServer) -> None:
    alice = await user(running, "alice")
    beside = await resume(running, alice.token, beside=True)
    phone = await log_in(running, "alice")
    assert (await beside.do("password", password=PASSWORD, new="battery staple"))["revoked"] == 1
    assert (await phone.next("bye"))["code"] == "revoked"
    assert (await alice.do("ping"))["type"] == "pong"


async def test_sessions_beside_do_not_count_and_are_not_stored(tmp_path: Path) -> None:
    async with run_server(SMALL, folder=tmp_path) as running:
        alice = await user(running, "alice")
        for _ in range(3):
            await resume(running, alice.token, beside=True)
        await log_in(running, "alice")
        assert (await alice.do("ping"))["type"] == "pong"
        token = alice.token
    async with run_server(folder=tmp_path) as running:
        again = await resume(running, token)
        assert [one["number"] for one in (await again.do("sessions"))["sessions"] if one["here"]] == [1]
        assert len((await again.do("sessions"))["sessions"]) == 2


async def test_a_guest_registers_beside_and_keeps_its_token(running: RunningServer) -> None:
    alice = await guest(running, "alice")
    beside = await resume(running, alice.token, beside=True)
    assert (await beside.do("register", password=PASSWORD))["type"] == "registered"
    await lose(alice)
    await lose(beside)
    assert (await resume(running, alice.token)).name == "alice"
