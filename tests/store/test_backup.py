"""A copy is whole and of one moment, whatever goes on meanwhile; and it can be put in a lost one's place."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import trio

from tcpchat.errors import ChatError, StartError
from tcpchat.store import StorageError
from tcpchat.store.backup import back_up, restore
from tcpchat.store.migrate import migrations
from tcpchat.store.queries.events import read_history
from tcpchat.store.queries.snapshot import load_snapshot
from tcpchat.store.reader import Reader
from tcpchat.store.rows import BackupInfo
from tcpchat.store.sqlite import SqliteStore
from tests.process import PATIENCE
from tests.store.rows import StoreWithUsers, message

EVENTS = 8  # the first version of a database with a table of events
PAGE = "x" * 4000  # about what fits on one page of the database


def nothing() -> None:
    """Let it go on."""


def said(folder: Path) -> tuple[str, list[int]]:
    """Return the journal, and the numbers of all messages of the lobby."""
    with closing(SqliteStore(folder)) as store:
        last = store.ask(load_snapshot, 0, 0).lobby_seq
        rows = store.ask(read_history, "lobby", last, before=None, after=0, until=last)
        return store.ask(load_snapshot, 0, 0).journal, [row.seq for row in rows]


@contextmanager
def writing(store: SqliteStore, kept: list[int]) -> Iterator[None]:
    """Commit one message after another while the block lasts; `kept` are those that are on disk."""
    over = threading.Event()

    def write() -> None:
        while not over.is_set():
            store.commit([message(len(kept) + 1, PAGE)])
            kept.append(len(kept) + 1)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield
    finally:
        over.set()
        writer.join()


def test_a_copy_under_load_ends_and_holds_all_that_was_there_when_it_began(
    store: SqliteStore, tmp_path: Path
) -> None:
    kept: list[int] = []
    store.commit([message(seq, PAGE) for seq in range(1, 1001)])
    kept.extend(range(1, 1001))
    steps: list[int] = []
    file = tmp_path / "copy.db"

    def step() -> None:
        steps.append(len(kept))
        until = time.monotonic() + PATIENCE
        while len(kept) == steps[0] and time.monotonic() < until:  # the one who writes may be slow
            pass

    with writing(store, kept):
        while len(kept) < 1005:
            pass
        before = len(kept)
        copied = store.ask(back_up, file, "lobby", step)
    assert before <= copied.seq == copied.messages
    assert copied.seq <= steps[0] + 1, "it is of the moment when it began"
    assert steps[-1] > steps[0], "others wrote meanwhile"
    assert copied.bytes == file.stat().st_size > 1000 * len(PAGE)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["copy.db"], "one file is all"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with closing(sqlite3.connect(file)) as copy:
        assert copy.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert copy.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        seqs = [row[0] for row in copy.execute("SELECT seq FROM event ORDER BY seq")]
    assert seqs == list(range(1, copied.seq + 1))


def test_what_was_begun_and_not_ended_leaves_nothing(store: SqliteStore, tmp_path: Path) -> None:
    store.commit([message(seq, PAGE) for seq in range(1, 1001)])

    def stops() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.ask(back_up, tmp_path / "copy.db", "lobby", stops)
    assert [path for path in tmp_path.iterdir() if path.is_file()] == []
    store.commit([message(1001)])
    assert store.ask(back_up, tmp_path / "copy.db", "lobby", nothing).seq == 1001, "the next one is of now"


def test_a_file_that_is_there_is_kept(store: SqliteStore, tmp_path: Path) -> None:
    file = tmp_path / "copy.db"
    file.write_text("precious")
    with pytest.raises(FileExistsError):
        store.ask(back_up, file, "lobby", nothing)
    assert file.read_text() == "precious"


def test_a_file_that_somebody_makes_meanwhile_is_kept(store: SqliteStore, tmp_path: Path) -> None:
    file = tmp_path / "copy.db"

    def step() -> None:
        file.write_text("precious")

    with pytest.raises(FileExistsError, match=r"copy\.db exists already"):
        store.ask(back_up, file, "lobby", step)
    assert file.read_text() == "precious"
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["copy.db"]


@pytest.fixture
def no_flush_of_folders(monkeypatch: pytest.MonkeyPatch) -> None:
    flush = os.fsync

    def fsync(opened: int) -> None:
        if stat.S_ISDIR(os.fstat(opened).st_mode):
            raise OSError(errno.EIO, "Input/output error")
        flush(opened)

    monkeypatch.setattr(os, "fsync", fsync)


@pytest.mark.usefixtures("no_flush_of_folders")
def test_of_a_copy_that_is_there_nobody_is_told_that_it_is_not(store: SqliteStore, tmp_path: Path) -> None:
    store.commit([message(1)])
    with pytest.raises(ChatError, match=r"is complete, but may be lost .*: .*Input/output") as told:
        trio.run(Reader(store).back_up, tmp_path / "copy.db", "lobby")
    assert told.value.code == "storage-failed"
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["copy.db"]
    anew = tmp_path / "anew"
    anew.mkdir()
    (tmp_path / "copy.db").rename(anew / "tcpchat.db")
    assert said(anew)[1] == [1]


def test_what_a_crash_left_with_two_names_keeps_the_other_one(store: SqliteStore, tmp_path: Path) -> None:
    """As after a crash when it had its name, and then it was moved to where copies are kept."""
    store.commit([message(1)])
    file, archive = tmp_path / "copy.db", tmp_path / "archive.db"
    store.ask(back_up, file, "lobby", nothing)
    os.link(file, tmp_path / ".copy.db.tcpchat-part")
    file.rename(archive)
    before = archive.read_bytes()
    store.commit([message(2)])
    assert store.ask(back_up, file, "lobby", nothing).seq == 2
    assert archive.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["archive.db", "copy.db"]


def test_of_two_at_once_into_one_file_the_second_is_refused(store: SqliteStore, tmp_path: Path) -> None:
    file = tmp_path / "copy.db"
    refused: list[str] = []

    def again() -> None:
        with pytest.raises(FileExistsError, match="is being written") as error:
            store.ask(back_up, file, "lobby", nothing)
        refused.append(str(error.value))

    store.ask(back_up, file, "lobby", again)
    assert refused
    assert file.exists()


def test_what_a_crash_left_is_overwritten(store: SqliteStore, tmp_path: Path) -> None:
    store.commit([message(1)])
    left = tmp_path / ".copy.db.tcpchat-part"
    left.write_bytes(b"half of a database" * 10_000)
    left.chmod(0o644)
    assert store.ask(back_up, tmp_path / "copy.db", "lobby", nothing).seq == 1
    assert stat.S_IMODE((tmp_path / "copy.db").stat().st_mode) == 0o600
    assert not left.exists()


def test_where_it_cannot_be_written_is_told(store: SqliteStore, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="there is no folder"):
        store.ask(back_up, tmp_path / "nowhere" / "copy.db", "lobby", nothing)


def test_a_copy_of_what_is_damaged_is_refused(folder: Path, tmp_path: Path) -> None:
    with closing(StoreWithUsers(folder)) as store:
        store.commit([message(seq, PAGE) for seq in range(1, 101)])
    database = folder / "tcpchat.db"
    content = bytearray(database.read_bytes())
    content[40 * 4096 : 41 * 4096] = b"\xff" * 4096
    database.write_bytes(content)
    with closing(SqliteStore(folder)) as store, pytest.raises(StorageError):
        store.ask(back_up, tmp_path / "copy.db", "lobby", nothing)
    assert not (tmp_path / "copy.db").exists()


# Taking it in


@pytest.fixture
def copy(store: SqliteStore, tmp_path: Path) -> Path:
    """A copy with three messages, of a store that has five."""
    store.commit([message(seq) for seq in range(1, 4)])
    store.ask(back_up, tmp_path / "copy.db", "lobby", nothing)
    store.commit([message(4), message(5)])
    store.close()
    return tmp_path / "copy.db"


def test_each_start_on_a_copy_is_another_journal(copy: Path, folder: Path, tmp_path: Path) -> None:
    journal, seqs = said(folder)
    assert seqs == [1, 2, 3, 4, 5]
    journals = {journal}
    for number in range(2):
        place = tmp_path / str(number)
        place.mkdir()
        (place / "tcpchat.db").write_bytes(copy.read_bytes())
        journal, seqs = said(place)
        assert seqs == [1, 2, 3]
        assert said(place)[0] == journal, "and stays it"
        journals.add(journal)
    assert len(journals) == 3


def test_what_is_restored_takes_the_place_of_what_was_there(copy: Path, folder: Path, tmp_path: Path) -> None:
    before = said(folder)
    found, aside = restore(copy, folder / "tcpchat.db", "lobby", "now")
    assert found == BackupInfo(found.bytes, 3, 3)
    assert aside == folder / "tcpchat.db.before-now"
    journal, seqs = said(folder)
    assert seqs == [1, 2, 3]
    assert journal != before[0]
    assert copy.exists()
    kept = tmp_path / "kept"
    kept.mkdir()
    aside.rename(kept / "tcpchat.db")
    assert said(kept) == before
    names = {path.name for path in folder.iterdir()}
    assert names == {"tcpchat.db", "tcpchat.lock"}


@pytest.fixture
def crashed(copy: Path, folder: Path, tmp_path: Path) -> Path:
    """The copy; the store has six messages now, the last of them in the log beside the database."""
    store = StoreWithUsers(folder)
    store.commit([message(6)])
    for name in ("tcpchat.db", "tcpchat.db-wal"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    store.close()
    for name in ("tcpchat.db", "tcpchat.db-wal"):
        (tmp_path / name).rename(folder / name)
    return copy


def test_what_was_not_written_back_yet_is_kept_aside_too(crashed: Path, folder: Path) -> None:
    _, aside = restore(crashed, folder / "tcpchat.db", "lobby", "now")
    assert aside is not None
    assert said(folder)[1] == [1, 2, 3], "none of it comes back into what was restored"
    aside.rename(folder / "tcpchat.db")
    aside.with_name(f"{aside.name}-wal").rename(folder / "tcpchat.db-wal")
    assert said(folder)[1] == [1, 2, 3, 4, 5, 6]


class Crash(BaseException):
    """The process is gone, and does nothing more."""


@contextmanager
def crash_before(step: int) -> Iterator[list[str]]:
    """Crash before the step of this number; yields the names of those that were done."""
    done: list[str] = []

    def crashing(name: str) -> Callable[..., object]:
        call: Callable[..., object] = getattr(os, name)

        def maybe(*args: Any, **kwargs: Any) -> object:
            if len(done) >= step:
                raise Crash
            done.append(name)
            return call(*args, **kwargs)

        return maybe

    with pytest.MonkeyPatch.context() as patch:
        for name in ("link", "unlink", "rename", "replace", "fsync"):
            patch.setattr(os, name, crashing(name))
        yield done


@pytest.fixture
def no_links(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system without hard links, such as exFAT."""

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)


@pytest.mark.usefixtures("no_links")
def test_copies_are_made_and_taken_in_without_links_too(store: SqliteStore, tmp_path: Path) -> None:
    store.commit([message(1)])
    copy = tmp_path / "copy.db"
    store.ask(back_up, copy, "lobby", nothing)
    with pytest.raises(FileExistsError, match=r"copy\.db exists already"):
        store.ask(back_up, copy, "lobby", nothing)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["copy.db"]
    store.commit([message(2)])
    store.close()
    folder = tmp_path / "data"
    _, aside = restore(copy, folder / "tcpchat.db", "lobby", "now")
    assert aside is not None
    assert said(folder)[1] == [1]
    aside.replace(folder / "tcpchat.db")
    assert said(folder)[1] == [1, 2]


@pytest.mark.parametrize("links", [True, False])
def test_after_a_crash_at_any_step_the_start_loses_nothing_in_silence(
    links: bool, crashed: Path, folder: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if not links:
        request.getfixturevalue("no_links")
    kept, database, outcomes = tmp_path / "kept", folder / "tcpchat.db", []
    shutil.copytree(folder, kept)
    for step in range(100):
        shutil.rmtree(folder)
        shutil.copytree(kept, folder)
        with crash_before(step) as done, suppress(Crash):
            restore(crashed, database, "lobby", "now")
        if len(done) < step:
            break
        if database.exists():
            outcomes.append({6: "before", 3: "after"}[len(said(folder)[1])])
        else:
            with pytest.raises(StartError, match=r"or rename tcpchat\.db\.before-now to tcpchat\.db and"):
                SqliteStore(folder)
            shutil.copytree(folder, again := tmp_path / f"again-{step}")
            restore(crashed, again / "tcpchat.db", "lobby", "later")
            assert said(again)[1] == [1, 2, 3]
            database.with_name("tcpchat.db.before-now").rename(database)
            database.with_name("tcpchat.db.before-now-wal").rename(folder / "tcpchat.db-wal")
            assert said(folder)[1] == [1, 2, 3, 4, 5, 6]
            outcomes.append("told")
    assert outcomes == sorted(outcomes, key=["before", "told", "after"].index)
    assert set(outcomes) == {"before", "told", "after"}


def test_a_database_with_a_log_is_restored_from_a_folder_that_cannot_be_written_to(
    folder: Path, tmp_path: Path
) -> None:
    """As from a snapshot that is mounted read-only: SQLite cannot make the third file beside them."""
    snapshot = tmp_path / "snapshot"
    snapshot.mkdir()
    with closing(StoreWithUsers(folder)) as store:
        store.commit([message(1), message(2)])
        for name in ("tcpchat.db", "tcpchat.db-wal"):
            shutil.copy(folder / name, snapshot)
        store.commit([message(3)])
    (snapshot / "tcpchat.db-shm").mkdir()
    restore(snapshot / "tcpchat.db", folder / "tcpchat.db", "lobby", "now")
    assert said(folder)[1] == [1, 2]
    assert {path.name for path in snapshot.iterdir()} == {"tcpchat.db", "tcpchat.db-shm", "tcpchat.db-wal"}
    assert not list(folder.glob(".*")), "nothing is left behind"


def test_a_copy_that_cannot_be_read_is_said_with_the_reason(
    copy: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, *_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(StartError) as refused:
        restore(copy, folder / "tcpchat.db", "lobby", "now")
    assert str(refused.value) == f"{copy} cannot be restored: Permission denied: {copy}"


def test_what_cannot_be_read_is_kept_aside_as_it_is(copy: Path, folder: Path) -> None:
    (folder / "tcpchat.db").write_bytes(b"not a database at all" * 1000)
    (folder / "tcpchat.db-wal").write_bytes(b"nor this")
    _, aside = restore(copy, folder / "tcpchat.db", "lobby", "now")
    assert said(folder)[1] == [1, 2, 3]
    assert aside is not None
    assert aside.read_bytes().startswith(b"not a database")
    assert (folder / "tcpchat.db.before-now-wal").read_bytes() == b"nor this"


def test_a_log_without_its_database_is_kept_aside_too(copy: Path, folder: Path) -> None:
    (folder / "tcpchat.db").unlink()
    (folder / "tcpchat.db-wal").write_bytes(b"of a database that was moved away")
    assert restore(copy, folder / "tcpchat.db", "lobby", "now").before is None
    assert (folder / "tcpchat.db.before-now-wal").read_bytes() == b"of a database that was moved away"
    assert said(folder)[1] == [1, 2, 3]


def test_where_nothing_was_it_is_put_too(copy: Path, tmp_path: Path) -> None:
    folder = tmp_path / "new"
    folder.mkdir()
    _, aside = restore(copy, folder / "tcpchat.db", "lobby", "now")
    assert aside is None
    assert said(folder)[1] == [1, 2, 3]


@pytest.mark.parametrize("version", [number for number, _ in migrations() if number > 1])
def test_a_copy_of_an_earlier_version_is_restored(version: int, folder: Path, tmp_path: Path) -> None:
    """Such as one that 0.1.0 made; the next start migrates it."""
    old = tmp_path / "old.db"
    with closing(sqlite3.connect(old)) as database:
        for number, script in migrations()[:version]:
            database.executescript(f"{script}; PRAGMA user_version = {number}")
        table = "event" if version >= EVENTS else "message"
        database.execute("INSERT INTO user (id, at) VALUES ('u1', 1)")
        database.executemany(
            f"INSERT INTO {table} (room, seq, at, author, name, text) VALUES ('lobby', ?, 1, 'u1', 'x', '')",
            [(seq,) for seq in (1, 2, 3)],
        )
        database.commit()
    folder.mkdir()
    found, _ = restore(old, folder / "tcpchat.db", "lobby", "now")
    assert (found.messages, found.seq) == (3, 3)
    assert said(folder)[1] == [1, 2, 3]


def _newer(file: Path) -> None:
    with closing(sqlite3.connect(file)) as database:
        database.execute(f"PRAGMA user_version = {migrations()[-1][0] + 1}")


def _other(file: Path) -> None:
    file.unlink()
    with closing(sqlite3.connect(file)) as database:
        database.execute("CREATE TABLE something (id)")


def _foreign(file: Path) -> None:
    file.unlink()
    with closing(sqlite3.connect(file)) as database:
        database.executescript("CREATE TABLE journal (id); CREATE TABLE event (room, seq, text);")
        database.execute(f"PRAGMA user_version = {migrations()[-1][0]}")


def _damaged(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[5 * 4096 : 9 * 4096] = b"\xff" * 4 * 4096
    file.write_bytes(content)


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (_newer, "was made by a newer tcpchat"),
        (_other, "is not a backup of tcpchat"),
        (_foreign, "is not a backup of tcpchat"),
        (_damaged, "cannot be restored: "),
        (lambda file: file.write_text("text"), "is not a backup of tcpchat"),
        (os.unlink, "there is no such file"),
    ],
)
def test_what_is_no_whole_copy_changes_nothing(spoil: object, why: str, copy: Path, folder: Path) -> None:
    before = said(folder)
    assert callable(spoil)
    spoil(copy)
    with pytest.raises(StartError, match=why):
        restore(copy, folder / "tcpchat.db", "lobby", "now")
    assert said(folder) == before
    assert {path.name for path in folder.iterdir()} == {"tcpchat.db", "tcpchat.lock"}
