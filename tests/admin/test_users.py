"""Operator's commands about accounts: create, password, users."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio

from tcpchat.chat.draft import Draft
from tcpchat.chat.operations.sessions import ChangePassword
from tcpchat.chat.operations.upkeep import StoreSessions
from tcpchat.store.changes import SetAccount, SetSession
from tests.admin.conftest import PASSWORD, Disk, Place, open_place
from tests.admin.test_data import say
from tests.running import Line


async def test_a_created_user_can_log_in(place: Place) -> None:
    assert await place.operator("create", name="Alice", password=PASSWORD) == {
        "type": "created",
        "user": "alice",
    }
    peer = await place.logged_in("alice")
    assert (await peer.ask({"type": "whois", "name": "alice"}))["registered"]


async def test_a_created_user_receives_messages_sent_before_the_first_login(place: Place) -> None:
    await place.operator.done("create", name="alice", password=PASSWORD)
    bob = await place.peer("bob")
    await say(bob, "welcome", username="alice")
    alice = await place.logged_in("alice")
    (unread,) = (await alice.next("unread"))["rooms"]
    assert (unread["username"], unread["count"]) == ("bob", 1)


@pytest.mark.parametrize("name", ["bob", "BOB", "b0b", "carol"])
async def test_a_name_in_use_or_a_look_alike_is_taken(place: Place, name: str) -> None:
    await place.operator.done("create", name="carol", password=PASSWORD)
    await place.peer("bob")
    reply = await place.operator("create", name=name, password=PASSWORD)
    assert reply["code"] == "name-taken"
    assert "log in" not in reply["message"]


@pytest.mark.parametrize(
    ("name", "password", "code"),
    [
        ("guest-7", PASSWORD, "bad-name"),
        ("no spaces", PASSWORD, "bad-name"),
        ("#ops", PASSWORD, "bad-name"),
        ("eve", "short", "bad-password"),
    ],
)
async def test_names_and_passwords_against_the_rules_are_refused(
    place: Place, name: str, password: str, code: str
) -> None:
    assert (await place.operator("create", name=name, password=password))["code"] == code
    assert (await place.operator("users"))["users"] == []
    assert place.state.directory.is_free("eve")


async def test_a_name_is_free_again_if_the_disk_refuses_the_user(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "data")
    async with open_place(tmp_path / "data", store=disk) as place:
        disk.refuses = SetAccount
        reply = await place.operator("create", name="alice", password=PASSWORD)
        assert reply["code"] == "storage-failed"
        disk.refuses = ()
        await place.operator.done("create", name="alice", password=PASSWORD)
        await place.logged_in("alice")


async def test_a_created_user_who_does_not_log_in_is_not_kept_in_memory(
    tmp_path: Path, mock_clock: trio.testing.MockClock
) -> None:
    async with open_place(tmp_path / "data") as place:
        await place.operator.done("create", name="alice", password=PASSWORD)
        named = place.state.directory.registered_as("alice")
        assert named
        assert place.state.users.get(named.user)
        mock_clock.jump(601)
        place.state.users.expire()
        assert place.state.users.get(named.user) is None
        await place.logged_in("alice")


async def test_of_two_creations_of_a_name_at_once_one_succeeds(place: Place) -> None:
    replies: list[Line] = []

    async def create() -> None:
        replies.append(await place.operator("create", name="alice", password=PASSWORD))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(create)
        nursery.start_soon(create)
    assert sorted(reply["type"] for reply in replies) == ["created", "error"]


async def test_a_reset_ends_all_sessions_and_only_the_new_password_is_right(place: Place) -> None:
    await place.operator.done("create", name="alice", password=PASSWORD)
    one, other = await place.logged_in("alice"), await place.logged_in("alice")
    reply = await place.operator("password", name="alice", password="battery staple")
    assert reply == {"type": "password-reset", "user": "alice", "sessions": 2}
    for peer in (one, other):
        assert (await peer.rest())[-1]["code"] == "revoked"
    stranger = await place.peer()
    for token in (one.token, other.token):
        assert (await stranger.ask({"type": "resume", "token": token}))["code"] == "bad-token"
    old = await stranger.ask({"type": "login", "name": "alice", "password": PASSWORD})
    assert old["code"] == "wrong-login"
    await place.logged_in("alice", "battery staple")


async def test_a_late_write_of_sessions_does_not_undo_a_reset(place: Place) -> None:
    await place.operator.done("create", name="alice", password=PASSWORD)
    await place.logged_in("alice")
    state = place.state
    row = state.directory.registered_as("alice")
    assert row
    user = state.users.get(row.user)
    assert user
    draft = Draft(state, 0)
    for reset, sessions in ((True, 0), (False, 1)):
        savepoint = draft.savepoint()
        if reset:
            ChangePassword(user=user.id, hash="hash").decide(draft)
            draft.take()
        state.sessions.mark_dirty(user)
        StoreSessions().decide(draft)
        changes, _ = draft.take()
        assert len([change for change in changes if isinstance(change, SetSession)]) == sessions
        draft.rollback(savepoint)


async def test_a_login_with_the_old_password_during_a_reset_fails(place: Place) -> None:
    """The password was right when it was read, and is not when it has been checked."""
    await place.operator.done("create", name="alice", password=PASSWORD)
    stranger = await place.peer()
    hashes = place.node.hasher
    checked = trio.Event()
    verify = hashes.verify

    async def slowly(hash: str | None, password: str) -> bool:
        right = await verify(hash, password)
        await checked.wait()
        return right

    hashes.verify = slowly  # type: ignore[method-assign]
    await stranger.send({"type": "login", "name": "alice", "password": PASSWORD})
    await place.operator.done("password", name="alice", password="battery staple")
    checked.set()
    assert (await stranger.next("error"))["code"] == "wrong-login"
    assert (await place.operator("users"))["users"][0]["sessions"] == 0


async def test_only_a_registered_user_has_a_password_to_reset(place: Place) -> None:
    await place.peer("bob")
    assert (await place.operator("password", name="bob", password=PASSWORD))["code"] == "not-registered"
    assert (await place.operator("password", name="eve", password=PASSWORD))["code"] == "no-such-user"


async def test_users_lists_presence_mutes_and_bans(place: Place) -> None:
    operator = place.operator
    for name in ("alice", "carol"):
        await operator.done("create", name=name, password=PASSWORD)
    await place.peer("bob")
    await place.logged_in("carol")
    await operator.done("mute", name="alice", seconds=60.0)
    await operator.done("ban", target="alice")
    alice, carol = (await operator("users"))["users"]
    assert (alice["name"], alice["here"], alice["sessions"]) == ("alice", False, 0)
    assert "seen" not in alice
    assert alice["muted_until"] < alice["banned_until"] == "9999-12-31T23:59:59.999Z"
    assert (carol["name"], carol["here"], carol["sessions"]) == ("carol", True, 1)
    everybody = (await operator("users", all=True))["users"]
    assert [user["name"] for user in everybody if not user["name"].startswith("guest-")] == [
        "alice",
        "bob",
        "carol",
    ]
    assert "registered" not in everybody[1]


async def test_many_users_come_in_pages(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tcpchat.admin.users.PAGE", 2)
    for name in ("alice", "carol"):
        await place.operator.done("create", name=name, password=PASSWORD)
    await place.peer("bob")
    first = await place.operator("users", all=True)
    assert ([user["name"] for user in first["users"]], first["more"]) == (["alice", "bob"], True)
    rest = await place.operator("users", all=True, after="bob")
    assert ([user["name"] for user in rest["users"]], rest["more"]) == (["carol"], False)
