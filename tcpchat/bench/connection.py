"""One raw connection of a load: joined, read in whole lines, and the reason why the server closed it."""

from __future__ import annotations

import socket
from typing import Any, Final

import orjson

from tcpchat.address import Address
from tcpchat.errors import StartError, UnreachableError

TIMEOUT: Final = 20  # seconds for a server to answer; one that is at its limit is slow
RECEIVE: Final = 256 * 1024  # bytes at once
_HINTS: Final = {
    "login-required": "the load connects as guests, which this server does not admit",
    "server-full": "the server's setting --connections is the limit",
    "address-full": "the server's setting --connections-per-address is the limit",
}


def hint(code: str) -> str:
    return f" ({_HINTS[code]})" if code in _HINTS else ""


class Connection:
    """A socket that has joined; from then on it does not block."""

    def __init__(self, address: Address) -> None:
        """Connect, and wait until events arrive. Raises StartError with the server's reason.

        That is UnreachableError if no tcpchat server answers.
        """
        self.bye = ""
        self._tail = b""
        try:
            self.socket = socket.create_connection((address.host, address.port), TIMEOUT)
        except OSError as error:
            raise UnreachableError(f"cannot reach {address}: {error.strerror or error}") from None
        try:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._join(address)
        except OSError as error:
            self.socket.close()
            raise UnreachableError(
                f"{address} is not a tcpchat server, or does not answer: {error}"
            ) from None
        except BaseException:
            self.socket.close()
            raise
        self.socket.setblocking(False)  # noqa: FBT003  # as the standard library has it

    def _join(self, address: Address) -> None:
        """Make a request that requires admission; from its reply on, the server sends events."""
        self.socket.sendall(b'{"type":"history","id":"joined","count":1}\n')
        while True:
            data = self.socket.recv(RECEIVE)
            if not data:
                raise StartError(f"{address} closed the connection before admitting it")
            *lines, self._tail = (self._tail + data).split(b"\n")
            for line in map(_decode, lines):
                if line.get("type") == "error":
                    code = str(line.get("code"))
                    if code == "tls-required":
                        raise StartError(f"{address} speaks TLS; a load needs the plain port, usually 8000")
                    raise StartError(f"{address} does not admit the load: {line.get('message')}{hint(code)}")
                if line.get("re") == "joined":
                    return

    def read(self) -> bytes | None:
        """Return the whole lines that have arrived; None if the server closed the connection."""
        try:
            data = self.socket.recv(RECEIVE)
        except BlockingIOError:
            return b""
        except OSError as error:
            self.bye = self.bye or error.strerror or str(error)
            return None
        if not data:
            self.bye = self.bye or "closed"
            return None
        end = data.rfind(b"\n") + 1
        if not end:
            self._tail += data
            return b""
        # without a tail, which is the usual case, these are the same bytes as other receivers get
        lines = self._tail + data[:end] if self._tail else data[:end]
        self._tail = data[end:]
        if b'{"type":"bye"' in lines:
            self.bye = str(_decode(lines[lines.index(b'{"type":"bye"') :].partition(b"\n")[0]).get("code"))
        return lines


def _decode(line: bytes) -> dict[str, Any]:
    try:
        decoded = orjson.loads(line)
    except orjson.JSONDecodeError:
        decoded = None
    if not isinstance(decoded, dict):
        raise OSError(f"it sent {line[:40]!r}")
    return decoded
