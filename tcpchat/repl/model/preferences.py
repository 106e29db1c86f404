"""The settings that a person makes with `/set`, in a file of the user's that is read at start."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import orjson

from tcpchat.errors import ChatError
from tcpchat.files import reason, write_file
from tcpchat.names import LONGEST_NAME, enforce
from tcpchat.wire.base import GUEST  # without the rest of the protocol, which the prompt need not wait for

SETTINGS: Final = "settings.json"  # the file, in the folder of the user's configuration
WORDS: Final = "words"  # the field of the file with the answers of `keep`
NOTHING: Final = '""'  # how a setting is made empty
SWITCH: Final = ("on", "off")
CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "bell": SWITCH,
    "timestamps": SWITCH,
    "joins": SWITCH,
    "theme": ("dark", "light", "mono"),
}
"""The values that a setting may have, the default first. `name` is any name, and empty at first."""
ASK: Final = "ask"
COMMAND: Final = "command"
TEXT: Final = "text"
ANSWERS: Final = (ASK, COMMAND, TEXT)
"""The values of a setting that is a command's word: what lines are that begin with it and have no slash."""
MEANING: Final[Mapping[str, str]] = {
    "bell": "ring when somebody mentions you or writes to you privately",
    "timestamps": "show the time of each message",
    "joins": "show when users join and leave",
    "theme": "colours for a dark or a light terminal, or none",
    "name": 'the name to take when you connect; "" takes none',
}


class Preferences:
    """The settings, by name. A file that cannot be read or written is no reason not to chat.

    The `forced` ones, by the environment, come before those of the file and are not saved; setting one in
    the session ends that.
    """

    def __init__(self, path: Path | None, forced: Mapping[str, str] | None = None) -> None:
        self._path = path
        self._forced = dict(forced or {})
        self._values = {name: values[0] for name, values in CHOICES.items()} | {"name": ""}
        file = _read(path)
        self._values |= _good(file)
        self._words = _texts(file.get(WORDS))

    def __getitem__(self, name: str) -> str:
        return self._forced.get(name, self._values[name])

    def on(self, name: str) -> bool:
        """Return whether a switch is on."""
        return self[name] == "on"

    def items(self) -> list[tuple[str, str]]:
        """Return names and values."""
        return [(name, self[name]) for name in self._values]

    def set(self, name: str, value: str) -> str | None:
        """Change a setting; return why it could not be saved, or None.

        Raises ValueError, with a text for the person, if there is no such setting or value.
        """
        if name not in self._values:
            raise ValueError(f"there is no setting {name!r}; there are {', '.join(self._values)}")
        choices = CHOICES.get(name)
        if choices and value not in choices:
            raise ValueError(f"{name} must be {' or '.join(choices)}")
        if name == "name" and value.startswith(GUEST):
            raise ValueError(f"names that begin with {GUEST} are given by the server")
        if name == "name" and value not in {"", NOTHING}:
            try:
                enforce(value, LONGEST_NAME)
            except ChatError as error:
                raise ValueError(error.message) from None
        self._forced.pop(name, None)
        self._values[name] = "" if value == NOTHING else value
        return self._save()

    @property
    def words(self) -> Mapping[str, str]:
        """The answers that are kept, COMMAND or TEXT, by a command's word."""
        return self._words

    def keep(self, word: str, answer: str) -> str | None:
        """Keep one of `ANSWERS` for a command's word; return why it could not be saved, or None."""
        self._words.pop(word, None)
        if answer != ASK:
            self._words[word] = answer
        return self._save()

    def _save(self) -> str | None:
        if self._path is None:
            return None
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            values = self._values | {WORDS: self._words}
            write_file(self._path, orjson.dumps(values, option=orjson.OPT_INDENT_2))
        except OSError as error:
            return f"this applies until you leave, since it could not be saved: {reason(error)}"
        return None


def _read(path: Path | None) -> dict[str, object]:
    """Return what is in the file, which may be of another version, or edited by hand."""
    values: object = {}
    if path is not None:
        with contextlib.suppress(OSError, orjson.JSONDecodeError):
            values = orjson.loads(path.read_bytes())
    return values if isinstance(values, dict) else {}


def _good(file: Mapping[str, object]) -> dict[str, str]:
    known = {name: value for name, value in _texts(file).items() if name in MEANING}
    return {name: value for name, value in known.items() if value in CHOICES.get(name, (value,))}


def _texts(values: object) -> dict[str, str]:
    if not isinstance(values, dict):
        return {}
    return {name: value for name, value in values.items() if isinstance(value, str)}
