"""Operator's commands about data: the content of an export, and the remains of a deletion."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import orjson
import pytest
import trio

from tcpchat.store.changes import DeleteUser
from tcpchat.store.sqlite import DATABASE
from tests.admin.conftest import PASSWORD, Disk, Operator, Place, open_place, report
from tests.running import Line, Peer


def said(lines: Iterable[Line]) -> list[tuple[int, str, str]]:
    return [(line["seq"], line["from"], line["text"]) for line in lines]


async def lobby(peer: Peer) -> list[tuple[int, str, str]]:
    return said((await peer.ask({"type": "history"}))["messages"])


async def say(peer: Peer, text: str, **more: object) -> Line:
    reply = await peer.ask({"type": "send", "text": text, **more})
    assert reply["type"] == "sent", reply
    return reply


async def test_a_deleted_user_leaves_only_numbers_and_times(place: Place, tmp_path: Path) -> None:
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


async def test_the_name_of_a_deleted_user_is_free(place: Place) -> None:
    """And what was held against that user is not held against who takes it."""
    await place.operator.done("create", name="alice", password=PASSWORD)
    await place.operator.done("mute", name="alice")
    await place.operator.done("ban", target="alice")
    await place.operator.done("delete", name="alice")
    assert (await place.operator("bans"))["bans"] == []
    bob = await place.peer("bob")
    assert (await bob.ask({"type": "rename", "name": "alice"}))["type"] == "renamed"
    await say(bob, "not muted")


async def test_a_deletion_has_the_same_effect_after_a_restart(tmp_path: Path) -> None:
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


async def test_messages_scheduled_by_or_for_a_deleted_user_are_not_sent(
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


async def test_a_message_in_flight_is_erased_too(place: Place) -> None:
    """Whatever her connection was asked for is settled before it is erased."""
    alice, bob = await place.peer("alice"), await place.peer("bob")
    await alice.send(*({"type": "send", "text": f"secret {n}", "key": f"k{n}"} for n in range(500)))
    await place.operator.done("delete", name="alice")
    await alice.rest()
    assert {(name, text) for _, name, text in await lobby(bob)} <= {("deleted", "")}
    assert left_of(place.operator.folder, "secret", "alice") == []


async def test_if_the_disk_refuses_a_deletion_the_user_stays(
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


async def test_a_deleted_user_cannot_be_deleted_again(place: Place, operator: Operator) -> None:
    await place.peer("alice")
    await place.operator.done("delete", name="alice")
    assert (await place.operator("delete", name="alice"))["code"] == "no-such-user"


def of_kind(records: list[Line], kind: str) -> list[Line]:
    return [
        {key: value for key, value in one.items() if key != "kind"} for one in records if one["kind"] == kind
    ]


async def test_an_export_has_everything_that_is_stored(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tcpchat.admin.data.PAGE", 2)
    operator = place.operator
    await operator.done("create", name="alice", password=PASSWORD)
    alice, bob = await place.logged_in("alice"), await place.peer("bob")
    for text in ("one", "two"):
        await alice.ask({"type": "send", "text": text})
    await bob.ask({"type": "send", "text": "for everybody"})
    await bob.ask({"type": "send", "text": "for alice", "username": "alice"})
    await alice.ask({"type": "send", "text": "waves", "username": "bob", "action": True})
    await alice.ask({"type": "send", "text": "for bob, later", "username": "bob", "time": 3600})
    await alice.ask({"type": "away", "text": "lunch"})
    await report(alice, "bob", "rude")
    await report(bob, "alice", "rude too")
    await alice.ask({"type": "ignore", "name": "bob"})
    await alice.ask({"type": "read", "room": "lobby"})
    await operator.done("mute", name="alice", reason="loud")
    reply = await operator("export", name="alice")
    records = operator.records
    assert reply == {"type": "exported", "user": "alice", "records": len(records)}
    (account,) = of_kind(records, "account")
    assert (account["name"], account["here"], account["receipts"]) == ("alice", True, True)
    (session,) = of_kind(records, "session")
    assert set(session) == {"number", "device", "address", "since", "used"}
    assert session["address"] == "127.0.0.1"
    assert [away["text"] for away in of_kind(records, "away")] == ["lunch"]
    assert of_kind(records, "ignored") == [{"name": "bob"}]
    lobby, conversation = of_kind(records, "mark")
    assert (lobby["room"], lobby["read"]) == ("lobby", 3)
    assert conversation["with"] == "bob"
    assert [(mute["by"], mute["reason"]) for mute in of_kind(records, "mute")] == [("operator", "loud")]
    (scheduled,) = of_kind(records, "scheduled")
    assert (scheduled["to"], scheduled["text"]) == ("bob", "for bob, later")
    reports = [(report["of"], report["reason"]) for report in of_kind(records, "report")]
    assert sorted(reports) == [("alice", "rude too"), ("bob", "rude")]
    assert all(set(report) == {"of", "at", "reason"} for report in of_kind(records, "report"))
    messages = [(one["from"], one.get("to"), one["text"]) for one in of_kind(records, "message")]
    assert messages == [
        ("alice", None, "one"),
        ("alice", None, "two"),
        ("bob", "alice", "for alice"),
        ("alice", "bob", "waves"),
    ]
    assert [one.get("action") for one in of_kind(records, "message")] == [None, None, None, True]


async def test_an_export_has_no_secret(place: Place) -> None:
    await place.operator.done("create", name="alice", password=PASSWORD)
    alice = await place.logged_in("alice")
    await place.operator.done("export", name="alice")
    text = orjson.dumps(place.operator.records).decode()
    assert alice.token not in text
    assert "argon2" not in text
    assert PASSWORD not in text
    assert PASSWORD not in repr(place.log.lines)


async def test_a_guest_who_is_not_on_disk_is_exported_too(place: Place) -> None:
    await place.peer("bob")
    assert (await place.operator("export", name="bob"))["type"] == "exported"
    assert (await place.operator("export", name="eve"))["code"] == "no-such-user"
