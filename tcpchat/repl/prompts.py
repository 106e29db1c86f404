"""Questions to the person, each of which takes the next line as its answer. Pure.

An answer returns actions, which the controller performs: it may send text, run a line, or ask again.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Final, TypeAlias

import attrs

from tcpchat.errors import ChatError
from tcpchat.protocol import NeedsSecret
from tcpchat.repl.input.parse import Ambiguous, Call, Misplaced, SendText
from tcpchat.repl.input.vocabulary import tells_secret
from tcpchat.repl.model.preferences import COMMAND, TEXT


@attrs.frozen
class Tell:
    """Show a notice."""

    text: str


@attrs.frozen
class Fail:
    """Show that a line failed, and count it."""

    text: str


@attrs.frozen
class Ask:
    """Ask a question, in place of the one before."""

    question: Question


@attrs.frozen
class RunLine:
    """Take a line as if it had been entered; `pasted` if it begins with several pasted lines."""

    line: str
    pasted: bool = False


@attrs.frozen
class GiveBack:
    """Give a line back to be changed; `shown` is what others may see of it."""

    line: str
    shown: str


@attrs.frozen
class Keep:
    """Keep the answer for all lines that begin with a word."""

    word: str
    answer: str


@attrs.frozen
class Leave:
    """Leave without another question."""


Action: TypeAlias = Tell | Fail | Ask | RunLine | GiveBack | Keep | Leave | SendText | Call


class Question(ABC):
    """One question. `text` is shown when it is asked, `short` stands before the input: how to answer.

    Each of `keys`, alone in the input, is an answer without Enter. The answer to a `secret` question is
    neither shown nor kept, the one to a `private` question is not kept.
    """

    text: str = ""
    short: str = ""
    short_in_lines: str = ""
    """The same where there is no input line, and the answer is a line; empty if it needs none."""
    keys: str = ""
    secret: bool = False
    private: bool = False

    @abstractmethod
    def answer(self, line: str) -> list[Action]:
        """Return what the answer does."""

    def take_back(self) -> list[Action]:
        """Return what is done if the person takes the question back."""
        return []


NEITHER: Final = frozenset({"", "n", "no", "q"})
"""Answers to every choice, that none of it is to happen."""


class Choice(Question):
    """A question with a few answers, before one of which nothing that is typed is sent or run.

    Somebody who types on may not have seen it, and `nope` is meant for nobody in the room: after one line
    that is no answer it is asked again, and after another everything is given back.
    """

    _typed: str | None = None  # the line that was no answer

    @abstractmethod
    def choose(self, answer: str) -> list[Action] | None:
        """Return what an answer does; None if it is none."""

    @abstractmethod
    def drop(self) -> list[Action]:
        """Return what is done where none of it is to happen."""

    def answer(self, line: str) -> list[Action]:
        """Do what the answer says, or ask again."""
        word = line.strip()
        chosen = self.choose(word)
        if chosen is not None:
            return [*chosen, *self._give_back(self._typed)]
        if word.lower() in NEITHER:
            return self.take_back()
        if self._typed is None:
            self._typed = line
            what = "that" if self.private or tells_secret(line) else f"“{line}”"
            return [Tell(f"{what} is no answer, and was not sent"), Ask(self)]
        return [*self._give_back(line), *self.take_back()]

    def take_back(self) -> list[Action]:
        return [*self._give_back(self._typed), *self.drop()]

    def _give_back(self, line: str | None) -> list[Action]:
        """Give back a line that was no answer, unless it may be a password."""
        if line is None or self.private:
            return []
        return [GiveBack(line, "…" if tells_secret(line) else line)]


class CommandOrText(Choice):
    """The question whether a line is a command or text."""

    _MEANING: Final = {"c": COMMAND, "C": COMMAND, "command": COMMAND, "t": TEXT, "T": TEXT, "text": TEXT}

    def __init__(self, line: Ambiguous) -> None:
        self._line = line
        self.private = line.asks_password
        self.keys = "ct" + ("C" if line.word else "") + ("T" if line.keeps_text else "")
        self.text = f"“{line.shown}”: command or text?"
        if line.word is None and line.shown == line.line:
            self.text = f"“{line.shown}”: the command {line.command}, or text?"
        always = f"; {' or '.join(self.keys[2:])}: always" if line.word else ""
        self.short = f"c: command, t: text, Esc: edit{always}"
        self.short_in_lines = f"c: command, t: text, empty line: neither{always}"

    def choose(self, answer: str) -> list[Action] | None:
        asked, meaning = self._line, self._MEANING.get(answer)
        if meaning is None or (len(answer) == 1 and answer not in self.keys):
            return None
        actions: list[Action] = [RunLine(asked.command) if meaning == COMMAND else SendText(asked.line)]
        if answer.isupper() and asked.word is not None:
            actions.insert(0, Keep(asked.word, meaning))
        return actions

    def drop(self) -> list[Action]:
        return [GiveBack(self._line.line, self._line.shown)]


def refuse(line: Ambiguous) -> list[Action]:
    """Return what is done with such a line where nobody can be asked: neither run nor sent."""
    actions: list[Action] = [Fail(refusal(line))]
    return [*actions, Ask(HeldLine())] if line.asks_password else actions


def refusal(line: Ambiguous) -> str:
    """Return why such a line is neither run nor sent."""
    command = line.command if line.shown == line.line else "it with /"
    return f"not sent: “{line.shown}” may be a command (write {command}) or text (start it with a space)"


class OptionOrText(Choice):
    """The question whether the end of a text is an option that belongs before it."""

    _ANSWERS: Final = {"o": "o", "option": "o", "t": "t", "text": "t"}

    def __init__(self, line: Misplaced) -> None:
        self._line = line
        self.keys = "ot"
        self.text = f"“{line.line}”: does the end belong before the text, as in “{line.moved}”?"
        self.short = "o: option, t: text, Esc: edit"
        self.short_in_lines = "o: option, t: text, empty line: neither"

    def choose(self, answer: str) -> list[Action] | None:
        meaning = self._ANSWERS.get(answer.lower())
        if meaning is None:
            return None
        return [RunLine(self._line.moved if meaning == "o" else self._line.literal)]

    def drop(self) -> list[Action]:
        return [GiveBack(self._line.line, self._line.line)]


HELD: Final = "not sent: it may be a password, since the line before it asks for one and was refused"


class HeldLine(Question):
    """Holds the line after a refused one that asks for a password, where nobody can be asked."""

    secret = True

    def answer(self, line: str) -> list[Action]:
        """Refuse the line."""
        return [Fail(HELD)] if line else []


CANCELS: Final = "an empty line cancels"


class PasswordPrompt(Question):
    """Asks for what a request leaves out: a new password twice, where a person types it."""

    secret = True

    def __init__(self, incomplete: NeedsSecret, *, person: bool, first: str | None = None) -> None:
        self._incomplete = incomplete
        self._person = person
        self._first = first
        what: str = incomplete.field.metadata["help"]
        self.short = what if first is None else "repeat the password"
        if person and first is None:
            self.text = f"{what}, which is not shown ({CANCELS})"
        elif person:
            self.text = f"repeat the password ({CANCELS})"

    def answer(self, line: str) -> list[Action]:
        """Complete the request, or ask for the next password."""
        line = line.removesuffix("\n")  # of a paste
        incomplete = self._incomplete
        if not line:
            return [self._cancelled()]
        if self._first is None and self._person and incomplete.is_new:
            return [Ask(PasswordPrompt(incomplete, person=True, first=line))]
        if self._first is not None and line != self._first:
            again = PasswordPrompt(incomplete, person=True)
            return [Tell("the passwords do not match; try again"), Ask(again)]
        try:
            request = incomplete.answer(line.encode(errors="surrogateescape"))
        except ChatError as error:
            return [Fail(error.message)]
        if isinstance(request, NeedsSecret):
            return [Ask(PasswordPrompt(request, person=self._person))]
        return [Call(request)]

    def _cancelled(self) -> Action:
        name = self._incomplete.command.name
        if self._person:
            return Tell(f"{name} was cancelled")
        return Fail(f"{name} was cancelled, since its password is not on the next line")


class QuitPrompt(Choice):
    """Asks before the person leaves, if messages or other people would suffer."""

    short = short_in_lines = "y or n"
    keys = "yn"

    def __init__(self, unsent: int, others: int) -> None:
        self.text = f"{losses(unsent, others)}. Leave anyway?"

    def choose(self, answer: str) -> list[Action] | None:
        return [Leave()] if answer.lower() in {"y", "yes"} else None

    def drop(self) -> list[Action]:
        return [Tell("you stay")]


def losses(unsent: int, others: int) -> str:
    """Return what is lost if the person leaves now; an empty text if nothing is."""
    reasons = []
    if unsent:
        count = "one message has" if unsent == 1 else f"{unsent} messages have"
        reasons.append(f"{count} not been sent yet")
    if others > 0:
        people = "1 other person is" if others == 1 else f"{others} other people are"
        reasons.append(f"{people} connected, and the chat stops when you leave")
    return " and ".join(reasons)
