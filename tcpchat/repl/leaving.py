"""What is asked before a person leaves: whether what is lost by that may be lost."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from tcpchat.repl.confirm import is_yes
from tcpchat.repl.model.model import Model
from tcpchat.repl.questions import Question, Questions
from tcpchat.repl.sends import Sending
from tcpchat.repl.view.screen import Screen

NO = {"", "n", "no"}


@attrs.define(eq=False)
class Leaving:
    """Asks if somebody else or something would suffer; calls `leave` once nothing is in the way.

    `do` takes a line that was no answer.
    """

    _screen: Screen
    _questions: Questions
    _listener: Model
    _sending: Sending
    _hosting: bool = attrs.field(kw_only=True)
    _leave: Callable[[], None] = attrs.field(kw_only=True)
    _do: Callable[[str], None] = attrs.field(kw_only=True)

    def ask(self) -> None:
        """Leave, or ask first; who wants to leave while that is asked is not asked again."""
        others = len(self._listener.roster) - 1 if self._hosting else 0
        why = _who_suffers(len(self._sending), others)
        if not why or not self._screen.asks or self._is_asked:
            self._leave()
            return
        self._listener.notice(f"{why}. Leave all the same?")
        self._questions.ask(Question(short="y or n", answer=self._take, keys="yn"))

    @property
    def _is_asked(self) -> bool:
        question = self._questions.open
        return question is not None and question.answer == self._take

    def _take(self, line: str) -> None:
        if is_yes(line):
            self._leave()
            return
        self._listener.notice("you stay")
        if line.strip().lower() not in NO:
            self._do(line)


def _who_suffers(unsent: int, others: int) -> str:
    """Say what is lost if the person leaves now; nothing if nothing is."""
    why = []
    if unsent:
        why.append("a message is not sent yet" if unsent == 1 else f"{unsent} messages are not sent yet")
    if others > 0:
        here = "1 other is here" if others == 1 else f"{others} others are here"
        why.append(f"{here}, for whom the server stops with you")
    return " and ".join(why)
