"""What is asked about a line that looks like a mistyped command, and what the answer does."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import attrs

from tcpchat.repl.confirm import is_yes
from tcpchat.repl.entered import Doubt, tells_secret
from tcpchat.repl.questions import Questions
from tcpchat.repl.screen import Screen


@attrs.define(eq=False)
class Doubts:
    """Asks what a line is, and hands it on: `say` takes text, `do` a line that is to be understood."""

    _questions: Questions
    _screen: Screen
    _tell: Callable[[str], None] = attrs.field(kw_only=True)
    _refuse: Callable[[str], None] = attrs.field(kw_only=True)
    _say: Callable[[str], None] = attrs.field(kw_only=True)
    _do: Callable[[str], None] = attrs.field(kw_only=True)

    def ask(self, doubt: Doubt) -> None:
        """Ask about a line, or refuse it where nobody can be asked."""
        wording = _put(doubt)
        if not self._screen.asks:
            self._refuse(wording.refusal)
            return
        self._tell(wording.text)
        self._questions.ask(wording.short, partial(self._take, doubt, wording.shown))

    def _take(self, doubt: Doubt, shown: str, line: str) -> None:
        word = line.strip().lower()
        if is_yes(line) and doubt.corrected is not None:
            self._do(doubt.corrected)
        elif word in {"t", "text"}:
            self._say(doubt.line)
        elif not word and shown == doubt.line:
            self._screen.edit(doubt.line)
        elif not word:
            self._tell(f"not sent: {shown}")
        else:  # another line, which is meant to be one
            self._tell(f"not sent: {shown}")
            self._do(line)


def hint(doubt: Doubt) -> str:
    """Return how a refusal goes on if something is near; nothing where that may hold a password."""
    if doubt.corrected is None or tells_secret(doubt.line):
        return ""
    return f"; did you mean: {doubt.corrected}"


@attrs.frozen
class _Wording:
    """A doubt in words; nothing of it holds a password that the line may have."""

    shown: str
    """The line, as far as it may be shown."""
    text: str
    short: str
    refusal: str
    """The same where nobody can be asked."""


def _put(doubt: Doubt) -> _Wording:
    """Return how to ask about a line."""
    secret = tells_secret(doubt.line)
    shown = f"{doubt.command} …" if secret else doubt.line
    run = ""
    if doubt.corrected is not None:
        run = "y runs it corrected, " if secret else f"y runs “{doubt.corrected}”, "
    text = f"“{shown}” looks like a mistyped command: {run}t says it as text, Enter "
    text += "drops it" if secret else "lets you change it"
    refusal = f"not sent: it looks like a mistyped command{hint(doubt)}; a blank before it makes it text"
    return _Wording(shown, text, "y, t or Enter" if run else "t or Enter", refusal)
