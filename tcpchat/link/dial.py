"""Opening a stream to a server, or finding out why there is none. Nothing is sent on it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

import trio

from tcpchat.address import Address
from tcpchat.link.errors import ConnectError
from tcpchat.link.tls import Tls, tls_opener

CONNECT: Final = 10.0  # seconds that it may take

OpenStream = Callable[[], Awaitable[trio.abc.Stream]]


def opener(address: Address, tls: Tls | None) -> OpenStream:
    """Return a function that opens streams to this address. Raises ValueError if a file of `tls` is bad."""
    if tls is None:
        return partial(trio.open_tcp_stream, address.host, address.port)
    return tls_opener(address, tls)


async def dial(where: str, open_stream: OpenStream) -> trio.abc.Stream:
    """Open a stream; `where` is the server's address for messages. Raises ConnectError."""
    try:
        with trio.fail_after(CONNECT):
            return await open_stream()
    except (OSError, trio.TooSlowError) as error:
        cause = _cause(error)
        nothing_listens = isinstance(cause, ConnectionRefusedError)
        raise ConnectError(f"cannot reach {where}: {_why(cause)}", nothing_listens=nothing_listens) from None


def _cause(error: BaseException) -> BaseException:
    """Return the first failure of those that trio has combined."""
    while True:
        inner = error.exceptions[0] if isinstance(error, BaseExceptionGroup) else error.__cause__
        if inner is None:
            return error
        error = inner


def _why(cause: BaseException) -> str:
    if isinstance(cause, ConnectionRefusedError):
        return "nothing listens there; is the server running?"
    if isinstance(cause, trio.TooSlowError | trio.Cancelled):
        return f"no answer within {CONNECT:g} s"
    return getattr(cause, "strerror", None) or str(cause)
