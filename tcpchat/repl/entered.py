r"""What a line that somebody typed means: text, a request, a command of the client, or a doubt. Pure.

Nothing that begins with `/` or `\` and nothing that looks like a mistyped command is ever text: a private
message whose command has a typo must not go to everyone.
"""

from __future__ import annotations

import re
from collections.abc import Container
from typing import Any, Final, TypeAlias

import attrs

from tcpchat.commands import BY_NAME, Command, Incomplete
from tcpchat.commands.send import Send
from tcpchat.errors import ChatError
from tcpchat.nearest import nearest
from tcpchat.protocol import Request
from tcpchat.repl import words
from tcpchat.repl.typos import typo_of
from tcpchat.repl.words import Fit

BLANKS: Final = (" ", "\t")
SLASHES: Final = ("/", "\\")
AS_TEXT: Final = "to say it as text, begin the line with a blank or //"
_WORD = re.compile(r"[^ \t\n]*")
_PUNCTUATION = re.compile("[-'\u2019.,:;!?…]")
_BREAK_IN_COMMAND = " \n"  # the grammar parts words at blanks only; a break ends a word too


@attrs.frozen
class Say:
    """Text, verbatim, to whom text goes just now."""

    text: str


@attrs.frozen
class Ask:
    """A request to the server."""

    request: Request


@attrs.frozen
class AskSecret:
    """A request that wants a password, which the next line is."""

    incomplete: Incomplete


@attrs.frozen
class Local:
    """A command of the client; `argument` is the rest of the line without blanks around it."""

    name: str
    argument: str


@attrs.frozen
class Doubt:
    """A line that looks like a mistyped command: ask before anything is done with it.

    `command` is the first word as typed; `corrected` the line as it was probably meant, which
    `understand` reads, if something is near.
    """

    line: str
    command: str
    corrected: str | None


@attrs.frozen
class Nothing:
    """A blank line."""


Meaning: TypeAlias = Say | Ask | AskSecret | Local | Doubt | Nothing


@attrs.frozen
class LocalCommand:
    """A command that the client does itself; typed with a slash only."""

    name: str
    usage: str
    summary: str


LOCAL: Final = (
    LocalCommand("set", "set [NAME [VALUE]]", "show or change a setting, which is kept"),
    LocalCommand("to", "to [NAME]", "send what you type to this user; without NAME to the lobby again"),
    LocalCommand("clear", "clear", "clear the screen"),
)
LOCAL_BY_NAME: Final = {command.name: command for command in LOCAL}
_SEND: Final = BY_NAME[Send.type]
_ALL_NAMES: Final[dict[str, object]] = {**BY_NAME, **LOCAL_BY_NAME}


def understand(line: str, known: Container[str] = ()) -> Meaning:
    """Say what a line means; several lines are one if they were entered together.

    `known` are names of users, which tell `ignore bob` from a sentence. Raises ChatError: it is a command
    that does not exist or is not used like that. Show it, and give the line back to be changed.
    """
    if not line.strip():
        return Nothing()
    if not line.isascii():
        _check_unicode(line)
    if line.startswith("//"):
        return Say(line[2:]) if line[2:].strip() else Nothing()
    if line.startswith(BLANKS):
        return Say(_without_blank(line))
    if line.startswith(SLASHES):
        return _slashed(line)
    word = _first_word(line)
    command = BY_NAME.get(word.lower())
    if line.startswith("{"):
        return Say(line)
    if command is None:
        return _doubt(line, word, known) or Say(line)
    rest = line[len(word) :]
    if words.is_word(command):
        return _worded(command, line, rest, known)
    return Say(line) if "\n" in line and command is not _SEND else _parse(command, rest)


def _worded(command: Command[Any], line: str, rest: str, known: Container[str]) -> Meaning:
    """Say what a line means that begins with a command which is a word of English."""
    match words.fit(command, rest, known):
        case Fit.COMMAND:
            return _parse(command, rest)
        case Fit.TEXT:
            return Say(line)
        case Fit.UNSURE:
            word = line[: len(command.name)]
            return Doubt(line, word, None if command.name in words.SECRET else f"/{line}")


def tells_secret(line: str) -> bool:
    """Say whether a line may hold a password or token, so that it is neither shown nor kept anywhere."""
    bare = line.lstrip().lstrip("/\\")
    word = _first_word(bare)
    name = word.lower()
    rest = bare[len(word) :]
    if name not in _ALL_NAMES:
        if ELSEWHERE.get(name) in words.SECRET and line.startswith(SLASHES):
            return bool(rest.strip())
        name = typo_of(name, words.HIDDEN) or name
    return words.tells_secret(line, name, rest)


def _check_unicode(line: str) -> None:
    """Raise ChatError for what came as bytes that are not UTF-8, which Python hands on as surrogates."""
    try:
        line.encode()
    except UnicodeEncodeError as error:
        message = f"the line is not UTF-8 at character {error.start + 1}; nothing was done"
        raise ChatError("bad-encoding", message) from None


def _first_word(line: str) -> str:
    match = _WORD.match(line)
    assert match is not None
    return match[0]


def _without_blank(line: str) -> str:
    """Drop the blank that makes a line text; one before several lines is how the first is indented."""
    rest = line[1:]
    needed = rest.startswith(SLASHES) or _first_word(rest).lower() == _SEND.name
    return rest if needed or "\n" not in line else line


ELSEWHERE: Final = {
    "afk": "away", "identify": "login", "signin": "login", "signup": "register", "passwd": "password",
    "block": "ignore", "unblock": "unignore", "info": "whois", "quit": "exit", "q": "exit", "bye": "exit",
    "leave": "exit", "?": "help", "h": "help", "nick": "rename", "name": "rename", "who": "users",
    "names": "users", "list": "users", "msg": "send -u", "dm": "send -u", "query": "to",
}  # fmt: skip
"""What other chats call our commands."""


def _slashed(line: str) -> Ask | AskSecret | Local:
    word = _first_word(line[1:])
    rest = line[1 + len(word) :]
    name = word.lower()
    if name in BY_NAME:
        return _parse(BY_NAME[name], rest)
    if name in LOCAL_BY_NAME:
        return _local(LOCAL_BY_NAME[name], rest.strip())
    if not word:
        raise ChatError("unknown-command", f"there is no command after {line[0]}; {AS_TEXT}", suggestion=None)
    near = ELSEWHERE.get(name) or typo_of(name, _ALL_NAMES)
    guess = f"; did you mean {line[0]}{near}?" if near else "."
    message = f"there is no command {line[0]}{word[:64]}{guess} {AS_TEXT.capitalize()}"
    raise ChatError("unknown-command", message, suggestion=near)


def _local(command: LocalCommand, argument: str) -> Local:
    places = len(command.usage.split()) - 1
    given = argument.split()
    if len(given) > places:
        message = f"{command.name} does not take {given[places][:64]!r}; {AS_TEXT}"
        raise ChatError("bad-usage", message, usage=f"/{command.usage}")
    return Local(command.name, argument)


def _parse(command: Command[Any], rest: str) -> Ask | AskSecret:
    try:
        request: Request | Incomplete = command.parse(rest.replace("\n", _BREAK_IN_COMMAND))
    except ChatError as error:
        message = error.message.removesuffix(".")
        if command.name in words.SECRET:  # the word that is wrong may be the password
            message = f"{command.name} is not written like that; leave the password out, and it is asked for"
        raise ChatError(error.code, f"{message}; {AS_TEXT}", **error.details) from None
    if isinstance(request, Incomplete):
        return AskSecret(request)
    return Ask(_with_breaks(request) if "\n" in rest else request)


def _with_breaks(request: Request) -> Request:
    """Return the request with the breaks in its text as they were entered, but none before it."""
    texts = {name: value for name, value in attrs.asdict(request).items() if isinstance(value, str)}
    return attrs.evolve(
        request,
        **{name: value.replace(_BREAK_IN_COMMAND, "\n").lstrip("\n") for name, value in texts.items()},
    )


# Typos.


def _doubt(line: str, word: str, known: Container[str]) -> Doubt | None:
    """Return the doubt about a line whose first word is no command; several lines can only be few."""
    rest = line[len(word) :]
    if line.strip().lower() in {"quit", "bye", "?"}:
        return Doubt(line, word, ELSEWHERE[word.lower()])
    commands = {name: BY_NAME[name] for name in {_SEND.name, *words.SECRET}} if "\n" in line else BY_NAME
    option = _first_word(rest.lstrip("".join(BLANKS))).partition("=")[0]
    takers = {name: command for name, command in commands.items() if option in _options(command)}
    if takers:
        near = nearest(word, takers)
        return Doubt(line, word, near and near + rest)
    if glued := _glued(word):
        return Doubt(line, word, glued + rest)
    near = typo_of(word.lower(), [name for name in commands if name not in words.NEAR_EVERYTHING])
    if near is None:
        return None
    if words.is_word(BY_NAME[near]):
        return _doubt_word(line, word, near + rest, known)
    if _is_ordinary(word) and not _is_whole(near, rest):
        return None
    return Doubt(line, word, near + rest)


def _doubt_word(line: str, word: str, corrected: str, known: Container[str]) -> Doubt | None:
    """Return the doubt about a line that, corrected, begins with a command which is a word of English."""
    if _is_ordinary(word):
        return None
    command = BY_NAME[_first_word(corrected)]
    match words.fit(command, corrected[len(command.name) :], known):
        case Fit.COMMAND:
            return Doubt(line, word, corrected)
        case Fit.TEXT:
            return None
        case Fit.UNSURE:
            return Doubt(line, word, None if command.name in words.SECRET else f"/{corrected}")


def _options(command: Command[Any]) -> set[str]:
    long = {f"--{field.name}" for field, _ in command.options}
    return long | {f"-{option.short}" for _, option in command.options if option.short}


def _glued(word: str) -> str | None:
    """Return `send -u` for `send-u`: a command and its option without a blank between them."""
    name, dash, option = word.partition("-")
    command = BY_NAME.get(name.lower())
    if command is None or dash + option.partition("=")[0] not in _options(command):
        return None
    return f"{name} -{option}"


def _is_ordinary(word: str) -> bool:
    """Say whether this is an ordinary word, or one or a command with punctuation: `status: all is well`."""
    stem = _PUNCTUATION.split(word.lower(), maxsplit=1)[0]
    return stem in BY_NAME or not {stem, word.lower()}.isdisjoint(words.ORDINARY)


def _is_whole(name: str, rest: str) -> bool:
    """Say whether the command's name alone would be the line that was meant."""
    try:
        BY_NAME[name].parse(rest)
    except ChatError:
        return False
    return not rest.strip()
