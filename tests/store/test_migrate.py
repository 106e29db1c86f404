"""Databases of earlier versions: nothing that they hold is lost, and their users may come back."""

from __future__ import annotations

import sqlite3
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import trio.testing

from chaos.clock import EPOCH
from tcpchat.chat.identity import hash_token
from tcpchat.errors import StartError
from tcpchat.store.changes import (
    DeleteUser,
    NewKey,
    NewReport,
    NewScheduled,
    Prune,
    SetAllLeft,
    SetMark,
    SetMute,
    SetSession,
)
from tcpchat.store.migrate import Migration, migrate, migrations
from tcpchat.store.queries.messages import count_unread
from tcpchat.store.queries.snapshot import load_snapshot
from tcpchat.store.queries.users import find_user
from tcpchat.store.rows import NameRow, UnreadRange
from tcpchat.store.sqlite import SqliteStore
from tests.conftest import Peer, open_house
from tests.store.rows import NOW, message, scheduled

RELEASED = {
    1: "4df5706fbdabde764b2332ba24ebafc7da2652d1de08a282793c36083dd202e9",
    2: "a3f7262e69cfc9249901c80049979054cca4c7f88b8138664f9e92ec6be2eb8e",
    3: "5a4dae4254a963f414995bb54e1fbe56b08886ad2a2888604c603936c6116068",
    4: "e79f371e3039b48d125370ff5755f693cd415811b8b3fc69f1ff37ff93e0d2e5",
    5: "5cf3d606a0bfa4167601dfa8965a5841c52c4b3abbde7a14cbf5f441d879ed1b",
}
"""The SHA-256 of each migration that a release contains."""
LEFT = EPOCH - 60_000  # a minute before a server with the tests' clock starts


def schema(database: sqlite3.Connection) -> list[tuple[str, str]]:
    return database.execute("SELECT name, sql FROM sqlite_schema ORDER BY name").fetchall()


def version(database: sqlite3.Connection) -> int:
    return int(database.execute("PRAGMA user_version").fetchone()[0])


def rows(store: SqliteStore, query: str) -> list[Any]:
    return store._writer.execute(query).fetchall()


def test_migrations_are_numbered_from_one_without_gaps() -> None:
    numbers = [number for number, _ in migrations()]
    assert numbers[0] == 1
    assert all(second == first + 1 for first, second in pairwise(numbers))


@pytest.mark.parametrize("number", RELEASED)
def test_a_migration_that_was_released_is_never_edited(number: int) -> None:
    """Databases with it are out there: what changes comes in a further file."""
    migration = migrations()[number - 1]
    assert migration.number == number
    assert sha256(migration.script.encode()).hexdigest() == RELEASED[number]


def test_opening_again_migrates_nothing(store: SqliteStore, folder: Path) -> None:
    before = schema(store._writer)
    store.close()
    again = SqliteStore(folder)
    assert schema(again._writer) == before
    again.close()


def test_a_migration_that_fails_half_way_leaves_the_database_as_it_was() -> None:
    database = sqlite3.connect(":memory:", isolation_level=None)
    database.execute("CREATE TABLE message (stands, in_the, way)")
    before = schema(database)
    with pytest.raises(sqlite3.OperationalError, match="message already exists"):
        migrate(database)
    assert schema(database) == before, "the tables before the one that failed are still there"
    assert version(database) == 0
    assert not database.in_transaction
    database.close()


def test_the_first_schema_migrates_to_that_of_a_fresh_database_and_keeps_its_rows(folder: Path) -> None:
    old = old_database(folder, 1)
    old.execute("INSERT INTO user VALUES ('u1', 1)")
    old.execute(
        "INSERT INTO message (room, seq, at, author, name, text) VALUES ('lobby', 1, ?, 'u1', 'alice', 'hi')",
        (NOW + 1,),
    )
    old.execute("INSERT INTO scheduled VALUES (4, 1, 'u1', 'alice', NULL, NULL, 'tea!', ?)", (NOW + 5000,))
    old.execute("INSERT INTO report VALUES ('u1', 'u2', 'bob', NULL, 7)")
    old.execute("INSERT INTO mute VALUES ('u1', 9, 'spam')")
    old.execute("INSERT INTO name VALUES ('alice', 'Alice', 'u1')")
    old.commit()
    old.close()

    migrated, fresh = SqliteStore(folder), SqliteStore(None)

    assert schema(migrated._writer) == schema(fresh._writer)
    assert version(migrated._writer) == version(fresh._writer) == migrations()[-1][0]
    snapshot = migrated.ask(load_snapshot, 20, 0)
    assert snapshot.recent == [message(1)]
    assert snapshot.scheduled == [scheduled(4)]
    assert snapshot.reports == [NewReport("u1", "u2", "bob", None, 7)]
    assert snapshot.mutes == [SetMute("u1", 9, "spam")]
    assert snapshot.names == {"alice": "u1"}
    assert snapshot.absent == snapshot.registered == []
    assert rows(migrated, "SELECT id, last_number FROM user") == [("u1", 1), ("u2", 0)]
    assert len(snapshot.journal) == 16
    migrated.close()
    fresh.close()


# All versions that were released, with rows in every table


def fill(old: sqlite3.Connection, *users: str) -> None:
    """Write a row for each user to each table but those of users and of the data set."""
    count = 0
    for table in tables(old) - {"user", "journal"}:
        references = {row[3] for row in old.execute(f"PRAGMA foreign_key_list({table})")}
        info = [(row[1], row[2]) for row in old.execute(f"PRAGMA table_info({table})")]
        for user in users:
            count += 1
            made = {"INTEGER": count, "TEXT": f"text {count}", "BLOB": b"%d" % count}
            values = [user if name in references else made[kind] for name, kind in info]
            names = ", ".join(name for name, _ in info)
            old.execute(f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(info))})", values)
    old.commit()


def tables(database: sqlite3.Connection) -> set[str]:
    found = database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
    return {name for (name,) in found if not name.startswith("sqlite_")}


def contents(database: sqlite3.Connection, of: dict[str, str]) -> dict[str, list[Any]]:
    """Return the rows of tables, of each the columns that are given."""
    return {
        table: database.execute(f"SELECT {names} FROM {table} ORDER BY {names}").fetchall()
        for table, names in of.items()
    }


def columns_of(database: sqlite3.Connection, table: str) -> str:
    return ", ".join(row[1] for row in database.execute(f"PRAGMA table_info({table})"))


@pytest.mark.parametrize("number", RELEASED)
def test_nothing_in_a_released_database_is_lost(folder: Path, number: int) -> None:
    """Not what refers to users who were never stored either, which nothing checked then."""
    old = old_database(folder, number)
    old.execute("INSERT INTO user (id, at) VALUES ('alice', 1)")
    fill(old, "alice", "ghost")
    changed = {"user", "token", "device", "mark", "journal"}  # some of them by migrations of then
    of = {table: columns_of(old, table) for table in tables(old) - changed}
    if number >= 3:
        of |= {table: columns_of(old, table) for table in ("device", "mark")}
    before = contents(old, of)
    assert all(len(rows) == 2 for rows in before.values())
    old.close()

    migrated, fresh = SqliteStore(folder), SqliteStore(None)
    assert contents(migrated._writer, of) == before
    assert rows(migrated, "PRAGMA foreign_key_check") == []
    assert schema(migrated._writer) == schema(fresh._writer)
    assert [id for id, _ in rows(migrated, "SELECT id, at FROM user ORDER BY id")] == ["alice", "ghost"]
    assert rows(migrated, "SELECT min(at) FROM user WHERE id = 'ghost'")[0][0] < 100, "a time of its rows"
    migrated.commit([message(1000, author="ghost"), DeleteUser("alice")])
    assert [one.author for one in migrated.ask(load_snapshot, 20, 0).recent] == ["ghost"]
    migrated.close()
    fresh.close()


def test_a_migration_that_leaves_references_to_nothing_is_undone(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    SqliteStore(folder).close()
    steps = migrations()
    newest = steps[-1].number
    bad = Migration(newest + 1, "INSERT INTO mention (user, room, seq) VALUES ('nobody', 'lobby', 1);")
    monkeypatch.setattr("tcpchat.store.migrate.migrations", lambda: [*steps, bad])
    with pytest.raises(StartError, match="rows of the table mention refer to rows of user that do not exist"):
        SqliteStore(folder)
    monkeypatch.undo()
    store = SqliteStore(folder)
    assert version(store._writer) == newest
    assert rows(store, "SELECT * FROM mention") == []
    store.close()


# The second version: users with one token each, and what was said without marks


def old_database(folder: Path, version: int) -> sqlite3.Connection:
    """Make a database of that version, without rows."""
    folder.mkdir(exist_ok=True)
    old = sqlite3.connect(folder / "tcpchat.db")
    for migration in migrations()[:version]:
        old.executescript(migration.script)
    old.execute(f"PRAGMA user_version = {version}")
    return old


@pytest.fixture
def second(folder: Path) -> Path:
    """Alice was here when the server stopped, bob left a minute before; carol and dora have no token.

    Alice and bob talked to each other, carol to alice, and alice to herself.
    """
    old = old_database(folder, 2)
    users = [("alice", 1, 9), ("bob", 2, 0), ("carol", 3, 0), ("dora", 4, 0)]
    old.executemany("INSERT INTO user (id, at, last_number) VALUES (?, ?, ?)", users)
    old.executemany(
        "INSERT INTO name (key, name, user) VALUES (?, ?, ?)", [(name, name, name) for name, *_ in users]
    )
    old.executemany(
        "INSERT INTO token (user, hash, left) VALUES (?, ?, ?)",
        [(name, hash_token(f"{name}'s token"), left) for name, left in (("alice", None), ("bob", LEFT))],
    )
    old.executemany(
        "INSERT INTO message (room, seq, at, author, name, recipient, recipient_name, text)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            ("lobby", 1, NOW, "carol", "carol", None, None, "to all"),
            ("@alice@bob", 1, NOW, "alice", "alice", "bob", "bob", "hi"),
            ("@alice@bob", 2, NOW, "bob", "bob", "alice", "alice", "hi back"),
            ("lobby", 2, NOW, "bob", "bob", None, None, "to all again"),
            ("@alice@bob", 3, NOW, "bob", "bob", "alice", "alice", "are you there?"),
            ("@alice@carol", 1, NOW, "carol", "carol", "alice", "alice", "psst"),
            ("@alice@alice", 1, NOW, "alice", "alice", "alice", "alice", "milk"),
        ],
    )
    old.execute("INSERT INTO scheduled VALUES (4, 9, 'alice', 'alice', 'bob', 'bob', 'tea!', ?)", (2**50,))
    old.execute(
        "INSERT INTO sent_key (user, key, at, room, seq, time) VALUES ('alice', 'k', ?, 'lobby', 1, 5)",
        (NOW,),
    )
    old.execute("INSERT INTO report VALUES ('carol', 'bob', 'bob', 'spam', 7)")
    old.execute("INSERT INTO mute VALUES ('carol', ?, 'spam')", (2**50,))
    old.commit()
    old.close()
    return folder


def test_the_second_schema_migrates_to_that_of_a_fresh_database(second: Path) -> None:
    migrated, fresh = SqliteStore(second), SqliteStore(None)
    assert schema(migrated._writer) == schema(fresh._writer)
    assert rows(migrated, "PRAGMA foreign_key_check") == []
    migrated.close()
    fresh.close()


def test_nothing_that_the_second_version_kept_is_lost(second: Path) -> None:
    old = sqlite3.connect(second / "tcpchat.db")
    tables = ("name", "message", "scheduled", "sent_key", "report", "mute", "journal")
    columns = {
        table: ", ".join(row[1] for row in old.execute(f"PRAGMA table_info({table})")) for table in tables
    }
    select = {table: f"SELECT {columns[table]} FROM {table} ORDER BY 1" for table in tables}
    before = {table: old.execute(select[table]).fetchall() for table in tables}
    assert all(before.values())
    old.close()
    store = SqliteStore(second)
    after = {table: rows(store, select[table]) for table in tables}
    snapshot = store.ask(load_snapshot, 20, 0)
    store.close()
    assert after == before
    assert [line.text for line in snapshot.recent] == ["to all", "to all again"]
    assert snapshot.scheduled == [NewScheduled(4, 9, "alice", "alice", "bob", "bob", "tea!", 2**50)]
    assert snapshot.mutes == [SetMute("carol", 2**50, "spam")]


def test_tokens_are_devices_and_users_know_when_they_left(second: Path) -> None:
    store = SqliteStore(second)
    alice, bob = hash_token("alice's token"), hash_token("bob's token")
    assert rows(store, "SELECT hash, user, number, name, address, since, used FROM device ORDER BY user") == [
        SetSession(alice, "alice", 1, "", "", 1, 1),
        SetSession(bob, "bob", 1, "", "", 2, LEFT),
    ]
    assert rows(store, "SELECT id, at, left, last_number, away, receipts FROM user ORDER BY id") == [
        ("alice", 1, None, 9, None, 1),
        ("bob", 2, LEFT, 0, None, 1),
        ("carol", 3, None, 0, None, 1),
        ("dora", 4, None, 0, None, 1),
    ]
    snapshot = store.ask(load_snapshot, 0, LEFT)
    assert snapshot.absent == [
        NameRow("bob", "bob", "bob", None, LEFT), NameRow("alice", "alice", "alice", None, None)
    ]  # fmt: skip
    assert store.ask(load_snapshot, 0, LEFT + 1).absent[0].name == "alice"
    store.close()


def test_what_was_said_before_marks_were_kept_is_read(second: Path) -> None:
    store = SqliteStore(second)
    marks = [SetMark(*row) for row in rows(store, "SELECT user, room, read, delivered FROM mark")]
    assert sorted(marks) == [
        SetMark("alice", "@alice@alice", 1, 1),
        SetMark("alice", "@alice@bob", 3, 3),
        SetMark("alice", "@alice@carol", 1, 1),
        SetMark("alice", "lobby", 2, 2),
        SetMark("bob", "@alice@bob", 3, 3),
        SetMark("bob", "lobby", 2, 2),
        SetMark("carol", "@alice@carol", 1, 1),
    ]
    found = store.ask(find_user, hash_token("alice's token"), 10)
    assert found is not None
    assert (found.user, found.name, found.lobby) == ("alice", "alice", (2, 2))
    assert found.keys == [NewKey("alice", "k", NOW, "lobby", None, 1, None, 5)]
    assert sorted(found.conversations) == [
        ("@alice@alice", 1, 1, 1), ("@alice@bob", 3, 3, 3), ("@alice@carol", 1, 1, 1)
    ]  # fmt: skip
    ranges = [UnreadRange(one.room, one.read, one.last) for one in found.conversations]
    assert store.ask(count_unread, "alice", ranges, ()) == [(0, False)] * 3
    store.close()


def test_an_empty_database_of_the_second_version_has_no_marks(folder: Path) -> None:
    old = old_database(folder, 2)
    old.execute("INSERT INTO user (id, at) VALUES ('alice', 1)")
    old.execute("INSERT INTO token (user, hash, left) VALUES ('alice', ?, NULL)", (hash_token("a"),))
    old.commit()
    old.close()
    store = SqliteStore(folder)
    assert rows(store, "SELECT user, room, read, delivered FROM mark") == [("alice", "lobby", 0, 0)]
    store.commit([SetAllLeft(100), Prune(left=0, keys=0)])
    assert rows(store, "SELECT id, left FROM user") == [("alice", 100)]
    store.close()


def test_a_key_of_a_private_message_gets_its_room(second: Path) -> None:
    keys = [
        ("m", "bob", 1, None, NOW, "@alice@bob"),
        ("s", "bob", None, 9, 2**50, "@alice@bob"),
        ("was sent later", "carol", None, 8, 7, "@alice@carol"),
        ("gone", "mallory", None, 7, 7, "@"),
    ]
    old = sqlite3.connect(second / "tcpchat.db")
    old.executemany(
        "INSERT INTO sent_key (user, key, at, username, seq, number, time)"
        " VALUES ('alice', ?, 0, ?, ?, ?, ?)",
        [row[:-1] for row in keys],
    )
    old.commit()
    old.close()
    store = SqliteStore(second)
    found = rows(store, "SELECT key, username, seq, number, time, room FROM sent_key WHERE at = 0")
    store.close()
    assert sorted(found) == sorted(keys)


async def test_users_of_the_second_version_come_back_with_their_tokens(
    second: Path, mock_clock: trio.testing.MockClock
) -> None:
    async with open_house(folder=second) as house:
        peers = {}
        for name in ("alice", "bob"):
            peer = peers[name] = Peer(await house.connect())
            await peer.next("welcome")
            reply = await peer.ask({"type": "resume", "token": f"{name}'s token"})
            assert (reply["user"], reply["registered"], reply["session"]) == (name, False, 1)
            assert (await peer.next("unread"))["rooms"] == []
        alice, bob = peers["alice"], peers["bob"]
        history = await alice.ask("history -u bob")
        assert [line["text"] for line in history["messages"]] == ["hi", "hi back", "are you there?"]
        assert (await bob.ask("send -u alice yes"))["seq"] == 4, "the conversation goes on"
        assert (await alice.next("message"))["room"] == history["room"]
        assert (await alice.ask({"type": "send", "text": "x", "key": "k"}))["seq"] == 1, "keys are known"
        assert (await alice.ask("send -t 60 x"))["number"] == 10
        found = (await alice.ask("conversations"))["conversations"]
        assert sorted(one["username"] for one in found) == ["alice", "bob", "carol"]
