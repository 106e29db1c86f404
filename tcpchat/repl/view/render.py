"""Rendering of events, refusals and notices. Pure; draws nothing, reads no clock.

Everything that somebody else wrote is cleaned here. No line is wider than the terminal, but for one that is a
long link and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

import attrs

from tcpchat.errors import ChatError
from tcpchat.protocol import LOBBY, Edited, Error, Joined, Left, Message, Renamed, is_direct
from tcpchat.repl.model.delivery import delivery_state
from tcpchat.repl.view.clean import clean, clean_line
from tcpchat.repl.view.text import (
    BREAK,
    GAP,
    NARROWEST,
    UNWRAPPED,
    Fragments,
    Look,
    hang,
    hour,
    name_style,
    ticks,
    with_local_times,
)
from tcpchat.repl.view.widths import columns
from tcpchat.times import format_duration
from tcpchat.wire.mentions import mentioned

SHORT_WAIT: Final = 1.0  # seconds; not worth a line
MOST_LINES: Final = 40  # of one message; nobody can push everything else off the screen


def message(m: Message | Edited, look: Look, *, numbered: bool = False) -> Fragments:
    """Return a message with its author and time, or the text that an edit gave it, with a mark.

    `numbered` puts its number in the room before it.
    """
    text = _folded(clean(m.text).rstrip("\n"))
    own = m.sender == look.me
    head: Fragments = [("class:title", f"{m.seq:>6} ")] if numbered else []
    if look.timestamps:
        head.append(("class:time", f"{hour(m.at, look)} "))
    if m.room != LOBBY and not is_direct(m.room):
        head.append(("class:title", f"#{clean_line(m.room)} "))
    names: Fragments = [(name_style(m.sender, look.me), clean_line(m.sender))]
    style = ""
    if m.to is not None:
        style = "class:private"
        names += [(style, " → "), (name_style(m.to, look.me), clean_line(m.to))]
    if m.action:  # one phrase: what is said about it stands before
        head += [*_about(m, look, own=own), ("", "* "), *names, ("", " ")]
    elif own or isinstance(m, Edited):
        head += [*names, ("", " "), *_about(m, look, own=own)]
    else:
        head += [*names, ("", GAP), *_about(m, look, own=own)]
    if not own and is_mention(text, look.me):
        style = f"{style} class:mention".strip()
    return hang(head, style, text, look)


def _about(m: Message | Edited, look: Look, *, own: bool) -> Fragments:
    """Return what is said about a message: how far yours got, and that it was edited."""
    if isinstance(m, Edited):
        return [("class:notice", f"edited {m.target}: ")]
    marks = [_delivery(m, look)] if own else []
    return [*marks, ("class:notice", "(edited) ")] if m.edited else marks


def _delivery(m: Message, look: Look) -> tuple[str, str]:
    """Return the mark of your own message; later receipts change only the toolbar."""
    state = delivery_state(m.seq, look.markers.get(m.room, (0, 0)))
    style, text = ticks(state, colours=look.colours)
    return style, f"{text} "


def _folded(text: str) -> str:
    """Return the text, or where it would fill the screen its beginning and how much more there is."""
    lines = text.split("\n", MOST_LINES)
    if len(lines) <= MOST_LINES:
        return text
    more = lines[-1].count("\n") + 1
    return "\n".join([*lines[:-1], f"… {more} more {'line' if more == 1 else 'lines'}"])


def is_mention(text: str, me: str) -> bool:
    """Return whether a text names me, as the server counts it."""
    folded = me.lower()
    return bool(mentioned(text, lambda name: name if name == folded else None)) if me else False


def day(date: date, look: Look) -> Fragments:
    """Return the line above the messages of a day."""
    written = f"{date:%A} {date.day} {date:%B %Y}"
    if look.width >= UNWRAPPED:
        return [("class:day", written), BREAK]
    line = f"── {written} "
    width = max(look.width, NARROWEST)
    return [("class:day", line.ljust(width, "─") if len(line) <= width else line[3:].strip()[:width]), BREAK]


def presence(event: Joined | Left | Renamed, look: Look) -> Fragments:
    """Return who joined, left, or has a new name. Of many users, as many as fit into a line are named."""
    style = "class:presence"
    if isinstance(event, Renamed):
        return hang([], style, f"{clean_line(event.old)} is now {clean_line(event.new)}", look)
    mark, verb = ("→ ", "joined") if isinstance(event, Joined) else ("← ", "left")
    return hang(
        [(style, mark)], style, f"{_some(event.users, look.width - len(f'{mark} {verb}'))} {verb}", look
    )


def _some(names: Sequence[str], width: int) -> str:
    """Return as many names as fit into the width, at least one, and how many more there are."""
    shown: list[str] = []
    for name in names:
        longer = [*shown, clean_line(name)]
        if shown and columns(_listed(longer, len(names))) > width:
            break
        shown = longer
    return _listed(shown, len(names))


def _listed(shown: Sequence[str], count: int) -> str:
    more = f" and {count - len(shown)} more" if count > len(shown) else ""
    return ", ".join(shown) + more


def notice(text: str, look: Look) -> Fragments:
    """Return a notice of the client."""
    return hang([("class:notice", "· ")], "class:notice", clean(text), look)


def refusal(error: Error | ChatError, look: Look) -> Fragments:
    """Return why something was not done, the usage of its command, and when it works again."""
    details = error.details if isinstance(error, ChatError) else attrs.asdict(error)
    message = with_local_times(error.message, look.zone) if error.code else error.message
    fragments = hang([("class:error", "✗ ")], "class:error", clean(message), look)
    if usage := details.get("usage"):
        fragments += hang([("", GAP)], "class:usage", clean_line(f"/{str(usage).removeprefix('/')}"), look)
    wait = details.get("retry_after")
    if isinstance(wait, int | float) and wait >= SHORT_WAIT:
        fragments += hang([("", GAP)], "class:dim", f"works again in {format_duration(wait)}", look)
    return fragments
