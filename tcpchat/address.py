"""Addresses as users write them: `HOST[:PORT]` to connect to, `[HOST:]PORT` to listen on. Pure."""

from __future__ import annotations

import re
from typing import Final, Self

import attrs

DEFAULT_HOST: Final = "127.0.0.1"
DEFAULT_PORT: Final = 8000
TLS_PORT: Final = 8443  # the default with TLS
MAX_PORT: Final = 2**16 - 1
_ADDRESS: Final = re.compile(
    r"(?:\[(?P<ipv6>[^\[\]\s]+)\]|(?P<host>[^:\[\]\s]*))(?::(?P<port>\d{1,5}))?", re.ASCII
)


@attrs.frozen
class Address:
    """The host and port of a server."""

    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT

    @classmethod
    def parse(cls, text: str, default_port: int = DEFAULT_PORT) -> Self:
        """Read `example.org`, `example.org:9000`, `:9000`, `[::1]:9000` or `::1`. Raises ValueError."""
        if _is_ipv6(text):
            return cls(text, default_port)
        found = cls._match(text, default_port)
        if found is None or found.port == 0:
            raise ValueError(
                f"{text!r} is not HOST[:PORT], such as 127.0.0.1:8000, example.org or [::1]:8000"
            )
        return found

    @classmethod
    def parse_endpoint(cls, text: str) -> Self:
        """Read `9464` or `:9464` (on this machine only), or `0.0.0.0:9464`. Raises ValueError.

        Port 0 means a free one.
        """
        found = cls._match(text if ":" in text else f":{text}", None)
        if found is None:
            raise ValueError(f"{text!r} is not PORT or HOST:PORT, such as 9464 or 127.0.0.1:9464")
        return found

    @classmethod
    def _match(cls, text: str, default_port: int | None) -> Self | None:
        match = _ADDRESS.fullmatch(text)
        port = match and (match["port"] or default_port)
        if match is None or port is None or int(port) > MAX_PORT:
            return None
        return cls(match["ipv6"] or match["host"] or DEFAULT_HOST, int(port))

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def _is_ipv6(text: str) -> bool:
    if text.count(":") < 2:  # noqa: PLR2004  # each IPv6 address has two
        return False
    import ipaddress

    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True
