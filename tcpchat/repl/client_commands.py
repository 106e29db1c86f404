"""What the client does itself: `/set`, `/to`, `/clear`, and its part of `help`. No server is asked."""

from __future__ import annotations

from tcpchat.protocol import explain
from tcpchat.repl.input.parse import ALL_NAMES, HIDDEN, LOCAL, LOCAL_BY_NAME, Local
from tcpchat.repl.model.model import Model
from tcpchat.repl.model.preferences import ANSWERS, CHOICES, MEANING, Preferences
from tcpchat.repl.view import render
from tcpchat.repl.view import render_replies as replies
from tcpchat.repl.view.screen import Screen
from tcpchat.repl.view.status import Status

HINTS = (
    "A line that begins with / is a command: /send, /users. Anything else you type is sent as text.",
    "help, users, history and exit need no /. Other lines that begin with a command's word are asked about.",
    "A space before a line sends it as text, whatever it says. //users says /users.",
    "In a pipe nobody is asked: there such a line is refused; begin it with / or a space.",
    "Tab completes · Ctrl-R searches what you typed · Ctrl-L clears · Ctrl-D leaves",
    "Alt-Enter begins a new line · Ctrl-X Ctrl-E opens your editor",
)


class LocalCommands:
    """Does them on the parts of one Controller."""

    def __init__(self, screen: Screen, preferences: Preferences, status: Status, listener: Model) -> None:
        self._screen = screen
        self._preferences = preferences
        self._status = status
        self._listener = listener

    def run(self, command: Local) -> str | None:
        """Do it; return what is wrong with it, if anything."""
        does = {"set": self._set, "to": self._to, "clear": self._clear}[command.name]
        return does(command.argument.strip())

    def help(self, word: str | None) -> None:
        """Show all commands, or one. Raises ChatError `unknown-command`."""
        look = self._listener.look()
        local = LOCAL_BY_NAME.get((word or "").lstrip("/"))
        if local is not None:
            self._screen.show(render.notice(f"/{local.usage}: {local.summary}", look))
            return
        self._screen.show(replies.reply(explain(word), look))
        if word is None:
            for line in (*(f"/{command.usage}: {command.summary}" for command in LOCAL), *HINTS):
                self._screen.show(render.notice(line, look))

    def _clear(self, _: str) -> None:
        self._screen.clear()

    def _to(self, name: str) -> str | None:
        listener = self._listener
        if name and name not in listener.roster and name not in listener.receipts.names():
            return f"nobody called {name!r} is here; /to alone sends to the lobby again"
        self._status.target = name or None
        self._screen.refresh()
        return None

    def _set(self, words: str) -> str | None:
        name, _, value = words.partition(" ")
        value = value.strip()
        if not value:
            return self._show_settings(name)
        if name in ALL_NAMES:
            return self._keep(name, value)
        wrong = self._preferences.set(name, value)
        if wrong is None:
            self._listener.notice(f"{name} is {value} now")
            if name == "theme":
                self._screen.use_theme(value)
        return wrong

    def _keep(self, word: str, answer: str) -> str | None:
        choices = word_choices(word)
        if answer not in choices:
            return f"{word} must be {' or '.join(choices)}"
        wrong = self._preferences.keep(word, None if answer == ANSWERS[0] else answer)
        if wrong is None:
            self._listener.notice(f"{word} is {answer} now")
        return wrong

    def _show_settings(self, only: str) -> str | None:
        if only and only not in MEANING and only not in ALL_NAMES:
            return f"there is no setting {only!r}; there are {', '.join(MEANING)}, and each command's word"
        for name, now in self._preferences.items():
            if not only or name == only:
                choices = " or ".join(CHOICES.get(name, ())) or "any"
                self._listener.notice(f"{name} {now or '(none)'}: {MEANING[name]} ({choices})")
        words = dict.fromkeys([only], ANSWERS[0]) if only in ALL_NAMES else {}
        for word, answer in {**words, **self._preferences.words}.items():
            if word in ALL_NAMES and (not only or word == only):
                meaning = f"what a line is that begins with “{word}” and no /"
                self._listener.notice(f"{word} {answer}: {meaning} ({' or '.join(word_choices(word))})")
        return None


def word_choices(word: str) -> tuple[str, ...]:
    """Return what lines may be that begin with a command's word: never text where it may be a password."""
    return ANSWERS[:-1] if word in HIDDEN else ANSWERS
