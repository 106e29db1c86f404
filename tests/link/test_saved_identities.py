"""The files of saved identities: which are read, and which a name or no name may get."""

from __future__ import annotations

from pathlib import Path

import attrs
import orjson
import pytest

from tcpchat.link.desired_identity import Identity
from tcpchat.link.saved_identities import Saved, named, read_saved, same_name, saved_for, slots, unnamed

HERE = "127.0.0.1:8000"


def saved(user: str, *, registered: bool = True, asked: str | None = None) -> Saved:
    identity = Identity(user=user, token=f"t-{user}", journal="j", registered=registered)
    return Saved(Path(user), identity, asked)


def test_files_of_other_servers_and_locks_are_left_out(tmp_path: Path) -> None:
    one = saved("ben")
    fields = {"name": None, **attrs.asdict(one.identity)}
    for name, address in (("a", HERE), ("b", "other:1"), ("a.lock", HERE), ("a.new", HERE)):
        (tmp_path / name).write_bytes(orjson.dumps({"address": address} | fields))
    assert [found.path.name for found in saved_for(tmp_path, HERE)] == ["a"]
    assert read_saved(tmp_path / "b", HERE) is None
    assert read_saved(tmp_path / "missing", HERE) is None


def test_a_name_gets_its_user_a_registered_one_first() -> None:
    guest, user = saved("ben", registered=False), saved("ben")
    renamed, other = saved("zoe", asked="Ben"), saved("alice", asked="alice")
    assert list(named([guest, renamed, other, user], "BEN")) == [user, guest, renamed]


def test_no_name_gets_users_of_starts_without_one() -> None:
    guest, user, asked = saved("guest-1", registered=False), saved("ben"), saved("bot", asked="bot")
    assert unnamed([guest, user, asked, saved("ben")]) == ([user], [guest])


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [("Ben", "ben", True), ("Stra\u00dfe", "strasse", True), ("ben", "benn", False), (None, None, False)],
)
def test_capitals_do_not_make_another_name(one: str | None, other: str | None, same: bool) -> None:
    assert same_name(one, other) is same


def test_each_server_and_name_has_files_of_its_own(tmp_path: Path) -> None:
    first = [next(slots(tmp_path, HERE, name, 1)) for name in (None, "ben", "alice")]
    assert len({*first, *slots(tmp_path, "other:1", None, 1)}) == 4
    assert len(set(slots(tmp_path, HERE, "ben", 9))) == 9
