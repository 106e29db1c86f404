"""Bans and mutes by the operator, and their ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import pytest
import trio.testing

from tcpchat.admin import BY_NAME
from tcpchat.admin.moderation import Ban
from tcpchat.chat.user import User
from tcpchat.store.changes import SetMute
from tests.admin.conftest import PASSWORD, Disk, Place, open_place, report

HOUR = 3600.0
HELLO = {"type": "send", "text": "hello"}


async def test_a_banned_user_is_disconnected_and_can_neither_log_in_nor_resume(place: Place) -> None:
    await place.operator.done("create", name="alice", password=PASSWORD)
    alice = await place.logged_in("alice")
    reply = await place.operator("ban", target="alice", seconds=HOUR, reason="no good")
    assert (reply["user"], reply["reason"], reply["ended"]) == ("alice", "no good", 1)
    assert reply["addresses"] == ["127.0.0.1"]
    assert (await alice.rest())[-1]["code"] == "banned"
    stranger = await place.peer()
    login = await stranger.ask({"type": "login", "name": "alice", "password": PASSWORD})
    resume = await stranger.ask({"type": "resume", "token": alice.token})
    for error in (login, resume):
        assert (error["code"], error["until"], error["reason"]) == ("banned", reply["until"], "no good")
        assert 0 < error["retry_after"] <= HOUR
        assert "the operator banned you (no good) until" in error["message"]
    assert (await stranger.ask("status"))["type"] == "status"  # it stays the guest that it is
    assert (await place.operator("users"))["users"][0]["sessions"] == 1  # and has no new one


async def test_a_ban_is_not_revealed_without_the_password(place: Place) -> None:
    await place.operator.done("create", name="alice", password=PASSWORD)
    await place.operator.done("ban", target="alice")
    stranger = await place.peer()
    login = await stranger.ask({"type": "login", "name": "alice", "password": "a wrong guess"})
    assert login["code"] == "wrong-login"


async def test_a_banned_guest_can_return_only_as_another_guest(place: Place) -> None:
    bob = await place.peer("bob")
    await place.operator.done("ban", target="bob")
    await bob.rest()
    again = await place.peer()
    error = await again.ask({"type": "resume", "token": bob.token})
    assert error["code"] == "banned"
    assert "until" not in error
    assert "retry_after" not in error


async def test_a_ban_ends_by_itself_or_by_the_operator(
    tmp_path: Path, mock_clock: trio.testing.MockClock
) -> None:
    async with open_place(tmp_path / "data") as place:
        for name in ("bob", "carol"):
            peer = await place.peer(name)
            await place.operator.done("ban", target=name, seconds=60.0)
            await peer.rest()
            if name == "bob":
                mock_clock.jump(60)
                assert (await place.operator("bans"))["bans"] == []
            else:
                assert (await place.operator("unban", target="Carol"))["type"] == "unbanned"
            again = await place.peer()
            assert (await again.ask({"type": "resume", "token": peer.token}))["type"] == "resumed"


async def test_a_ban_ends_the_connections_that_the_user_has_once_it_is_stored(place: Place) -> None:
    """Not those of what the user was when the operator asked."""
    bob = await place.peer("bob")
    context = place.node.operator.context
    before = attrs.evolve(await context.loader.named("bob"), connections=[], sessions=[])
    found = Ban(target="bob")

    class Loader:
        async def named(self, name: str) -> User:
            return before

    loader: Any = Loader()
    reply = await BY_NAME["ban"].run(attrs.evolve(context, loader=loader), found)
    assert (reply.ended, reply.addresses) == (1, ["127.0.0.1"])
    assert (await bob.rest())[-1]["code"] == "banned"


async def test_a_ban_holds_after_a_restart(tmp_path: Path) -> None:
    async with open_place(tmp_path / "data") as place:
        await place.operator.done("create", name="alice", password=PASSWORD)
        await place.operator.done("ban", target="alice", seconds=HOUR, reason="no good")
        await place.operator.done("ban", target="192.0.2.7")
    async with open_place(tmp_path / "data") as place:
        user, address = (await place.operator("bans"))["bans"]
        assert (user["user"], user["reason"]) == ("alice", "no good")
        assert user["until"].startswith("20")
        assert address == {"address": "192.0.2.7"}
        stranger = await place.peer()
        login = await stranger.ask({"type": "login", "name": "alice", "password": PASSWORD})
        assert login["code"] == "banned"


async def test_scheduled_messages_of_a_banned_user_are_not_sent(
    tmp_path: Path, mock_clock: trio.testing.MockClock
) -> None:
    async with open_place(tmp_path / "data") as place:
        bob, carol = await place.peer("bob"), await place.peer("carol")
        await bob.ask({"type": "send", "text": "later", "time": 10})
        await place.operator.done("ban", target="bob", seconds=60.0)
        await bob.rest()
        mock_clock.jump(11)
        await place.node.pipeline.wait_idle()
        await trio.testing.wait_all_tasks_blocked()
        assert len(place.state.schedule) == 0
        assert (await carol.ask({"type": "history"}))["messages"] == []


async def test_a_banned_address_is_disconnected_and_refused(place: Place) -> None:
    peers = [await place.peer(), await place.peer()]
    reply = await place.operator("ban", target="127.0.0.0/8", reason="no good")
    assert (reply["address"], reply["ended"]) == ("127.0.0.0/8", 2)
    for peer in peers:
        assert (await peer.rest())[-1]["code"] == "banned"
    (refused,) = await (await place.stranger()).rest()
    assert (refused["type"], refused["code"], refused["reason"]) == ("error", "banned", "no good")
    assert (await place.operator("unban", target="127.0.0.0/8"))["type"] == "unbanned"
    await place.peer()


async def test_another_address_is_not_banned(place: Place) -> None:
    peer = await place.peer()
    reply = await place.operator("ban", target="192.0.2.0/24", seconds=HOUR)
    assert reply["ended"] == 0
    assert await peer.quiet() == []
    await place.peer()


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("10.0.0.1/8", "10.0.0.1/8 is an address in a network; the network is 10.0.0.0/8"),
        ("10.1.1.1", "10.1.1.1 is not banned; it is part of 10.0.0.0/8"),
        ("192.0.2.1", "192.0.2.1 is not banned; see bans"),
        ("nobody", "nobody is not banned; see bans"),
    ],
)
async def test_only_an_existing_ban_can_be_lifted(place: Place, target: str, message: str) -> None:
    await place.operator.done("ban", target="10.0.0.0/8")
    reply = await place.operator("unban", target=target)
    assert (reply["code"], reply["field"]) == ("bad-value", "target")
    assert message in reply["message"]


async def test_a_user_whose_name_looks_like_an_address_can_be_banned(place: Place) -> None:
    peer = await place.peer("127.0.0.1")
    reply = await place.operator("ban", target="127.0.0.1", name=True)
    assert reply["user"] == "127.0.0.1"
    assert (await peer.rest())[-1]["code"] == "banned"
    await place.peer()
    assert (await place.operator("unban", target="127.0.0.1"))["type"] == "error"
    assert (await place.operator("unban", target="127.0.0.1", name=True))["type"] == "unbanned"


async def test_many_bans_come_in_pages(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tcpchat.admin.moderation.PAGE", 2)
    for number in range(3):
        await place.operator.done("ban", target=f"192.0.2.{number}")
    first, rest = await place.operator("bans"), await place.operator("bans", skip=2)
    assert (len(first["bans"]), first["more"], len(rest["bans"]), rest["more"]) == (2, True, 1, False)


@pytest.mark.parametrize("command", ["ban", "mute"])
async def test_durations_and_reasons_have_limits(place: Place, command: str) -> None:
    await place.peer("bob")
    whom = {"target": "bob"} if command == "ban" else {"name": "bob"}
    for seconds in (0.0, -1.0, 1e12):
        assert (await place.operator(command, **whom, seconds=seconds))["code"] == "bad-value"
    assert (await place.operator(command, **whom, reason="x" * 501))["code"] == "text-too-long"
    assert (await place.operator(command, **whom, reason="x" * 500))["type"] != "error"


async def test_a_muted_user_is_notified_that_the_operator_did_it(
    tmp_path: Path, mock_clock: trio.testing.MockClock
) -> None:
    async with open_place(tmp_path / "data") as place:
        bob = await place.peer("bob")
        reply = await place.operator("mute", name="bob", seconds=60.0, reason="too loud")
        assert (reply["user"], reply["reason"]) == ("bob", "too loud")
        muted = await bob.next("muted")
        assert muted["message"].startswith(
            "the operator muted you (too loud): you may read but not send until "
        )
        assert muted["reports"] == 0
        error = await bob.ask(HELLO)
        assert (error["code"], error["reason"], error["until"]) == ("muted", "too loud", reply["until"])
        assert "limit" not in error
        mock_clock.jump(60)
        assert (await bob.ask(HELLO))["type"] == "sent"


async def test_a_permanent_mute_ends_by_unmute(place: Place) -> None:
    bob = await place.peer("bob")
    assert "until" not in await place.operator.done("mute", name="bob")
    error = await bob.ask(HELLO)
    assert error["message"] == "the operator muted you: you may read but not send"
    assert "retry_after" not in error
    assert await place.operator("unmute", name="bob") == {"type": "unmuted", "user": "bob"}
    unmuted = {"type": "unmuted", "message": "the operator lets you send again"}
    assert await bob.next("unmuted") == unmuted
    assert (await bob.ask(HELLO))["type"] == "sent"
    assert (await place.operator("unmute", name="bob"))["code"] == "bad-value"


async def test_reports_do_not_shorten_a_mute_by_the_operator(place: Place) -> None:
    bob = await place.peer("bob")
    await place.operator.done("mute", name="bob", seconds=24 * HOUR)
    for number in range(4):
        reporter = await place.peer(f"reporter{number}")
        await report(reporter, "bob")
    assert "the operator muted you" in (await bob.ask(HELLO))["message"]


async def test_a_mute_by_the_operator_follows_the_name_and_survives_a_restart(tmp_path: Path) -> None:
    async with open_place(tmp_path / "data") as place:
        bob = await place.peer("bob")
        await place.operator.done("mute", name="bob", reason="too loud")
        await bob.leave()
    async with open_place(tmp_path / "data") as place:
        again = await place.peer("bob")
        assert "the operator muted you (too loud)" in (await again.ask(HELLO))["message"]
        await place.operator.done("unmute", name="bob")
        assert (await again.ask(HELLO))["type"] == "sent"
        await again.leave()
    async with open_place(tmp_path / "data") as place:
        again = await place.peer("bob")
        assert (await again.ask(HELLO))["type"] == "sent"


async def test_the_operator_can_lift_a_mute_by_reports(place: Place) -> None:
    bob = await place.peer("bob")
    for number in range(4):
        reporter = await place.peer(f"reporter{number}")
        await report(reporter, "bob")
    assert (await bob.ask(HELLO))["message"].startswith("4 users reported you")
    await place.operator.done("unmute", name="bob")
    assert (await bob.next("unmuted"))["message"] == "the operator lets you send again"
    assert (await bob.ask(HELLO))["type"] == "sent"


async def test_a_user_who_takes_the_name_of_a_muted_guest_is_muted(place: Place) -> None:
    bob = await place.peer("bob")
    await place.operator.done("mute", name="bob")
    await bob.leave()
    again = await place.peer("bob")
    assert (await again.ask(HELLO))["code"] == "muted"


async def test_a_mute_that_the_disk_refuses_has_no_effect(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "data")
    async with open_place(tmp_path / "data", store=disk) as place:
        bob = await place.peer("bob")
        disk.refuses = SetMute
        assert (await place.operator("mute", name="bob"))["code"] == "storage-failed"
        assert (await bob.ask(HELLO))["type"] == "sent"
