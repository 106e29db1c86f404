"""The possible values of each field of a command. A pure function of what is known now."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

import attrs

from tcpchat.protocol import BY_NAME, Argument, Option
from tcpchat.repl.model.place import LOBBY_PLACE, Place
from tcpchat.times import DURATION_UNITS

MAX_CANDIDATES: Final = 50
SHORT_TEXT: Final = 40  # characters of a scheduled message that the menu shows


@attrs.frozen
class CompletionContext:
    """What completion chooses from: the users with the most recently active first, and the rest."""

    users: Sequence[str]
    me: str
    absent: Sequence[str] = ()
    """Users who are not here, but who can be written to."""
    ignored: Sequence[str] = ()
    sessions: Sequence[tuple[int, str]] = ()
    """Number and device of your sessions, if the list was requested."""
    own: Sequence[tuple[Place, int, str]] = ()
    """Place, number and text of your messages, the last one first."""
    place: Place = LOBBY_PLACE
    """The place that the command names, otherwise that of the prompt."""
    pending: Sequence[tuple[int, str]] = ()
    rooms: Sequence[str] = ()
    """The named rooms that you are in."""
    settings: Mapping[str, Sequence[str]] = attrs.field(factory=dict)
    commands: Container[str] = ()
    """Words that begin a command without a slash, too."""


Choice: TypeAlias = tuple[str, str, str]
"""The text to insert, the text to show, and its meaning."""
Source: TypeAlias = Callable[[str, CompletionContext], Iterable[Choice]]
"""Gives the choices for a token, best first."""

_UNIT_NAMES: Final = {"s": "second", "m": "minute", "h": "hour", "d": "day", "w": "week"}
_DURATIONS: Final = {
    "10": "10 seconds", "1m": "1 minute", "10m": "10 minutes", "30m": "30 minutes",
    "1h": "1 hour", "1h30m": "1 hour and 30 minutes", "8h": "8 hours", "1d": "1 day", "7d": "7 days",
}  # fmt: skip
_OWN: Final = frozenset({"rename", "login"})  # commands whose `name` is yours: there is nothing to offer


def values(
    command: str,
    position: tuple[attrs.Attribute[Any], Argument | Option] | None,
    token: str,
    context: CompletionContext,
) -> Iterable[Choice]:
    """Return the choices for a value, of which `token` is there, best first."""
    if position is None or (position[0].name == "name" and command in _OWN):
        return ()
    metavar = position[1].metavar or ""
    if "|" in metavar:
        return ((word, word, "") for word in metavar.split("|") if word.startswith(token.lower()))
    source = _SOURCES_OF.get(command, _SOURCES).get(metavar, _nothing)
    return source(token, context)


def _nothing(token: str, context: CompletionContext) -> Iterable[Choice]:
    return ()


def _here(token: str, context: CompletionContext) -> Iterable[Choice]:
    return ((name, name, "") for name in _others(token, context))


def _users(token: str, context: CompletionContext) -> Iterable[Choice]:
    """Offer the users who are here, and then those who are not."""
    yield from _here(token, context)
    for name in matching(token, context.absent):
        yield name, name, "not connected"


def _rooms(token: str, context: CompletionContext) -> Iterable[Choice]:
    """Offer your rooms, also where # is before the name."""
    mark = "#" if token.startswith("#") else ""
    for name in matching(token.removeprefix("#"), context.rooms):
        yield f"{mark}{name}", f"#{name}", ""


def _places(token: str, context: CompletionContext) -> Iterable[Choice]:
    if not token.startswith("#"):
        yield from _users(token, context)
    yield from _rooms(token, context)


def _ignored(token: str, context: CompletionContext) -> Iterable[Choice]:
    return ((name, name, "") for name in matching(token, context.ignored))


def _sessions(token: str, context: CompletionContext) -> Iterable[Choice]:
    for number, device in context.sessions:
        if str(number).startswith(token):
            yield str(number), str(number), device


def mentions(token: str, context: CompletionContext) -> Iterable[Choice]:
    return ((f"@{name}", f"@{name}", "") for name in _others(token, context))


def beginning(token: str, context: CompletionContext) -> Iterable[str]:
    """Return the names of others that begin with a token, in any case: of who is here, then of the rest."""
    folded = token.lower()
    names = (*context.users, *context.absent)
    return (name for name in names if name.lower().startswith(folded) and name != context.me)


def _others(token: str, context: CompletionContext) -> Iterable[str]:
    return (name for name in matching(token, context.users, MAX_CANDIDATES + 1) if name != context.me)


def _durations(token: str, context: CompletionContext) -> Iterable[Choice]:
    durations = dict(_DURATIONS)
    if token.isascii() and token.isdecimal():
        durations |= {
            token + unit: _counted(token, name)
            for unit, name in _UNIT_NAMES.items()
            if unit in DURATION_UNITS
        }
    return ((text, text, meaning) for text, meaning in durations.items() if text.startswith(token))


def _counted(number: str, name: str) -> str:
    return f"{number} {name}" if number == "1" else f"{number} {name}s"


def _pending(token: str, context: CompletionContext) -> Iterable[Choice]:
    return _numbered(token, context.pending)


def _own(token: str, context: CompletionContext) -> Iterable[Choice]:
    wanted = context.place
    return _numbered(token, ((seq, text) for place, seq, text in context.own if place.is_at(wanted)))


def _numbered(token: str, texts: Iterable[tuple[int, str]]) -> Iterable[Choice]:
    for number, text in texts:
        if str(number).startswith(token):
            short = text if len(text) <= SHORT_TEXT else f"{text[: SHORT_TEXT - 1]}…"
            yield str(number), str(number), short


def _commands(token: str, context: CompletionContext) -> Iterable[Choice]:
    return ((name, name, BY_NAME[name].summary) for name in matching(token.lower(), tuple(BY_NAME)))


def _settings(token: str, context: CompletionContext) -> Iterable[Choice]:
    for name in matching(token, tuple(context.settings)):
        yield name, name, ", ".join(context.settings[name])


def _setting_values(token: str, context: CompletionContext, name: str) -> Iterable[Choice]:
    return ((value, value, "") for value in matching(token, context.settings.get(name, ())))


_SOURCES: Final[dict[str, Source]] = {
    "NAME": _users,
    "USER": _users,
    "ROOM": _rooms,
    "DURATION": _durations,
    "NUMBER": _pending,
    "COMMAND": _commands,
}
"""The sources of values by metavar; for others nothing is offered."""
_SOURCES_OF: Final[dict[str, dict[str, Source]]] = {
    "users": {"NAME": _here},
    "edit": {"SEQ": _own},
    "unignore": {"NAME": _ignored},
    "revoke": {"NUMBER": _sessions},
    "leave": {"NAME": _rooms},
    "join": {},
    "create": {},
    "decline": {},
    "rooms": {},
    "members": {"ROOM": _rooms},
}
"""The sources of commands whose values differ from those of others."""
CLIENT_SOURCES: Final[dict[str, tuple[Callable[..., Iterable[Choice]], ...]]] = {
    "set": (_settings, _setting_values),
    "to": (_places,),
}
"""The sources of the client's commands, by position."""


def matching(token: str, names: Sequence[str], most: int = MAX_CANDIDATES) -> list[str]:
    """Return the names that begin with the token, then those that hold it, then those that hold its letters.

    In any case; in each class in the order of `names`. Two searches through one joined string, so that
    thousands of names cost less than a millisecond.
    """
    if not token:
        return list(names[:most])
    folded = token.lower()
    joined = "\n" + "\n".join(names)
    flags = re.NOFLAG if joined.lower() == joined else re.IGNORECASE  # names are, and it is slower
    found = re.findall(f"\n({re.escape(folded)}.*)", joined, flags)
    if len(found) < most:
        letters = [re.escape(char) for char in folded]
        loose = re.findall("\n(" + "".join(f"[^{char}\n]*{char}" for char in letters) + ".*)", joined, flags)
        holding = [name for name in loose if folded in name.lower()]
        found = list(dict.fromkeys([*found, *holding, *loose]))
    return found[:most]
