"""The operator's commands: JSON lines on a socket in the data folder, which only its owner can reach.

To add a command, write its file and add one line to `COMMANDS`. Nothing here is in the registry of what
connections may ask.
"""

from __future__ import annotations

from typing import Any, Final

from tcpchat.admin import backup, ban, bans, create, delete, export, mute, password, unban, unmute, users
from tcpchat.admin.command import AdminCommand
from tcpchat.protocol import Codec, Request

__all__ = ["BY_NAME", "COMMANDS", "read_request"]

COMMANDS: Final[tuple[AdminCommand[Any], ...]] = (
    create.COMMAND,
    password.COMMAND,
    users.COMMAND,
    ban.COMMAND,
    unban.COMMAND,
    bans.COMMAND,
    mute.COMMAND,
    unmute.COMMAND,
    export.COMMAND,
    delete.COMMAND,
    backup.COMMAND,
)
BY_NAME: Final = {command.name: command for command in COMMANDS}

_CODEC: Final = Codec(command.request for command in COMMANDS)


def read_request(line: bytes) -> Request:
    """Read one line. Raises ChatError and nothing else."""
    return _CODEC.decode(line)
