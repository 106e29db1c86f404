"""HTTP server for scrapes, from the standard library, in threads. Knows nothing of the chat."""

from __future__ import annotations

from socket import SOCK_STREAM, getaddrinfo
from socketserver import ThreadingMixIn
from threading import BoundedSemaphore, Thread
from typing import Any, cast
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import CollectorRegistry, make_wsgi_app

from tcpchat.address import Address, is_loopback
from tcpchat.errors import StartError
from tcpchat.log import Log
from tcpchat.serving.sockets import host_of

SCRAPERS = 8  # connections that are served at the same time; more are closed
PATIENCE = 5.0  # seconds that one of them may be silent


class _Handler(WSGIRequestHandler):
    """Serves one connection, within bounded time."""

    timeout = PATIENCE

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: scrapes come every few seconds."""


class _Server(ThreadingMixIn, WSGIServer):
    """Serves few connections at a time, so that they cannot use up the descriptors of the chat."""

    daemon_threads = True
    request_queue_size = 16

    def __init__(self, address: Address, app: Any) -> None:
        self._free = BoundedSemaphore(SCRAPERS)
        found = getaddrinfo(address.host, address.port, type=SOCK_STREAM)
        self.address_family, *_, where = found[0]
        super().__init__(cast("tuple[str, int]", where), _Handler)  # IPv6 has two more numbers: its zone
        self.set_app(app)

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log nothing: usually the client has closed the connection."""


class Endpoint:
    """A listener that answers scrapes in threads until it is closed."""

    def __init__(self, registry: CollectorRegistry, where: str, log: Log) -> None:
        """Listen at PORT or HOST:PORT. Raises StartError."""
        address = Address.parse_endpoint(where)
        try:
            self._server = _Server(address, make_wsgi_app(registry))
        except OSError as error:
            why = error.strerror or str(error)
            raise StartError(f"cannot serve metrics on {address}: {why}; give another --metrics") from None
        host, port = host_of(self._server.socket.getsockname()), self._server.server_port
        if not is_loopback(host):
            log.warning("anybody who can reach this address can read the metrics", host=host, port=port)
        self._thread = Thread(target=self._server.serve_forever, name="metrics", daemon=True)
        self._thread.start()
        log.info("metrics", scrape=f"http://{Address(host, port)}/metrics")

    @property
    def port(self) -> int:
        return self._server.server_port

    def close(self) -> None:
        """Stop, and wait until no scrape is being answered."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
