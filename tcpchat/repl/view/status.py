"""The prompt, the toolbar and the lines of unsent messages: pure functions of a status and the time."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from tcpchat.client import Closed, Offline, State
from tcpchat.protocol import Edit, Send
from tcpchat.repl.model.delivery import DeliveryState
from tcpchat.repl.model.place import LOBBY_PLACE, Place
from tcpchat.repl.view.clean import clean_line
from tcpchat.repl.view.text import Fragments, ticks
from tcpchat.repl.view.widths import shorten
from tcpchat.times import format_duration

SHOWN = 5  # lines of what waits to be sent
ALMOST = 0.999  # seconds; a countdown ends with 1 s, not with 0 s
UNCOUNTED = 30 * 86400  # seconds; a longer mute, or one for ever, is not counted down


@attrs.frozen(kw_only=True)
class Status:
    """Everything that the lines around the input show. Times are seconds of a monotonic clock."""

    address: str
    me: str = ""
    place: Place = LOBBY_PLACE
    """Where text goes."""
    state: State = attrs.field(factory=lambda: Closed("connecting"))
    latency: float | None = None
    here: int = 0
    unread: int = 0
    """Private messages that were shown while the person was not there."""
    scheduled: int = 0
    muted_until: float = 0.0
    limited_until: float = 0.0
    question: str | None = None
    """The possible answers to the question above the input; the next line is one."""
    away: str | None = None
    """What others read, if you are away."""
    delivery: tuple[str, DeliveryState] | None = None
    """To whom your last private message went, and how far it got."""
    colours: bool = True
    """Whether colours are shown; if not, words say what otherwise only a colour does."""


def prompt(status: Status, now: float) -> Fragments:
    """Return the text before the input: the state of the network, your name, and where text goes."""
    if status.question is not None:
        return [("class:question", f"[{status.question}] ▸ ")]
    where = clean_line(status.place.name)
    fragments: Fragments = []
    if isinstance(status.state, Offline):
        fragments.append(("class:offline", _offline(status.state, now) + " "))
    elif isinstance(status.state, Closed):
        fragments.append(("class:offline", f"[{clean_line(status.state.reason)}] "))
    if status.me:
        fragments += [("class:me", clean_line(status.me)), ("class:prompt", " → "), ("class:target", where)]
        fragments.append(("class:prompt", " ▸ "))
    else:
        fragments.append(("class:prompt", "▸ "))
    return fragments


def _offline(state: Offline, now: float) -> str:
    wait = max(0, int(state.retry_at - now + ALMOST))
    trying = f"next try in {wait} s" if wait else "trying"
    return f"[offline {clock(now - state.since)}, {trying}]"


def clock(seconds: float) -> str:
    """Return a duration as on a clock: `0:42`, `1:02:03`."""
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def toolbar(status: Status, now: float) -> Fragments:
    """Return the line below the input."""
    parts = [_network(status)]
    if status.here:
        parts.append(f"{status.here} here")
    if status.unread:
        parts.append(f"{status.unread} unread private")
    if status.scheduled:
        parts.append(f"{status.scheduled} scheduled")
    if status.away is not None:
        parts.append(f"away: {clean_line(status.away)}" if status.away else "away")
    fragments: Fragments = [("class:toolbar", " " + " │ ".join(parts))]
    if status.delivery is not None:
        name, state = status.delivery
        fragments.append(("class:toolbar", f" │ {clean_line(name)} "))
        fragments.append(ticks(state, colours=status.colours))
    for until, what in ((status.muted_until, "muted"), (status.limited_until, "too fast: wait")):
        if until > now:
            left = int(until - now + ALMOST)
            shown = what if left > UNCOUNTED else f"{what} {clock(left)}"
            fragments += [("class:toolbar", " │ "), ("class:toolbar.limit", shown)]
    return fragments


def _network(status: Status) -> str:
    if isinstance(status.state, Offline | Closed):
        return f"{status.address} unreachable" if isinstance(status.state, Offline) else status.address
    if status.latency is None:
        return status.address
    return f"{status.address} {max(1, round(status.latency * 1000))} ms"


def held_line(count: int) -> str:
    """Return that so many messages wait for the server's limit on the rate."""
    what = "1 message waits" if count == 1 else f"{count} messages wait"
    return f"{what}: the server takes only so many a second"


def waiting_lines(count: int) -> Fragments:
    """Return that so many lines wait until a password is checked; they may hold one, and are not shown."""
    if not count:
        return []
    what = "1 line waits" if count == 1 else f"{count} lines wait"
    return [("class:waiting", f"… {what} until the server has checked the password")]


def waiting(sends: Sequence[Send | Edit], width: int, *, held: int = 0) -> Fragments:
    """Return the lines above the input: messages and edits that are sent and not acknowledged.

    `held` of them wait for the server's limit on the rate.
    """
    if held > 1:
        return [("class:waiting", f"… {held_line(held)}")]
    fragments: Fragments = []
    for send in sends[:SHOWN]:
        place = send.username or send.room
        to = f"→ {clean_line(place)}  " if place else ""
        line = f"… {to}{_kind(send)}{clean_line(send.text)}"
        fragments += [("class:waiting", shorten(line, width)), ("", "\n")]
    if len(sends) > SHOWN:
        fragments += [("class:waiting", f"… and {len(sends) - SHOWN} more"), ("", "\n")]
    return fragments[:-1]


def _kind(send: Send | Edit) -> str:
    if isinstance(send, Edit):
        return f"(edit {send.seq})  "
    later = f"(in {format_duration(send.time)})  " if send.time else ""
    return f"{later}* " if send.action else later


def changes_at(status: Status, now: float) -> float | None:
    """Return when the lines change by time alone, or None if they do not."""
    if isinstance(status.state, Offline) or now < max(status.muted_until, status.limited_until):
        return now + 1
    return None
