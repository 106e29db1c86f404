"""How replies and events about people look: who you are, what is read, and how others stand to you. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from tcpchat.client import Reconnected
from tcpchat.protocol import (
    LOBBY,
    Absent,
    Away,
    Back,
    Conversations,
    Ignoring,
    LoggedIn,
    LoggedOut,
    PasswordChanged,
    Read,
    Receipts,
    Registered,
    Reply,
    Resumed,
    Revoked,
    Sessions,
    Unread,
    Whois,
)
from tcpchat.repl.options import HISTORY
from tcpchat.repl.view.clean import clean_line
from tcpchat.repl.view.render import notice
from tcpchat.repl.view.status import clock
from tcpchat.repl.view.tables import in_rows, titled
from tcpchat.repl.view.text import (
    GAP,
    DeliveryState,
    Fragments,
    Look,
    get,
    hang,
    how_far,
    moment,
    name_style,
    ticks,
)


def you_are(name: str, *, registered: bool) -> str:
    """Return who you are, as the greeting says it."""
    return f"you are {name} (registered)" if registered else f"you are {name}"


RESET: Final = "the server has other data now (new, or from a backup), and may not have what is above"


def back(event: Reconnected) -> str:
    """Return who you are after coming back, and what of what was said follows."""
    after = clock(event.seconds)
    if not event.user:
        text = f"back after {after}, but not logged in any more: login NAME"
        return f"{text}; {RESET}" if event.data_reset else text
    if not event.data_reset:
        missed = _messages(event.missed, "was missed:", "were missed:") or "nothing was missed"
        return f"back as {event.user} after {after}; {missed}"
    who = event.user
    if not event.same_user:
        who += ", logged in again," if event.registered else ", a new guest,"
    last = _messages(event.missed, "of its lobby follows:", "of its lobby follow:")
    return f"back as {who} after {after}; {RESET}. {last or 'Nothing has been said there yet'}"


def _messages(count: int, one: str, several: str) -> str:
    if not count:
        return ""
    return f"1 message {one}" if count == 1 else f"{count} messages {several}"


def unread(event: Unread, look: Look) -> Fragments:
    """Return where there is something new; nothing if there is not."""
    places = [_place(item) for item in event.rooms]
    if not places:
        return []
    missing = any(get(item, "room") == LOBBY and _number(item, "count") > HISTORY for item in event.rooms)
    hint = "; history --unread shows what is not shown below, read takes all as read" if missing else ""
    return notice(f"unread: {', '.join(places)}{hint}", look)


def _place(item: object) -> str:
    where = clean_line(str(get(item, "username") or get(item, "room") or "?"))
    mentioned = " (you are mentioned)" if get(item, "mentioned") else ""
    return f"{where} {_number(item, 'count')}{mentioned}"


def absent(event: Absent, look: Look) -> Fragments:
    """Return why whom you wrote to may not answer soon."""
    if not event.here:
        return notice(f"{event.username} is not connected; it is kept until then", look)
    text = f": {event.text}" if event.text else ""
    return notice(f"{event.username} is away{text}", look)


def _resumed(reply: Resumed, look: Look) -> Fragments:
    return notice(you_are(reply.user, registered=reply.registered), look)


def _logged_in(reply: LoggedIn, look: Look) -> Fragments:
    return notice(you_are(reply.user, registered=True), look)


def _logged_out(reply: LoggedOut, look: Look) -> Fragments:
    if reply.user is None:
        return notice("you are logged out; login NAME is the way back", look)
    return notice(f"you are logged out, and a new guest: {reply.user}", look)


def _registered(reply: Registered, look: Look) -> Fragments:
    return notice(f"{reply.user} is yours on this server; elsewhere login {reply.user} makes you it", look)


def _password_changed(reply: PasswordChanged, look: Look) -> Fragments:
    others = {0: "", 1: "; your other session is over"}.get(
        reply.revoked, f"; your {reply.revoked} other sessions are over"
    )
    return notice(f"the new password holds{others}", look)


def _sessions(reply: Sessions, look: Look) -> Fragments:
    count = len(reply.sessions)
    fragments = titled("1 session" if count == 1 else f"{count} sessions", look)
    for item in reply.sessions:
        head = [("class:title", f"{clean_line(str(get(item, 'number'))):>3}{GAP}")]
        fragments += hang(head, "", " · ".join(clean_line(part) for part in _session(item, look)), look)
    return fragments


def _session(item: object, look: Look) -> Iterable[str]:
    yield str(get(item, "device") or "no name")
    yield str(get(item, "address"))
    yield f"since {moment(get(item, 'since'), look)}"
    if get(item, "current"):
        yield "this one"
    elif get(item, "here"):
        yield "connected"
    else:
        yield f"used {moment(get(item, 'used'), look)}"


def _revoked(reply: Revoked, look: Look) -> Fragments:
    return notice(f"session {reply.number} is over", look)


def _read(reply: Read, look: Look) -> Fragments:
    where = f"what {reply.username} and you said" if reply.username else f"the {reply.room}"
    return notice(f"you have read {where} up to {reply.seq}", look)


def _unread(reply: Unread, look: Look) -> Fragments:
    return unread(reply, look) or notice("nothing is unread", look)


def _conversations(reply: Conversations, look: Look) -> Fragments:
    if not reply.conversations:
        return notice("you have talked with nobody privately", look)
    fragments: Fragments = []
    for item in reply.conversations:
        name = str(get(item, "username"))
        seq, read = _number(item, "seq"), _number(item, "read")
        got = how_far(seq, (_number(item, "delivered"), _number(item, "seen")))
        head = [("", GAP), (name_style(name, look.me), clean_line(name)), ("", GAP)]
        said = "1 message" if seq == 1 else f"{seq} messages"
        text = f"{said}, {'all read' if read >= seq else f'read up to {read}'}"
        if got is not DeliveryState.SENT:
            head += [ticks(got, colours=look.colours), ("", GAP)]
        fragments += hang(head, "", text, look)
    if reply.more:
        after = get(reply.conversations[-1], "room")
        fragments += notice(f"there are more: conversations --after {after}", look)
    return fragments


def _number(item: object, name: str) -> int:
    number = get(item, name)
    return number if isinstance(number, int) else 0


def _receipts(reply: Receipts, look: Look) -> Fragments:
    if reply.on:
        return notice("others learn what you have read of theirs, and you what they have of yours", look)
    return notice("nobody learns what you have read, and you do not what others have", look)


def _away(reply: Away, look: Look) -> Fragments:
    text = f": {reply.text}" if reply.text else ""
    return notice(f"others see that you are away{text}; back ends it", look)


def _back(reply: Back, look: Look) -> Fragments:
    return notice("you are not away any more", look)


def _whois(reply: Whois, look: Look) -> Fragments:
    kind = "registered" if reply.registered else "a guest"
    rows = [(reply.name, f"{kind} since {moment(reply.since, look)}")]
    if reply.here:
        rows.append(("here", "connected now"))
    else:
        rows.append(("seen", f"not connected; last {moment(reply.seen, look)}"))
    if reply.away is not None:
        since = f" (since {moment(reply.away_since, look)})" if reply.away_since else ""
        rows.append(("away", f"{reply.away or 'yes'}{since}"))
    if reply.muted_until:
        rows.append(("muted", f"until {moment(reply.muted_until, look)}"))
    return in_rows(rows, look)


def _ignoring(reply: Ignoring, look: Look) -> Fragments:
    names = ", ".join(map(clean_line, reply.users))
    return notice(f"you hear nothing of {names}" if names else "you ignore nobody", look)


REPLIES: Final[dict[type[Reply], Callable[[Any, Look], Fragments]]] = {
    Resumed: _resumed,
    LoggedIn: _logged_in,
    LoggedOut: _logged_out,
    Registered: _registered,
    PasswordChanged: _password_changed,
    Sessions: _sessions,
    Revoked: _revoked,
    Read: _read,
    Unread: _unread,
    Conversations: _conversations,
    Receipts: _receipts,
    Away: _away,
    Back: _back,
    Whois: _whois,
    Ignoring: _ignoring,
}
