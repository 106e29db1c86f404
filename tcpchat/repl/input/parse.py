r"""The meaning of a line that somebody typed: text, a request, a command of the client, or a question. Pure.

A line that begins with `/` or `\` is a command and never text, so that a mistyped private message goes to
nobody. Any other line is text, unless its first word is a command's: a few such words alone are the command,
and about all others the person is asked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

import attrs

from tcpchat.commands.misplaced import MisplacedOptionError
from tcpchat.errors import ChatError
from tcpchat.nearest import nearest
from tcpchat.protocol import BY_NAME, Command, NeedsSecret, Request
from tcpchat.repl.input.vocabulary import (
    ALIASES_BY_NAME,
    ALL_NAMES,
    CLIENT_COMMANDS_BY_NAME,
    ELSEWHERE,
    HIDDEN,
    SLASHES,
    TAKES_PASSWORD,
    ClientCommand,
    first_word,
    tells_secret,
    unaliased,
)
from tcpchat.repl.model.preferences import COMMAND, TEXT

BLANKS: Final = (" ", "\t")
AS_TEXT: Final = "to send it as text, start the line with a space"
PRIVATE: Final = frozenset({"msg", "w"})
"""Aliases that write privately, and are no words of a sentence."""
RUNS_BARE: Final = frozenset({"help", "users", "history", "exit"})
"""Commands that a line which is this word and nothing else runs, without a slash."""
_OPTION_FIRST = re.compile(r"([^\W_]+)[ \t]*(--?[A-Za-z]+)(?=[= \t\n]|$)")
_BREAK_IN_COMMAND = " \n"  # the grammar parts words at blanks only; a break ends a word too


@attrs.frozen
class SendText:
    """Text, verbatim, for the place of the prompt."""

    text: str


@attrs.frozen
class Call:
    """A request to the server."""

    request: Request


@attrs.frozen
class NeedsPassword:
    """A request that needs a password, which the next line is."""

    incomplete: NeedsSecret


@attrs.frozen
class RunCommand:
    """A command of the client; `argument` is the rest of the line without blanks around it."""

    name: str
    argument: str


@attrs.frozen
class Ambiguous:
    """A line without a slash that begins with a command's word, and may be the command or text.

    `command` is the line that runs it, for `understand`.
    """

    line: str
    command: str
    word: str | None
    """The command for which an answer can be kept, in lower case; None for a word that is none."""

    @property
    def shown(self) -> str:
        """The line, as far as others may see it."""
        return f"{first_word(self.line)} …" if tells_secret(self.line) else self.line

    @property
    def keeps_text(self) -> bool:
        """Whether all lines that begin so may be text from now on: not where they may hold a password."""
        return self.word is not None and self.word not in HIDDEN

    @property
    def asks_password(self) -> bool:
        """Whether the next line would be a password, and must not become text by accident."""
        try:
            return isinstance(understand(self.command), NeedsPassword)
        except ChatError:
            return False


@attrs.frozen
class Misplaced:
    """A command whose text ends with what reads like an option, which belongs before the text."""

    line: str
    moved: str
    """The line that takes it as an option, for `understand`."""
    literal: str
    """The line that takes it as text."""
    refusal: str
    """Why the line does neither by itself."""


@attrs.frozen
class Nothing:
    """A blank line."""


Meaning: TypeAlias = SendText | Call | NeedsPassword | RunCommand | Ambiguous | Misplaced | Nothing


def as_command(line: str) -> str:
    """Return a line that is a command without its slash too; a blank at its beginning makes it text."""
    return line if not line.strip() or line.startswith((*BLANKS, *SLASHES)) else f"/{line}"


def understand(line: str, kept: Mapping[str, str] | None = None, *, pasted: bool = False) -> Meaning:
    """Return the meaning of a line; several lines are one if they were entered together.

    `kept` holds the person's answers for lines that begin with a command's word: `command` or `text`. With
    `pasted` the line begins with several pasted lines, which run no command by themselves.
    Raises ChatError for a command that does not exist or is not used like that. Show it, and give the line
    back to be changed.
    """
    if not line.strip():
        return Nothing()
    if not line.isascii():
        _check_unicode(line)
    if pasted:
        return _pasted(line)
    if line.startswith("//"):
        return _double_slash(line)
    if line.startswith(BLANKS):
        return SendText(_without_blank(line))
    if line.startswith(SLASHES):
        return _slashed(line)
    name = first_word(line).lower()
    if name in ALL_NAMES:
        return _bare(line, name, (kept or {}).get(name))
    if line.strip().lower() == "quit" or _writes_privately(line, name):
        return Ambiguous(line, unaliased(f"/{line.strip()}"), None)
    corrected = _corrected(line)
    return SendText(line) if corrected is None else Ambiguous(line, f"/{corrected}", None)


def _writes_privately(line: str, name: str) -> bool:
    """Whether a line without a slash is like `msg bob hi`, which is too much like a private message.

    No sentence begins like that, as one does with `query`, `who` or `part`.
    """
    return name in PRIVATE and bool(line.split(maxsplit=2)[2:])


def _bare(line: str, name: str, kept: str | None) -> Meaning:
    """Return the meaning of a line that begins with a command's word and no slash."""
    if kept == COMMAND or (name in RUNS_BARE and line.strip().lower() == name):
        return _slashed(f"/{line}")
    ambiguous = Ambiguous(line, f"/{line}", name)
    if kept == TEXT and ambiguous.keeps_text and _corrected(line) is None:
        return SendText(line)
    return ambiguous


def _check_unicode(line: str) -> None:
    """Raise ChatError for what came as bytes that are not UTF-8, which Python hands on as surrogates."""
    try:
        line.encode()
    except UnicodeEncodeError as error:
        message = f"the line is not UTF-8 at character {error.start + 1}; nothing was done"
        raise ChatError("bad-encoding", message) from None


def _double_slash(line: str) -> SendText:
    """Keep both slashes, as in code, unless it is exactly how a command is said: `//users` says `/users`."""
    word = first_word(line[2:])
    if "\n" in line or word.lower() not in {*ALL_NAMES, *ALIASES_BY_NAME}:
        return SendText(line)
    try:
        if line[2 + len(word) :].strip():
            _slashed(line[1:])
    except ChatError:
        return SendText(line)
    return SendText(line[1:])


def _pasted(line: str) -> SendText | Ambiguous:
    """Return the meaning of pasted lines: text, unless they look like a private message or a password.

    Such a paste is asked about.
    """
    corrected = _corrected(line)
    if corrected is not None:
        return Ambiguous(line, f"/{corrected}", None)
    if not line.startswith(SLASHES) or line.startswith("//"):
        return SendText(line)
    try:
        _slashed(line)
    except ChatError as error:
        if error.code == "unknown-command" and error.details["suggestion"] is None:
            return SendText(line)
    return Ambiguous(line, line, None)


def _without_blank(line: str) -> str:
    """Drop the blank that makes a line text; one before several lines is how the first is indented."""
    rest = line[1:]
    needed = rest.startswith(SLASHES) or first_word(rest).lower() in ALL_NAMES
    return rest if needed or "\n" not in line else line


def _slashed(line: str) -> Call | NeedsPassword | RunCommand | Misplaced:
    alias = ALIASES_BY_NAME.get(first_word(line[1:]).lower())
    if alias is None:
        return _command(line)
    try:
        return _command(unaliased(line))
    except ChatError as error:
        if "usage" not in error.details:
            raise
        message = f"/{alias.name} is /{alias.means}: {error.message}"
        raise ChatError(error.code, message, **error.details | {"usage": f"/{alias.usage}"}) from None


def _command(line: str) -> Call | NeedsPassword | RunCommand | Misplaced:
    word = first_word(line[1:])
    rest = line[1 + len(word) :]
    name = word.lower()
    if name in BY_NAME:
        return _parse(BY_NAME[name], rest)
    if name in CLIENT_COMMANDS_BY_NAME:
        return _local(CLIENT_COMMANDS_BY_NAME[name], rest.strip())
    if not word:
        raise ChatError("unknown-command", f"there is no command after {line[0]}; {AS_TEXT}", suggestion=None)
    near = ELSEWHERE.get(name) or nearest(name, ALL_NAMES) or nearest(name, ALIASES_BY_NAME)
    guess = f"; did you mean {line[0]}{near}?" if near else "."
    message = f"there is no command {line[0]}{word[:64]}{guess} {AS_TEXT.capitalize()}"
    raise ChatError("unknown-command", message, suggestion=near)


def _local(command: ClientCommand, argument: str) -> RunCommand:
    most = len(command.usage.split()) - 1
    given = argument.split()
    if len(given) > most:
        message = f"{command.name} does not take {given[most][:64]!r}; {AS_TEXT}"
        raise ChatError("bad-usage", message, usage=f"/{command.usage}")
    return RunCommand(command.name, argument)


def _parse(command: Command[Any, Any], rest: str) -> Call | NeedsPassword | Misplaced:
    try:
        request: Request | NeedsSecret = command.parse(rest.replace("\n", _BREAK_IN_COMMAND))
    except MisplacedOptionError as error:
        moved, literal = (
            f"/{line}".replace(_BREAK_IN_COMMAND, "\n") for line in (error.moved, error.literal)
        )
        return Misplaced(f"/{command.name}{rest}", moved, literal, error.message)
    except ChatError as error:
        message = error.message.removesuffix(".")
        if command.name in TAKES_PASSWORD and rest.strip():  # the word that is wrong may be the password
            message = f"{command.name} is not written like that; leave the password out: you are asked for it"
        raise ChatError(error.code, f"{message}; {AS_TEXT}", **error.details) from None
    if isinstance(request, NeedsSecret):
        return NeedsPassword(request)
    return Call(_with_breaks(request) if "\n" in rest else request)


def _with_breaks(request: Request) -> Request:
    """Return the request with the breaks in its text as they were entered, but none before it."""
    texts = {name: value for name, value in attrs.asdict(request).items() if isinstance(value, str)}
    return attrs.evolve(
        request,
        **{name: value.replace(_BREAK_IN_COMMAND, "\n").lstrip("\n") for name, value in texts.items()},
    )


def _corrected(line: str) -> str | None:
    """Return the command that a line is which goes on with an option of it: `sned -u bob` and `send-u bob`.

    It is too much like a private message to be sent to everyone unasked. So is `sned secret -u bob`.
    """
    match = _OPTION_FIRST.match(line)
    if match is not None:
        word, option = match.groups()
        near = nearest(word, (name for name, command in BY_NAME.items() if option in _options(command)))
        return near and f"{near} {line[match.start(2) :]}"
    word = first_word(line)
    if " -" not in line.replace("\t", " "):
        return None
    near = nearest(word, (name for name, command in BY_NAME.items() if command.options))
    rest = line[len(word) :]
    try:
        misplaced = near is not None and isinstance(_parse(BY_NAME[near], rest), Misplaced)
    except ChatError:
        return None
    return f"{near}{rest}" if misplaced else None


def _options(command: Command[Any, Any]) -> set[str]:
    long = {f"--{field.name}" for field, _ in command.options}
    return long | {f"-{option.short}" for _, option in command.options if option.short}
