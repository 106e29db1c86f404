"""Private files: nobody else reads or replaces them, and each is whole after a crash."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from pathlib import Path

import pytest

from tcpchat.cli.client_runner import make_plan
from tcpchat.errors import StartError
from tcpchat.files import (
    MAX_BYTES,
    config_folder,
    create_file,
    data_folder,
    link,
    make_folder,
    new_file,
    publish,
    read_file,
    reason,
    state_folder,
    sync_folder,
    try_lock,
    write_file,
)
from tcpchat.settings import Storage


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_is_read_as_it_was_written_and_by_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for data in (b"one", b"", b"x" * MAX_BYTES):
        write_file(path, data)
        assert read_file(path) == data
    assert mode(path) == 0o600
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


def test_at_most_the_limit_is_read(tmp_path: Path) -> None:
    write_file(tmp_path / "file", b"x" * (MAX_BYTES + 1))
    assert len(read_file(tmp_path / "file")) == MAX_BYTES


def test_a_crash_while_writing_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    write_file(path, b"old")

    def crash(_: int) -> None:
        raise OSError("crash")

    monkeypatch.setattr(os, "fsync", crash)
    with pytest.raises(OSError, match="crash"):
        write_file(path, b"new")
    assert read_file(path) == b"old"
    monkeypatch.undo()
    write_file(path, b"new")  # over what the crash left behind
    assert read_file(path) == b"new"


def test_a_file_is_flushed_before_it_has_its_name_and_its_folder_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, flushed = tmp_path / "file", []
    flush = os.fsync

    def fsync(file: int) -> None:
        is_folder = stat.S_ISDIR(os.fstat(file).st_mode)
        flushed.append((is_folder, 0 if is_folder else os.fstat(file).st_size, path.exists()))
        flush(file)

    monkeypatch.setattr(os, "fsync", fsync)
    write_file(path, b"data")
    assert flushed == [(False, 4, False), (True, 0, True)]


def test_a_folder_that_cannot_be_flushed_is_no_reason_to_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fsync(file: int) -> None:
        if stat.S_ISDIR(os.fstat(file).st_mode):
            raise OSError("this file system cannot do that")

    monkeypatch.setattr(os, "fsync", fsync)
    write_file(tmp_path / "file", b"data")
    assert read_file(tmp_path / "file") == b"data"


def test_a_file_that_cannot_be_replaced_leaves_no_other_one_behind(tmp_path: Path) -> None:
    (tmp_path / "file").mkdir()
    with pytest.raises(IsADirectoryError):
        write_file(tmp_path / "file", b"data")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_two_who_write_at_the_same_time_do_not_mix(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_file(path, b"old")
    with new_file(tmp_path / "file.new") as opened:
        os.write(opened, b"half")
        with pytest.raises(FileExistsError, match="is being written at this moment"):
            write_file(path, b"new")
        assert read_file(path) == b"old"
    write_file(path, b"new")
    assert read_file(path) == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_is_there_is_not_made_again(tmp_path: Path) -> None:
    path = tmp_path / "file"
    create_file(path, b"first")
    with pytest.raises(FileExistsError):
        create_file(path, b"second")
    assert read_file(path) == b"first"
    assert mode(path) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_what_took_the_name_after_a_rename_stays(tmp_path: Path) -> None:
    new, path = tmp_path / "file.new", tmp_path / "file"
    with new_file(new):
        new.replace(path)
        new.write_bytes(b"another's")
    assert new.read_bytes() == b"another's"
    assert path.exists()


def test_what_a_crash_left_with_a_second_name_is_not_written_to(tmp_path: Path) -> None:
    left, second = tmp_path / "file.new", tmp_path / "second"
    left.write_bytes(b"whole")
    os.link(left, second)
    write_file(tmp_path / "file", b"data")
    assert second.read_bytes() == b"whole"
    assert not left.exists()


def test_links_pipes_and_folders_are_no_files(tmp_path: Path) -> None:
    write_file(tmp_path / "file", b"secret")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    os.mkfifo(tmp_path / "pipe")
    for name, why in {
        "link": "symbolic",
        "pipe": "not a plain",
        "": "not a plain",
        "none": "No such",
    }.items():
        with pytest.raises(OSError, match=why):
            read_file(tmp_path / name)


def test_a_link_in_the_way_of_the_new_file_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "file.new").symlink_to(tmp_path / "elsewhere")
    write_file(tmp_path / "file", b"secret")
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


def test_a_folder_is_made_for_its_owner_alone_and_an_open_one_is_closed_to_others(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "identities"
    make_folder(folder)
    assert (mode(folder.parent), mode(folder)) == (0o700, 0o700)
    folder.chmod(0o755)
    make_folder(folder)
    assert mode(folder) == 0o700


def test_a_folder_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.raises(PermissionError, match="belongs to another user"):
        make_folder(tmp_path / "state")
    write_file(tmp_path / "file", b"")
    with pytest.raises(PermissionError, match="not a plain file that you own"):
        read_file(tmp_path / "file")


@pytest.fixture
def no_links(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system without hard links, such as exFAT."""

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)


def finished(folder: Path) -> Path:
    path = folder / "part"
    path.unlink(missing_ok=True)
    path.write_bytes(b"data")
    path.chmod(0o600)
    return path


def check_publish(folder: Path) -> None:
    publish(finished(folder), folder / "file")
    assert (folder / "file").read_bytes() == b"data"
    assert mode(folder / "file") == 0o600
    (folder / "file").write_bytes(b"another's")
    with pytest.raises(FileExistsError):
        publish(finished(folder), folder / "file")
    assert (folder / "file").read_bytes() == b"another's"


def test_a_finished_file_takes_a_free_name_only(tmp_path: Path) -> None:
    check_publish(tmp_path)


@pytest.mark.usefixtures("no_links")
def test_a_finished_file_takes_a_free_name_only_without_links_too(tmp_path: Path) -> None:
    check_publish(tmp_path)


@pytest.mark.usefixtures("no_links")
def test_a_name_that_could_not_be_given_is_free_again(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        publish(tmp_path / "none", tmp_path / "file")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("no_links")
def test_without_links_a_second_name_is_a_copy(tmp_path: Path) -> None:
    path = finished(tmp_path)
    link(path, tmp_path / "second")
    path.write_bytes(b"changed")
    assert (tmp_path / "second").read_bytes() == b"data"
    assert mode(tmp_path / "second") == 0o600


@pytest.mark.usefixtures("no_links")
def test_a_copy_that_is_not_whole_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    path = finished(tmp_path)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        link(path, tmp_path / "second")
    assert list(tmp_path.iterdir()) == [path]


def test_a_second_name_that_is_taken_is_kept(tmp_path: Path) -> None:
    (tmp_path / "second").write_bytes(b"another's")
    with pytest.raises(FileExistsError):
        link(finished(tmp_path), tmp_path / "second")
    assert (tmp_path / "second").read_bytes() == b"another's"


def test_a_file_is_locked_by_one_at_a_time(tmp_path: Path) -> None:
    path = finished(tmp_path)
    with path.open("rb") as first, path.open("rb") as second:
        assert try_lock(first.fileno(), path)
        assert not try_lock(second.fileno(), path)


@pytest.mark.parametrize(
    ("number", "locked"), [(errno.EACCES, False), (errno.ENOLCK, None), (errno.EIO, None)]
)
def test_a_lock_that_fails_is_not_taken_for_another_process(
    number: int, locked: bool | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def flock(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", flock)
    path = finished(tmp_path)
    if locked is False:
        assert not try_lock(0, path)
        return
    with pytest.raises(OSError, match="which a local disk can do") as failed:
        try_lock(0, path)
    assert reason(failed.value) == f"{failed.value.strerror}: {path}"


@pytest.mark.parametrize(
    ("number", "fails"), [(errno.EINVAL, False), (errno.ENOTSUP, False), (errno.EIO, True)]
)
def test_a_file_system_that_cannot_flush_folders_is_no_failure(
    number: int, fails: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fsync(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fsync)
    if not fails:
        sync_folder(tmp_path)
        return
    with pytest.raises(OSError, match="Input/output"):
        sync_folder(tmp_path)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (OSError(errno.EACCES, "Permission denied", "/srv/a.db"), "Permission denied: /srv/a.db"),
        (OSError(errno.EACCES, "Permission denied", b"/srv/a\xff"), "Permission denied: /srv/a\udcff"),
        (OSError(errno.EACCES, "Permission denied"), "Permission denied"),
        (OSError("it is full"), "it is full"),
        (ValueError("it is broken"), "it is broken"),
    ],
)
def test_a_reason_is_what_failed_and_where_without_numbers(error: Exception, text: str) -> None:
    assert reason(error) == text


def test_each_kind_of_file_has_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CONFIG", "DATA", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    found = [config_folder(), data_folder(), state_folder()]
    assert found == [tmp_path / name / "tcpchat" for name in ("config", "data", "state")]


@pytest.fixture
def no_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user id without a name, as in many containers, and no HOME."""
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name)

    def unknown(_: int) -> object:
        raise KeyError("getpwuid(): uid not found")

    monkeypatch.setattr("pwd.getpwuid", unknown)


@pytest.mark.usefixtures("no_home")
def test_without_a_home_there_are_none() -> None:
    assert (config_folder(), data_folder(), state_folder()) == (None, None, None)


@pytest.mark.usefixtures("no_home")
def test_a_client_without_a_home_says_what_it_does_not_save() -> None:
    options = make_plan()
    assert (options.config, options.state) == (None, None)
    assert (
        options.problem == "identity, settings and history are not saved: there is no home folder; set HOME"
    )


@pytest.mark.usefixtures("no_home")
def test_a_server_without_a_home_needs_a_folder_for_its_data() -> None:
    with pytest.raises(StartError, match="there is no home folder; set HOME, or give --data FOLDER"):
        _ = Storage().folder
    assert Storage(data=Path("/srv/chat")).folder == Path("/srv/chat")
    assert Storage(ephemeral=True).folder is None
