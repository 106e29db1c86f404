"""The grammar of commands: requests, replies, the registry, and how a line becomes a request.

Pure, and without the server: `handlers` has what each command does. To add a command, write its request, its
reply and its record in the module of its theme, its handler in the module of the same name in `handlers`, and
add one line to `COMMANDS`.
"""

from __future__ import annotations

from tcpchat.commands.command import Argument, Command, NeedsSecret, Option
from tcpchat.commands.explain import explain
from tcpchat.commands.parser import read_request
from tcpchat.commands.registry import BY_NAME, COMMANDS, REPLIES, REQUESTS

__all__ = [
    "BY_NAME",
    "COMMANDS",
    "REPLIES",
    "REQUESTS",
    "Argument",
    "Command",
    "NeedsSecret",
    "Option",
    "explain",
    "read_request",
]
