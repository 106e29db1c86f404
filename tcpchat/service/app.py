"""A server with everything that its settings ask for: certificate, listeners, data, metrics, admin socket."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, closing, contextmanager
from typing import TYPE_CHECKING

import attrs
import trio

from tcpchat.admin import socket as admin_socket
from tcpchat.errors import StartError
from tcpchat.files import reason
from tcpchat.log import Log
from tcpchat.service.node import Node
from tcpchat.serving.self_signed import with_certificate
from tcpchat.serving.sockets import listen, most_connections, raise_file_limit
from tcpchat.serving.tls import Certificate, TlsListener
from tcpchat.settings import Settings, Storage
from tcpchat.store.sqlite import SqliteStore
from tcpchat.times import Clock

if TYPE_CHECKING:
    from tcpchat.service.metrics import Metrics


@attrs.frozen(kw_only=True)
class App:
    """A node and everything else that was opened for one server, which serves once."""

    node: Node
    certificate: Certificate | None
    plain: Sequence[trio.SocketListener]
    encrypted: Sequence[TlsListener]
    admin: Sequence[trio.SocketListener]
    metrics: Metrics | None
    clock: Clock

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until the node is stopped and everything accepted is stored; started, once it serves."""
        accept, serve_operator = self.node.server.accept, self.node.serve_operator
        chat = [(listener, accept) for listener in (*self.plain, *self.encrypted)]
        admin = [(listener, serve_operator) for listener in self.admin]
        async with trio.open_nursery() as nursery:
            if self.metrics is not None:
                nursery.start_soon(self.metrics.measure_lag, self.clock)
            await self.node.run([*chat, *admin], task_status=task_status)
            nursery.cancel_scope.cancel()


@asynccontextmanager
async def open_app(settings: Settings, log: Log, clock: Clock) -> AsyncIterator[App]:
    """Open all of it, first what fails most often and last what others notice, and close it after the block.

    Clients can connect from here on, and are served once it runs. Raises StartError.
    """
    certificate = Certificate.load(with_certificate(settings))
    with ExitStack() as stack:
        plain, encrypted = await open_listeners(settings, certificate)
        for listener in [*plain, *(each.transport_listener for each in encrypted)]:
            stack.callback(listener.socket.close)
        store = SqliteStore(settings.storage.folder, settings.storage.synchronous)
        stack.callback(store.close)
        node = Node(cap_connections(settings, log), store, log, clock)
        metrics = stack.enter_context(open_metrics(node, settings.running.metrics, log))
        admin = await open_admin(settings.storage, log)
        for socket in admin:
            stack.callback(socket.socket.close)
        yield App(
            node=node,
            certificate=certificate,
            plain=plain,
            encrypted=encrypted,
            admin=admin,
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


def cap_connections(settings: Settings, log: Log) -> Settings:
    """Return the settings with no more connections than the system has file descriptors for."""
    files = raise_file_limit()
    most = most_connections(settings.limits.connections, files)
    if most == settings.limits.connections:
        return settings
    log.warning("too few file descriptors for all connections", connections=most, files=files)
    return attrs.evolve(settings, limits=attrs.evolve(settings.limits, connections=most))


async def open_admin(storage: Storage, log: Log) -> list[trio.SocketListener]:
    """Return the admin socket, if data is stored on disk; the caller holds the data folder's lock."""
    if storage.folder is None:
        return []
    try:
        return [await admin_socket.listen(storage.folder)]
    except OSError as error:
        log.warning("no admin socket; tcpchat admin will not work", error=reason(error))
        return []


@contextmanager
def open_metrics(node: Node, where: str | None, log: Log) -> Iterator[Metrics | None]:
    """Serve metrics there for Prometheus while the block lasts. Raises StartError."""
    if where is None:
        yield None
        return
    from tcpchat.service.metrics import Metrics
    from tcpchat.service.metrics_http import Endpoint  # slow to import, and rarely needed

    metrics = Metrics(node)
    with closing(Endpoint(metrics.registry, where, log)):
        yield metrics
