"""The settings that a person makes with `/set`, in a file of the user's that is read at start."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import orjson

from tcpchat.files import write_file
from tcpchat.protocol import GUEST

SETTINGS: Final = "settings.json"  # the file, in the folder of the user's configuration
WORDS: Final = "words"  # where in the file the answers are that `keep` got
NOTHING: Final = '""'  # how a setting is made empty
SWITCH: Final = ("on", "off")
CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "bell": SWITCH,
    "timestamps": SWITCH,
    "joins": SWITCH,
    "theme": ("dark", "light", "mono"),
}
"""The values that a setting may have, the default first. `name` is any name, and empty at first."""
ANSWERS: Final = ("ask", "command", "text")
"""The values of a setting that is a command's word."""
MEANING: Final[Mapping[str, str]] = {
    "bell": "ring when somebody mentions you or writes to you privately",
    "timestamps": "show when something was said",
    "joins": "show who comes and goes",
    "theme": "colours for a dark or a light terminal, or none",
    "name": 'the name to take when you connect; "" takes none',
}


class Preferences:
    """The settings, by name. A file that cannot be read or written is no reason not to chat."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._values = {name: values[0] for name, values in CHOICES.items()} | {"name": ""}
        file = _read(path)
        self._values |= _good(file)
        self._words = _texts(file.get(WORDS))

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def on(self, name: str) -> bool:
        """Say whether a switch is on."""
        return self._values[name] == "on"

    def items(self) -> list[tuple[str, str]]:
        return list(self._values.items())

    def set(self, name: str, value: str) -> str | None:
        """Change a setting and keep it; return what is wrong with that, if anything."""
        if name not in self._values:
            return f"there is no setting {name!r}; there are {', '.join(self._values)}"
        choices = CHOICES.get(name)
        if choices and value not in choices:
            return f"{name} is {' or '.join(choices)}, not {value!r}"
        if name == "name" and value.startswith(GUEST):
            return f"the server gives the names that begin with {GUEST}"
        self._values[name] = "" if value == NOTHING else value
        return self._write()

    @property
    def words(self) -> Mapping[str, str]:
        """By a command's word what the lines are that begin with it and have no slash, if not asked about."""
        return self._words

    def keep(self, word: str, answer: str | None) -> str | None:
        """Keep what lines are that begin with a word, None to ask again; return what is wrong with that."""
        self._words.pop(word, None)
        if answer is not None:
            self._words[word] = answer
        return self._write()

    def _write(self) -> str | None:
        if self._path is None:
            return None
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            data = orjson.dumps(self._values | {WORDS: self._words}, option=orjson.OPT_INDENT_2)
            write_file(self._path, data)
        except OSError as error:
            return f"it holds for now, but could not be kept: {error}"
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
