"""Text that comes right after a refusal is held: it may be a password, or meant for another place. Pure."""

from __future__ import annotations

from typing import Final

import attrs

from tcpchat.protocol import Request, Send
from tcpchat.repl.input.parse import Call
from tcpchat.repl.prompts import Action, Choice, GiveBack


@attrs.frozen
class Hold:
    """Why the next text is not sent unasked."""

    reason: str
    secret: bool
    """The text may be a password, and is shown nowhere."""
    lasting: bool
    """All text is held, until a place is chosen; otherwise only the next line."""

    def shown(self, line: str) -> str:
        """Return the line as far as others may see it."""
        return "…" if self.secret else line

    def refusal(self, line: str) -> str:
        """Return why the line is not sent where nobody can be asked."""
        what = "" if self.secret else f"“{line}”: "
        return f"not sent: {what}{self.reason}"


def needs_place(request: Request) -> bool:
    """Return whether the request sends text, and names no place."""
    return isinstance(request, Send) and request.room is None and request.username is None


PASSWORD: Final = Hold(
    "it may be a password, since the line before it had one and was refused", secret=True, lasting=False
)


def wrong_place(command: str) -> Hold:
    """Return the hold after a command that chooses a place was refused: `to NAME`, `join NAME`."""
    return Hold(f"/{command} was refused before it; /to alone sends to the lobby", secret=False, lasting=True)


class HeldText(Choice):
    """The question whether such a line is to be sent all the same; `send` is what it would send."""

    keys = "tn"

    def __init__(self, line: str, send: Request, hold: Hold, place: str) -> None:
        self._line = line
        self._send = send
        self._shown = hold.shown(line)
        self.private = hold.secret
        what = "the line" if hold.secret else f"“{line}”"
        self.text = f"{what} is not sent yet: {hold.reason}. Send it to {place}?"
        self.short = f"t: send as text to {place}, n or Esc: edit"
        self.short_in_lines = f"t: send as text to {place}, empty line: do not send"

    def choose(self, answer: str) -> list[Action] | None:
        return [Call(self._send)] if answer.lower() in {"t", "text"} else None

    def drop(self) -> list[Action]:
        return [GiveBack(self._line, self._shown)]
