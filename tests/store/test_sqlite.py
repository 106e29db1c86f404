"""The store on disk: nothing committed is lost or changed, and what failed left nothing."""

from __future__ import annotations

import errno
import fcntl
import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from tcpchat.errors import InUseError, StartError
from tcpchat.store import StorageError
from tcpchat.store.changes import (
    Change,
    DropScheduled,
    NewReport,
    NewScheduled,
    NewUser,
    SetMember,
    SetMute,
    SetName,
    TransferReports,
)
from tcpchat.store.migrate import migrations
from tcpchat.store.queries.events import read_history
from tcpchat.store.queries.snapshot import load_snapshot
from tcpchat.store.rows import Snapshot
from tcpchat.store.sqlite import SqliteStore, Synchronous
from tcpchat.store.statements import ROWS
from tests.store.rows import (
    NOW,
    StoreWithUsers,
    direct,
    everything,
    message,
    scheduled,
    seqs,
    stored,
)


def after_restart(store: SqliteStore, folder: Path, recent: int = 20) -> Snapshot:
    """Return what a fresh store loads once this one is closed."""
    store.close()
    again = SqliteStore(folder)
    snapshot = again.ask(load_snapshot, recent, 0)
    again.close()
    return snapshot


# Every kind of change


def test_an_empty_store_loads_nothing(store: SqliteStore) -> None:
    journal = store.ask(load_snapshot, 20, 0).journal
    assert store.ask(load_snapshot, 20, 0) == Snapshot(
        journal=journal,
        lobby_seq=0,
        messages=0,
        recent=[],
        scheduled=[],
        reports=[],
        mutes=[],
        names={},
        registered=[],
        absent=[],
        guests=0,
        scheduled_id=0,
    )


def test_messages_survive_a_restart(store: SqliteStore, folder: Path) -> None:
    store.commit([message(1, "one"), message(2, "two"), message(3, "three"), direct(1)])

    snapshot = after_restart(store, folder, recent=2)

    assert snapshot.recent == [stored(message(2, "two")), stored(message(3, "three"))]
    assert snapshot.lobby_seq == 3
    assert snapshot.messages == 4


def test_a_direct_message_comes_back_with_its_recipient(store: SqliteStore) -> None:
    store.commit([direct(1)])
    assert everything(store, "@u1@u2") == [stored(direct(1))]


def test_rooms_number_their_messages_independently(store: SqliteStore) -> None:
    store.commit([message(1), message(1, room="attic"), message(2, room="attic")])
    assert seqs(everything(store, "attic")) == [1, 2]
    assert store.ask(load_snapshot, 20, 0).lobby_seq == 1


def test_scheduled_messages_survive_a_restart_until_they_are_dropped(
    store: SqliteStore, folder: Path
) -> None:
    secret = scheduled(8)._replace(room="@u1@u2", recipient="u2", recipient_name="bob")
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
    assert store.ask(load_snapshot, 0, 0).mutes == [SetMute("u1", NOW + 1, "twice")]


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
    assert store.ask(load_snapshot, 0, 0).guests == 10


def test_the_journal_has_one_id_for_ever(store: SqliteStore, folder: Path) -> None:
    other = SqliteStore(None)
    journal = store.ask(load_snapshot, 0, 0).journal
    assert len(journal) == 16
    assert after_restart(store, folder).journal == journal != other.ask(load_snapshot, 0, 0).journal
    other.close()


# Reports and mutes that follow a user to another identity


def conduct(store: SqliteStore) -> tuple[list[tuple[str, str]], list[SetMute]]:
    snapshot = store.ask(load_snapshot, 0, 0)
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
    store.commit([TransferReports("old", "new")])
    reports, _ = conduct(store)
    assert reports == [("new", "bob"), ("new", "carol"), ("other", "bob")]
    reasons = {report.reason for report in store.ask(load_snapshot, 0, 0).reports}
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
    store.commit([TransferReports("old", "new")])
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
    assert seqs(store.ask(read_history, "lobby", count, before=before, after=after, until=until)) == found


def test_history_does_not_wait_for_the_writer(store: SqliteStore) -> None:
    store.commit([message(1)])
    store._writer.execute("BEGIN IMMEDIATE")
    store._writer.execute("UPDATE event SET text = 'half done'")
    assert everything(store) == [stored(message(1))]
    store._writer.execute("ROLLBACK")


def test_history_of_a_broken_table_is_a_storage_error_and_the_reader_stays_of_use(
    store: SqliteStore,
) -> None:
    store._writer.execute("ALTER TABLE event RENAME TO lost")
    with pytest.raises(StorageError, match="event"):
        everything(store)
    store._writer.execute("ALTER TABLE lost RENAME TO event")
    assert everything(store) == []


@pytest.mark.parametrize("in_memory", [False, True])
def test_history_may_be_read_from_several_threads_while_another_commits(
    folder: Path, *, in_memory: bool
) -> None:
    store = StoreWithUsers(None if in_memory else folder, "off")
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
    assert everything(store) == [stored(change) for change in batch]
    ids = store._writer.execute("SELECT seq FROM event ORDER BY id").fetchall()
    assert ids == [(seq,) for seq in range(1, size + 1)]


def test_an_empty_batch_changes_nothing(store: SqliteStore) -> None:
    store.commit([])
    assert store.ask(load_snapshot, 20, 0).messages == 0


def test_a_mixed_batch_is_written_in_its_order(store: SqliteStore) -> None:
    batch: list[Change] = [
        NewUser("u1", NOW),
        SetName("u1", "alice", "alice"),
        message(1),
        NewScheduled(1, 1, "u1", "alice", "lobby", None, None, "later", NOW),
        DropScheduled(1),  # were it first, the message would be still there
        message(2),
        SetName("u1", "bob", "bob"),
        SetMute("u1", 5, None),
        TransferReports("u1", "u2"),
        SetMute("u1", 3, None),
        message(3),
    ]
    store.commit(iter(batch))
    snapshot = store.ask(load_snapshot, 20, 0)
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
    assert everything(store) == [stored(message(1))]
    assert store.ask(load_snapshot, 0, 0).mutes == []

    store.commit(batch)
    assert len(everything(store)) == size


def test_a_single_change_that_is_wrong_is_a_bug_and_not_the_disk(store: SqliteStore) -> None:
    store.commit([message(1)])
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        store.commit([message(1, "again")])
    assert everything(store) == [stored(message(1))]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nul \0 inside",
        "".join(chr(code) for code in range(0x20)) + "\x7f\x80\x9b",
        "👩‍👩‍👧‍👦 \U0010ffff \u202e\ufeff",
        "'; DROP TABLE event; -- \" ?1",
        " spaces at both ends \n",
        "x" * 150_000,
    ],
    ids=["empty", "nul", "control", "emoji", "sql", "spaces", "long"],
)
def test_text_comes_back_as_it_was_sent(store: SqliteStore, folder: Path, text: str) -> None:
    store.commit([message(1, text)])
    assert after_restart(store, folder).recent == [stored(message(1, text))]


# References between rows


def test_the_writer_enforces_references_until_it_closes(folder: Path) -> None:
    store = SqliteStore(folder)
    assert store._writer.execute("PRAGMA foreign_keys").fetchone() == (1,)
    store.close()


@pytest.mark.parametrize(
    "wrong",
    [message(1, author="nobody"), direct(1, "u1", "nobody"), SetMember("nobody", "lobby", 1, 1)],
    ids=["author", "recipient", "member"],
)
def test_a_reference_to_nobody_is_a_bug_and_nothing_of_the_batch_is_kept(folder: Path, wrong: Change) -> None:
    store = SqliteStore(folder, "off")
    store.commit([NewUser("u1", NOW)])
    for batch in ([wrong], [message(2), wrong, message(3)], [message(2), message(3), wrong]):
        with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
            store.commit(batch)
        assert everything(store) == []
    store.commit([message(2)])
    assert everything(store) == [stored(message(2))]
    store.close()


def test_a_batch_may_refer_to_a_user_that_it_stores_later(folder: Path) -> None:
    store = SqliteStore(folder, "off")
    store.commit([message(1), NewUser("u1", NOW)])
    assert everything(store) == [stored(message(1))]
    store.close()


# A full disk


def test_a_full_disk_refuses_batches_but_serves_readers_and_recovers(store: SqliteStore) -> None:
    store.commit([message(1)])
    pages = store._writer.execute("PRAGMA page_count").fetchone()[0]
    store._writer.execute(f"PRAGMA max_page_count = {pages}")
    large = [message(seq, "x" * 20_000) for seq in range(2, 20)]  # more than what is free

    for batch in (large, large[:1]):
        with pytest.raises(StorageError, match="full"):
            store.commit(batch)
        assert everything(store) == [stored(message(1))]

    store._writer.execute("PRAGMA max_page_count = 1000000")
    store.commit(large)
    assert everything(store) == [stored(change) for change in (message(1), *large)]


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
    assert everything(store) == [stored(message(1))]


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
    store = StoreWithUsers(None)
    store.commit([message(1)])
    assert everything(store) == [stored(message(1))]
    store.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("below", [".", "data", "deep/data"])
def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").write_text("")
    folder = tmp_path / "file" / below
    with pytest.raises(StartError, match="cannot be used") as refused:
        SqliteStore(folder)
    assert str(folder) in str(refused.value)


def test_a_folder_that_cannot_be_locked_is_not_said_to_be_in_use(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def flock(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    with monkeypatch.context() as patch:
        patch.setattr(fcntl, "flock", flock)
        with pytest.raises(StartError) as refused:
            SqliteStore(folder)
    assert str(refused.value) == (
        f"the data folder {folder} cannot be locked: No locks available; files are locked there,"
        " which a local disk can do"
    )
    with closing(SqliteStore(folder)), pytest.raises(InUseError, match=rf"\(process {os.getpid()}\)"):
        SqliteStore(folder)


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
