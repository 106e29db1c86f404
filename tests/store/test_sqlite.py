"""The store on disk: nothing committed is lost or changed, and what failed left nothing."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tcpchat.errors import StartError
from tcpchat.store import (
    Change,
    DropScheduled,
    DropToken,
    Identity,
    MoveConduct,
    NewKey,
    NewMessage,
    NewReport,
    NewScheduled,
    NewUser,
    Prune,
    SetMute,
    SetName,
    SetToken,
    Snapshot,
    StorageError,
    TrimKeys,
)
from tcpchat.store.sqlite import ROWS, SqliteStore, Synchronous, _statements, migrate, migrations

NOW = 1_795_251_600_123
HERE = Path(__file__).parent


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def store(folder: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(folder, "off")
    yield store
    store.close()


def message(seq: int, text: str = "hi", room: str = "lobby") -> NewMessage:
    return NewMessage(room, seq, NOW + seq, "u1", "alice", None, None, text)


def private(seq: int) -> NewMessage:
    return NewMessage("@u1", seq, NOW, "u1", "alice", "u2", "bob", "psst")


def scheduled(id: int) -> NewScheduled:
    return NewScheduled(id, 1, "u1", "alice", None, None, "tea!", NOW + 5000)


def everything(store: SqliteStore, room: str = "lobby") -> list[NewMessage]:
    return store.history(room, 10_000, before=None, after=0, until=10_000)


def seqs(messages: list[NewMessage]) -> list[int]:
    return [message.seq for message in messages]


def after_restart(store: SqliteStore, folder: Path, recent: int = 20) -> Snapshot:
    """Return what a fresh store loads once this one is closed."""
    store.close()
    again = SqliteStore(folder)
    snapshot = again.load("lobby", recent)
    again.close()
    return snapshot


# Every kind of change


def test_an_empty_store_loads_nothing(store: SqliteStore) -> None:
    journal = store.load("lobby", 20).journal
    assert store.load("lobby", 20) == Snapshot(
        journal=journal,
        lobby_seq=0,
        messages=0,
        recent=[],
        scheduled=[],
        reports=[],
        mutes=[],
        names={},
        guests=0,
        scheduled_id=0,
    )


def test_messages_survive_a_restart(store: SqliteStore, folder: Path) -> None:
    store.commit([message(1, "one"), message(2, "two"), message(3, "three"), private(1)])

    snapshot = after_restart(store, folder, recent=2)

    assert snapshot.recent == [message(2, "two"), message(3, "three")]
    assert snapshot.lobby_seq == 3
    assert snapshot.messages == 4


def test_a_private_message_comes_back_with_its_recipient(store: SqliteStore) -> None:
    store.commit([private(1)])
    assert everything(store, "@u1") == [private(1)]


def test_rooms_number_their_messages_independently(store: SqliteStore) -> None:
    store.commit([message(1), message(1, room="attic"), message(2, room="attic")])
    assert seqs(everything(store, "attic")) == [1, 2]
    assert store.load("lobby", 20).lobby_seq == 1


def test_scheduled_messages_survive_a_restart_until_they_are_dropped(
    store: SqliteStore, folder: Path
) -> None:
    secret = scheduled(8)._replace(recipient="u2", recipient_name="bob")
    store.commit([scheduled(7), secret, scheduled(9)])
    store.commit([DropScheduled(7)])

    snapshot = after_restart(store, folder)

    assert snapshot.scheduled == [secret, scheduled(9)]
    assert snapshot.scheduled_id == 9


def test_reports_and_mutes_survive_a_restart_with_the_names_of_those_concerned(
    store: SqliteStore, folder: Path
) -> None:
    report = NewReport("u1", "u2", "bob", "spam", NOW)
    mute = SetMute("u3", NOW + 600_000, None)
    store.commit([NewUser(id, NOW) for id in ("u1", "u2", "u3")])
    store.commit([SetName("u1", "alice", "Alice"), SetName("u2", "bob", "Bob"), SetName("u3", "eve", "Eve")])
    store.commit([report, mute])

    snapshot = after_restart(store, folder)

    assert snapshot.reports == [report]
    assert snapshot.mutes == [mute]
    assert snapshot.names == {"alice": "u1", "eve": "u3"}


def test_a_later_mute_replaces_the_earlier_one(store: SqliteStore) -> None:
    store.commit([SetMute("u1", NOW, "once")])
    store.commit([SetMute("u1", NOW + 1, "twice")])
    assert store.load("lobby", 0).mutes == [SetMute("u1", NOW + 1, "twice")]


def test_keeping_a_user_twice_keeps_the_first_time(store: SqliteStore) -> None:
    store.commit([NewUser("u1", NOW), NewUser("u1", NOW + 1)])
    assert store._writer.execute("SELECT id, at FROM user").fetchall() == [("u1", NOW)]


def test_a_user_has_one_name_and_a_name_one_user(store: SqliteStore) -> None:
    store.commit([SetName("u1", "alice", "Alice"), SetName("u2", "bob", "Bob")])
    store.commit([SetName("u1", "bob", "BOB")])
    assert store._writer.execute("SELECT key, name, user FROM name").fetchall() == [("bob", "BOB", "u1")]


def test_load_tells_the_highest_guest_number(store: SqliteStore) -> None:
    names = ["guest-9", "guest-10", "guest-", "guest-x", "zz", "guests-99"]
    store.commit([SetName(f"u{n}", name, name) for n, name in enumerate(names)])
    assert store.load("lobby", 0).guests == 10


# Who may come back


def key(number: int, user: str = "u1", at: int = NOW) -> NewKey:
    return NewKey(user, f"k{number}", at, "lobby", None, number, None, at)


def known(store: SqliteStore, id: str = "u1", left: int | None = None) -> None:
    store.commit(
        [NewUser(id, NOW), SetName(id, f"name of {id}", id.upper()), SetToken(id, id.encode(), left)]
    )


def tokens(store: SqliteStore) -> list[tuple[str, int | None]]:
    return store._writer.execute("SELECT user, left FROM token ORDER BY user").fetchall()


def test_the_journal_has_one_id_for_ever(store: SqliteStore, folder: Path) -> None:
    other = SqliteStore(None)
    journal = store.load("lobby", 0).journal
    assert len(journal) == 16
    assert after_restart(store, folder).journal == journal != other.load("lobby", 0).journal
    other.close()


@pytest.mark.parametrize("in_memory", [False, True])
def test_a_token_brings_back_what_is_known_of_its_user(folder: Path, *, in_memory: bool) -> None:
    store = SqliteStore(None if in_memory else folder, "off")
    known(store, "u1", left=5)
    known(store, "u2")
    between = [("u1", "u2"), ("u2", "u1"), ("u3", "u1"), ("u1", "u1"), ("u2", "u3")]
    for seq, (author, recipient) in enumerate(between, 1):
        store.commit([NewMessage(f"@{author}{recipient}", seq, NOW, author, "x", recipient, "y", "psst")])
    store.commit([message(1), message(2)])
    store.commit([scheduled(1)._replace(number=7)])
    store.commit([DropScheduled(1)])
    store.commit([key(1), key(2, "u2"), key(3)])
    expected = Identity("u1", 5, "U1", 7, [key(1), key(3)], [("u1", 4), ("u2", 2), ("u3", 3)])
    assert store.identity(b"u1", 10) == expected
    assert store.identity(b"u1", 1) == expected._replace(keys=[key(3)])
    assert store.identity(b"u3", 10) is None
    store.close()


def test_a_user_whose_name_was_taken_has_none(store: SqliteStore) -> None:
    known(store)
    store.commit([SetName("u2", "name of u1", "U1")])
    found = store.identity(b"u1", 1)
    assert found is not None
    assert found.name is None


def test_an_identity_that_cannot_be_read_is_a_storage_error(store: SqliteStore) -> None:
    store._writer.execute("DROP TABLE token")
    with pytest.raises(StorageError, match="token"):
        store.identity(b"", 1)
    with pytest.raises(StorageError, match="token"):
        store.begin(NOW, Prune(0, 0))


def test_when_a_user_left_is_told_anew_and_a_token_can_be_dropped(store: SqliteStore) -> None:
    for id in ("u1", "u2", "u3"):
        known(store, id)
    store.commit([DropToken("u1"), DropToken("u3"), SetToken("u2", b"u2", 7)])
    assert tokens(store) == [("u2", 7)]
    store.commit([SetToken("u2", b"u2", None)])
    assert tokens(store) == [("u2", None)]


def test_a_start_ends_what_is_over_and_counts_from_then_for_the_others(store: SqliteStore) -> None:
    for id, left in (("u1", 4), ("u2", 5), ("u3", None)):
        known(store, id, left)
    store.commit([key(1, at=7), key(2, at=8)])
    store.begin(100, Prune(left=5, keys=8))
    assert tokens(store) == [("u2", 5), ("u3", 100)]
    found = store.identity(b"u3", 9)
    assert found is not None
    assert store._writer.execute("SELECT key FROM sent_key").fetchall() == [("k2",)]


def test_pruning_leaves_who_is_here(store: SqliteStore) -> None:
    for id, left in (("u1", 4), ("u2", 5), ("u3", None)):
        known(store, id, left)
    store.commit([key(1, at=7), key(2, at=8), Prune(left=5, keys=8)])
    assert tokens(store) == [("u2", 5), ("u3", None)]
    store.commit([Prune(left=5, keys=8)])
    assert store._writer.execute("SELECT key FROM sent_key").fetchall() == [("k2",)]


def test_the_newest_keys_of_a_user_stay(store: SqliteStore) -> None:
    store.commit([key(number) for number in range(10)] + [key(5, "u2")])
    store.commit([key(0)])  # used again, so it is the newest
    store.commit([TrimKeys("u1", 3)])
    store.commit([TrimKeys("u2", 3)])
    kept = store._writer.execute("SELECT user, key FROM sent_key ORDER BY id").fetchall()
    assert kept == [("u1", "k8"), ("u1", "k9"), ("u2", "k5"), ("u1", "k0")]


def test_messages_with_keys_take_as_few_statements_as_two_kinds_of_rows() -> None:
    batch: list[Change] = []
    for seq in range(1, ROWS + 1):
        batch += [message(seq), key(seq)]
    assert len(list(_statements(batch))) == 2


def test_a_message_and_its_key_are_kept_or_lost_together(store: SqliteStore) -> None:
    store.commit([message(1)])
    with pytest.raises(sqlite3.IntegrityError):
        store.commit([message(2), key(2), message(1), key(1)])
    assert store._writer.execute("SELECT count(*) FROM sent_key").fetchone() == (0,)
    assert seqs(everything(store)) == [1]


def test_nothing_of_identities_reads_whole_tables(store: SqliteStore) -> None:
    """Messages are many: who resumes must not make the reader go through all of them."""
    plans: list[str] = []
    connection = store._connect()
    connection.set_trace_callback(plans.append)
    store._readers.append(connection)
    known(store)
    store.identity(b"u1", 10)
    connection.set_trace_callback(None)
    assert len(plans) == 3
    for statement in plans:
        plan = connection.execute(f"EXPLAIN QUERY PLAN {statement}").fetchall()
        tables = [row[3] for row in plan if row[3].startswith("SCAN")]
        assert not [line for line in tables if "message" in line or "token" in line or "key" in line], plan


# Reports and mutes that follow a user to another identity


def conduct(store: SqliteStore) -> tuple[list[tuple[str, str]], list[SetMute]]:
    snapshot = store.load("lobby", 0)
    return sorted((report.target, report.reporter) for report in snapshot.reports), snapshot.mutes


def test_moved_conduct_counts_a_reporter_of_both_once(store: SqliteStore) -> None:
    store.commit(
        [
            NewReport("old", "bob", "bob", "first", NOW),
            NewReport("old", "carol", "carol", None, NOW),
            NewReport("new", "bob", "bob", "second", NOW),
            NewReport("other", "bob", "bob", None, NOW),
        ]
    )
    store.commit([MoveConduct("old", "new")])
    reports, _ = conduct(store)
    assert reports == [("new", "bob"), ("new", "carol"), ("other", "bob")]
    reasons = {report.reason for report in store.load("lobby", 0).reports}
    assert "second" in reasons, "the report that stood there already is the one that is kept"


@pytest.mark.parametrize(
    ("old", "new", "kept"),
    [
        (SetMute("old", 5, "a"), SetMute("new", 9, "b"), SetMute("new", 9, "b")),
        (SetMute("old", 9, "a"), SetMute("new", 5, "b"), SetMute("new", 9, "a")),
        (SetMute("old", 9, "a"), None, SetMute("new", 9, "a")),
        (None, SetMute("new", 5, "b"), SetMute("new", 5, "b")),
    ],
)
def test_moved_conduct_keeps_the_later_mute(
    store: SqliteStore, old: SetMute | None, new: SetMute | None, kept: SetMute
) -> None:
    store.commit([mute for mute in (old, new) if mute is not None])
    store.commit([MoveConduct("old", "new")])
    reports, mutes = conduct(store)
    assert reports == []
    assert [mute for mute in mutes if mute.user == "new"] == [kept]
    assert [mute for mute in mutes if mute.user == "old"] == [mute for mute in [old] if mute is not None]


# History


@pytest.mark.parametrize(
    ("count", "before", "after", "until", "found"),
    [
        (3, None, None, 10, [8, 9, 10]),
        (3, None, None, 5, [3, 4, 5]),
        (3, 8, None, 10, [5, 6, 7]),
        (3, 8, None, 5, [3, 4, 5]),
        (3, 6, None, 5, [3, 4, 5]),
        (3, 5, None, 5, [2, 3, 4]),
        (9, 3, None, 10, [1, 2]),
        (3, 1, None, 10, []),
        (3, 99, None, 99, [8, 9, 10]),
        (3, None, 0, 10, [1, 2, 3]),
        (3, None, 4, 10, [5, 6, 7]),
        (3, None, 4, 6, [5, 6]),
        (3, None, 8, 10, [9, 10]),
        (3, None, 10, 10, []),
        (3, 7, 4, 10, [5, 6]),
        (1, None, None, 10, [10]),
        (0, None, None, 10, []),
        (0, None, 0, 10, []),
        (99, None, None, 0, []),
    ],
)
def test_history_returns_the_messages_asked_for_in_order(
    store: SqliteStore, count: int, before: int | None, after: int | None, until: int, found: list[int]
) -> None:
    store.commit([message(seq) for seq in range(1, 11)])
    store.commit([message(seq, room="attic") for seq in range(1, 11)])
    assert seqs(store.history("lobby", count, before=before, after=after, until=until)) == found


def test_history_does_not_wait_for_the_writer(store: SqliteStore) -> None:
    store.commit([message(1)])
    store._writer.execute("BEGIN IMMEDIATE")
    store._writer.execute("UPDATE message SET text = 'half done'")
    assert everything(store) == [message(1)]
    store._writer.execute("ROLLBACK")


def test_history_of_a_broken_table_is_a_storage_error_and_the_reader_stays_of_use(
    store: SqliteStore,
) -> None:
    store._writer.execute("ALTER TABLE message RENAME TO lost")
    with pytest.raises(StorageError, match="message"):
        everything(store)
    store._writer.execute("ALTER TABLE lost RENAME TO message")
    assert everything(store) == []


@pytest.mark.parametrize("in_memory", [False, True])
def test_history_may_be_read_from_several_threads_while_another_commits(
    folder: Path, *, in_memory: bool
) -> None:
    store = SqliteStore(None if in_memory else folder, "off")
    written = 200
    found: list[list[int]] = []
    failed: list[BaseException] = []

    def read() -> None:
        try:
            while not found or found[-1][-1:] != [written]:
                found.append(seqs(everything(store)))
        except BaseException as error:  # told below, in the test's own thread
            failed.append(error)

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for seq in range(1, written, 2):
        store.commit([message(seq), message(seq + 1)])
    for thread in threads:
        thread.join(20)
    store.close()

    assert not failed
    assert not any(thread.is_alive() for thread in threads)
    assert all(len(read) % 2 == 0 for read in found), "a batch was seen by half"
    assert all(read == list(range(1, len(read) + 1)) for read in found)


# Batches


@pytest.mark.parametrize("size", [1, ROWS - 1, ROWS, ROWS + 1, 200])
def test_a_batch_of_any_size_is_kept_whole_and_in_order(store: SqliteStore, size: int) -> None:
    batch = [message(seq, f"text {seq}") for seq in range(1, size + 1)]
    store.commit(batch)
    assert everything(store) == batch
    ids = store._writer.execute("SELECT seq FROM message ORDER BY id").fetchall()
    assert ids == [(seq,) for seq in range(1, size + 1)]


def test_an_empty_batch_changes_nothing(store: SqliteStore) -> None:
    store.commit([])
    assert store.load("lobby", 20).messages == 0


def test_a_mixed_batch_is_written_in_its_order(store: SqliteStore) -> None:
    batch: list[Change] = [
        NewUser("u1", NOW),
        SetName("u1", "alice", "alice"),
        message(1),
        NewScheduled(1, 1, "u1", "alice", None, None, "later", NOW),
        DropScheduled(1),  # were it first, the message would be still there
        message(2),
        SetName("u1", "bob", "bob"),
        SetMute("u1", 5, None),
        MoveConduct("u1", "u2"),
        SetMute("u1", 3, None),
        message(3),
    ]
    store.commit(iter(batch))
    snapshot = store.load("lobby", 20)
    assert seqs(snapshot.recent) == [1, 2, 3]
    assert snapshot.scheduled == []
    assert snapshot.mutes == [SetMute("u1", 3, None), SetMute("u2", 5, None)]
    assert snapshot.names == {"bob": "u1"}


@pytest.mark.parametrize("size", [2, ROWS + 1, 3 * ROWS])
def test_a_batch_whose_last_change_fails_leaves_nothing(store: SqliteStore, size: int) -> None:
    store.commit([message(1)])
    batch: list[Change] = [SetMute("u1", NOW, None), *(message(seq) for seq in range(2, size + 1))]
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        store.commit([*batch, DropScheduled(1), message(1)])
    assert everything(store) == [message(1)]
    assert store.load("lobby", 0).mutes == []

    store.commit(batch)
    assert len(everything(store)) == size


def test_a_single_change_that_is_wrong_is_a_bug_and_not_the_disk(store: SqliteStore) -> None:
    store.commit([message(1)])
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        store.commit([message(1, "again")])
    assert everything(store) == [message(1)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nul \0 inside",
        "".join(chr(code) for code in range(0x20)) + "\x7f\x80\x9b",
        "👩‍👩‍👧‍👦 \U0010ffff \u202e\ufeff",
        "'; DROP TABLE message; -- \" ?1",
        " spaces at both ends \n",
        "x" * 150_000,
    ],
    ids=["empty", "nul", "control", "emoji", "sql", "spaces", "long"],
)
def test_text_comes_back_as_it_was_sent(store: SqliteStore, folder: Path, text: str) -> None:
    store.commit([message(1, text)])
    assert after_restart(store, folder).recent == [message(1, text)]


# A full disk


def test_a_full_disk_refuses_batches_but_serves_readers_and_recovers(store: SqliteStore) -> None:
    store.commit([message(1)])
    pages = store._writer.execute("PRAGMA page_count").fetchone()[0]
    store._writer.execute(f"PRAGMA max_page_count = {pages}")
    large = [message(seq, "x" * 10_000) for seq in range(2, 20)]

    for batch in (large, large[:1]):
        with pytest.raises(StorageError, match="full"):
            store.commit(batch)
        assert everything(store) == [message(1)]

    store._writer.execute("PRAGMA max_page_count = 1000000")
    store.commit(large)
    assert everything(store) == [message(1), *large]


# The folder, and who may use it


@pytest.mark.parametrize(("setting", "value"), [("full", 2), ("normal", 1), ("off", 0)])
def test_the_disk_is_waited_for_as_set(folder: Path, setting: Synchronous, value: int) -> None:
    store = SqliteStore(folder, setting)
    assert store._writer.execute("PRAGMA synchronous").fetchone() == (value,)
    assert store._writer.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    store.close()


def test_the_default_waits_for_the_disk(folder: Path) -> None:
    store = SqliteStore(folder)
    assert store._writer.execute("PRAGMA synchronous").fetchone() == (2,)
    store.close()


def test_only_its_owner_may_look_into_a_new_folder(store: SqliteStore, folder: Path) -> None:
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_second_store_in_the_same_process_is_refused(store: SqliteStore, folder: Path) -> None:
    with pytest.raises(StartError) as refused:
        SqliteStore(folder)
    assert str(folder) in str(refused.value)
    assert f"process {os.getpid()}" in str(refused.value)
    store.commit([message(1)])
    assert everything(store) == [message(1)]


def test_a_store_in_a_second_process_is_refused_until_the_first_closes(
    store: SqliteStore, folder: Path
) -> None:
    program = (
        "import sys, pathlib\n"
        "from tcpchat.errors import StartError\n"
        "from tcpchat.store.sqlite import SqliteStore\n"
        "try: SqliteStore(pathlib.Path(sys.argv[1])).close()\n"
        "except StartError as error: print(error)\n"
    )

    def try_it() -> str:
        run = subprocess.run(
            [sys.executable, "-c", program, folder], capture_output=True, text=True, timeout=20, check=True
        )
        return run.stdout

    refused = try_it()
    assert str(folder) in refused
    assert f"process {os.getpid()}" in refused
    store.close()
    assert try_it() == ""


def test_a_store_in_memory_touches_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = SqliteStore(None)
    store.commit([message(1)])
    assert everything(store) == [message(1)]
    store.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("below", [".", "data", "deep/data"])
def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").write_text("")
    folder = tmp_path / "file" / below
    with pytest.raises(StartError, match="cannot be used") as refused:
        SqliteStore(folder)
    assert str(folder) in str(refused.value)


def test_a_file_that_is_no_database_is_refused_left_as_it_was_and_unlocked(folder: Path) -> None:
    folder.mkdir()
    database = folder / "tcpchat.db"
    database.write_bytes(b"This is no database. " * 500)
    for _ in range(2):  # the second would find the folder locked, had the first kept the lock
        with pytest.raises(StartError, match="not a database") as refused:
            SqliteStore(folder)
        assert str(folder) in str(refused.value)
    assert database.read_bytes() == b"This is no database. " * 500


def test_a_newer_database_is_refused_left_as_it_was_and_unlocked(store: SqliteStore, folder: Path) -> None:
    newest = migrations()[-1][0]
    store._writer.execute(f"PRAGMA user_version = {newest + 1}")
    store.close()
    for _ in range(2):
        with pytest.raises(StartError, match=f"version {newest + 1}.*up to {newest}"):
            SqliteStore(folder)
    database = sqlite3.connect(folder / "tcpchat.db")
    assert database.execute("PRAGMA user_version").fetchone() == (newest + 1,)
    database.close()


# Migrations


def schema(database: sqlite3.Connection) -> list[tuple[str, str]]:
    return database.execute("SELECT name, sql FROM sqlite_schema ORDER BY name").fetchall()


def version(database: sqlite3.Connection) -> int:
    return int(database.execute("PRAGMA user_version").fetchone()[0])


def test_migrations_are_numbered_from_one_without_gaps() -> None:
    numbers = [number for number, _ in migrations()]
    assert numbers[0] == 1
    assert all(second == first + 1 for first, second in pairwise(numbers))


def test_the_first_schema_migrates_to_that_of_a_fresh_database_and_keeps_its_rows(folder: Path) -> None:
    folder.mkdir()
    old = sqlite3.connect(folder / "tcpchat.db")
    old.executescript((HERE / "schema_0001.sql").read_text() + "PRAGMA user_version = 1;")
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
    snapshot = migrated.load("lobby", 20)
    assert snapshot.recent == [message(1)]
    assert snapshot.scheduled == [scheduled(4)]
    assert snapshot.reports == [NewReport("u1", "u2", "bob", None, 7)]
    assert snapshot.mutes == [SetMute("u1", 9, "spam")]
    assert snapshot.names == {"alice": "u1"}
    assert migrated._writer.execute("SELECT id, last_number FROM user").fetchall() == [("u1", 1)]
    assert len(snapshot.journal) == 16
    migrated.close()
    fresh.close()


def test_the_first_migration_is_never_edited() -> None:
    """Databases with it are out there: what changes comes in a further file."""
    number, script = migrations()[0]
    assert number == 1
    assert script == (HERE / "schema_0001.sql").read_text()


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
