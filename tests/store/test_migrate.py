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
from tcpchat.chat.sessions import hash_token
from tcpchat.errors import StartError
from tcpchat.store.changes import (
    DeleteUser,
    NewKey,
    NewReport,
    NewScheduled,
    Prune,
    SetAllLeft,
    SetBan,
    SetMember,
    SetMute,
    SetSession,
)
from tcpchat.store.migrate import Migration, migrate, migrations
from tcpchat.store.queries.events import count_unread, read_history
from tcpchat.store.queries.snapshot import load_snapshot
from tcpchat.store.queries.users import find_user
from tcpchat.store.rows import AwayRow, MemberRow, NameRow, UnreadRange
from tcpchat.store.sqlite import SqliteStore
from tests.running import Peer, run_server
from tests.store.rows import NOW, message, scheduled, stored

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
    numbers = [number for number, *_ in migrations()]
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
    assert snapshot.recent == [stored(message(1))]
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
    renamed = {"message": "event", "mark": "member"}
    after = contents(migrated._writer, {renamed.get(table, table): names for table, names in of.items()})
    assert after == {renamed.get(table, table): rows for table, rows in before.items()}
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


# The second version: users with one token each, and messages without read markers


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
    after = {table: rows(store, select[table].replace("FROM message", "FROM event")) for table in tables}
    snapshot = store.ask(load_snapshot, 20, 0)
    store.close()
    assert after == before
    assert [line.text for line in snapshot.recent] == ["to all", "to all again"]
    assert snapshot.scheduled == [
        NewScheduled(4, 9, "alice", "alice", "@alice@bob", "bob", "bob", "tea!", 2**50)
    ]
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


def test_what_was_sent_before_there_were_read_markers_is_read(second: Path) -> None:
    store = SqliteStore(second)
    members = [SetMember(*row) for row in rows(store, "SELECT user, room, read, delivered FROM member")]
    assert sorted(members) == [
        SetMember("alice", "@alice@alice", 1, 1),
        SetMember("alice", "@alice@bob", 3, 3),
        SetMember("alice", "@alice@carol", 1, 1),
        SetMember("alice", "lobby", 2, 2),
        SetMember("bob", "@alice@bob", 3, 3),
        SetMember("bob", "lobby", 2, 2),
        SetMember("carol", "@alice@carol", 1, 1),
    ]
    found = store.ask(find_user, hash_token("alice's token"), 10)
    assert found is not None
    assert (found.user, found.name) == ("alice", "alice")
    assert found.keys == [NewKey("alice", "k", NOW, "lobby", None, 1, None, 5)]
    assert sorted(found.members) == [
        MemberRow("@alice@alice", 1, 1, 1), MemberRow("@alice@bob", 3, 3, 3),
        MemberRow("@alice@carol", 1, 1, 1), MemberRow("lobby", 2, 2, 2),
    ]  # fmt: skip
    ranges = [UnreadRange(one.room, one.read, one.seq) for one in found.members]
    assert store.ask(count_unread, "alice", ranges, ()) == [(0, False)] * 4
    store.close()


def test_an_empty_database_of_the_second_version_has_no_members_but_of_the_lobby(folder: Path) -> None:
    old = old_database(folder, 2)
    old.execute("INSERT INTO user (id, at) VALUES ('alice', 1)")
    old.execute("INSERT INTO token (user, hash, left) VALUES ('alice', ?, NULL)", (hash_token("a"),))
    old.commit()
    old.close()
    store = SqliteStore(folder)
    assert rows(store, "SELECT user, room, read, delivered FROM member") == [("alice", "lobby", 0, 0)]
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
    async with run_server(folder=second) as running:
        peers = {}
        for name in ("alice", "bob"):
            peer = peers[name] = Peer(await running.connect())
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


# The fifth version, of 0.1.0: accounts, devices and marks, but no rooms and no other events than messages

BETWEEN = "@alice@bob"
LATER = 2**50


@pytest.fixture
def released(folder: Path) -> Path:
    """Alice and carol are registered, bob is a guest, dora was one, and one user was deleted.

    Bob was called dan before. Alice has written to bob, to carol, to herself, and to dora, who was called bob
    then; bob has not read all.
    """
    old = old_database(folder, max(RELEASED))
    users = [
        ("alice", 1, 9, None, "tea", 7, 0),
        ("bob", 2, 3, LEFT, None, None, 1),
        ("carol", 3, 0, 4, None, None, 1),
        ("dora", 4, 0, None, None, None, 1),
        ("gone", 5, 0, None, None, None, 1),
    ]
    old.executemany(
        "INSERT INTO user (id, at, last_number, left, away, away_since, receipts)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        users,
    )
    old.executemany(
        "INSERT INTO name (key, name, user) VALUES (?, ?, ?)", [(name, name, name) for name, *_ in users[:-1]]
    )
    old.executemany("INSERT INTO account VALUES (?, ?, ?)", [("alice", 5, "hash"), ("carol", 6, "another")])
    old.executemany(
        "INSERT INTO device VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (hash_token("alice's token"), "alice", 1, "pc", "::1", 5, 6),
            (hash_token("alice's phone"), "alice", 4, "phone", "::2", 7, 8),
            (hash_token("bob's token"), "bob", 1, "", "192.0.2.7", 2, LEFT),
        ],
    )
    old.executemany(
        "INSERT INTO message (id, room, seq, at, author, name, recipient, recipient_name, text)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (1, "lobby", 1, NOW, "carol", "carol", None, None, "to all"),
            (2, BETWEEN, 1, NOW + 1, "alice", "alice", "bob", "dan", "hi"),
            (3, BETWEEN, 2, NOW + 2, "bob", "dan", "alice", "alice", "hi back"),
            (4, "lobby", 2, NOW + 3, "bob", "dan", None, None, "hello @alice"),
            (5, BETWEEN, 3, NOW + 4, "alice", "alice", "bob", "bob", "are you there?"),
            (6, "@alice@carol", 1, NOW + 5, "carol", "carol", "alice", "alice", "psst"),
            (7, "@alice@alice", 1, NOW + 6, "alice", "alice", "alice", "alice", "milk"),
            (8, "@alice@dora", 1, NOW + 7, "dora", "bob", "alice", "alice", "it is me"),
            (9, "@alice@dora", 2, NOW + 8, "alice", "alice", "dora", "bob", "who?"),
            (10, "@alice@dora", 3, NOW + 9, "alice", "alice", "dora", "bob", "who are you?"),
            (11, "lobby", 3, NOW + 10, "gone", "deleted", None, None, ""),
        ],
    )
    old.executemany(
        "INSERT INTO mark VALUES (?, ?, ?, ?)",
        [
            ("alice", "lobby", 1, 2),
            ("bob", "lobby", 2, 2),
            ("carol", "lobby", 3, 3),
            ("alice", BETWEEN, 3, 3),
            ("bob", BETWEEN, 2, 2),
            ("alice", "@alice@carol", 0, 1),
            ("carol", "@alice@carol", 1, 1),
            ("alice", "@alice@alice", 1, 1),
            ("alice", "@alice@dora", 3, 3),
            ("carol", "@bob@carol", 0, 0),  # somebody wrote, and the disk took the marks and no message
        ],
    )
    old.executemany("INSERT INTO mention VALUES (?, ?, ?)", [("alice", "lobby", 2)])
    old.executemany(
        "INSERT INTO scheduled VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (4, 9, "alice", "alice", "bob", "bob", "tea!", LATER),
            (5, 3, "bob", "bob", "alice", "alice", "coffee!", LATER + 1),
            (6, 8, "alice", "alice", None, None, "to all", LATER + 2),
            (7, 7, "alice", "alice", "alice", "alice", "bread", LATER + 3),
        ],
    )
    old.executemany(
        "INSERT INTO sent_key (user, key, at, room, username, seq, number, time)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [(*row[:3], row[3] if row[3] == "lobby" else None, *row[4:]) for row in KEYS],
    )
    old.execute("INSERT INTO ignored VALUES ('alice', 'dora')")
    old.execute("INSERT INTO report VALUES ('dora', 'bob', 'bob', 'spam', 7, '192.0.2.7')")
    old.execute("INSERT INTO mute VALUES ('dora', ?, 'spam', 1)", (LATER,))
    old.execute("INSERT INTO ban VALUES ('address', '192.0.2.0/24', ?, 'flood')", (LATER,))
    old.commit()
    old.close()
    return folder


KEYS = [
    NewKey("alice", "to all", NOW, "lobby", None, 1, None, NOW),
    NewKey("alice", "to bob", NOW + 4, BETWEEN, "bob", 3, None, NOW + 4),
    NewKey("alice", "to dora", NOW + 9, "@alice@dora", "bob", 3, None, NOW + 9),
    NewKey("alice", "to dan", NOW + 1, BETWEEN, "dan", 1, None, NOW + 1),
    NewKey("alice", "to myself", NOW + 6, "@alice@alice", "alice", 1, None, NOW + 6),
    NewKey("bob", "to alice", NOW + 2, BETWEEN, "alice", 2, None, NOW + 2),
    NewKey("alice", "later to bob", NOW, BETWEEN, "bob", None, 9, LATER),
    NewKey("alice", "later to all", NOW, "lobby", None, None, 8, LATER + 2),
    NewKey("alice", "later to carol, and sent", NOW, "@alice@carol", "carol", None, 2, NOW + 1),
]
"""What they should be; 0.1.0 stored no room for those to one user."""


def test_the_released_schema_migrates_to_that_of_a_fresh_database(released: Path) -> None:
    migrated, fresh = SqliteStore(released), SqliteStore(None)
    assert schema(migrated._writer) == schema(fresh._writer)
    assert version(migrated._writer) == migrations()[-1][0]
    assert rows(migrated, "PRAGMA integrity_check") == [("ok",)]
    migrated.close()
    fresh.close()


def test_after_migrating_each_row_refers_to_rows_that_are_there(released: Path) -> None:
    store = SqliteStore(released)
    assert rows(store, "PRAGMA foreign_key_check") == []
    assert rows(store, "SELECT DISTINCT room FROM event EXCEPT SELECT name FROM room") == []
    store.close()


def test_nothing_that_the_released_version_kept_is_lost(released: Path) -> None:
    old = sqlite3.connect(released / "tcpchat.db")
    renamed = {"message": "event", "mark": "member"}
    tables = [row[0] for row in old.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    select = {}
    for table in tables:
        columns = [row[1] for row in old.execute(f"PRAGMA table_info({table})")]
        if table == "sent_key":
            columns.remove("room")  # it is filled
        select[table] = "SELECT {} FROM {{}} ORDER BY {}".format(", ".join(columns), ", ".join(columns))
    before = {table: old.execute(select[table].format(table)).fetchall() for table in tables}
    assert all(before.values()), "there is something of everything"
    old.close()
    store = SqliteStore(released)
    for table in tables:
        after = rows(store, select[table].format(renamed.get(table, table)))
        assert after == before[table], table
    store.close()


def test_messages_are_events_and_stay_in_their_order(released: Path) -> None:
    store = SqliteStore(released)
    kinds = rows(store, "SELECT DISTINCT kind, target, edited FROM event")
    assert kinds == [("message", None, None)]
    history = store.ask(read_history, BETWEEN, 10, before=None, after=None, until=10)
    assert [(row.seq, row.name, row.recipient_name, row.text) for row in history] == [
        (1, "alice", "dan", "hi"),
        (2, "dan", "alice", "hi back"),
        (3, "alice", "bob", "are you there?"),
    ]
    snapshot = store.ask(load_snapshot, 20, 0)
    assert [row.text for row in snapshot.recent] == ["to all", "hello @alice", ""]
    assert (snapshot.lobby_seq, snapshot.messages) == (3, 11)
    assert [row[0] for row in rows(store, "SELECT seq FROM event WHERE room = 'lobby' ORDER BY id")] == [
        1,
        2,
        3,
    ]
    store.close()


def test_the_lobby_and_each_conversation_is_a_room(released: Path) -> None:
    store = SqliteStore(released)
    assert rows(store, "SELECT name, kind FROM room ORDER BY name") == [
        ("@alice@alice", "direct"),
        (BETWEEN, "direct"),
        ("@alice@carol", "direct"),
        ("@alice@dora", "direct"),
        ("@bob@carol", "direct"),
        ("lobby", "lobby"),
    ]
    store.close()


def test_marks_are_members_and_unread_messages_stay_unread(released: Path) -> None:
    store = SqliteStore(released)
    members = [SetMember(*row) for row in rows(store, "SELECT user, room, read, delivered FROM member")]
    assert len(members) == 10
    assert rows(store, "SELECT DISTINCT role FROM member") == [("member",)]
    assert {SetMember("alice", "lobby", 1, 2), SetMember("alice", "@alice@carol", 0, 1)} < {*members}
    bob = store.ask(find_user, hash_token("bob's token"), 10)
    assert bob is not None
    assert sorted(bob.members) == [MemberRow(BETWEEN, 3, 2, 2), MemberRow("lobby", 3, 2, 2)]
    alice = store.ask(find_user, "alice", 10)
    assert alice is not None
    unread = [UnreadRange(one.room, one.read, one.seq) for one in sorted(alice.members)]
    assert [one.room for one in unread] == [
        "@alice@alice", BETWEEN, "@alice@carol", "@alice@dora", "lobby"
    ]  # fmt: skip
    counts = store.ask(count_unread, "alice", unread, alice.ignored)
    assert counts == [(0, False), (0, False), (1, False), (0, False), (2, True)]
    store.close()


def test_the_rest_of_a_user_of_the_released_version_is_as_it_was(released: Path) -> None:
    store = SqliteStore(released)
    alice = store.ask(find_user, hash_token("alice's phone"), 10)
    assert alice is not None
    assert (alice.user, alice.at, alice.left, alice.name, alice.registered) == ("alice", 1, None, "alice", 5)
    assert (alice.last_number, alice.away, alice.receipts) == (9, AwayRow("tea", 7), False)
    assert alice.ignored == ["dora"]
    assert alice.sessions == [
        SetSession(hash_token("alice's token"), "alice", 1, "pc", "::1", 5, 6),
        SetSession(hash_token("alice's phone"), "alice", 4, "phone", "::2", 7, 8),
    ]
    snapshot = store.ask(load_snapshot, 0, LEFT)
    assert sorted(row.user for row in snapshot.registered) == ["alice", "carol"]
    assert snapshot.absent == [NameRow("bob", "bob", "bob", None, LEFT)]
    assert snapshot.reports == [NewReport("dora", "bob", "bob", "spam", 7, "192.0.2.7")]
    assert snapshot.mutes == [SetMute("dora", LATER, "spam", 1)]
    assert snapshot.bans == [SetBan("address", "192.0.2.0/24", LATER, "flood")]
    store.close()


def test_a_scheduled_message_has_the_room_that_it_goes_to(released: Path) -> None:
    store = SqliteStore(released)
    assert store.ask(load_snapshot, 0, 0).scheduled == [
        NewScheduled(4, 9, "alice", "alice", BETWEEN, "bob", "bob", "tea!", LATER),
        NewScheduled(5, 3, "bob", "bob", BETWEEN, "alice", "alice", "coffee!", LATER + 1),
        NewScheduled(6, 8, "alice", "alice", "lobby", None, None, "to all", LATER + 2),
        NewScheduled(7, 7, "alice", "alice", "@alice@alice", "alice", "alice", "bread", LATER + 3),
    ]
    store.close()


def test_nothing_that_was_said_before_there_were_actions_is_one(released: Path) -> None:
    store = SqliteStore(released)
    assert rows(store, "SELECT DISTINCT action FROM event") == [(0,)]
    assert {one.action for one in store.ask(load_snapshot, 20, 0).scheduled} == {0}
    store.close()


@pytest.mark.parametrize("user", ["alice", "bob"])
def test_a_key_has_the_room_that_was_sent_to(released: Path, user: str) -> None:
    """Whatever the other user was called then, and whoever has that name now."""
    store = SqliteStore(released)
    found = store.ask(find_user, user, 100)
    assert found is not None
    assert found.keys == [key for key in KEYS if key.user == user]
    store.close()


def test_a_key_whose_room_nobody_knows_any_more_is_not_one_of_the_lobby(released: Path) -> None:
    """A scheduled message was sent, and the name of its recipient is gone."""
    old = sqlite3.connect(released / "tcpchat.db")
    old.execute(
        "INSERT INTO sent_key (user, key, at, username, number, time) VALUES ('bob', 'gone', 0, 'eve', 2, 7)"
    )
    old.commit()
    old.close()
    store = SqliteStore(released)
    ((room,),) = rows(store, "SELECT room FROM sent_key WHERE key = 'gone'")
    store.close()
    assert room.startswith("@")
