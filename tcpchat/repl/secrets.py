"""Passwords that are asked for, one a line: a new one twice, where a person types it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from tcpchat.errors import ChatError
from tcpchat.protocol import NeedsSecret, Request
from tcpchat.repl.questions import Question, Questions

GIVES_UP: Final = "an empty line gives up"


class Secrets:
    """Asks for what a request leaves out, and hands it on when it is whole."""

    def __init__(
        self,
        questions: Questions,
        *,
        tell: Callable[[str], None],
        refuse: Callable[[str], None],
        go_on: Callable[[Request], None],
        person: bool,
    ) -> None:
        self._questions = questions
        self._tell = tell
        self._refuse = refuse
        self._go_on = go_on
        self._person = person

    def ask(self, incomplete: NeedsSecret) -> None:
        """Ask for the next secret."""
        what = incomplete.field.metadata["help"]
        self._ask(f"{what}, which is not shown; {GIVES_UP}", what, partial(self._take, incomplete))

    def _ask(self, text: str, short: str, answer: Callable[[str], None]) -> None:
        if self._person:
            self._tell(text)
        self._questions.ask(Question(short=short, answer=answer, secret=True))

    def _take(self, incomplete: NeedsSecret, line: str) -> None:
        line = line.removesuffix("\n")  # of a paste
        if not line:
            self._give_up(incomplete.command.name)
        elif self._person and incomplete.is_new:
            again = partial(self._compare, incomplete, line)
            self._ask(f"the same again; {GIVES_UP}", "the same again", again)
        else:
            self._complete(incomplete, line)

    def _compare(self, incomplete: NeedsSecret, first: str, line: str) -> None:
        line = line.removesuffix("\n")
        if not line:
            self._give_up(incomplete.command.name)
        elif line == first:
            self._complete(incomplete, line)
        else:
            self._tell("these were two different ones, so once more from the first")
            self.ask(incomplete)

    def _complete(self, incomplete: NeedsSecret, line: str) -> None:
        try:
            whole = incomplete.answer(line.encode(errors="surrogateescape"))
        except ChatError as error:
            self._refuse(error.message)
            return
        if isinstance(whole, NeedsSecret):
            self.ask(whole)
        else:
            self._go_on(whole)

    def _give_up(self, name: str) -> None:
        if self._person:
            self._tell(f"{name} was given up")
        else:
            self._refuse(f"{name} was given up, since its password is not on the next line")
