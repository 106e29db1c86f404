"""The registry of commands, and how a line becomes a request. Pure; handlers get their context later.

To add a command, write its file and add one line to `COMMANDS`.
"""

from __future__ import annotations

import re
from typing import Any, Final

from tcpchat.commands import (
    away,
    back,
    cancel,
    conversations,
    exit,
    help,
    history,
    ignore,
    login,
    logout,
    password,
    ping,
    read,
    receipts,
    register,
    rename,
    report,
    resume,
    revoke,
    scheduled,
    schema,
    send,
    sessions,
    status,
    unignore,
    unread,
    users,
    whois,
)
from tcpchat.commands.command import Argument, Command, Incomplete, Option, Outcome
from tcpchat.errors import ChatError
from tcpchat.nearest import nearest
from tcpchat.protocol import Codec, Request, decode_utf8

__all__ = [
    "BY_NAME",
    "COMMANDS",
    "Argument",
    "Command",
    "Incomplete",
    "Option",
    "Outcome",
    "read_request",
]

COMMANDS: Final[tuple[Command[Any], ...]] = (
    help.COMMAND,
    send.COMMAND,
    history.COMMAND,
    users.COMMAND,
    rename.COMMAND,
    register.COMMAND,
    login.COMMAND,
    away.COMMAND,
    back.COMMAND,
    whois.COMMAND,
    ignore.COMMAND,
    unignore.COMMAND,
    read.COMMAND,
    unread.COMMAND,
    conversations.COMMAND,
    receipts.COMMAND,
    scheduled.COMMAND,
    cancel.COMMAND,
    report.COMMAND,
    resume.COMMAND,
    sessions.COMMAND,
    revoke.COMMAND,
    password.COMMAND,
    logout.COMMAND,
    status.COMMAND,
    ping.COMMAND,
    schema.COMMAND,
    exit.COMMAND,
)
BY_NAME: Final = {command.name: command for command in COMMANDS}

_WORD = re.compile(r"[^ \t]*")
_CODEC: Final = Codec[Request](command.request for command in COMMANDS)


def read_request(line: bytes) -> Request | Incomplete | None:
    """Read one line, JSON or plain words; None for an empty one. Raises ChatError and nothing else."""
    line = line.lstrip(b" \t")
    if not line:
        return None
    if line.startswith(b"{"):
        return _CODEC.decode(line)
    return _parse_plain(decode_utf8(line))


def _parse_plain(text: str) -> Request | Incomplete:
    if text[0] in "/\\":
        text = text[1:]
    word = _WORD.match(text)[0]  # type: ignore[index]  # it matches the empty string too
    command = BY_NAME.get(word.lower())
    if not word:
        message = "there is no command there. Type help, or send TEXT to say something."
        raise ChatError("unknown-command", message, suggestion=None)
    if command is None:
        near = nearest(word, BY_NAME)
        guess = f"; did you mean {near}?" if near else "."
        message = f"there is no command {word[:64]!r}{guess} Type help, or send TEXT to say something."
        raise ChatError("unknown-command", message, suggestion=near)
    request: Request | Incomplete = command.parse(text[len(word) :])
    return request
