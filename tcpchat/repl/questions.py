"""The question that the person is asked, whose answer is the next line, or a key."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import attrs

from tcpchat.repl.view.screen import Screen
from tcpchat.repl.view.status import Status

Answer: TypeAlias = Callable[[str], None]


@attrs.frozen(kw_only=True, eq=False)
class Question:
    """One question: `answer` takes the next line, `drop` is called if the person takes it back.

    `short` stands before the input. Each of `keys`, alone in the input, is an answer without Enter.
    """

    short: str
    answer: Answer
    drop: Callable[[], None] | None = None
    keys: str = ""
    secret: bool = False
    """The answer is shown and kept nowhere."""
    private: bool = False
    """The answer is kept nowhere."""


class Questions:
    """At most one at a time."""

    def __init__(self, screen: Screen, status: Status) -> None:
        self.open: Question | None = None
        self._screen = screen
        self._status = status

    def ask(self, question: Question) -> None:
        """Ask, in place of what was asked before."""
        self._set(question)
        self._screen.refresh()

    def take(self) -> Question | None:
        """Return the question to which the line is an answer that was just entered, if one is open."""
        question = self.open
        self._set(None)
        if question is not None:
            self._screen.refresh()
        return question

    def _set(self, question: Question | None) -> None:
        self.open = question
        self._status.question = None if question is None else question.short
        self._status.secret = question is not None and question.secret
