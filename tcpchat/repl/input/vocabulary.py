"""The words that begin a command in the client, and those that stand for a password. Pure."""

from __future__ import annotations

import re
from typing import Final

import attrs

from tcpchat.nearest import nearest
from tcpchat.protocol import BY_NAME

SLASHES: Final = ("/", "\\")
_WORD = re.compile(r"[^ \t\n]*")


@attrs.frozen
class ClientCommand:
    """A command that the client does itself."""

    name: str
    usage: str
    summary: str


CLIENT_COMMANDS: Final = (
    ClientCommand("set", "set [NAME [VALUE]]", "show or change a setting, which is kept"),
    ClientCommand("to", "to [NAME]", "send what you type to this user; without NAME to the lobby again"),
    ClientCommand("clear", "clear", "clear the screen"),
)
CLIENT_COMMANDS_BY_NAME: Final = {command.name: command for command in CLIENT_COMMANDS}
ALL_NAMES: Final = (*BY_NAME, *CLIENT_COMMANDS_BY_NAME)
TAKES_PASSWORD: Final = frozenset(
    name for name, command in BY_NAME.items() if any(option.secret for _, option in command.options)
)
"""Commands that take a password."""
HIDDEN: Final = frozenset(
    name
    for name, command in BY_NAME.items()
    if not all(field.repr for field in attrs.fields(command.request))
)
"""These, and those that take a token: what stands after them is shown and kept nowhere."""
_SECRET_FIELDS: Final = {
    field.name for command in BY_NAME.values() for field, option in command.options if option.secret
}
_SECRET_OPTION = re.compile(rf"(?:^|\s)--({'|'.join(sorted(_SECRET_FIELDS))})\b")
ELSEWHERE: Final = {
    "afk": "away", "identify": "login", "signin": "login", "signup": "register", "passwd": "password",
    "block": "ignore", "unblock": "unignore", "info": "whois", "quit": "exit", "q": "exit", "bye": "exit",
    "leave": "exit", "?": "help", "h": "help", "nick": "rename", "name": "rename", "who": "users",
    "names": "users", "list": "users", "msg": "send -u", "dm": "send -u", "query": "to",
}  # fmt: skip
"""The names of our commands in other chats."""


def first_word(line: str) -> str:
    """Return what stands before the first blank or break."""
    match = _WORD.match(line)
    assert match is not None
    return match[0]


def command_word(line: str) -> str:
    """Return the first word without a slash, in lower case."""
    return first_word(line.lstrip().lstrip("/\\")).lower()


def tells_secret(line: str) -> bool:
    """Return whether a line may hold a password or token, so that it is neither shown nor kept anywhere."""
    if _SECRET_OPTION.search(line):
        return True
    bare = line.lstrip().lstrip("/\\")
    word = first_word(bare)
    rest = bare[len(word) :].split()
    name = word.lower()
    if name not in ALL_NAMES and line.startswith(SLASHES):
        name = ELSEWHERE.get(name) or nearest(name, HIDDEN) or name
        return name in HIDDEN and bool(rest)
    return name in HIDDEN and bool(rest) and not (name == "login" and len(rest) == 1)


def concerns_password(line: str) -> bool:
    """Return whether a line tells a password, or is about one, so that the next line may be that."""
    return command_word(line) in TAKES_PASSWORD or tells_secret(line)
