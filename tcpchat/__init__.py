"""tcpchat: a chat server that talks to netcat, and a client that people live in.

`from tcpchat import Client` is the library; everything in `__all__` comes with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from tcpchat.client import (
        Client,
        ConnectError,
        Credentials,
        Disconnected,
        DisconnectedError,
        FlowControl,
        PendingCall,
        Reconnect,
        Reconnected,
        RefusedError,
        Replay,
        Skipped,
        Tls,
        UntrustedError,
    )
    from tcpchat.protocol import (
        Absent,
        Event,
        Joined,
        Left,
        Message,
        Muted,
        Read,
        Receipt,
        Renamed,
        Scheduled,
        Sent,
        Unread,
        Unsent,
    )

__all__ = [
    "Absent",
    "Client",
    "ConnectError",
    "Credentials",
    "Disconnected",
    "DisconnectedError",
    "Event",
    "FlowControl",
    "Joined",
    "Left",
    "Message",
    "Muted",
    "PendingCall",
    "Read",
    "Receipt",
    "Reconnect",
    "Reconnected",
    "RefusedError",
    "Renamed",
    "Replay",
    "Scheduled",
    "Sent",
    "Skipped",
    "Tls",
    "Unread",
    "Unsent",
    "UntrustedError",
    "__version__",
]


def __getattr__(name: str) -> object:
    """Import the library when it is used: a command line should not wait for it."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from tcpchat import client, protocol

    return getattr(client, name, None) or getattr(protocol, name)
