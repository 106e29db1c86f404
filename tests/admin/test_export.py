"""What a user is given of what is kept: all of it, and nothing of others' secrets."""

from __future__ import annotations

import orjson
import pytest

from tests.admin.conftest import PASSWORD, Place, report
from tests.conftest import Line


def of_kind(records: list[Line], kind: str) -> list[Line]:
    return [
        {key: value for key, value in one.items() if key != "kind"} for one in records if one["kind"] == kind
    ]


async def test_an_export_has_all_that_is_kept(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tcpchat.admin.data.PAGE", 2)
    operator = place.operator
    await operator.done("create", name="alice", password=PASSWORD)
    alice, bob = await place.logged_in("alice"), await place.peer("bob")
    for text in ("one", "two"):
        await alice.ask({"type": "send", "text": text})
    await bob.ask({"type": "send", "text": "for everybody"})
    await bob.ask({"type": "send", "text": "for alice", "username": "alice"})
    await alice.ask({"type": "send", "text": "for bob", "username": "bob"})
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
        ("alice", "bob", "for bob"),
    ]


async def test_an_export_has_no_secret(place: Place) -> None:
    await place.operator.done("create", name="alice", password=PASSWORD)
    alice = await place.logged_in("alice")
    await place.operator.done("export", name="alice")
    text = orjson.dumps(place.operator.records).decode()
    assert alice.token not in text
    assert "argon2" not in text
    assert PASSWORD not in text
    assert PASSWORD not in repr(place.log.lines)


async def test_a_guest_of_whom_nothing_is_kept_is_exported_too(place: Place) -> None:
    await place.peer("bob")
    assert (await place.operator("export", name="bob"))["type"] == "exported"
    assert (await place.operator("export", name="eve"))["code"] == "no-such-user"
