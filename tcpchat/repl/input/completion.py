"""Completion: a pure function of the text before the cursor and a context.

Everything about commands comes from the registry's records and `CLIENT_COMMANDS`; the metavar of a value
names its choices. Nothing here raises, whatever was typed.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator
from typing import Any, Final

import attrs

from tcpchat.errors import ChatError
from tcpchat.protocol import BY_NAME, COMMANDS, Argument, Command, Option
from tcpchat.repl.input.choices import (
    CLIENT_SOURCES,
    MAX_CANDIDATES,
    Choice,
    CompletionContext,
    beginning,
    matching,
    mentions,
    values,
)
from tcpchat.repl.input.parse import BLANKS, RUNS_BARE
from tcpchat.repl.input.vocabulary import (
    ALIASES,
    CLIENT_COMMANDS,
    CLIENT_COMMANDS_BY_NAME,
    SLASHES,
    ClientCommand,
    also,
    unaliased,
)
from tcpchat.repl.model.place import Place
from tcpchat.repl.view.clean import clean_line

MAX_TOKEN: Final = 128  # characters; the longest name
OPTIONS_END: Final = "--"


@attrs.frozen
class Candidate:
    """One way to go on: `text` replaces the last -`start` characters before the cursor."""

    text: str
    start: int
    display: str
    help: str = ""


_TOKEN = re.compile(r"[^ \t\n]+")
_LAST = re.compile(r"[^ \t\n]*\Z")
_MENTION = re.compile(r"""(?:^|(?<=[ \t\n("'\[{,;:]))@([^ \t\n@]*)\Z""")


def complete(before: str, context: CompletionContext, *, asked: bool = False) -> list[Candidate]:
    """Return the candidates for the text before the cursor, best first, at most `MAX_CANDIDATES`.

    Only where the person `asked` for them, a word of a text may become a name.
    """
    found = _complete(before, context)
    return found if found or not asked else _names(before, context)


def _names(before: str, context: CompletionContext) -> list[Candidate]:
    """Return the names that a word of a text begins; the first one addresses whom the text is for."""
    token = _last_token(before)
    if not token or len(token) > MAX_TOKEN or not _in_text(_meant(before), context.commands):
        return []
    after = ": " if token == before else " "
    return _candidates(((name + after, name, "") for name in beginning(token, context)), len(token))


def _meant(before: str) -> str:
    """Return the text with the command that its alias means; only the slash if that means none."""
    if not before.startswith(SLASHES) or len(_last_token(before)) == len(before):
        return before
    try:
        return unaliased(before)
    except ChatError:
        return before[0]


def _complete(before: str, context: CompletionContext) -> list[Candidate]:
    token = _last_token(before)
    if len(token) > MAX_TOKEN:
        return []
    before = _meant(before)
    mention = _MENTION.search(before)
    if mention is not None and _in_text(before, context.commands):
        return _candidates(mentions(mention[1], context), len(mention[0]))
    if not before or before.startswith((*BLANKS, "//")):
        return []
    if len(token) == len(before):
        return _candidates(_first_words(token, context), len(token))
    return _after_command(before, token, context)


def _candidates(choices: Iterable[Choice], length: int) -> list[Candidate]:
    """Make candidates of the first choices, each of which replaces so many characters before the cursor."""
    found = []
    for text, display, help in choices:
        found.append(Candidate(clean_line(text), -length, clean_line(display), clean_line(help)))
        if len(found) == MAX_CANDIDATES:
            break
    return found


def _last_token(before: str) -> str:
    match = _LAST.search(before[-MAX_TOKEN - 1 :])
    return match[0] if match else ""


@attrs.frozen
class _Position:
    """The possible kinds of the token under the cursor of a command."""

    command: str
    options: tuple[tuple[attrs.Attribute[Any], Option], ...] = ()
    """Those that were not given yet, while options can come."""
    value: tuple[attrs.Attribute[Any], Argument | Option] | None = None
    only_value: bool = False
    """Whether an option stands before it, whose value it must be."""
    place: Place | None = None
    """The place that an option named."""

    @property
    def in_text(self) -> bool:
        return self.value is not None and isinstance(self.value[1], Argument) and self.value[1].rest


def _in_text(before: str, commands: Container[str]) -> bool:
    command = _command_of(before, commands)
    if command is None or before.startswith(BLANKS):
        return not before.startswith(SLASHES) or before.startswith("//")
    return isinstance(command, Command) and _position(command, before).in_text


def _command_of(before: str, commands: Container[str]) -> Command[Any, Any] | ClientCommand | None:
    """Return the command whose name is complete and stands before the cursor.

    That is after a slash, or where the word is one of `commands`.
    """
    first = _TOKEN.match(before)
    if first is None or first.end() == len(before):
        return None
    word = first[0]
    slashed = word.startswith(SLASHES)
    name = word[slashed:].lower()
    return BY_NAME.get(name) or CLIENT_COMMANDS_BY_NAME.get(name) if slashed or name in commands else None


def _position(command: Command[Any, Any], before: str) -> _Position:
    """Follow the grammar over the tokens before the last, which is the one under the cursor."""
    given: set[str] = set()
    place = None
    waiting = list(command.arguments)
    ended = False
    tokens = _finished_tokens(before)
    for token in tokens:
        option = None if ended else _option_of(command, token)
        if option is not None:
            given.add(option[0].name)
            if option[1].metavar:
                value = _value(token) if _has_value(token) else next(tokens, None)
                if value is None:
                    return _Position(command.name, value=option, only_value=True)
                place = Place.of_option(option[0].name, value) or place
        elif token == OPTIONS_END and not ended:
            ended = True
        elif not waiting or waiting[0][1].rest:
            return _Position(command.name, value=waiting[0] if waiting else None, place=place)
        else:
            waiting.pop(0)
    options = () if ended else tuple(pair for pair in command.options if pair[0].name not in given)
    return _Position(command.name, options, waiting[0] if waiting else None, place=place)


def _finished_tokens(before: str) -> Iterator[str]:
    """Yield the tokens between the command and the one under the cursor."""
    end = len(before) - len(_last_token(before))
    tokens = (match[0] for match in _TOKEN.finditer(before, 0, end))
    next(tokens, None)
    return tokens


def _option_of(command: Command[Any, Any], token: str) -> tuple[attrs.Attribute[Any], Option] | None:
    name = token.partition("=")[0] if token.startswith("--") else token[:2]
    for field, option in command.options:
        if name in {f"--{field.name}", f"-{option.short}"}:
            return field, option
    return None


def _has_value(token: str) -> bool:
    return "=" in token or (not token.startswith("--") and len(token) > len("-u"))


def _value(token: str) -> str:
    """Return the value in the token of an option: of `--room=ops`, `-rops` and `-r=ops`."""
    if token.startswith("--"):
        return token.partition("=")[2]
    return token[len("-r") :].removeprefix("=")


def _first_words(token: str, context: CompletionContext) -> Iterator[Choice]:
    """Offer commands; without a slash only those that run so, and that begin with what is there."""
    slash = token[:1] if token.startswith(SLASHES) else ""
    word = token[len(slash) :].lower()
    summaries = {command.name: command.summary for command in COMMANDS}
    summaries |= {command.name: command.summary for command in CLIENT_COMMANDS}
    summaries = {name: f"{summary}{also(name)}" for name, summary in summaries.items()}
    if not slash:
        bare = [name for name in summaries if name in RUNS_BARE or name in context.commands]
        summaries = {name: summaries[name] for name in bare if name.startswith(word)}
    for alias in ALIASES:
        if slash and word and alias.means and alias.name.startswith(word):
            yield slash + alias.name, slash + alias.name, f"/{alias.means}: {summaries[alias.command]}"
    for name in matching(word, tuple(summaries)):
        yield slash + name, slash + name, summaries[name]


def _after_command(before: str, token: str, context: CompletionContext) -> list[Candidate]:
    command = _command_of(before, context.commands)
    if command is None:
        return []
    if isinstance(command, ClientCommand):
        return _candidates(_local(command, before, token, context), len(token))
    position = _position(command, before)
    if position.place is not None:
        context = attrs.evolve(context, place=position.place)
    option = None if position.only_value else _option_of(command, token)
    if option is not None and option in position.options and _has_value(token):
        value = _value(token)
        return _candidates(values(position.command, option, value, context), len(value))
    return _candidates(_options_and_values(position, token, context), len(token))


def _options_and_values(position: _Position, token: str, context: CompletionContext) -> Iterator[Choice]:
    if not token.startswith("-") or not position.options:
        yield from values(position.command, position.value, token, context)
    if not token or token.startswith("-"):
        yield from _options(position, token)


def _options(position: _Position, token: str) -> Iterator[Choice]:
    for field, option in position.options:
        long, short = f"--{field.name}", f"-{option.short}" if option.short else ""
        if option.secret and not token:
            continue  # left out it is asked for, and nobody can read it over your shoulder
        text = short if short.startswith(token) and short else long
        if text.startswith(token):
            yield text, option.written(field.name), field.metadata["help"]


def _local(command: ClientCommand, before: str, token: str, context: CompletionContext) -> Iterable[Choice]:
    given = list(_finished_tokens(before))
    sources = CLIENT_SOURCES.get(command.name, ())
    return sources[len(given)](token, context, *given) if len(given) < len(sources) else ()
