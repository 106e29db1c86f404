"""A server with what its settings ask for: certificate, listeners, data, metrics, the operator's door."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, closing, contextmanager
from typing import TYPE_CHECKING

import attrs
import trio

from tcpchat.admin.socket import open_door
from tcpchat.errors import StartError
from tcpchat.log import Log
from tcpchat.server import Server
from tcpchat.serving.sockets import listen, most_connections, raise_file_limit
from tcpchat.serving.tls import Certificate, TlsListener
from tcpchat.settings import Settings, Storage
from tcpchat.store.sqlite import SqliteStore
from tcpchat.times import Clock

if TYPE_CHECKING:
    from tcpchat.service.metrics import Metrics


@attrs.frozen(kw_only=True)
class Instance:
    """What was opened for one server, which serves once."""

    server: Server
    certificate: Certificate | None
    plain: Sequence[trio.SocketListener]
    encrypted: Sequence[TlsListener]
    doors: Sequence[trio.SocketListener]
    metrics: Metrics | None
    clock: Clock

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until the server is stopped and what it accepted is kept; started, once it serves."""
        async with trio.open_nursery() as nursery:
            if self.metrics is not None:
                nursery.start_soon(self.metrics.measure_lag, self.clock)
            listeners = [*self.plain, *self.encrypted]
            await self.server.run(listeners, doors=self.doors, task_status=task_status)
            nursery.cancel_scope.cancel()


@asynccontextmanager
async def open_instance(settings: Settings, log: Log, clock: Clock) -> AsyncIterator[Instance]:
    """Open all of it, what fails most before what others notice, and close it after the block.

    Clients can connect from here on, and are served once it runs. Raises StartError.
    """
    certificate = Certificate.load(settings.tls)
    with ExitStack() as stack:
        plain, encrypted = await open_listeners(settings, certificate)
        for listener in [*plain, *(each.transport_listener for each in encrypted)]:
            stack.callback(listener.socket.close)
        store = SqliteStore(settings.storage.folder, settings.storage.synchronous)
        stack.callback(store.close)
        server = Server(fit(settings, log), store, log, clock)
        metrics = stack.enter_context(open_metrics(server, settings.running.metrics, log))
        doors = await open_doors(settings.storage, log)
        for door in doors:
            stack.callback(door.socket.close)
        yield Instance(
            server=server,
            certificate=certificate,
            plain=plain,
            encrypted=encrypted,
            doors=doors,
            metrics=metrics,
            clock=clock,
        )


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


async def open_doors(storage: Storage, log: Log) -> list[trio.SocketListener]:
    """Return where the operator is heard, if things are kept; the caller holds the data folder's lock."""
    if storage.folder is None:
        return []
    try:
        return [await open_door(storage.folder)]
    except OSError as error:
        log.warning("no admin socket, so tcpchat admin will not work", error=str(error))
        return []


@contextmanager
def open_metrics(server: Server, where: str | None, log: Log) -> Iterator[Metrics | None]:
    """Let metrics be scraped there while the block lasts. Raises StartError."""
    if where is None:
        yield None
        return
    from tcpchat.service.metrics import Metrics
    from tcpchat.service.metrics_http import Endpoint  # which takes long, for the few who want it

    metrics = Metrics(server)
    with closing(Endpoint(metrics.registry, where, log)):
        yield metrics
