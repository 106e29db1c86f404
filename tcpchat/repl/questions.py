"""What is asked of the person, so that the next line is the answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from tcpchat.repl.screen import Screen
from tcpchat.repl.status import Status

Answer: TypeAlias = Callable[[str], None]


class Questions:
    """At most one at a time."""

    def __init__(self, screen: Screen, status: Status) -> None:
        self.answer: Answer | None = None
        """Takes the next line."""
        self._screen = screen
        self._status = status

    def ask(self, short: str, answer: Answer, *, secret: bool = False) -> None:
        """Ask; `short` stands before the input. A `secret` answer is shown to nobody."""
        self.answer = answer
        self._status.question, self._status.secret = short, secret
        self._screen.refresh()

    def take(self) -> Answer | None:
        """Return who takes the line that was just entered, if something was asked."""
        answer, self.answer = self.answer, None
        self._status.question, self._status.secret = None, False
        if answer is not None:
            self._screen.refresh()
        return answer
