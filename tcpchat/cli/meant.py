"""Command lines as people type them after ssh, nc, head and git, and the ones that they mean. Pure.

Only what cannot mean anything else is changed; for the rest `tcpchat.cli.sentences` names the right form.
Quick to import, as every start of a client needs it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

COMMANDS: Final = ("connect", "send", "tail", "serve", "admin", "bench")

_COUNT: Final = re.compile(r"-(\d+)(f?)", re.ASCII)  # of `tail -3` and `tail -20f`
_SWITCHES: Final = {
    "--follow",
    "-f",
    "--json",
    "--tls",
    "--ask-password",
    "-W",
}  # of `tail`: no value follows


def meant(arguments: Sequence[str]) -> list[str]:
    """Return the command line that is meant: `connect localhost:8000` for `localhost:8000`."""
    match [*arguments]:
        case ["help", *rest]:
            return [*rest, "--help"]
        case ["admin", "help", *rest]:
            return ["admin", *rest, "--help"]
        case ["version" | "-V"]:
            return ["--version"]
        case ["tail", *rest]:
            return ["tail", *_with_counts(rest)]
        case [word, *_] if is_place(word):
            return ["connect", *arguments]
    return [*arguments]


def is_place(word: str) -> bool:
    """Return whether a word can only be the place of a chat: not a command, nor a misspelt one."""
    return not word.startswith("-") and (word == "localhost" or any(sign in word for sign in ".:@"))


def _with_counts(words: Sequence[str]) -> Iterator[str]:
    """Yield the words with `-n 3` for `-3`, as `tail` has it, unless that is the value of an option."""
    before = ""
    for number, word in enumerate(words):
        if word == "--":
            yield from words[number:]
            return
        count = _COUNT.fullmatch(word)
        is_value = before.startswith("-") and "=" not in before and before not in _SWITCHES
        if count is None or (is_value and not _COUNT.fullmatch(before)):
            yield word
        else:
            yield from ("-n", count[1])
            if count[2]:
                yield "-f"
        before = word
