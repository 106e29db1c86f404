"""The operator's changes and queries: deleted users, accounts, everything stored of a user."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tcpchat.store.changes import (
    Change,
    DeleteUser,
    DropBan,
    DropMute,
    EditMessage,
    NewKey,
    NewMention,
    NewMessage,
    NewReport,
    NewRoom,
    NewScheduled,
    NewUser,
    Prune,
    SetAccount,
    SetAway,
    SetBan,
    SetIgnored,
    SetLeft,
    SetMember,
    SetMute,
    SetName,
    SetSession,
)
from tcpchat.store.queries.events import messages_of
from tcpchat.store.queries.snapshot import load_snapshot
from tcpchat.store.queries.users import accounts, find_user, reports_of
from tcpchat.store.sqlite import SqliteStore
from tests.store.rows import StoreWithUsers

NOW = 1_795_251_600_123
ROOM = "@a@b"
EDITS = 1000  # added to the number of a message, this is the number of its edit


@pytest.fixture
def store() -> Iterator[SqliteStore]:
    store = StoreWithUsers(None)
    yield store
    store.close()


def all_of(user: str, other: str) -> list[Change]:
    """Return one of everything that can be kept for a user."""
    hash, edit = user.encode() * 32, EDITS + ord(user)
    return [
        NewUser(user, NOW),
        SetName(user, f"key-{user}", f"name-{user}"),
        SetAccount(user, NOW, f"hash-{user}"),
        SetLeft(user, NOW, NOW),
        SetSession(hash, user, 1, f"device-{user}", "192.0.2.7", NOW, NOW),
        SetAway(user, f"away-{user}", NOW),
        SetIgnored(user, other),
        NewScheduled(ord(user), 1, user, f"name-{user}", "lobby", None, None, f"later-{user}", NOW),
        NewReport(other, user, f"key-{user}", f"reason-{user}", NOW, "192.0.2.7"),
        SetMute(user, NOW, f"mute-{user}", 1),
        SetBan("user", user, NOW, f"ban-{user}"),
        NewRoom(ROOM, "direct"),
        NewMessage("lobby", ord(user), NOW, user, f"name-{user}", None, None, f"text-{user}"),
        NewMessage(ROOM, ord(user), NOW, user, f"name-{user}", other, f"name-{other}", f"text-{user}"),
        NewKey(user, f"sent-{user}", NOW, "lobby", None, 1, None, NOW),
        EditMessage("lobby", edit, NOW + 1, user, f"name-{user}", None, None, ord(user), f"edited-{user}"),
        EditMessage(
            ROOM, edit, NOW + 1, user, f"name-{user}", other, f"name-{other}", ord(user), f"edited-{user}"
        ),
        SetMember(user, ROOM, 1, 1),
        NewMention(user, "lobby", 1),
    ]


def kept(store: SqliteStore) -> dict[str, list[tuple[object, ...]]]:
    query = store._writer.execute
    tables = [row[0] for row in query("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return {table: query(f"SELECT * FROM {table}").fetchall() for table in tables}


@pytest.mark.parametrize("together", [True, False], ids=["in one batch", "later"])
def test_of_a_deleted_user_nothing_is_left_and_of_others_all(store: SqliteStore, together: bool) -> None:
    """Also what comes before it in the same batch, though keys and members are written last."""
    store.commit(all_of("b", "a"))
    before = kept(store)
    if together:
        store.commit([*all_of("a", "b"), DeleteUser("a")])
    else:
        store.commit(all_of("a", "b"))
        store.commit([DeleteUser("a")])
    after = kept(store)
    for table in after.keys() - {"event", "report", "ignored", "user"}:
        assert after[table] == before[table], table
    assert after["ignored"] == []
    assert after["report"] == [("b", "a", "", None, NOW, None)]
    texts = store._writer.execute("SELECT room, seq, at, kind, name, recipient_name, text, edited FROM event")
    assert {(room, seq): tuple(rest) for room, seq, *rest in texts} == {
        ("lobby", ord("a")): (NOW, "message", "deleted", None, "", NOW + 1),
        ("lobby", EDITS + ord("a")): (NOW + 1, "edited", "deleted", None, "", None),
        (ROOM, ord("a")): (NOW, "message", "deleted", "name-b", "", NOW + 1),
        (ROOM, EDITS + ord("a")): (NOW + 1, "edited", "deleted", "name-b", "", None),
        ("lobby", ord("b")): (NOW, "message", "name-b", None, "edited-b", NOW + 1),
        ("lobby", EDITS + ord("b")): (NOW + 1, "edited", "name-b", None, "edited-b", None),
        (ROOM, ord("b")): (NOW, "message", "name-b", "deleted", "edited-b", NOW + 1),
        (ROOM, EDITS + ord("b")): (NOW + 1, "edited", "name-b", "deleted", "edited-b", None),
    }
    (user,) = [row for row in after["user"] if row[0] == "a"]
    assert not {"away-a"} & {str(value) for value in user}
    everything = repr(after)
    for text in ("text-a", "edited-a", "later-a", "reason-a", "mute-a", "ban-a", "device-a", "hash-a"):
        assert text not in everything, text
    assert store.ask(find_user, "a", 1).name is None  # type: ignore[union-attr]


def test_bans_and_the_operators_mutes_are_there_after_a_start_until_they_are_dropped(
    store: SqliteStore,
) -> None:
    bans = [SetBan("address", "192.0.2.0/24", NOW + 1, "spam"), SetBan("user", "a", NOW, None)]
    store.commit([*bans, NewUser("a", NOW), SetMute("a", NOW, "loud", 1)])
    snapshot = store.ask(load_snapshot, 1, 0)
    assert sorted(snapshot.bans) == bans
    assert snapshot.mutes == [SetMute("a", NOW, "loud", 1)]
    store.commit([Prune(NOW + 1, 0)])
    assert store.ask(load_snapshot, 1, 0).bans == bans[:1]
    store.commit([DropBan("address", "192.0.2.0/24"), DropMute("a")])
    snapshot = store.ask(load_snapshot, 1, 0)
    assert (snapshot.bans, snapshot.mutes) == ([], [])


def test_accounts_come_by_name_with_their_sessions(store: SqliteStore) -> None:
    for user in "cab":
        store.commit(all_of(user, "x"))
    store.commit([NewUser("g", NOW), SetName("g", "g", "name-bb")])
    found = store.ask(accounts, "", 2)
    assert [(one.user, one.name, one.registered, one.left, one.sessions) for one in found] == [
        (user, f"name-{user}", NOW, NOW, 1) for user in "ab"
    ]
    assert [one.user for one in store.ask(accounts, "name-b", 2)] == ["c"]


def test_messages_of_a_user_are_read_in_pages(store: SqliteStore) -> None:
    store.commit([*all_of("a", "b"), *all_of("b", "a"), *all_of("c", "b")])
    found = store.ask(messages_of, "a", 2, 0)
    texts = [message.text for _, message in found]
    assert texts == ["edited-a", "edited-a"], "each message comes once, as it is now"
    assert [message.text for _, message in store.ask(messages_of, "a", 2, found[-1].cursor)] == ["edited-b"]


def test_reports_by_and_about_a_user_are_read(store: SqliteStore) -> None:
    store.commit([*all_of("a", "b"), *all_of("b", "a"), *all_of("c", "b")])
    assert {(one.target, one.reporter) for one in store.ask(reports_of, "a")} == {("b", "a"), ("a", "b")}
