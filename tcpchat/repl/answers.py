"""Answers to typed lines, shown in the order in which the lines were entered. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TypeAlias

import attrs

Show: TypeAlias = Callable[[], None]


@attrs.define(eq=False)
class Answer:
    """The answer to one line; `show` is None until it is there."""

    show: Show | None = None


class Answers:
    """Answers that are there wait for those that were expected before them."""

    def __init__(self) -> None:
        self._waiting: deque[Answer] = deque()

    def expect(self) -> Answer:
        """Return an answer that is not there yet; `put` is to follow."""
        answer = Answer()
        self._waiting.append(answer)
        return answer

    def put(self, answer: Answer, show: Show) -> None:
        """Let an answer be there, and show what waited for it."""
        answer.show = show
        while self._waiting and (show_next := self._waiting[0].show) is not None:
            self._waiting.popleft()
            show_next()

    def add(self, show: Show) -> bool:
        """Show an answer after all those that are expected; return whether that is now."""
        if self._waiting:
            self._waiting.append(Answer(show))
            return False
        show()
        return True

    def hurry(self) -> None:
        """Show all answers that are there, and wait no longer for those before them."""
        ready = [answer.show for answer in self._waiting if answer.show is not None]
        self._waiting = deque(answer for answer in self._waiting if answer.show is None)
        for show in ready:
            show()
