"""`HOST[:PORT]`, as people write it. Pure."""

from __future__ import annotations

import re

import attrs

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8000
TLS_PORT = 8443  # where nobody says another
_ADDRESS = re.compile(r"(?:\[(?P<six>[^\[\]]+)\]|(?P<host>[^:\[\]]*))(?::(?P<port>\d{1,5}))?", re.ASCII)


_ENDPOINT = re.compile(r"(?:(?:\[(?P<six>[^\[\]]+)\]|(?P<host>[^:\[\]\s]*)):)?(?P<port>\d{1,5})", re.ASCII)


@attrs.frozen
class Address:
    """Where a server is."""

    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT

    @classmethod
    def parse(cls, text: str, default_port: int = DEFAULT_PORT) -> Address:
        """Read `example.org`, `example.org:9000`, `:9000`, `[::1]:9000` or `::1`. Raises ValueError."""
        match = _ADDRESS.fullmatch(text)
        if match is None and _is_ipv6(text):
            return cls(text, default_port)
        port = int(match["port"] or default_port) if match else 0
        if match is None or not 0 < port < 2**16 or re.search(r"\s", text):
            raise ValueError(
                f"{text!r} is not HOST[:PORT], such as 127.0.0.1:8000, example.org or [::1]:8000"
            )
        return cls(match["six"] or match["host"] or DEFAULT_HOST, port)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def parse_endpoint(text: str) -> Address:
    """Read where something is to listen: `9464` or `:9464` (on this machine only) or `0.0.0.0:9464`.

    Port 0 is a free one. Raises ValueError.
    """
    match = _ENDPOINT.fullmatch(text)
    if match is None or int(match["port"]) >= 2**16:
        raise ValueError(f"{text!r} is not PORT or HOST:PORT, such as 9464 or 127.0.0.1:9464")
    return Address(match["six"] or match["host"] or DEFAULT_HOST, int(match["port"]))


def _is_ipv6(text: str) -> bool:
    import ipaddress

    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True
