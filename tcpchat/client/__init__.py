"""The client library: a typed connection that lasts, on Trio. No terminal, nothing of the server."""

from tcpchat.address import Address
from tcpchat.client.client import Client
from tcpchat.client.errors import ConnectError, DisconnectedError, RefusedError, UntrustedError
from tcpchat.client.feed import Skipped
from tcpchat.client.outbox import Asked
from tcpchat.client.reconnect import Reconnect
from tcpchat.client.state import Closed, Disconnected, Offline, Online, Reconnected, State
from tcpchat.client.tls import Tls

__all__ = [
    "Address",
    "Asked",
    "Client",
    "Closed",
    "ConnectError",
    "Disconnected",
    "DisconnectedError",
    "Offline",
    "Online",
    "Reconnect",
    "Reconnected",
    "RefusedError",
    "Skipped",
    "State",
    "Tls",
    "UntrustedError",
]
