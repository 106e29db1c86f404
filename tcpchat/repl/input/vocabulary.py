"""The words that begin a command in the client, and those that stand for a password. Pure."""

from __future__ import annotations

import re
from typing import Final

import attrs

from tcpchat.nearest import nearest
from tcpchat.protocol import BY_NAME

SLASHES: Final = ("/", "\\")
_WORD = re.compile(r"[^ \t\n]*")


def first_word(line: str) -> str:
    """Return what stands before the first blank or break."""
    match = _WORD.match(line)
    assert match is not None
    return match[0]


@attrs.frozen
class ClientCommand:
    """A command that the client does itself."""

    name: str
    usage: str
    summary: str


@attrs.frozen
class Alias:
    """A command's name in other chats: `means` is what stands for it before the rest of the line."""

    name: str
    usage: str
    means: str

    @property
    def command(self) -> str:
        """The name of the command that it means."""
        return first_word(self.means)


CLIENT_COMMANDS: Final = (
    ClientCommand("set", "set [NAME [VALUE]]", "show or change a setting, which is kept"),
    ClientCommand(
        "to", "to [NAME]", "send what you type to this user or room; without NAME to the lobby again"
    ),
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
ALIASES: Final = (
    Alias("nick", "nick NAME", "rename"),
    Alias("msg", "msg NAME TEXT", "send -u"),
    Alias("w", "w NAME TEXT", "send -u"),
    Alias("me", "me TEXT", "send --action"),
    Alias("query", "query [NAME]", "to"),
    Alias("part", "part", "to"),
    Alias("names", "names", "users"),
    Alias("who", "who", "users"),
    Alias("quit", "quit", "exit"),
)
ALIASES_BY_NAME: Final = {alias.name: alias for alias in ALIASES}
ELSEWHERE: Final = {
    "afk": "away", "identify": "login", "signin": "login", "signup": "register", "passwd": "password",
    "block": "ignore", "unblock": "unignore", "info": "whois", "q": "exit", "bye": "exit",
    "?": "help", "h": "help", "name": "rename", "list": "users", "dm": "msg", "pm": "msg", "tell": "msg",
    "whisper": "msg",
}  # fmt: skip
"""More names of our commands in other chats: they are not run, but lead to ours."""


def aliases_of(command: str) -> tuple[str, ...]:
    """Return the other names of a command."""
    return tuple(alias.name for alias in ALIASES if alias.command == command)


def also(command: str) -> str:
    """Return what a summary of a command says about its other names; empty if it has none."""
    names = aliases_of(command)
    return f" (also {', '.join(f'/{name}' for name in names)})" if names else ""


def unaliased(line: str) -> str:
    """Return a line that begins with a slash and an alias with the command that the alias means."""
    word = first_word(line[1:])
    alias = ALIASES_BY_NAME.get(word.lower())
    if alias is None:
        return line
    return f"{line[0]}{alias.means}{line[1 + len(word) :]}"


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
