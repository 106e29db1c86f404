"""The saved identity: private, whole after a crash, and used by one program at a time."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import attrs
import orjson
import pytest

from tcpchat.files import MAX_BYTES
from tcpchat.link import credential_store as files
from tcpchat.link.credential_store import FOLDER, SLOTS, CredentialStore
from tcpchat.link.desired_identity import Identity

HERE = "127.0.0.1:8000"
ALICE = Identity(user="alice", token="t1", journal="j", registered=True, session=3)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state"


def keep(folder: Path, identity: Identity = ALICE, *, address: str = HERE, name: str | None = None) -> Path:
    """Save who one is, as a run that is over; return the file."""
    with closing(CredentialStore(folder, address, name)) as one:
        one.save(identity)
        assert one.problem is None
        assert one._path is not None
        return one._path


def load(
    folder: Path, journal: str = "j", *, address: str = HERE, name: str | None = None
) -> Identity | None:
    with closing(CredentialStore(folder, address, name)) as one:
        return one.load(journal)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(autouse=True)
def no_umask() -> Iterator[None]:
    """What is not for others is so by its own care."""
    before = os.umask(0)
    yield
    os.umask(before)


def test_a_saved_identity_is_loaded(folder: Path) -> None:
    file = keep(folder)
    assert load(folder) == ALICE
    fields = orjson.loads(file.read_bytes())
    assert fields == {"address": HERE, "name": None, **attrs.asdict(ALICE)}


def test_nothing_is_saved_at_first(folder: Path) -> None:
    assert load(folder) is None


def test_a_token_is_for_the_server_with_its_journal_only(folder: Path) -> None:
    keep(folder)
    assert load(folder, "other") is None


@pytest.mark.parametrize("other", [{"address": "127.0.0.1:9000"}, {"name": "bob"}])
def test_each_server_and_name_has_a_file_of_its_own(folder: Path, other: dict[str, Any]) -> None:
    keep(folder)
    assert load(folder, **other) is None


def test_capitals_do_not_make_another_server_or_name(folder: Path) -> None:
    keep(folder, address="Example.org:8000", name="Alice")
    assert load(folder, address="example.org:8000", name="alice") == ALICE


@pytest.mark.parametrize("name", ["../../x", "a" * 1000, "é/"])
def test_any_name_has_a_file(folder: Path, name: str) -> None:
    assert keep(folder, name=name).parent == folder / FOLDER
    assert load(folder, name=name) == ALICE


def test_no_other_user_can_read_the_file_at_any_time(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    modes = []

    def fsync(file: int) -> None:
        modes.append(stat.S_IMODE(os.fstat(file).st_mode))

    monkeypatch.setattr(os, "fsync", fsync)
    file = keep(folder)
    assert modes == [0o600, 0o700], "the file, then the folder"
    assert {mode(path) for path in (folder / FOLDER).iterdir()} == {0o600}
    assert mode(file) == 0o600
    assert mode(folder / FOLDER) == mode(folder) == 0o700


def test_a_folder_that_others_could_enter_is_closed(folder: Path) -> None:
    (folder / FOLDER).mkdir(parents=True, mode=0o777)
    keep(folder)
    assert mode(folder / FOLDER) == 0o700


def test_a_folder_of_another_user_is_not_used(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(folder)
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with closing(CredentialStore(folder, HERE, None)) as one:
        assert one.load("j") is None
        one.save(ALICE)
        assert "belongs to another user" in str(one.problem)


def test_a_file_of_another_user_is_not_used(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was put there while others could, and would make you a user of theirs."""
    keep(folder)
    with closing(CredentialStore(folder, HERE, None)) as one:
        monkeypatch.setattr(os, "geteuid", lambda: 12345)
        assert one.load("j") is None


def test_programs_at_the_same_time_have_their_own_files(folder: Path) -> None:
    bob = attrs.evolve(ALICE, user="bob", token="t2", registered=False)
    with closing(CredentialStore(folder, HERE, None)) as first:
        first.save(ALICE)
        with closing(CredentialStore(folder, HERE, None)) as second:
            assert second.load("j") is None
            second.save(bob)
            first.save(attrs.evolve(ALICE, session=4))
        assert load(folder) == bob  # the second is over, and the first is not
    assert load(folder) == attrs.evolve(ALICE, session=4)


def test_a_child_that_inherited_the_lock_does_not_hold_it(folder: Path) -> None:
    one = CredentialStore(folder, HERE, None)
    one.save(ALICE)
    child = os.dup(one._lock)
    one.close()
    assert load(folder) == ALICE
    os.close(child)


def test_closing_twice_does_no_harm(folder: Path) -> None:
    one = CredentialStore(folder, HERE, None)
    one.close()
    one.close()


def test_more_programs_than_slots_are_not_remembered(folder: Path) -> None:
    many = [CredentialStore(folder, HERE, None) for _ in range(SLOTS)]
    late = CredentialStore(folder, HERE, None)
    late.save(ALICE)
    assert f"{SLOTS} programs" in str(late.problem)
    assert not late.holds(ALICE)
    assert many[-1].problem is None
    for one in (*many, late):
        one.close()


def test_a_file_system_without_locks_is_a_problem(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def flock(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", flock)
    with closing(CredentialStore(folder, HERE, None)) as one:
        assert "No locks available" in str(one.problem)


GOOD = {"address": HERE, "name": None, **attrs.asdict(ALICE)}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        b"[]",
        b"3",
        orjson.dumps(GOOD)[:-1],
        orjson.dumps(GOOD | {"address": "h:1"}),
        *(
            orjson.dumps(GOOD | {field: {}})
            for field in ("token", "user", "journal", "registered", "session")
        ),
        orjson.dumps(GOOD | {"token": None}),
        orjson.dumps({key: value for key, value in GOOD.items() if key != "token"}),
        b" " * MAX_BYTES + orjson.dumps(GOOD),
    ],
)
def test_a_damaged_file_is_ignored_and_replaced(folder: Path, content: bytes) -> None:
    file = keep(folder)
    file.write_bytes(content)
    assert load(folder) is None
    keep(folder)
    assert load(folder) == ALICE


def test_a_link_is_replaced_and_not_followed(folder: Path, tmp_path: Path) -> None:
    file = keep(folder)
    elsewhere = file.rename(tmp_path / "elsewhere")
    content = elsewhere.read_bytes()
    file.symlink_to(elsewhere)
    assert load(folder) is None
    keep(folder, attrs.evolve(ALICE, user="bob"))
    assert not file.is_symlink()
    assert elsewhere.read_bytes() == content


@pytest.mark.timeout(5)
def test_a_pipe_does_not_block(folder: Path) -> None:
    file = keep(folder)
    file.unlink()
    os.mkfifo(file)
    assert load(folder) is None


def test_a_folder_in_the_way_is_a_problem(folder: Path) -> None:
    file = keep(folder)
    file.unlink()
    file.mkdir()
    with closing(CredentialStore(folder, HERE, None)) as one:
        assert one.load("j") is None
        one.save(ALICE)
        assert "not saved" in str(one.problem)
        assert not one.holds(ALICE)
        one.clear()
        assert "not saved" in str(one.problem)


def test_a_path_that_is_no_folder_is_a_problem(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("mine")
    with closing(CredentialStore(path, HERE, None)) as one:
        assert "not saved" in str(one.problem)
        assert one.load("j") is None
        one.save(ALICE)
        one.clear()
        assert not one.holds(ALICE)
    assert path.read_text() == "mine"


def test_a_full_disk_leaves_the_old_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(folder)

    def fsync(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with closing(CredentialStore(folder, HERE, None)) as one:
        bob = attrs.evolve(ALICE, user="bob")
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", fsync)
            one.save(bob)
        assert "No space left" in str(one.problem)
        assert not one.holds(bob)
        assert one.load("j") == ALICE
        one.save(bob)
        assert one.problem is None
        assert one.holds(bob)


def test_an_identity_that_is_saved_is_not_written_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(folder)
    monkeypatch.setattr(files, "write_file", lambda *_: pytest.fail("it is there"))
    with closing(CredentialStore(folder, HERE, None)) as one:
        assert one.load("j") == ALICE
        one.save(ALICE)
        assert one.holds(ALICE)


def test_files_that_a_crash_left_do_no_harm(folder: Path) -> None:
    file = keep(folder)
    file.with_name(f"{file.name}.new").write_text("half")
    keep(folder, attrs.evolve(ALICE, user="bob"))
    assert {path.name for path in file.parent.iterdir()} == {file.name, f"{file.name}.lock"}


def test_clearing_removes_the_file(folder: Path) -> None:
    file = keep(folder)
    with closing(CredentialStore(folder, HERE, None)) as one:
        one.load("j")
        one.clear()
        assert not file.exists()
        assert not one.holds(ALICE)
        one.clear()
        assert one.problem is None


def test_without_a_folder_nothing_is_saved_and_that_is_no_problem() -> None:
    one = CredentialStore(None, HERE, None)
    one.save(ALICE)
    assert one.load("j") is None
    assert one.problem is None
    assert not one.holds(ALICE)
    one.close()


def test_a_token_is_not_shown() -> None:
    assert "t1" not in repr(ALICE)


# Which identity a start gets.

GUEST = Identity(user="guest-1", token="g1", journal="j", registered=False)
BEN = Identity(user="ben", token="t3", journal="j", registered=True, session=1)


def two_terminals(folder: Path, first: Identity, second: Identity) -> None:
    """Let two terminals without a name run at the same time, and end."""
    with closing(CredentialStore(folder, HERE, None)) as one:
        one.save(GUEST)
        with closing(CredentialStore(folder, HERE, None)) as other:
            other.save(second)
            one.save(first)


def test_the_registered_user_of_the_second_terminal_is_found_the_next_day(folder: Path) -> None:
    two_terminals(folder, GUEST, BEN)
    assert load(folder) == BEN
    assert load(folder, name="ben") == BEN
    assert load(folder, name="Ben") == BEN


def test_while_a_user_is_in_use_another_terminal_is_a_guest_of_its_own(folder: Path) -> None:
    two_terminals(folder, GUEST, BEN)
    with closing(CredentialStore(folder, HERE, None)) as one:
        assert one.load("j") == BEN
        with closing(CredentialStore(folder, HERE, None)) as other:
            assert other.load("j") == GUEST
            assert not other.shared
            with closing(CredentialStore(folder, HERE, None)) as third:
                assert third.load("j") is None


def test_of_two_registered_users_a_start_without_a_name_gets_neither(folder: Path) -> None:
    two_terminals(folder, ALICE, BEN)
    with closing(CredentialStore(folder, HERE, None)) as one:
        assert one.load("j") is None
        assert sorted(one.others) == ["alice", "ben"]
        one.save(GUEST)
    assert load(folder, name="alice") == ALICE
    assert load(folder, name="ben") == BEN
    assert load(folder) == GUEST


def test_of_two_registered_users_the_one_who_is_not_in_use_comes_back(folder: Path) -> None:
    two_terminals(folder, ALICE, BEN)
    with closing(CredentialStore(folder, HERE, "alice")):
        assert load(folder) == BEN


def test_a_user_of_a_start_with_a_name_is_not_handed_to_one_without(folder: Path) -> None:
    keep(folder, BEN, name="ben")
    assert load(folder) is None
    assert load(folder, name="alice") is None
    keep(folder, GUEST)
    assert load(folder, name="ben") == BEN


def test_after_a_login_under_another_name_each_name_finds_its_user(folder: Path) -> None:
    keep(folder, name="alice")
    with closing(CredentialStore(folder, HERE, "alice")) as one:
        assert one.load("j") == ALICE
        one.save(BEN)
        assert one.holds(BEN)
    assert load(folder, name="alice") == ALICE
    assert load(folder, name="ben") == BEN
    assert load(folder) is None


def test_a_guest_who_logs_in_under_another_name_is_that_user_only(folder: Path) -> None:
    with closing(CredentialStore(folder, HERE, "alice")) as one:
        one.save(attrs.evolve(GUEST, user="alice"))
        one.save(BEN)
    assert load(folder, name="alice") is None
    assert load(folder, name="ben") == BEN


def test_a_registered_user_is_preferred_to_a_guest_of_that_name(folder: Path) -> None:
    keep(folder, attrs.evolve(GUEST, user="ben"))
    keep(folder, BEN, name="ben")
    assert load(folder, name="ben") == BEN


# Several programs that ask for one name.


def test_programs_with_one_name_share_its_user(folder: Path) -> None:
    with closing(CredentialStore(folder, HERE, "ben")) as first:
        first.save(BEN)
        others = [CredentialStore(folder, HERE, "ben") for _ in range(SLOTS + 1)]
        for other in others:
            assert (other.shared, other.pending, other.load("j")) == (True, False, BEN)
            other.save(attrs.evolve(BEN, session=7))
            assert other.holds(attrs.evolve(BEN, session=7))
            other.clear()
        for other in others:
            other.close()
    assert load(folder, name="ben") == BEN


def test_a_program_waits_for_one_that_is_becoming_the_user(folder: Path) -> None:
    with closing(CredentialStore(folder, HERE, "ben")) as first:
        second = CredentialStore(folder, HERE, "ben")
        assert (second.pending, second.shared) == (True, False)
        second.retry()
        assert second.pending
        first.save(BEN)
        second.retry()
        assert (second.pending, second.shared, second.load("j")) == (False, True, BEN)
        second.close()


def test_a_program_takes_over_from_one_that_failed(folder: Path) -> None:
    first = CredentialStore(folder, HERE, "ben")
    second = CredentialStore(folder, HERE, "ben")
    assert second.pending
    first.close()
    second.retry()
    assert (second.pending, second.shared) == (False, False)
    second.save(BEN)
    second.close()
    assert load(folder, name="ben") == BEN


def test_at_last_a_program_goes_on_by_itself(folder: Path) -> None:
    with closing(CredentialStore(folder, HERE, "ben")):
        second = CredentialStore(folder, HERE, "ben")
        second.retry(last=True)
        assert (second.pending, second.shared) == (False, False)
        second.save(BEN)
        assert second.holds(BEN)
        second.close()


def test_a_guest_ends_only_if_nobody_else_is_it(folder: Path) -> None:
    guest = attrs.evolve(GUEST, user="ci")
    first = CredentialStore(folder, HERE, "ci")
    first.save(guest)
    second = CredentialStore(folder, HERE, "ci")
    assert second.shared
    assert not first.claim_alone()
    assert not second.claim_alone()
    second.close()
    assert first.claim_alone()
    late = CredentialStore(folder, HERE, "ci")
    assert late.pending
    first.clear()
    first.close()
    late.retry()
    assert (late.pending, late.shared, late.load("j")) == (False, False, None)
    late.close()


def test_a_program_that_shares_a_user_and_becomes_another_has_its_own_file(folder: Path) -> None:
    with closing(CredentialStore(folder, HERE, "ben")) as first:
        first.save(BEN)
        with closing(CredentialStore(folder, HERE, "ben")) as second:
            assert second.load("j") == BEN
            second.save(ALICE)
            assert (second.shared, second.holds(ALICE)) == (False, True)
    assert load(folder, name="ben") == BEN
    assert load(folder, name="alice") == ALICE
