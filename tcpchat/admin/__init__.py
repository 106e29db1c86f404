"""The operator's commands: JSON lines on a socket in the data folder, which only its owner can open.

To add a command, write its request, reply, function and record in the module of its theme, and add the record
to the theme's `COMMANDS`; write its arguments in `cli/admin.py` and the sentence for its reply in
`cli/admin_output.py`. Connections of users cannot run any of them.
"""

from __future__ import annotations

from typing import Any, Final

from tcpchat.admin import data, moderation, users
from tcpchat.admin.command import AdminCommand
from tcpchat.protocol import Codec, Request

__all__ = ["BY_NAME", "COMMANDS", "read_request"]

COMMANDS: Final[tuple[AdminCommand[Any, Any], ...]] = (
    *users.COMMANDS,
    *moderation.COMMANDS,
    *data.COMMANDS,
)
BY_NAME: Final = {command.name: command for command in COMMANDS}

_CODEC: Final = Codec(command.request for command in COMMANDS)


def read_request(line: bytes) -> Request[Any]:
    """Read one line. Raises ChatError and nothing else."""
    return _CODEC.decode(line)
