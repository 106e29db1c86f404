"""Handlers of commands: one module per theme, one function per command.

Importing this package fills the registry.
"""

from tcpchat.handlers import messages, moderation, profile, rooms, server, sessions
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
    "messages",
    "moderation",
    "profile",
    "rooms",
    "server",
    "sessions",
]
