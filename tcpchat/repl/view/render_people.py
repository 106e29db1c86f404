"""Rendering of replies and events about people: identity, read markers, relations. Pure."""

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
    SessionInfo,
    Sessions,
    Unread,
    UnreadInfo,
    Whois,
)
from tcpchat.repl.model.delivery import DeliveryState, delivery_state
from tcpchat.repl.model.place import Place
from tcpchat.repl.options import HISTORY
from tcpchat.repl.view.clean import clean_line
from tcpchat.repl.view.render import notice
from tcpchat.repl.view.status import clock
from tcpchat.repl.view.text import (
    GAP,
    Fragments,
    Look,
    counted,
    hang,
    in_rows,
    moment,
    name_style,
    ticks,
    titled,
)


def you_are(name: str, *, registered: bool) -> str:
    """Return the sentence of the greeting that says who you are."""
    return f"you are {name} (registered)" if registered else f"you are {name}"


DATA_RESET: Final = (
    "the server has other data now (new, or from a backup), which may lack what is shown above"
)


def back(event: Reconnected) -> str:
    """Return who you are after a reconnect, and how many missed messages follow."""
    after = clock(event.seconds)
    if not event.user:
        text = f"back after {after}, not logged in: /login NAME logs in"
        return f"{text}; {DATA_RESET}" if event.data_reset else text
    if not event.data_reset:
        missed = f"{_messages(event.missed, 'was', 'were')} missed:" if event.missed else "nothing new"
        return f"back as {event.user} after {after}; {missed}"
    who = event.user
    if not event.same_user:
        who += ", logged in again," if event.registered else ", a new guest,"
    text = f"back as {who} after {after}; {DATA_RESET}"
    if not event.missed:
        return f"{text}. Its lobby is empty"
    return f"{text}. {_messages(event.missed, 'of its lobby follows', 'of its lobby follow')}:"


def _messages(count: int, one: str, several: str) -> str:
    return f"{counted(count, 'message')} {one if count == 1 else several}"


def unread(event: Unread, look: Look) -> Fragments:
    """Return the rooms with unread messages; nothing if there are none."""
    if not event.rooms:
        return []
    rooms = ", ".join(map(_unread_room, event.rooms))
    missing = any(room.room == LOBBY and room.count > HISTORY for room in event.rooms)
    hint = "; /history --unread shows the rest, /read marks the lobby as read" if missing else ""
    return notice(f"unread: {rooms}{hint}", look)


def _unread_room(room: UnreadInfo) -> str:
    mentioned = " (you are mentioned)" if room.mentioned else ""
    return f"{clean_line(Place(room.room, room.username).name)} {room.count}{mentioned}"


def absent(event: Absent, look: Look) -> Fragments:
    """Return why the user whom you wrote to may not answer soon."""
    name = event.username
    if not event.here:
        return notice(f"{name} is offline; your message will be delivered when {name} is back", look)
    text = f": {event.text}" if event.text else ""
    return notice(f"{name} is away{text}", look)


def _resumed(reply: Resumed, look: Look) -> Fragments:
    return notice(you_are(reply.user, registered=reply.registered), look)


def _logged_in(reply: LoggedIn, look: Look) -> Fragments:
    return notice(you_are(reply.user, registered=True), look)


def _logged_out(reply: LoggedOut, look: Look) -> Fragments:
    if reply.user is None:
        return notice("you are logged out; /login NAME logs in again", look)
    return notice(f"you are logged out, and now a new guest: {reply.user}", look)


def _registered(reply: Registered, look: Look) -> Fragments:
    return notice(
        f"{reply.user} is now registered to you. On another device, type: /login {reply.user}", look
    )


def _password_changed(reply: PasswordChanged, look: Look) -> Fragments:
    others = {0: "", 1: "; your other session has ended"}.get(
        reply.revoked, f"; your {reply.revoked} other sessions have ended"
    )
    return notice(f"your password is changed{others}", look)


def _sessions(reply: Sessions, look: Look) -> Fragments:
    fragments = titled(counted(len(reply.sessions), "session"), look)
    for session in reply.sessions:
        head = [("class:title", f"{session.number:>3}{GAP}")]
        fragments += hang(head, "", " · ".join(map(clean_line, _session(session, look))), look)
    return fragments


def _session(session: SessionInfo, look: Look) -> Iterable[str]:
    yield session.device or "no name"
    yield session.address
    yield f"since {moment(session.since, look)}"
    if session.current:
        yield "this session"
    elif session.here:
        yield "connected"
    else:
        yield f"last used {moment(session.used, look)}"


def _revoked(reply: Revoked, look: Look) -> Fragments:
    return notice(f"session {reply.number} has ended", look)


def _read(reply: Read, look: Look) -> Fragments:
    place = Place(reply.room, reply.username)
    where = f"your conversation with {place.name}" if place.is_direct else f"the {place.name}"
    return notice(f"{where} is marked as read up to {reply.seq}", look)


def _unread(reply: Unread, look: Look) -> Fragments:
    return unread(reply, look) or notice("nothing is unread", look)


def _conversations(reply: Conversations, look: Look) -> Fragments:
    if not reply.conversations:
        return notice("no private conversations yet", look)
    fragments: Fragments = []
    for one in reply.conversations:
        state = delivery_state(one.seq, (one.delivered, one.seen or 0))
        head = [("", GAP), (name_style(one.username, look.me), clean_line(one.username)), ("", GAP)]
        if state is not DeliveryState.SENT:
            head += [ticks(state, colours=look.colours), ("", GAP)]
        read = "all read" if one.read >= one.seq else f"read up to {one.read}"
        fragments += hang(head, "", f"{counted(one.seq, 'message')}, {read}", look)
    if reply.more:
        fragments += notice(f"there are more: /conversations --after {reply.conversations[-1].room}", look)
    return fragments


def _receipts(reply: Receipts, look: Look) -> Fragments:
    return notice(f"read receipts are {'on' if reply.on else 'off'}, for both sides", look)


def _away(reply: Away, look: Look) -> Fragments:
    text = f": {reply.text}" if reply.text else ""
    return notice(f"others see that you are away{text}. /back ends it", look)


def _back(reply: Back, look: Look) -> Fragments:
    return notice("you are no longer away", look)


def _whois(reply: Whois, look: Look) -> Fragments:
    kind = "registered" if reply.registered else "a guest"
    rows = [(reply.name, f"{kind} since {moment(reply.since, look)}")]
    if reply.here:
        rows.append(("here", "connected now"))
    else:
        rows.append(("offline", f"last connected {moment(reply.seen, look)}"))
    if reply.away is not None:
        since = f" (since {moment(reply.away_since, look)})" if reply.away_since else ""
        rows.append(("away", f"{reply.away or 'yes'}{since}"))
    if reply.muted_until:
        rows.append(("muted", f"until {moment(reply.muted_until, look)}"))
    return in_rows(rows, look)


def _ignoring(reply: Ignoring, look: Look) -> Fragments:
    names = ", ".join(map(clean_line, reply.users))
    return notice(f"you ignore {names}" if names else "you ignore nobody", look)


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
