"""A server inside another program."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import trio

from tcpchat.errors import StartError
from tcpchat.service import app
from tcpchat.service.embedded import embedded_server
from tcpchat.settings import Listening, Settings, Storage
from tcpchat.store.sqlite import SqliteStore


def settings(folder: Path) -> Settings:
    return Settings(listening=Listening(port=0), storage=Storage(data=folder))


async def test_it_runs_while_the_block_lasts_and_writes_a_log(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "server.log"
    async with embedded_server(settings(tmp_path / "data"), log) as kept:
        assert kept == f"messages are stored in {tmp_path / 'data'}"
        with pytest.raises(StartError, match="data"):
            async with embedded_server(settings(tmp_path / "data"), None):
                raise AssertionError("the folder is in use")
    async with embedded_server(settings(tmp_path / "data"), log):
        """The folder is free again."""
    assert log.exists()


async def test_a_log_that_cannot_be_opened_is_said_and_the_server_runs(tmp_path: Path) -> None:
    async with embedded_server(settings(tmp_path / "data"), Path("/dev/null/logs/server.log")) as kept:
        assert kept == (
            f"messages are stored in {tmp_path / 'data'}; nothing is logged: Not a directory: /dev/null/logs"
        )


async def test_a_cancelled_start_leaves_no_server_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opening = trio.Event()
    token = trio.lowlevel.current_trio_token()
    closed: list[bool] = []

    class SlowStore(SqliteStore):
        def __init__(self, *arguments: Any) -> None:
            token.run_sync_soon(opening.set)
            time.sleep(0.2)
            super().__init__(*arguments)

        def close(self) -> None:
            super().close()
            closed.append(True)

    monkeypatch.setattr(app, "SqliteStore", SlowStore)
    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:

            async def start() -> None:
                async with embedded_server(settings(tmp_path), None):
                    await trio.sleep_forever()

            nursery.start_soon(start)
            await opening.wait()
            nursery.cancel_scope.cancel()
    assert closed == [True]
