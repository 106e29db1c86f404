"""Sentences about what is wrong with a command line, with the right form where it can be told."""

from __future__ import annotations

import re
from typing import Final

from cyclopts import CycloptsError, UnknownOptionError, UnusedCliTokensError

from tcpchat.address import Address
from tcpchat.cli.meant import COMMANDS, is_place
from tcpchat.nearest import nearest
from tcpchat.times import DURATION_UNITS, parse_duration

_HOST: Final = re.compile(r"[a-z0-9][a-z0-9-]*", re.ASCII | re.IGNORECASE)
_TIMED: Final = {"ban", "mute"}  # commands of `admin` with a duration and a reason

_PORT: Final = "the port stands behind the host: HOST:PORT"
_NAME: Final = "the name is --name NAME, or NAME@HOST"
_WITH_HOST: Final = {"-p": _PORT, "--port": _PORT, "-H": "the host stands alone: HOST or HOST:PORT"}
_WITH_HOST["--host"] = _WITH_HOST["--server"] = _WITH_HOST["-H"]
_AS: Final = dict.fromkeys(("-u", "-U", "-l", "-n", "--user", "--username", "--nick"), _NAME)
_TO: Final = dict.fromkeys(("--user", "--to"), "the other user is -u NAME")
_LINES: Final = "the number of messages is -n NUMBER"
_HERE: Final = "where to listen is --host HOST"
_LISTEN: Final = dict.fromkeys(("-b", "-l", "--bind", "--listen", "--address"), _HERE)

HABITS: Final[dict[str, dict[str, str]]] = {
    "": _AS | {"-p": "the port is --port PORT"},
    "connect": _WITH_HOST | _AS,
    "send": _WITH_HOST
    | _TO
    | {
        "--host": "the server is -a HOST[:PORT]",
        "-m": "the text stands alone: tcpchat send TEXT",
        "--message": "the text stands alone: tcpchat send TEXT",
    },
    "tail": _WITH_HOST
    | _TO
    | {"--lines": _LINES, "--last": _LINES, "-F": "to keep printing new messages is -f"},
    "serve": _LISTEN
    | {
        "-p": "the port is --port PORT",
        "-d": "the data folder is --data FOLDER",
        "-v": "to log more is --log-level debug",
        "--verbose": "to log more is --log-level debug",
        "--tls": "TLS needs a certificate: --tls-self-signed, or --tls-cert FILE",
    },
    "bench": _WITH_HOST,
}
"""For each command the options that people know from other programs, with ours."""


def sentence(error: CycloptsError) -> str:
    """Return what is wrong, and what is right where that can be guessed."""
    chain = [*(error.command_chain or ())]
    if isinstance(error, UnusedCliTokensError) and error.unused_tokens:
        return _surplus(chain, error.unused_tokens)
    if isinstance(error, UnknownOptionError) and error.token.source == "cli":
        return _unknown_option(chain, error)
    return str(error)


def _unknown_option(chain: list[str], error: UnknownOptionError) -> str:
    option = (error.token.keyword or error.token.value).partition("=")[0]
    command = chain[0] if chain else ""
    if habit := HABITS.get(command, {}).get(option):
        return f"Unknown option: {option}; {habit}"
    text = str(error)
    if command == "send" and "Did you mean" not in text:
        text += f" Text that begins with - stands behind --: tcpchat send -- {option}"
    return text


def _surplus(chain: list[str], words: list[str]) -> str:
    """Return what to do with words that nothing takes."""
    word = words[0]
    match chain:
        case []:
            return no_command(word)
        case ["connect" | "tail" | "bench" as command]:
            if word.isdecimal():
                return f"HOST and PORT are one word: tcpchat {command} HOST:{word}"
            return f'"{word}" is one word too many; tcpchat {command} takes one HOST[:PORT], and options'
        case ["serve"]:
            return f'"{word}" is one word too many; {_listen(word)}'
        case [*_, command] if command in _TIMED:
            return f'"{word}" is one word too many; {_timed(words)}'
    command = " ".join(chain if chain[0] in COMMANDS else ["admin", *chain])
    return f'"{word}" is one word too many; see tcpchat {command} --help'


def no_command(word: str) -> str:
    """Return what is wrong with a first word that is no command."""
    if near := nearest(word, COMMANDS):
        return f'Unknown command "{word}". Did you mean "{near}"?'
    if is_place(word):
        return f"the place stands before the options: tcpchat {word} …"
    if inside := _command_of_the_chat(word):
        return f'"{word}" is no command of tcpchat; in the chat, which tcpchat joins, type /{inside}'
    text = f'Unknown command "{word}". Commands: {", ".join(COMMANDS)}'
    is_host = _HOST.fullmatch(word) is not None
    return (
        f"{text}; to join the chat on a host of that name: tcpchat connect {word}" if is_host else f"{text}."
    )


def _command_of_the_chat(word: str) -> str | None:
    """Return what does this in the chat, also for a word that other chats have."""
    # Slow to import, and only mistakes need it.
    from tcpchat.repl.input.vocabulary import ALIASES_BY_NAME, ALL_NAMES, ELSEWHERE

    return word if word in (*ALL_NAMES, *ALIASES_BY_NAME) else ELSEWHERE.get(word)


def _listen(word: str) -> str:
    try:
        address = Address.parse_endpoint(word)
    except ValueError:
        return "tcpchat serve takes only options; see tcpchat serve --help"
    host = f" --host {address.host}" if not word.removeprefix(":").isdecimal() else ""
    return f"where to listen is an option: tcpchat serve{host} --port {address.port}"


def _timed(words: list[str]) -> str:
    """Return the option that takes words such as `10s`, `for 10 m` or `too loud`."""
    rest = words[1:] if words[0] == "for" and words[1:] else words
    duration = "".join(rest[:2]) if rest[1:] and rest[1] in DURATION_UNITS else rest[0]
    if duration in DURATION_UNITS:
        return f"a duration is one word, such as --for 10{duration}"
    try:
        parse_duration(duration)
    except ValueError:
        return f"the reason is --reason '{' '.join(words)}'"
    return f"the duration is --for {duration}"
