"""tcpchat: a chat server that talks to netcat, a terminal client, and a client library.

`from tcpchat import Client` is the library; everything in `__all__` belongs to it. `tcpchat.protocol` has all
requests, replies and events.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tcpchat._version import __version__

if TYPE_CHECKING:
    from tcpchat.client import (
        Address,
        CaughtUp,
        Client,
        Closed,
        ConnectError,
        Credentials,
        Disconnected,
        DisconnectedError,
        FlowControl,
        Offline,
        Online,
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
        Away,
        Back,
        Cancelled,
        ConversationInfo,
        Edited,
        Error,
        Event,
        Joined,
        Left,
        LoggedIn,
        LoggedOut,
        Message,
        Muted,
        PasswordChanged,
        PendingMessage,
        Read,
        Receipt,
        Registered,
        Renamed,
        Reply,
        Reported,
        Request,
        Revoked,
        Scheduled,
        Send,
        Sent,
        SessionInfo,
        Status,
        Unmuted,
        Unread,
        UnreadInfo,
        Unsent,
        UserInfo,
        Whois,
    )

__all__ = [
    "Absent",
    "Address",
    "Away",
    "Back",
    "Cancelled",
    "CaughtUp",
    "Client",
    "Closed",
    "ConnectError",
    "ConversationInfo",
    "Credentials",
    "Disconnected",
    "DisconnectedError",
    "Edited",
    "Error",
    "Event",
    "FlowControl",
    "Joined",
    "Left",
    "LoggedIn",
    "LoggedOut",
    "Message",
    "Muted",
    "Offline",
    "Online",
    "PasswordChanged",
    "PendingCall",
    "PendingMessage",
    "Read",
    "Receipt",
    "Reconnect",
    "Reconnected",
    "RefusedError",
    "Registered",
    "Renamed",
    "Replay",
    "Reply",
    "Reported",
    "Request",
    "Revoked",
    "Scheduled",
    "Send",
    "Sent",
    "SessionInfo",
    "Skipped",
    "Status",
    "Tls",
    "Unmuted",
    "Unread",
    "UnreadInfo",
    "Unsent",
    "UntrustedError",
    "UserInfo",
    "Whois",
    "__version__",
]


def __getattr__(name: str) -> object:
    """Import the library when it is used, since a command line should not wait for it."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from tcpchat import client, protocol

    return getattr(client, name, None) or getattr(protocol, name)
