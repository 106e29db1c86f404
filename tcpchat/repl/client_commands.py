"""The commands that the client does itself, without the server: `/set`, `/to`, `/clear`, `/help`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import attrs

from tcpchat.errors import ChatError
from tcpchat.protocol import LOBBY, explain, parse_room
from tcpchat.repl.answers import Show
from tcpchat.repl.input.parse import RunCommand
from tcpchat.repl.input.vocabulary import (
    ALIASES_BY_NAME,
    ALL_NAMES,
    CLIENT_COMMANDS,
    CLIENT_COMMANDS_BY_NAME,
    HIDDEN,
    also,
)
from tcpchat.repl.model.model import Model
from tcpchat.repl.model.place import LOBBY_PLACE, Place
from tcpchat.repl.model.preferences import ANSWERS, ASK, CHOICES, COMMAND, MEANING, Preferences
from tcpchat.repl.view import key_help, render, render_replies
from tcpchat.repl.view.display import Display
from tcpchat.repl.view.text import Fragments, in_rows

TO = "to"
"""The command that chooses where text goes."""
HINTS = (
    "A line that begins with / is a command: /send, /users. Anything else you type is sent as text.",
    "help, users, history and exit need no /. Other lines that begin with a command's word are asked about.",
    "A space before a line sends it as text, whatever it says. //users says /users; other // stay.",
    "In a pipe each line is text; with --commands each is a command.",
    "Tab completes · Ctrl-R searches what you typed · Ctrl-L clears · Ctrl-D leaves",
    "Esc, then Enter begins a new line · Ctrl-X Ctrl-E opens your editor, and Enter then sends",
    "/help keys shows all keys, and what one of them sends.",
    "Pasted lines are one message and run no command.",
)


class ClientCommands:
    """Runs them on one conversation."""

    def __init__(
        self,
        model: Model,
        display: Display,
        preferences: Preferences,
        show_in_order: Callable[[Show], None] = lambda show: show(),
    ) -> None:
        self._model = model
        self._display = display
        self._preferences = preferences
        self._show_in_order = show_in_order

    def run(self, command: RunCommand) -> None:
        """Run a command. Raises ChatError where it is used wrongly."""
        run = {"set": self._set, TO: self._to, "clear": self._clear}[command.name]
        run(command.argument.strip())

    def help(self, word: str | None) -> None:
        """Show all commands, or one. Raises ChatError `unknown-command`."""
        name = (word or "").lstrip("/\\").lower()
        if name == "keys":
            self._show(in_rows(key_help.KEYS, self._display.look))
            self._display.screen.watch_key(self._notice)
            return
        alias = ALIASES_BY_NAME.get(name)
        if alias is not None:
            self._show(render.notice(f"/{alias.usage}: the same as /{alias.means}", self._display.look))
            name = alias.command
        own = CLIENT_COMMANDS_BY_NAME.get(name)
        if own is not None:
            self._show(render.notice(f"/{own.usage}: {own.summary}{also(own.name)}", self._display.look))
        else:
            told = explain(name or None)
            commands = [attrs.evolve(one, summary=f"{one.summary}{also(one.name)}") for one in told.commands]
            self._show(render_replies.reply(attrs.evolve(told, commands=commands), self._display.look))
        if word is None:
            own_lines = (
                f"/{command.usage}: {command.summary}{also(command.name)}" for command in CLIENT_COMMANDS
            )
            for line in (*own_lines, *HINTS):
                self._show(render.notice(line, self._display.look))

    def _show(self, fragments: Fragments) -> None:
        self._show_in_order(partial(self._display.screen.show, fragments))

    def _notice(self, text: str) -> None:
        self._show_in_order(partial(self._display.notice, text))

    def keep(self, word: str, answer: str) -> None:
        """Keep what lines are that begin with a command's word. Raises ChatError where that cannot be."""
        choices = word_choices(word)
        if answer not in choices:
            raise ChatError("bad-usage", f"{word} must be {' or '.join(choices)}")
        problem = self._preferences.keep(word, answer)
        lines = f"lines that begin with “{word}” are"
        if answer == ASK:
            self._changed(f"{lines} asked about again", problem)
        else:
            what = "commands" if answer == COMMAND else "text"
            self._changed(f"{lines} {what} now; /set {word} ask undoes it", problem)

    def _changed(self, text: str, problem: str | None) -> None:
        self._notice(text)
        if problem is not None:
            raise ChatError("bad-usage", problem)

    def _clear(self, _: str) -> None:
        self._display.screen.clear()

    def _to(self, name: str) -> None:
        before, room = self._model.place, parse_room(name)
        if room in {"", LOBBY}:
            self._model.place = LOBBY_PLACE
        elif not name.startswith("#") and self._model.knows(name.removeprefix("@")):
            self._model.place = Place.direct(name.removeprefix("@"))
        elif room in self._model.rooms:
            self._model.place = Place(room)
        elif name.startswith("#"):
            message = f"you are not in {name}; /join {room} enters it, /to alone sends to the lobby again"
            raise ChatError("no-such-room", message)
        else:
            message = f"there is no user {name!r} here, nor such a room; /to sends to the lobby again"
            raise ChatError("no-such-user", message)
        screen = self._display.screen
        if screen.asks and (not screen.has_input or self._model.place == before):  # no prompt shows a change
            self._notice(f"what you type goes to {self._model.place.name}")
        self._display.screen.refresh()

    def _set(self, words: str) -> None:
        name, _, value = words.partition(" ")
        value = value.strip()
        if not value:
            self._show_settings(name)
        elif name in ALL_NAMES:
            self.keep(name, value)
        else:
            self._set_value(name, value)

    def _set_value(self, name: str, value: str) -> None:
        try:
            problem = self._preferences.set(name, value)
        except ValueError as error:
            raise ChatError("bad-usage", str(error)) from None
        if name == "theme":
            self._display.screen.use_theme(value)
        shown = value if value.strip('"') else "(none)"
        later = f" from the next start on; until then you are {self._model.me}" if name == "name" else ""
        self._changed(f"{name} set to {shown}{later}", problem)

    def _show_settings(self, only: str) -> None:
        if only and only not in MEANING and only not in ALL_NAMES:
            raise ChatError("bad-usage", f"there is no setting {only!r}; there are {', '.join(MEANING)}")
        for name, value in self._preferences.items():
            if only in {"", name}:
                choices = " or ".join(CHOICES.get(name, ())) or "any"
                self._notice(f"{name} {value or '(none)'}: {MEANING[name]} ({choices})")
        answers = dict(self._preferences.words)
        if only in ALL_NAMES:
            answers.setdefault(only, ASK)
        for word, answer in answers.items():
            if word in ALL_NAMES and only in {"", word}:
                choices = " or ".join(word_choices(word))
                self._notice(f"{word} {answer}: lines that begin with “{word}” and no / ({choices})")


def word_choices(word: str) -> tuple[str, ...]:
    """Return what lines may be that begin with a command's word: never text where it may be a password."""
    return ANSWERS[:-1] if word in HIDDEN else ANSWERS
