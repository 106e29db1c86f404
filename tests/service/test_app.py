"""A server with everything that its settings ask for: opened in order, and closed in every case."""

from __future__ import annotations

import socket
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import trio

from chaos.clock import TrioClock
from tcpchat.admin.socket import SOCKET, connect
from tcpchat.errors import StartError
from tcpchat.service.app import open_app
from tcpchat.serving.sockets import addresses
from tcpchat.settings import Listening, Running, Settings, Storage
from tests.running import Log

HERE = "127.0.0.1"


def settings(folder: Path, *, port: int = 0, metrics: str | None = None) -> Settings:
    return Settings(
        listening=Listening(host=(HERE,), port=port),
        storage=Storage(data=folder, synchronous="off"),
        running=Running(metrics=metrics),
    )


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def log() -> Any:
    return Log()


async def test_it_serves_until_its_server_is_stopped(tmp_path: Path) -> None:
    before = open_files()
    async with open_app(settings(tmp_path), log(), TrioClock()) as app:
        async with trio.open_nursery() as nursery:
            await nursery.start(app.run)
            (where,) = addresses(app.plain)
            stream = await trio.open_tcp_stream(HERE, where.port)
            assert b'"welcome"' in await stream.receive_some()
            app.node.stop()
        await stream.aclose()
    assert open_files() <= before + 1  # the selector of a thread may stay


async def test_an_app_that_never_ran_is_closed_too(tmp_path: Path) -> None:
    async with open_app(settings(tmp_path), log(), TrioClock()) as app:
        (listener,), (admin,) = app.plain, app.admin
        calling = await connect(tmp_path)
        assert calling is not None
        await calling.aclose()
    assert listener.socket.fileno() == admin.socket.fileno() == -1
    async with open_app(settings(tmp_path), log(), TrioClock()):
        """The folder is free again."""


async def test_metrics_are_served_while_it_is_open(tmp_path: Path) -> None:
    where = Log()
    async with open_app(settings(tmp_path, metrics=f"{HERE}:0"), where, TrioClock()) as app:  # type: ignore[arg-type]
        assert app.metrics is not None
        ((_, told),) = [line for line in where.lines if line[0] == "metrics"]
        page = await trio.to_thread.run_sync(lambda: urllib.request.urlopen(told["scrape"]).read())
        assert b"tcpchat_connections 0" in page
    with pytest.raises(OSError, match="refused"):
        await trio.to_thread.run_sync(lambda: urllib.request.urlopen(told["scrape"]))


@pytest.mark.parametrize("taken_by", ["metrics", "port"])
async def test_if_one_part_cannot_be_opened_nothing_stays_open(tmp_path: Path, taken_by: str) -> None:
    with socket.create_server((HERE, 0)) as taken:
        port = taken.getsockname()[1]
        wanted = (
            settings(tmp_path, metrics=f"{HERE}:{port}")
            if taken_by == "metrics"
            else settings(tmp_path, port=port)
        )
        before = open_files()
        with pytest.raises(StartError):
            async with open_app(wanted, log(), TrioClock()):
                raise AssertionError("it cannot have been opened")
        assert open_files() <= before
        assert not (tmp_path / SOCKET).exists()
