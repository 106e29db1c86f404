"""Users whom the operator makes, gives another password, lists and deletes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import pytest
import trio

from tcpchat.chat.draft import Draft
from tcpchat.chat.operations.sessions import ChangePassword
from tcpchat.chat.operations.upkeep import StoreSessions
from tcpchat.store.changes import DeleteUser, SetAccount, SetSession
from tcpchat.store.sqlite import DATABASE
from tests.admin.conftest import PASSWORD, Disk, Operator, Place, open_place, report
from tests.conftest import Line, Peer


def said(lines: Iterable[Line]) -> list[tuple[int, str, str]]:
    return [(line["seq"], line["from"], line["text"]) for line in lines]


async def lobby(peer: Peer) -> list[tuple[int, str, str]]:
    return said((await peer.ask({"type": "history"}))["messages"])


async def say(peer: Peer, text: str, **more: object) -> Line:
    reply = await peer.ask({"type": "send", "text": text, **more})
    assert reply["type"] == "sent", reply
    return reply


# Created


async def test_who_is_created_can_log_in(place: Place) -> None:
    assert await place.operator("create", name="Alice", password=PASSWORD) == {
        "type": "created",
        "user": "alice",
    }
    peer = await place.logged_in("alice")
    assert (await peer.ask({"type": "whois", "name": "alice"}))["registered"]


async def test_who_is_created_gets_private_messages_before_the_first_login(place: Place) -> None:
    await place.operator.done("create", name="alice", password=PASSWORD)
    bob = await place.peer("bob")
    await say(bob, "welcome", username="alice")
    alice = await place.logged_in("alice")
    (unread,) = (await alice.next("unread"))["rooms"]
    assert (unread["username"], unread["count"]) == ("bob", 1)


@pytest.mark.parametrize("name", ["bob", "BOB", "b0b", "carol"])
async def test_a_name_that_somebody_has_or_that_looks_like_it_is_taken(place: Place, name: str) -> None:
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
async def test_nobody_is_created_against_the_rules(place: Place, name: str, password: str, code: str) -> None:
    assert (await place.operator("create", name=name, password=password))["code"] == code
    assert (await place.operator("users"))["users"] == []
    assert place.state.directory.is_free("eve")


async def test_a_name_is_free_again_if_the_disk_does_not_take_the_user(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "data")
    async with open_place(tmp_path / "data", store=disk) as place:
        disk.refuses = SetAccount
        reply = await place.operator("create", name="alice", password=PASSWORD)
        assert reply["code"] == "storage-failed"
        disk.refuses = ()
        await place.operator.done("create", name="alice", password=PASSWORD)
        await place.logged_in("alice")


async def test_who_is_created_and_does_not_come_is_not_kept_in_memory(
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


async def test_two_at_once_do_not_make_the_same_user(place: Place) -> None:
    replies: list[Line] = []

    async def create() -> None:
        replies.append(await place.operator("create", name="alice", password=PASSWORD))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(create)
        nursery.start_soon(create)
    assert sorted(reply["type"] for reply in replies) == ["created", "error"]


# Another password


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


async def test_no_record_that_is_behind_a_reset_writes_its_sessions_again(place: Place) -> None:
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


async def test_who_checks_the_old_password_during_a_reset_is_not_let_in(place: Place) -> None:
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


async def test_a_guest_has_no_password_and_nobody_neither(place: Place) -> None:
    await place.peer("bob")
    assert (await place.operator("password", name="bob", password=PASSWORD))["code"] == "not-registered"
    assert (await place.operator("password", name="eve", password=PASSWORD))["code"] == "no-such-user"


# Listed


async def test_users_tells_who_is_here_and_what_is_against_whom(place: Place) -> None:
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


# Deleted


async def test_of_who_is_deleted_only_numbers_and_times_are_left(place: Place, tmp_path: Path) -> None:
    await place.operator.done("create", name="alice", password=PASSWORD)
    alice, bob = await place.logged_in("alice"), await place.peer("bob")
    await say(alice, "secret one")
    await say(bob, "hello @alice")
    await say(alice, "secret two", username="bob", key="k1")
    await say(bob, "hi alice", username="alice")
    await alice.ask({"type": "ignore", "name": "bob"})
    await bob.ask({"type": "ignore", "name": "alice"})
    await alice.ask({"type": "away", "text": "secret three"})
    await alice.ask({"type": "send", "text": "secret four", "time": 3600})
    await report(bob, "alice")
    await report(alice, "bob", "secret five")
    assert await place.operator("delete", name="alice") == {"type": "deleted", "user": "alice", "ended": 1}
    assert (await alice.rest())[-1]["code"] == "revoked"
    assert await lobby(bob) == [(1, "deleted", ""), (2, "bob", "hello @alice")]
    (conversation,) = (await bob.ask({"type": "conversations"}))["conversations"]
    assert conversation["username"] == "deleted"
    private = await bob.ask({"type": "history", "room": conversation["room"]})
    assert said(private["messages"]) == [(1, "deleted", ""), (2, "bob", "hi alice")]
    assert private["messages"][1]["to"] == "deleted"
    assert (await bob.ask({"type": "ignore"}))["users"] == []
    assert (await place.operator("users"))["users"] == []
    login = await bob.ask({"type": "login", "name": "alice", "password": PASSWORD})
    assert login["code"] == "wrong-login"
    assert (await bob.ask({"type": "resume", "token": alice.token}))["code"] == "bad-token"
    assert left_of(tmp_path / "data", "alice", "secret") == []


def left_of(folder: Path, *words: str) -> list[object]:
    """Return the rows of the database that have one of the words, but for those of bob."""
    with closing(sqlite3.connect(folder / DATABASE)) as db:
        tables = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = [row for table in tables for row in db.execute(f"SELECT * FROM {table}")]
    return [row for row in rows if "bob" not in row and any(word in repr(row) for word in words)]


async def test_the_name_of_who_was_deleted_is_free(place: Place) -> None:
    """And what was held against that user is not held against who takes it."""
    await place.operator.done("create", name="alice", password=PASSWORD)
    await place.operator.done("mute", name="alice")
    await place.operator.done("ban", target="alice")
    await place.operator.done("delete", name="alice")
    assert (await place.operator("bans"))["bans"] == []
    bob = await place.peer("bob")
    assert (await bob.ask({"type": "rename", "name": "alice"}))["type"] == "renamed"
    await say(bob, "not muted")


async def test_what_is_left_is_the_same_after_a_restart(tmp_path: Path) -> None:
    async with open_place(tmp_path / "data") as place:
        alice = await place.peer("alice")
        await say(alice, "secret")
        await place.operator.done("mute", name="alice")
        await place.operator.done("ban", target="alice")
        await place.operator.done("delete", name="alice")
    async with open_place(tmp_path / "data") as place:
        assert await lobby(await place.peer()) == [(1, "deleted", "")]
        assert (await place.operator("bans"))["bans"] == []
        bob = await place.peer("alice")
        await say(bob, "not muted")


async def test_what_was_scheduled_by_or_for_who_is_deleted_is_not_sent(
    tmp_path: Path, mock_clock: trio.testing.MockClock
) -> None:
    async with open_place(tmp_path / "data") as place:
        alice, bob = await place.peer("alice"), await place.peer("bob")
        await alice.ask({"type": "send", "text": "of alice", "time": 10})
        await bob.ask({"type": "send", "text": "to alice", "username": "alice", "time": 10})
        await place.operator.done("delete", name="alice")
        assert len(place.state.schedule) == 1  # bob's, who is told when it comes due
        mock_clock.jump(11)
        unsent = await bob.next("unsent")
        assert (unsent["code"], unsent["text"]) == ("no-such-user", "to alice")
        assert await lobby(bob) == []


async def test_a_message_that_alice_is_still_sending_is_erased_too(place: Place) -> None:
    """Whatever her connection was asked for is settled before it is erased."""
    alice, bob = await place.peer("alice"), await place.peer("bob")
    await alice.send(*({"type": "send", "text": f"secret {n}", "key": f"k{n}"} for n in range(500)))
    await place.operator.done("delete", name="alice")
    await alice.rest()
    assert {(name, text) for _, name, text in await lobby(bob)} <= {("deleted", "")}
    assert left_of(place.operator.folder, "secret", "alice") == []


async def test_who_cannot_be_deleted_goes_on_as_before(
    tmp_path: Path, mock_clock: trio.testing.MockClock
) -> None:
    disk = Disk(tmp_path / "data")
    async with open_place(tmp_path / "data", store=disk) as place:
        alice, bob = await place.peer("alice"), await place.peer("bob")
        await alice.ask({"type": "send", "text": "later", "time": 60})
        disk.refuses = DeleteUser
        assert (await place.operator("delete", name="alice"))["code"] == "storage-failed"
        disk.refuses = ()
        again = await place.peer()
        back = await again.ask({"type": "resume", "token": alice.token})
        assert back["user"] == "alice"
        await say(bob, "are you there?", username="alice")
        mock_clock.jump(61)
        assert (await again.next("message"))["text"] == "are you there?"
        assert (await again.next("message"))["text"] == "later"


async def test_nobody_is_deleted_twice(place: Place, operator: Operator) -> None:
    await place.peer("alice")
    await place.operator.done("delete", name="alice")
    assert (await place.operator("delete", name="alice"))["code"] == "no-such-user"
