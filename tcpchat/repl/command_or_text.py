"""The question whether a line is a command or text, and what each answer does."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

import attrs

from tcpchat.repl.input.parse import COMMAND, TEXT, Ambiguous
from tcpchat.repl.model.preferences import Preferences
from tcpchat.repl.questions import Question, Questions
from tcpchat.repl.view.screen import Screen

HELD: Final = "not sent: it may be a password, since the line before it asks for one and was refused"
_ANSWERS: Final = {"c": COMMAND, "C": COMMAND, "command": COMMAND, "t": TEXT, "T": TEXT, "text": TEXT}


@attrs.define(eq=False)
class CommandOrText:
    """Asks what a line is, and hands it on: `say` takes text, `do` a line that is to be understood."""

    _questions: Questions
    _screen: Screen
    _preferences: Preferences
    _tell: Callable[[str], None] = attrs.field(kw_only=True)
    _refuse: Callable[[str], None] = attrs.field(kw_only=True)
    _say: Callable[[str], None] = attrs.field(kw_only=True)
    _do: Callable[[str], None] = attrs.field(kw_only=True)

    def ask(self, asked: Ambiguous) -> None:
        """Ask about a line, or refuse it where nobody can be asked."""
        if not self._screen.asks:
            self._refuse(refusal(asked))
            if asked.asks_secret:
                self._questions.ask(Question(short="", answer=self._hold, secret=True))
            return
        self._tell(_wording(asked))
        question = Question(
            short="c, t or Esc",
            answer=partial(self._take, asked),
            drop=partial(self._give_back, asked),
            keys=_keys(asked),
            private=asked.asks_secret,
        )
        self._questions.ask(question)

    def _take(self, asked: Ambiguous, line: str) -> None:
        answer = line.strip()
        meant = _ANSWERS.get(answer)
        if not answer:
            self._give_back(asked)
        elif meant is None or (answer in "CT" and answer not in _keys(asked)):
            self._tell(f"not sent: {asked.shown}")
            if asked.asks_secret:
                self._tell("what you typed after it may be a password, so it was not sent either")
            else:  # another line, which is meant to be one
                self._do(line)
        else:
            if answer in "CT":
                self._keep(asked, meant)
            if meant == COMMAND:
                self._do(asked.command)
            else:
                self._say(asked.line)

    def _keep(self, asked: Ambiguous, meant: str) -> None:
        assert asked.word is not None
        wrong = self._preferences.keep(asked.word, meant)
        what = "commands" if meant == COMMAND else "text"
        self._tell(
            wrong or f"lines that begin with “{asked.word}” are {what} now; /set {asked.word} ask undoes it"
        )

    def _give_back(self, asked: Ambiguous) -> None:
        self._screen.edit(asked.line, asked.shown)

    def _hold(self, line: str) -> None:
        """Refuse the line after one that asks for a password, and that was refused."""
        if line:
            self._refuse(HELD)


def _keys(asked: Ambiguous) -> str:
    return "ct" + ("C" if asked.word else "") + ("T" if asked.keeps_text else "")


def _wording(asked: Ambiguous) -> str:
    """Return the question."""
    run = "it" if asked.word or asked.shown != asked.line else f"“{asked.command}”"
    text = f"“{asked.shown}”: command or text? c runs {run}, t sends it as text, Esc lets you change it"
    keys = " or ".join(_keys(asked)[2:])
    return f"{text}. {keys} also keeps the answer for “{asked.word}”" if keys else text


def refusal(asked: Ambiguous) -> str:
    """Return why a line is neither done nor sent where nobody can be asked."""
    command = asked.command if asked.shown == asked.line else "it with /"
    return f"not sent: “{asked.shown}” may be a command (write {command}) or text (start it with a space)"
