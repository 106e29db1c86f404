"""Handlers of commands: one module per theme, one function per command.

Importing this package fills the registry.
"""

from tcpchat.handlers import (
    membership,
    messages,
    moderation,
    named_rooms,
    profile,
    rooms,
    server,
    sessions,
)
from tcpchat.handlers.caller import Caller
from tcpchat.handlers.loader import Loader
from tcpchat.handlers.registry import HANDLERS, NOWAIT, PRECHECKS, Outcome

__all__ = [
    "HANDLERS",
    "NOWAIT",
    "PRECHECKS",
    "Caller",
    "Loader",
    "Outcome",
    "membership",
    "messages",
    "moderation",
    "named_rooms",
    "profile",
    "rooms",
    "server",
    "sessions",
]
