"""What commands do: one module per theme, one function per command.

Importing this package fills the registry.
"""

from tcpchat.handlers import messages, moderation, profile, rooms, server, sessions
from tcpchat.handlers.registry import HANDLERS, NOWAIT, PRECHECKS, Outcome

__all__ = [
    "HANDLERS",
    "NOWAIT",
    "PRECHECKS",
    "Outcome",
    "messages",
    "moderation",
    "profile",
    "rooms",
    "server",
    "sessions",
]
