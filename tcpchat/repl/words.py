"""Commands whose names people also begin sentences with: whether a line without a slash is one. Pure.

Nobody's "back in five" may be swallowed, and no password may be said aloud. So such a line is the command
only if all of it fits the usage; else it is text, unless it may hold a secret: then somebody must be asked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Sequence
from enum import Enum, auto
from typing import Any, Final, TypeAlias

import attrs

from tcpchat.commands import BY_NAME, Command

LONG_WORD: Final = 20  # characters; a token has 43, and hardly a word so many


class Fit(Enum):
    """What a line is that begins with the name of a command."""

    COMMAND = auto()
    TEXT = auto()
    UNSURE = auto()


ORDINARY: Final = frozenset(
    """
    bend bing cancels cancer chancel conversation conversions deport ding edit emit end evoke exist exits
    fend heap held hell helm helps hemp hickory historic ignored ignores kelp king lend lessons logan logic
    logins loin lovin mend missions obsessions pang passions passport passwords pensions pig pin pine pings
    pink pins pint pong precepts presume receipt receives recipes registered registers registrar registry
    remaster renamed renames rend reports repot resisted resistor resort resumed resumes retort revoked ring
    sand schedule scheduler schedules schemas scheme seasons sections seed sends sent session sing spend
    states stats statue statues story tend tensions undead unreal user uses ushers vend versions victory
    wend whelp who's whos wing yelp zing
    """.split()  # noqa: SIM905  # a list of literals would be 120 lines
)
"""Words that people begin sentences with and that are one or two letters from a command."""
GO_ON: Final = frozenset(
    """
    a again all also an and are aren't as at because broken but button by can can't could did didn't do does
    doesn't down everyone everything expired fail failed fails field first for form from gone had has hasn't
    have he her here him his how i if in invalid is isn't it its keeps length link manager me might must my
    needed never nobody not now of on once only or our page please policy problem prompt required reset
    rules screen server she should so spam still takes than that that's the their them then there these they
    this those to today too until us was wasn't we were what when where which who why will with won't work
    working works would wrong you your
    """.split()  # noqa: SIM905
)
"""Words that go on a sentence which began with `login`, `password` or `ignore`; hardly a name or password."""
NEAR_EVERYTHING: Final = frozenset({"away", "back", "read"})
"""Commands one letter from too many words, such as ready, black and way, to look for typos of them."""

_OPTION = re.compile(r"--?[A-Za-z]")  # as in the grammar
_END = re.compile("[.,:;!?…]+$")
_Shape: TypeAlias = Callable[[Sequence[str], Container[str]], bool]


def fit(command: Command[Any], rest: str, known: Container[str]) -> Fit:
    """Say what a line is: this command's name, and `rest` after it; `known` are the names of users.

    Alone, and with an option, it is the command; what is wrong then the grammar says.
    """
    words = rest.split()
    if not words or any(map(_OPTION.match, words)):
        return Fit.COMMAND
    goes_on = _END.sub("", words[0].lower()) in GO_ON
    if command.name in SECRET:
        if goes_on:
            return Fit.TEXT
        return Fit.COMMAND if command.name == "login" and len(words) == 1 else Fit.UNSURE
    if "\n" in rest:
        return Fit.TEXT
    if command.name == "ignore" and len(words) == 1 and not goes_on:
        return Fit.COMMAND if words[0].lower() in known else Fit.UNSURE
    shape = _SHAPES.get(command.name)
    return Fit.COMMAND if shape is not None and shape(words, known) else Fit.TEXT


def is_word(command: Command[Any]) -> bool:
    """Say whether the name of the command is a word that sentences begin with."""
    return command.name in _WORDS


def tells_secret(line: str, name: str, rest: str) -> bool:
    """Say whether a line that is meant as this command, or a typo of it, may hold what nobody should read."""
    if _SECRET_OPTION.search(line):
        return True
    words = rest.split()
    if name not in HIDDEN or not words:
        return False
    if name == "login" and len(words) == 1:
        return False
    return line.startswith(("/", "\\")) or fit(BY_NAME[name], rest, ()) is not Fit.TEXT


def _number(words: Sequence[str], _: Container[str]) -> bool:
    return len(words) == 1 and words[0].isascii() and words[0].isdecimal()


def _one(words: Sequence[str], _: Container[str]) -> bool:
    return len(words) == 1


def _switch(words: Sequence[str], _: Container[str]) -> bool:
    return len(words) == 1 and words[0].lower() in {"on", "off"}


def _token(words: Sequence[str], _: Container[str]) -> bool:
    return len(words[0]) >= LONG_WORD


SECRET: Final = frozenset(
    name for name, command in BY_NAME.items() if any(option.secret for _, option in command.options)
)
"""Commands that take a password."""
HIDDEN: Final = frozenset(
    name
    for name, command in BY_NAME.items()
    if not all(field.repr for field in attrs.fields(command.request))
)
"""These, and those that take a token: nobody is to see what stands after them."""
_SHAPES: Final[dict[str, _Shape]] = {
    "read": _number, "receipts": _switch, "resume": _token, "revoke": _number, "unignore": _one,
    "whois": _one,
}  # fmt: skip
"""What the words after a command must be; after others there must be none."""
_WORDS: Final = frozenset({
    *SECRET, *_SHAPES, "away", "back", "conversations", "ignore", "logout", "sessions", "unread"
})  # fmt: skip
_SECRET_OPTION = re.compile(
    r"(?:^|\s)--("
    + "|".join(sorted({field.name for name in SECRET for field, _ in BY_NAME[name].options if _.secret}))
    + r")\b"
)
