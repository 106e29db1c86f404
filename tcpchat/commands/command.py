"""The record of a command, from which parser, usage, help, completion, schema and docs come. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Generic, NoReturn, TypeVar

import attrs

from tcpchat.commands.misplaced import MisplacedOptionError, first_misplaced
from tcpchat.errors import ChatError
from tcpchat.nearest import nearest
from tcpchat.wire.base import Reply, Request
from tcpchat.wire.codec import decode_utf8
from tcpchat.wire.events import Prompt

Q = TypeVar("Q", bound=Request)
R = TypeVar("R", bound=Reply)

PASSWORD_COST = 20  # requests that one with a password counts for, since a guess costs more to refuse too

_TOKEN = re.compile(r"[ \t]*([^ \t]+)")
_OPTION = re.compile(r"--?[A-Za-z]")  # so that "-5 degrees" and "-> there" are text


@attrs.frozen
class Argument:
    """A value given by position in a plain line; with `rest` it is the rest of the line, verbatim."""

    metavar: str
    parse: Callable[[str], object] = str
    rest: bool = False

    def written(self, name: str) -> str:
        return self.metavar


@attrs.frozen
class Option:
    """A value given by name in a plain line, `-u bob` or `--username bob` or `--username=bob`.

    Without a `metavar` it has no value and is true where it is given. A `secret` one that is left out is what
    the next line says, so that it needs not stand in a line that others see. A `new` secret is chosen now,
    so that nothing but typing it twice would notice a slip.
    """

    short: str | None
    metavar: str | None
    parse: Callable[[str], object] = str
    secret: bool = False
    new: bool = False

    def written(self, name: str) -> str:
        """Return the form in the usage, such as `-u/--username NAME`, for the field of this name."""
        names = f"-{self.short}/--{name}" if self.short else f"--{name}"
        return f"{names} {self.metavar}" if self.metavar else names


def argument(
    metavar: str, help: str, parse: Callable[[str], object] = str, *, rest: bool = False
) -> dict[str, Any]:
    """Return the metadata of a request's field that a plain line gives by position."""
    return {"grammar": Argument(metavar, parse, rest), "help": help}


def option(
    short: str | None, metavar: str, help: str, parse: Callable[[str], object] = str
) -> dict[str, Any]:
    """Return the metadata of a request's field that a plain line gives by the field's name."""
    return {"grammar": Option(short, metavar, parse), "help": help}


def room_option() -> dict[str, Any]:
    """Return the metadata of the field `room`, which is the same in all requests that name a place."""
    return option("r", "ROOM", "the room: by default `lobby`; a name, or the id of a direct room")


def flag(help: str) -> dict[str, Any]:
    """Return the metadata of a boolean field that a plain line sets by its name alone."""
    return {"grammar": Option(None, None), "help": help}


def secret(metavar: str, help: str, *, new: bool = False) -> dict[str, Any]:
    """Return the metadata of a required field that a plain line may leave to the next line."""
    return {"grammar": Option(None, metavar, secret=True, new=new), "help": help}


def whole_number(text: str) -> int:
    """Read a count or a number. Raises ValueError with the reason."""
    if not re.fullmatch(r"\d{1,15}", text, re.ASCII):
        raise ValueError(f"{text[:64]!r} is not a whole number")
    return int(text)


@attrs.frozen(kw_only=True, eq=False)
class Command(Generic[Q, R]):
    """One command: its request class has the fields, this record the rest. Handlers are in `handlers`.

    A command that `needs_login` is refused to a connection that is no user yet; one that `switches_user`
    makes the connection another user. A `pipelined` command neither reads nor answers what earlier requests
    of its connection are still waiting for, so that it runs before they are on disk; all others wait. `cost`
    is the number of requests that it counts as.
    """

    request: type[Q]
    reply: type[R]
    other_replies: tuple[type[Reply], ...] = ()
    summary: str
    examples: tuple[str, ...]
    needs_login: bool = True
    switches_user: bool = False
    pipelined: bool = False
    cost: int = 1
    options: tuple[tuple[attrs.Attribute[Any], Option], ...] = attrs.field(init=False)
    arguments: tuple[tuple[attrs.Attribute[Any], Argument], ...] = attrs.field(init=False)

    @options.default
    def _options(self) -> Any:
        return self._with(Option)

    @arguments.default
    def _arguments(self) -> Any:
        return self._with(Argument)

    def _with(self, kind: type[Argument | Option]) -> tuple[Any, ...]:
        fields = ((field, field.metadata.get("grammar")) for field in attrs.fields(self.request))
        return tuple((field, grammar) for field, grammar in fields if isinstance(grammar, kind))

    @property
    def name(self) -> str:
        """The first word of the plain line, and the request's `type`."""
        return self.request.type

    @property
    def usage(self) -> str:
        """The plain form in one line, such as `cancel [NUMBER]`."""
        words = [self.name]
        for field, option in self.options:
            words.append(f"[{option.written(field.name)}]")
        for field, argument in self.arguments:
            required = field.default is attrs.NOTHING
            words.append(argument.metavar if required else f"[{argument.metavar}]")
        return " ".join(words)

    def parse(self, rest: str) -> Q | NeedsSecret:
        """Read what follows the command's name in a plain line, which may leave something to the next one.

        Raises ChatError `bad-usage`, which carries the usage; MisplacedOptionError where text ends with an
        option.
        """
        values: dict[str, Any] = {}
        waiting = list(self.arguments)
        options_end = False
        match = _TOKEN.match(rest)
        while match:
            word, end = match[1], match.end()
            if not options_end and word == "--":
                options_end = True
            elif not options_end and _OPTION.match(word):
                end = self._take_option(word, rest, end, values)
            elif not waiting:
                # What is one word too many may be half of something secret.
                secret = not all(field.repr for field in attrs.fields(self.request))
                too_many = f"too many arguments for {self.name}"
                self._refuse(too_many if secret else f"{self.name} does not take {word[:64]!r}")
            else:
                field, argument = waiting.pop(0)
                if argument.rest:
                    values[field.name] = rest[match.start(1) :]
                    if not options_end:
                        self._check_end(rest, match.start(1), values)
                    break
                values[field.name] = self._convert(field, argument.parse, word)
            match = _TOKEN.match(rest, end)
        for field, argument in waiting:
            if field.default is attrs.NOTHING:
                self._refuse(f"{self.name} needs {argument.metavar}", field=field.name)
        return self.complete(values)

    def complete(self, values: dict[str, Any]) -> Q | NeedsSecret:
        """Return the request with these values, or the secret that it still needs."""
        for field, option in self.options:
            if option.secret and field.name not in values:
                return NeedsSecret(self, values, field)
        return self.request(**values)

    def _check_end(self, rest: str, start: int, values: dict[str, Any]) -> None:
        """Raise MisplacedOptionError if the text from there on ends with an option of this command."""
        before, text = rest[:start], rest[start:]
        misplaced = first_misplaced(text, self.options, values)
        if misplaced is not None:
            raise MisplacedOptionError(self.name, before, text, misplaced, self.usage)

    def without_secrets(self, request: Q) -> NeedsSecret | Q:
        """Return the request without its secrets, to be completed anew; itself if it has none."""
        secrets = {field.name for field, option in self.options if option.secret}
        values = attrs.asdict(request, filter=lambda field, _: field.name not in {*secrets, "id"})
        return self.complete(values) if secrets else request

    def _take_option(self, word: str, rest: str, end: int, values: dict[str, Any]) -> int:
        """Read one option whose name is `word`; return where the next token begins."""
        name, assigned, value = word.partition("=")
        if not name.startswith("--"):  # -ubob is -u bob
            name, assigned, value = word[:2], word[2:], word[2:].removeprefix("=")
        for field, option in self.options:
            if name in {f"--{field.name}", f"-{option.short}"}:
                break
        else:
            self._refuse_option(name)
        if field.name in values:
            self._refuse(f"{name} is given twice", field=field.name)
        if option.metavar is None:
            if assigned:
                self._refuse(f"{name} takes no value", field=field.name)
            values[field.name] = True
            return end
        if not assigned:
            match = _TOKEN.match(rest, end)
            if match is None:
                self._refuse(f"{name} needs {option.metavar} after it", field=field.name)
            value, end = match[1], match.end()
        values[field.name] = self._convert(field, option.parse, value)
        return end

    def _refuse_option(self, name: str) -> NoReturn:
        near = nearest(name, [f"--{field.name}" for field, _ in self.options])
        hints = [f"Did you mean {near}?"] if near else []
        if any(argument.rest for _, argument in self.arguments):
            hints.append("Put -- before text that begins with -.")
        self._refuse(" ".join([f"{self.name} has no option {name[:64]}.", *hints]))

    def _convert(self, field: attrs.Attribute[Any], parse: Callable[[str], object], text: str) -> object:
        try:
            return parse(text)
        except ValueError as error:
            self._refuse(str(error), field=field.name)

    def _refuse(self, what: str, **details: Any) -> NoReturn:
        raise ChatError("bad-usage", what, usage=self.usage, **details)


@attrs.frozen(eq=False)
class NeedsSecret:
    """A plain line whose secret `field` is the next line."""

    command: Command[Any, Any]
    values: dict[str, Any] = attrs.field(repr=False)
    field: attrs.Attribute[Any]

    @property
    def is_new(self) -> bool:
        """Whether the user chooses the secret now, as for a new password."""
        option: Option = self.field.metadata["grammar"]
        return option.new

    def prompt(self) -> Prompt:
        """Return the event that asks for the secret."""
        what = self.field.metadata["help"]
        return Prompt(field=self.field.name, message=f"the next line is {what}; an empty line cancels")

    def answer(self, line: bytes) -> Request | NeedsSecret:
        """Take the next line as the secret. Raises ChatError `bad-usage`, `bad-encoding`."""
        text = decode_utf8(line)
        if not text:
            message = f"{self.command.name} was cancelled, since the line for {self.field.name} was empty"
            raise ChatError("bad-usage", message, field=self.field.name, usage=self.command.usage)
        request: Request | NeedsSecret = self.command.complete(self.values | {self.field.name: text})
        return request
