"""The server as a process of its own: its files, its listeners, its log, its signals."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import attrs
import trio
from platformdirs import user_data_path

from tcpchat.admin.door import open_door
from tcpchat.log import Log, LogWriter, configure
from tcpchat.server import Server
from tcpchat.settings import Settings, Storage
from tcpchat.sockets import addresses, listen, most_connections, raise_file_limit
from tcpchat.store import Store
from tcpchat.store.sqlite import SqliteStore
from tcpchat.times import Clock, SystemClock

SWITCH_INTERVAL = (
    0.0005  # seconds; how long the loop may keep the writer thread from going on. Default: 0.005
)


async def serve(settings: Settings, store: Store, log: Log, clock: Clock) -> None:
    """Run a server until SIGTERM or SIGINT; a second one ends the process at once.

    Prints `listening on HOST:PORT` to stdout when clients can connect. Raises StartError.
    """
    server = Server(fit(settings, log), store, log, clock)
    listeners = await listen(settings.listening.host, settings.listening.port)
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_stop_on_signal, server, signals, log)
            async with trio.open_nursery() as running:
                doors = await operators(settings.storage, log)
                await running.start(partial(server.run, doors=doors), listeners)
                where = addresses(listeners)
                print("listening on", ", ".join(where), flush=True)
                host, _, port = where[0].rpartition(":")
                data = "in memory" if settings.storage.ephemeral else data_folder(settings.storage)
                log.info("ready", data=data, talk_to_it=f"nc {host.strip('[]')} {port}", then_type="help")
            nursery.cancel_scope.cancel()
    log.info("stopped")


def fit(settings: Settings, log: Log) -> Settings:
    """Return the settings with as many connections as the system has file descriptors for."""
    files = raise_file_limit()
    most = most_connections(settings.limits.connections, files)
    if most == settings.limits.connections:
        return settings
    log.warning("fewer connections than set: file descriptors", connections=most, files=files)
    return attrs.evolve(settings, limits=attrs.evolve(settings.limits, connections=most))


async def operators(storage: Storage, log: Log) -> list[trio.SocketListener]:
    """Return where the operator is heard, if things are kept; the caller holds the data folder's lock."""
    if storage.ephemeral:
        return []
    try:
        return [await open_door(data_folder(storage))]
    except OSError as error:
        log.warning("no admin socket, so tcpchat admin will not work", error=str(error))
        return []


def data_folder(storage: Storage) -> Path:
    """Return where things are kept, if they are."""
    return storage.data or user_data_path("tcpchat", appauthor=False)


def run_server(settings: Settings) -> None:
    """Run a server with the machine's clock, disk and signals, until it is stopped. Raises StartError."""
    storage, running = settings.storage, settings.running
    store = SqliteStore(None if storage.ephemeral else data_folder(storage), storage.synchronous)
    writer = LogWriter(sys.stderr.fileno())
    log = configure(writer, format=running.log_format, level=running.log_level)
    sys.setswitchinterval(SWITCH_INTERVAL)
    try:
        trio.run(serve, settings, store, log, SystemClock())
    finally:
        store.close()
        writer.close()


async def _stop_on_signal(server: Server, signals: AsyncIterator[int], log: Log) -> None:
    async for number in signals:
        log.info("stopping", signal=signal.Signals(number).name)
        server.stop()
        break
    async for number in signals:
        # Whatever is acknowledged is on disk, so this is as safe as kill -9.
        os._exit(128 + number)
