"""Requests with a password whose outcome is not known yet, and what follows a refusal.

The line after a wrong password is most likely the same password once more, so that it must not become text.
While the server checks one, lines wait: they are for the user that the person wants to be.
"""

from __future__ import annotations

from typing import Any, Final

from tcpchat.client import RefusedError
from tcpchat.protocol import BY_NAME, Command, NeedsSecret, Request
from tcpchat.repl.input.vocabulary import TAKES_PASSWORD

RETRIES: Final = 3  # times that a password is asked for again
RETYPED: Final = {"wrong-login", "bad-password"}  # codes after which another password may be right


def has_password(request: Request) -> bool:
    """Return whether the server checks or keeps a password for this request."""
    return request.type in TAKES_PASSWORD


class PasswordChecks:
    """One conversation's: how often the password was refused, and the lines that wait meanwhile."""

    def __init__(self) -> None:
        self.running = False
        """The server checks a password now."""
        self.lines: list[tuple[str, bool]] = []
        """What was entered meanwhile, and whether it was pasted."""
        self._refused = 0

    def begin(self) -> None:
        """Note that the person begins anew, so that a password may be wrong as often as ever."""
        self._refused = 0

    def end(self, request: Request, error: Exception | None) -> NeedsSecret | None:
        """Note the outcome; return what to ask for again, if that may help."""
        self.running = False
        if error is None:
            self.begin()
            return None
        self._refused += 1
        if self._refused > RETRIES or not isinstance(error, RefusedError) or error.code not in RETYPED:
            self.begin()
            return None
        command: Command[Any, Any] = BY_NAME[request.type]
        again = command.without_secrets(request)
        return again if isinstance(again, NeedsSecret) else None

    def take_lines(self) -> list[tuple[str, bool]]:
        """Return the lines that waited, and forget them."""
        lines, self.lines = self.lines, []
        return lines
