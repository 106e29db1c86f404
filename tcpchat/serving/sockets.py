"""Listeners, socket options and file descriptors of the operating system."""

from __future__ import annotations

import errno
import resource
import socket
from collections.abc import Iterable, Sequence
from typing import Any

import trio

from tcpchat.address import Address, is_loopback, normal_ip
from tcpchat.errors import StartError

OTHER_FILES = (
    128  # descriptors that are not connections: database, listeners, pipes, connections being refused
)
KEEP_ALIVE_IDLE = 60  # seconds of silence after which TCP asks whether the peer is still there
KEEP_ALIVE_INTERVAL = 20  # seconds between two such questions
KEEP_ALIVE_COUNT = 4  # unanswered ones after which the connection is gone


async def listen(hosts: Iterable[str], port: int, option: str = "--") -> list[trio.SocketListener]:
    """Listen on one port of every host, IPv4 and IPv6; port 0 picks one that is free on the first.

    Raises StartError, whose text names options that begin with `option`.
    """
    listeners: list[trio.SocketListener] = []
    host = ""
    try:
        for host in hosts:
            for address in await _resolve(host, port):
                listeners += await trio.open_tcp_listeners(port, host=address)
                port = port or listeners[0].socket.getsockname()[1]
    except (OSError, UnicodeError) as error:
        for listener in listeners:
            await listener.aclose()
        raise StartError(_why(error, host, port, option)) from None
    if not listeners:
        raise StartError(f"no address to listen on; give a {option}host")
    return listeners


async def _resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a host, so that all of them get the same port."""
    found = await trio.socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(host_of(entry[4]) for entry in found))


def host_of(name: tuple[Any, ...]) -> str:
    """Return the host of a socket's name. A link-local one (`fe80::5%eth0`) is of no use without its zone."""
    host, _, *rest = name
    zone = rest[1] if rest else 0
    if not zone:
        return normal_ip(host)
    try:
        return f"{host}%{socket.if_indextoname(zone)}"
    except OSError:  # the interface is gone
        return f"{host}%{zone}"


def _why(error: OSError | UnicodeError, host: str, port: int, option: str) -> str:
    cause: BaseException = error
    while cause.__cause__ is not None and not isinstance(cause.__cause__, BaseExceptionGroup):
        cause = cause.__cause__
    number = cause.errno if isinstance(cause, OSError) else None
    if number == errno.EADDRINUSE:
        hint = f"another program listens there; give another {option}port, or {option}port 0 for a free one"
    elif number == errno.EACCES:
        hint = f"ports below 1024 are reserved for root; give a higher {option}port"
    elif isinstance(cause, socket.gaierror | UnicodeError):
        hint = f"unknown {option}host"
    elif number == errno.EADDRNOTAVAIL:
        hint = f"this machine does not have that address; give another {option}host"
    else:
        hint = getattr(cause, "strerror", None) or str(cause)
    return f"cannot listen on {Address(host, port)}: {hint}"


def addresses(listeners: Sequence[trio.SocketListener]) -> list[Address]:
    """Return the addresses that the listeners listen on."""
    names = [listener.socket.getsockname() for listener in listeners]
    return [Address(host_of(name), name[1]) for name in names]


def _unwrap(stream: object) -> object:
    """Return the stream below a TLS stream, or the stream itself."""
    return getattr(stream, "transport_stream", stream)


def non_loopback(addresses: Iterable[Address]) -> list[Address]:
    """Return the addresses that other machines may be able to reach."""
    return [address for address in addresses if not is_loopback(address.host)]


def peer_address(stream: object) -> str:
    """Return the host that a stream comes from; for a stream without a socket, the name of its class."""
    stream = _unwrap(stream)
    if not isinstance(stream, trio.SocketStream):
        return type(stream).__name__
    try:
        host: str = stream.socket.getpeername()[0]
    except OSError:
        return "gone"
    return normal_ip(host)


def keep_alive(stream: object) -> None:
    """Make TCP notice a peer that vanished without closing. Trio has set TCP_NODELAY already."""
    stream = _unwrap(stream)
    if not isinstance(stream, trio.SocketStream):
        return
    try:
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if hasattr(socket, "TCP_KEEPIDLE"):  # other systems use their own times
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEP_ALIVE_IDLE)
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, KEEP_ALIVE_INTERVAL)
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, KEEP_ALIVE_COUNT)
    except OSError:
        pass  # it is closed already, which reading will notice


def raise_file_limit(enough: int | None = None) -> int:
    """Raise the limit of file descriptors as far as the system permits, or to `enough`; return the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = hard if enough is None else min(enough, _count(hard))
    if _count(soft) < _count(wanted):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
        except (OSError, ValueError):
            pass  # macOS may refuse its own hard limit
    return _count(soft)


def _count(limit: int) -> int:
    return limit if limit != resource.RLIM_INFINITY else 2**31


def most_connections(wanted: int, files: int) -> int:
    """Return how many connections to allow so that descriptors never run out; `wanted` 0 is unlimited."""
    possible = max(1, files - OTHER_FILES)
    return min(wanted, possible) if wanted else possible
