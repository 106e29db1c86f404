"""What was typed and not sent is kept for the next start at the same server."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import orjson
import pytest

from tcpchat.files import MAX_BYTES
from tcpchat.repl.drafts import Draft, Drafts

HERE = "127.0.0.1:8000"
DRAFT = Draft(text="half a\nthought 🇩🇪", pasted=True, to="bob")


def files(state: Path) -> list[Path]:
    return [path for path in state.rglob("*") if path.is_file()]


def test_a_draft_is_given_once_and_only_for_its_server(tmp_path: Path) -> None:
    assert Drafts(tmp_path, HERE).keep(DRAFT)
    assert Drafts(tmp_path, "127.0.0.1:8001").take() is None
    assert Drafts(tmp_path, HERE).take() == DRAFT
    assert Drafts(tmp_path, HERE).take() is None
    assert files(tmp_path) == []


def test_only_its_user_may_read_a_draft(tmp_path: Path) -> None:
    Drafts(tmp_path, HERE).keep(DRAFT)
    (path,) = files(tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_later_draft_of_the_same_client_replaces_the_one_before(tmp_path: Path) -> None:
    drafts = Drafts(tmp_path, HERE)
    drafts.keep(Draft(text="half"))
    drafts.keep(Draft(text="half a thought"))
    assert drafts.take() == Draft(text="half a thought")
    assert drafts.take() is None


def test_clients_that_end_together_leave_a_draft_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for pid in (11, 12):
        monkeypatch.setattr(os, "getpid", lambda pid=pid: pid)
        Drafts(tmp_path, HERE).keep(Draft(text=f"of {pid}"))
    found = [Drafts(tmp_path, HERE).take() for _ in range(3)]
    assert found == [Draft(text="of 11"), Draft(text="of 12"), None]


@pytest.mark.parametrize(
    "data",
    [b"", b"\xff", b"[]", b"{}", b'{"text": 5, "pasted": false, "to": null}', orjson.dumps({"text": "x"})],
)
def test_a_file_that_is_no_draft_is_left_out(tmp_path: Path, data: bytes) -> None:
    Drafts(tmp_path, HERE).keep(DRAFT)
    (path,) = files(tmp_path)
    (path.parent / "0").write_bytes(data)
    assert Drafts(tmp_path, HERE).take() == DRAFT


def test_a_draft_that_could_not_be_read_again_is_not_kept(tmp_path: Path) -> None:
    assert not Drafts(tmp_path, HERE).keep(Draft(text="x" * MAX_BYTES))
    assert not Drafts(tmp_path, HERE).keep(Draft(text="\udcff"))
    assert files(tmp_path) == []


@pytest.mark.parametrize("state", [None, Path("/dev/null/state")])
def test_without_a_folder_none_is_kept(state: Path | None) -> None:
    assert not Drafts(state, HERE).keep(DRAFT)
    assert Drafts(state, HERE).take() is None
