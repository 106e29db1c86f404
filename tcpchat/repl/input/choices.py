"""What a value of a command can be, by what usage calls it: a pure function of what is known now."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

import attrs

from tcpchat.protocol import BY_NAME, Argument, Option
from tcpchat.times import DURATION_UNITS

MAX_CANDIDATES: Final = 50
SHORT_TEXT: Final = 40  # characters of a scheduled message that the menu shows


@attrs.frozen
class CompletionContext:
    """What is known now: users the most recently active first, number and text of what is scheduled."""

    users: Sequence[str]
    me: str
    absent: Sequence[str] = ()
    """Users who are not here and who may be written to all the same."""
    ignored: Sequence[str] = ()
    sessions: Sequence[tuple[int, str]] = ()
    """Number and device of your sessions, as far as they were asked for."""
    own: Sequence[tuple[int, str]] = ()
    """Number and text of your messages in the place of the prompt, the last one first."""
    pending: Sequence[tuple[int, str]] = ()
    settings: Mapping[str, Sequence[str]] = attrs.field(factory=dict)
    commands: Container[str] = ()
    """Words that begin a command without a slash too."""


Choice: TypeAlias = tuple[str, str, str]
"""What to insert, what to show, and what it means."""
Source: TypeAlias = Callable[[str, CompletionContext], Iterable[Choice]]
"""Gives the choices for a token, best first."""

_UNIT_NAMES: Final = {"s": "second", "m": "minute", "h": "hour", "d": "day"}
_DURATIONS: Final = {
    "10": "10 seconds", "1m": "1 minute", "10m": "10 minutes", "30m": "30 minutes",
    "1h": "1 hour", "1h30m": "1 hour and 30 minutes", "8h": "8 hours", "1d": "1 day", "7d": "7 days",
}  # fmt: skip
_OWN: Final = frozenset({"rename", "login"})  # commands whose `name` is yours: there is nothing to offer


def values(
    command: str,
    place: tuple[attrs.Attribute[Any], Argument | Option] | None,
    token: str,
    live: CompletionContext,
) -> Iterable[Choice]:
    """Return the choices for a value, of which `token` is there, best first."""
    if place is None or (place[0].name == "name" and command in _OWN):
        return ()
    metavar = place[1].metavar or ""
    if "|" in metavar:
        return ((word, word, "") for word in metavar.split("|") if word.startswith(token.lower()))
    source = _SOURCES_OF.get(command, _SOURCES).get(metavar, _nothing)
    return source(token, live)


def _nothing(token: str, live: CompletionContext) -> Iterable[Choice]:
    return ()


def _here(token: str, live: CompletionContext) -> Iterable[Choice]:
    return ((name, name, "") for name in _others(token, live))


def _users(token: str, live: CompletionContext) -> Iterable[Choice]:
    """Offer who is here, and then who is not."""
    yield from _here(token, live)
    for name in matching(token, live.absent):
        yield name, name, "not connected"


def _ignored(token: str, live: CompletionContext) -> Iterable[Choice]:
    return ((name, name, "") for name in matching(token, live.ignored))


def _sessions(token: str, live: CompletionContext) -> Iterable[Choice]:
    for number, device in live.sessions:
        if str(number).startswith(token):
            yield str(number), str(number), device


def mentions(token: str, live: CompletionContext) -> Iterable[Choice]:
    return ((f"@{name}", f"@{name}", "") for name in _others(token, live))


def _others(token: str, live: CompletionContext) -> Iterable[str]:
    return (name for name in matching(token, live.users, MAX_CANDIDATES + 1) if name != live.me)


def _durations(token: str, live: CompletionContext) -> Iterable[Choice]:
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


def _pending(token: str, live: CompletionContext) -> Iterable[Choice]:
    return _numbered(token, live.pending)


def _own(token: str, live: CompletionContext) -> Iterable[Choice]:
    return _numbered(token, live.own)


def _numbered(token: str, texts: Iterable[tuple[int, str]]) -> Iterable[Choice]:
    for number, text in texts:
        if str(number).startswith(token):
            short = text if len(text) <= SHORT_TEXT else f"{text[: SHORT_TEXT - 1]}…"
            yield str(number), str(number), short


def _commands(token: str, live: CompletionContext) -> Iterable[Choice]:
    return ((name, name, BY_NAME[name].summary) for name in matching(token.lower(), tuple(BY_NAME)))


def _settings(token: str, live: CompletionContext) -> Iterable[Choice]:
    for name in matching(token, tuple(live.settings)):
        yield name, name, ", ".join(live.settings[name])


def _setting_values(token: str, live: CompletionContext, name: str) -> Iterable[Choice]:
    return ((value, value, "") for value in matching(token, live.settings.get(name, ())))


_SOURCES: Final[dict[str, Source]] = {
    "NAME": _users,
    "DURATION": _durations,
    "NUMBER": _pending,
    "COMMAND": _commands,
}
"""What a value can be, by metavar; for another there is nothing to offer."""
_SOURCES_OF: Final[dict[str, dict[str, Source]]] = {
    "users": {"NAME": _here},
    "edit": {"SEQ": _own},
    "unignore": {"NAME": _ignored},
    "revoke": {"NUMBER": _sessions},
}
"""The same where a command's values are others than elsewhere."""
CLIENT_SOURCES: Final[dict[str, tuple[Callable[..., Iterable[Choice]], ...]]] = {
    "set": (_settings, _setting_values),
    "to": (_users,),
}
"""The same for the client's commands, by place."""


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
