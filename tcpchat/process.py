"""The server as a process of its own: its files, its listeners, its log, its signals."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path

import attrs
import trio
from platformdirs import user_data_path

from tcpchat.admin.door import open_door
from tcpchat.errors import StartError
from tcpchat.log import Log, LogWriter, configure, set_level
from tcpchat.notify import Notifier
from tcpchat.reload import Apply, Read, Reloader, Step
from tcpchat.server import Server
from tcpchat.settings import Settings, Storage
from tcpchat.sockets import addresses, exposed, listen, most_connections, raise_file_limit
from tcpchat.store import Store
from tcpchat.store.sqlite import SqliteStore
from tcpchat.times import Clock, SystemClock
from tcpchat.tls import Certificate, TlsListener

STDIN = 0  # file descriptor
SWITCH_INTERVAL = (
    0.0005  # seconds; how long the loop may keep the writer thread from going on. Default: 0.005
)


async def serve(settings: Settings, store: Store, log: Log, clock: Clock, outside: Outside) -> None:
    """Run a server until SIGTERM or SIGINT; a second one ends the process at once. SIGHUP reloads.

    Prints `listening on HOST:PORT` to stdout when clients can connect, and a line more for TLS. Raises
    StartError.
    """
    certificate = Certificate.load(settings.tls)
    server, notifier = Server(fit(settings, log), store, log, clock), outside.notifier
    metrics = open_metrics(server, settings.running.metrics, log)
    listeners, encrypted = await open_listeners(settings, certificate)
    status = f"listening on {', '.join(addresses(listeners))}"
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as signals:
        steps = reloads(server, certificate, log)
        reloader = Reloader(settings, outside.read_settings, steps, log, notifier, status)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_obey, signals, server, reloader, log, outside)
            nursery.start_soon(reloader.run)
            nursery.start_soon(notifier.keep_alive)
            nursery.start_soon(metrics, clock)
            async with trio.open_nursery() as running:
                doors = await operators(settings.storage, log)
                await running.start(partial(server.run, doors=doors), [*listeners, *encrypted])
                print(status, flush=True)
                if certificate is not None:
                    by_tls = ", ".join(addresses([listener.transport_listener for listener in encrypted]))
                    print("listening with TLS on", by_tls, flush=True)
                    log.info("tls", listening_on=by_tls, fingerprint=certificate.fingerprint)
                if readable := exposed(addresses(listeners)):
                    log.warning("others on the network can read along here", listening_on=", ".join(readable))
                notifier.ready(status)
                log.info("ready", **_about(settings, listeners))
            nursery.cancel_scope.cancel()
    log.info("stopped")


@attrs.frozen
class Outside:
    """What a process has around it."""

    read_settings: Read
    notifier: Notifier
    has_hung_up: Callable[[], bool]
    """Whether a SIGHUP means that the terminal is gone, from which the server was started."""


def open_metrics(server: Server, where: str | None, log: Log) -> Callable[[Clock], Awaitable[None]]:
    """Let metrics be scraped there; return what is to run meanwhile. Raises StartError."""
    if where is None:
        return _nothing
    from tcpchat.endpoint import Endpoint  # which takes long, for the few who want it
    from tcpchat.metrics import Metrics

    metrics = Metrics(server)
    Endpoint(metrics.registry, where, log)  # which ends with the process
    return metrics.measure_lag


async def _nothing(clock: Clock) -> None:
    """Have nothing to do."""


def reloads(server: Server, certificate: Certificate | None, log: Log) -> list[Step]:
    """Return what a SIGHUP does with the settings that were read again."""
    return [
        lambda settings: partial(set_level, log, settings.running.log_level),
        lambda settings: lambda: server.apply(fit(settings, log)),
        lambda _: _nothing_new if certificate is None else _new_certificate(certificate, log),
    ]


def _nothing_new() -> None:
    """Have nothing to do."""


def _new_certificate(certificate: Certificate, log: Log) -> Apply:
    """Read the certificate again, for connections to come. Raises StartError."""
    use = certificate.read_again()

    def apply() -> None:
        use()
        log.info("certificate read again", fingerprint=certificate.fingerprint)

    return apply


def _about(settings: Settings, listeners: Sequence[trio.SocketListener]) -> dict[str, object]:
    """Return what the operator is told at the start."""
    host, _, port = addresses(listeners)[0].rpartition(":")
    data = "in memory" if settings.storage.ephemeral else data_folder(settings.storage)
    return {"data": data, "talk_to_it": f"nc {host.strip('[]')} {port}", "then_type": "help"}


async def open_listeners(
    settings: Settings, certificate: Certificate | None
) -> tuple[list[trio.SocketListener], list[TlsListener]]:
    """Listen where the settings say: plainly, and with a certificate encrypted too. Raises StartError."""
    listening, tls = settings.listening, settings.tls
    listeners = await listen(listening.host, listening.port)
    if certificate is None:
        return listeners, []
    try:
        under = await listen(tls.tls_host or listening.host, tls.tls_port, "--tls-")
    except StartError:
        for listener in listeners:
            listener.socket.close()
        raise
    return listeners, [TlsListener(listener, certificate) for listener in under]


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


def run_server(settings: Settings, read_settings: Read) -> None:
    """Run a server with the machine's clock, disk and signals, until it is stopped. Raises StartError.

    `read_settings` reads the same settings again.
    """
    storage, running = settings.storage, settings.running
    store = SqliteStore(None if storage.ephemeral else data_folder(storage), storage.synchronous)
    writer = LogWriter(sys.stderr.fileno())
    log = configure(writer, format=running.log_format, level=running.log_level)
    sys.setswitchinterval(SWITCH_INTERVAL)
    try:
        outside = Outside(read_settings, Notifier(os.environ), _terminal_watch())
        trio.run(serve, settings, store, log, SystemClock(), outside)
    finally:
        store.close()
        writer.close()


def _terminal_watch() -> Callable[[], bool]:
    """Return what tells whether the terminal of now is gone; without one it never is."""
    had_one = os.isatty(STDIN)
    return lambda: had_one and not os.isatty(STDIN)


async def _obey(
    signals: AsyncIterator[int],
    server: Server,
    reloader: Reloader,
    log: Log,
    outside: Outside,
) -> None:
    async for number in signals:
        if number == signal.SIGHUP and not outside.has_hung_up():
            reloader.ask()
            continue
        log.info("stopping", signal=signal.Signals(number).name)
        outside.notifier.stopping()
        server.stop()
        break
    async for number in signals:
        if number != signal.SIGHUP:
            # Whatever is acknowledged is on disk, so this is as safe as kill -9.
            os._exit(128 + number)
