r"""What a line that somebody typed means: text, a request, a command of the client, or a doubt. Pure.

Nothing that begins with `/` or `\` and nothing that looks like a mistyped command is ever text: a private
message whose command has a typo must not go to everyone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

import attrs

from tcpchat.commands import BY_NAME, Command, nearest
from tcpchat.commands.send import Send
from tcpchat.errors import ChatError
from tcpchat.protocol import Request

BLANKS: Final = (" ", "\t")
SLASHES: Final = ("/", "\\")
AS_TEXT: Final = "to say it as text, begin the line with a blank or //"
LONG_NAME: Final = 7  # letters; a command's name of this length may have two typos
SHORTEST_TYPO: Final = 4  # letters; names below have too many neighbours

ORDINARY: Final = frozenset(
    """
    bend bing cancels cancer chancel deport ding edit emit end exist exits fend heap held hell helm
    helps hemp hickory historic kelp king lend mend pang pig pin pine pings pink pins pint pong
    renamed renames rend reports repot resort retort ring sand schedule scheduler schedules schemas
    scheme seed sends sent sing spend states stats statue statues story tend user uses ushers vend
    victory wend whelp wing yelp zing
    """.split()  # noqa: SIM905  # a list of 70 literals would be 70 lines
)
"""Words that people begin sentences with and that are one or two letters from a command."""

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


def understand(line: str) -> Say | Ask | Local | Doubt | Nothing:
    """Say what a line means; several lines are one if they were entered together.

    Raises ChatError: it is a command that does not exist or is not used like that. Show it, and give the
    line back to be changed.
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
    if line.startswith("{") or ("\n" in line and command not in {_SEND, None}):
        return Say(line)
    if command is not None:
        return Ask(_parse(command, line[len(word) :]))
    return _doubt(line, word) or Say(line)


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
    "quit": "exit", "q": "exit", "bye": "exit", "leave": "exit", "?": "help", "h": "help", "nick": "rename",
    "name": "rename", "who": "users", "names": "users", "list": "users", "msg": "send -u", "dm": "send -u",
    "query": "to", "ignore": "report",
}  # fmt: skip
"""What other chats call our commands."""


def _slashed(line: str) -> Ask | Local:
    word = _first_word(line[1:])
    rest = line[1 + len(word) :]
    name = word.lower()
    if name in BY_NAME:
        return Ask(_parse(BY_NAME[name], rest))
    if name in LOCAL_BY_NAME:
        return _local(LOCAL_BY_NAME[name], rest.strip())
    if not word:
        raise ChatError("unknown-command", f"there is no command after {line[0]}; {AS_TEXT}", suggestion=None)
    near = ELSEWHERE.get(name) or _typo_of(name, _ALL_NAMES)
    guess = f"; did you mean {line[0]}{near}?" if near else "."
    message = f"there is no command {line[0]}{word[:64]}{guess} {AS_TEXT.capitalize()}"
    raise ChatError("unknown-command", message, suggestion=near)


def _local(command: LocalCommand, argument: str) -> Local:
    places = len(command.usage.split()) - 1
    words = argument.split()
    if len(words) > places:
        message = f"{command.name} does not take {words[places][:64]!r}; {AS_TEXT}"
        raise ChatError("bad-usage", message, usage=f"/{command.usage}")
    return Local(command.name, argument)


def _parse(command: Command[Any], rest: str) -> Request:
    try:
        request: Request = command.parse(rest.replace("\n", _BREAK_IN_COMMAND))
    except ChatError as error:
        message = f"{error.message.removesuffix('.')}; {AS_TEXT}"
        raise ChatError(error.code, message, **error.details) from None
    return _with_breaks(request) if "\n" in rest else request


def _with_breaks(request: Request) -> Request:
    """Return the request with the breaks in its text as they were entered, but none before it."""
    texts = {name: value for name, value in attrs.asdict(request).items() if isinstance(value, str)}
    return attrs.evolve(
        request,
        **{name: value.replace(_BREAK_IN_COMMAND, "\n").lstrip("\n") for name, value in texts.items()},
    )


# Typos.


def _doubt(line: str, word: str) -> Doubt | None:
    """Return the doubt about a line whose first word is no command; several lines can only be a send."""
    rest = line[len(word) :]
    if line.strip().lower() in {"quit", "bye", "?"}:
        return Doubt(line, word, ELSEWHERE[word.lower()])
    commands = {_SEND.name: _SEND} if "\n" in line else BY_NAME
    option = _first_word(rest.lstrip("".join(BLANKS))).partition("=")[0]
    takers = {name: command for name, command in commands.items() if option in _options(command)}
    if takers:
        near = nearest(word, takers)
        return Doubt(line, word, near and near + rest)
    if glued := _glued(word):
        return Doubt(line, word, glued + rest)
    near = _typo_of(word.lower(), commands)
    if near is None or (_is_ordinary(word) and not _is_whole(near, rest)):
        return None
    return Doubt(line, word, near + rest)


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


def _typo_of(word: str, commands: Iterable[str] = BY_NAME) -> str | None:
    near = [(distance(word, name), name) for name in commands if abs(len(word) - len(name)) <= _typos(name)]
    return min(((count, name) for count, name in near if count <= _typos(name)), default=(0, None))[1]


def _typos(name: str) -> int:
    if len(name) < SHORTEST_TYPO:
        return 0
    return 2 if len(name) >= LONG_NAME else 1


def _is_ordinary(word: str) -> bool:
    """Say whether this is an ordinary word, or one or a command with punctuation: `status: all is well`."""
    stem = _PUNCTUATION.split(word.lower(), maxsplit=1)[0]
    return stem in ORDINARY or stem in BY_NAME


def _is_whole(name: str, rest: str) -> bool:
    """Say whether the command's name alone would be the line that was meant."""
    try:
        BY_NAME[name].parse(rest)
    except ChatError:
        return False
    return not rest.strip()


def distance(one: str, other: str) -> int:
    """Return the Damerau-Levenshtein distance (optimal string alignment): `sned` is 1 from `send`."""
    before: list[int] = []
    above = list(range(len(other) + 1))
    for i, char in enumerate(one, 1):
        row = [i]
        for j, another in enumerate(other, 1):
            cost = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (char != another))
            if i > 1 and j > 1 and char == other[j - 2] and one[i - 2] == another:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before, above = above, row
    return above[-1]
