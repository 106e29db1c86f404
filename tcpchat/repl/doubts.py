"""What is asked about a line that looks like a mistyped command. Pure."""

from __future__ import annotations

import attrs

from tcpchat.repl.entered import Doubt, tells_secret


@attrs.frozen
class Asking:
    """A doubt in words; nothing of it holds a password that the line may have."""

    shown: str
    """The line, as far as it may be shown."""
    text: str
    short: str
    refusal: str
    """The same where nobody can be asked."""


def put(doubt: Doubt) -> Asking:
    """Return how to ask about a line."""
    secret = tells_secret(doubt.line)
    shown = f"{doubt.command} …" if secret else doubt.line
    run = hint = ""
    if doubt.corrected is not None:
        run = "y runs it corrected, " if secret else f"y runs “{doubt.corrected}”, "
        hint = "" if secret else f"; did you mean: {doubt.corrected}"
    text = f"“{shown}” looks like a mistyped command: {run}t says it as text, Enter "
    text += "drops it" if secret else "lets you change it"
    refusal = f"not sent: it looks like a mistyped command{hint}; a blank before it makes it text"
    return Asking(shown, text, "y, t or Enter" if run else "t or Enter", refusal)
