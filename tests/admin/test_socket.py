"""The socket in the data folder: its permissions, and folders where there is none."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tcpchat.admin.socket import LONGEST, SOCKET
from tcpchat.service.app import open_admin
from tcpchat.settings import Storage
from tests.admin.conftest import open_place
from tests.running import Log


async def test_only_the_owner_can_open_the_socket(tmp_path: Path) -> None:
    async with open_place(tmp_path / "data"):
        socket = (tmp_path / "data" / SOCKET).stat()
        assert stat.S_ISSOCK(socket.st_mode)
        assert stat.S_IMODE(socket.st_mode) == 0o600
        assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700


async def test_a_socket_left_behind_by_a_server_is_replaced(tmp_path: Path) -> None:
    for _ in range(2):
        async with open_place(tmp_path / "data") as place:
            assert (await place.operator("bans"))["type"] == "bans"
        assert (tmp_path / "data" / SOCKET).exists()


async def test_a_long_path_works(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * LONGEST) / "data"
    async with open_place(folder) as place:
        assert (folder / SOCKET).is_socket()
        assert (await place.operator("bans"))["type"] == "bans"


async def test_where_a_long_path_cannot_work_there_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / ("x" * LONGEST)
    folder.mkdir()
    monkeypatch.setattr("tcpchat.admin.socket.DESCRIPTORS", tmp_path / "nothing")
    log = Log()
    assert await open_admin(Storage(data=folder), log) == []  # type: ignore[arg-type]
    (warning,) = log.named("no admin socket; tcpchat admin will not work")
    assert "too long for a socket" in warning["error"]


async def test_an_ephemeral_server_has_no_socket(tmp_path: Path) -> None:
    log = Log()
    assert await open_admin(Storage(data=tmp_path, ephemeral=True), log) == []  # type: ignore[arg-type]
    assert not (tmp_path / SOCKET).exists()
