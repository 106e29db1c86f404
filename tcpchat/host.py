"""A server inside of another program: the client's, when nobody else is one yet."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import trio

from tcpchat.log import LogWriter, configure
from tcpchat.server import Server, data_folder
from tcpchat.settings import Settings
from tcpchat.sockets import listen
from tcpchat.store.sqlite import SqliteStore
from tcpchat.times import SystemClock


@asynccontextmanager
async def hosted(settings: Settings, log_file: Path | None) -> AsyncIterator[str]:
    """Run a server while the block lasts; by its end everyone was told and everything accepted is kept.

    Its log goes to `log_file`, since the terminal is taken. Gives a sentence about where messages are kept.
    Raises StartError.
    """
    storage = settings.storage
    listeners = await listen(settings.listening.host, settings.listening.port)
    with contextlib.ExitStack() as stack:
        for listener in listeners:
            stack.callback(listener.socket.close)
        store = SqliteStore(None if storage.ephemeral else data_folder(storage), storage.synchronous)
        stack.callback(store.close)
        if log_file is not None:
            log_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        log_to = stack.enter_context(open(log_file or "/dev/null", "ab", buffering=0))  # noqa: ASYNC230, PTH123  # once
        writer = LogWriter(log_to.fileno())
        stack.callback(writer.close)
        log = configure(writer, format="text", level=settings.running.log_level)
        server = Server(settings, store, log, SystemClock())
        async with trio.open_nursery() as nursery:
            await nursery.start(server.run, listeners)
            where = "memory only" if storage.ephemeral else str(data_folder(storage))
            yield f"messages are kept in {where}"
            server.stop()
