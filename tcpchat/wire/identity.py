"""Replies and events about who you are: names, sessions, what is read, and how others stand to you.

`messages` has those about what is said.
"""

from __future__ import annotations

from typing import Any, ClassVar

import attrs

from tcpchat.wire.base import Event, Reply, about

AT = about("when, RFC 3339 in UTC with milliseconds")
ROOM = about("the room: `lobby`, or the id of a direct room, which stays when its users are renamed")
OTHER = about("the other user, in a direct room only")
_LOBBY_SEQ = about("the lobby's last message; each later one comes as an event")


@attrs.frozen(kw_only=True)
class Resumed(Reply):
    """You are the user of the token now. `unread` follows."""

    type: ClassVar[str] = "resumed"
    user: str = attrs.field(metadata=about("your name"))
    registered: bool = attrs.field(metadata=about("the name is yours for good"))
    session: int = attrs.field(metadata=about("this connection's session, as `sessions` numbers them"))
    seq: int = attrs.field(metadata=_LOBBY_SEQ)


@attrs.frozen(kw_only=True)
class LoggedIn(Reply):
    """You are the registered user now, in a session of your own. `unread` follows."""

    type: ClassVar[str] = "logged-in"
    user: str = attrs.field(metadata=about("your name"))
    session: int = attrs.field(metadata=about("this connection's session, as `sessions` numbers them"))
    token: str = attrs.field(
        repr=False, metadata=about("keep it secret: `resume` with it makes you this user")
    )
    seq: int = attrs.field(metadata=_LOBBY_SEQ)


@attrs.frozen(kw_only=True)
class LoggedOut(Reply):
    """The session is over and its token worthless; you are a new guest, or nobody where login is required."""

    type: ClassVar[str] = "logged-out"
    user: str | None = attrs.field(default=None, metadata=about("the name that you have for now"))
    token: str | None = attrs.field(
        default=None, repr=False, metadata=about("what makes you this guest again")
    )


@attrs.frozen(kw_only=True)
class Registered(Reply):
    """The name is yours on this server, for good; your token goes on."""

    type: ClassVar[str] = "registered"
    user: str = attrs.field(metadata=about("your name"))


@attrs.frozen(kw_only=True)
class PasswordChanged(Reply):
    """The new password holds, and all other sessions are over."""

    type: ClassVar[str] = "password-changed"
    revoked: int = attrs.field(metadata=about("how many other sessions there were"))


@attrs.frozen(kw_only=True)
class Prompt(Event):
    """A plain line left something secret out: the next line is it, as typed; an empty one gives up."""

    type: ClassVar[str] = "prompt"
    field: str = attrs.field(metadata=about("the field that the line is for"))
    message: str = attrs.field(metadata=about("the same as a sentence"))


@attrs.frozen(kw_only=True)
class SessionInfo:
    """One of your tokens, and what uses it."""

    number: int = attrs.field(metadata=about("what `revoke` takes"))
    device: str = attrs.field(metadata=about("what it calls itself; empty if it does not say"))
    address: str = attrs.field(metadata=about("where it was last used from"))
    since: str = attrs.field(metadata=AT)
    used: str = attrs.field(metadata=about("when it last connected or went, RFC 3339"))
    here: bool = attrs.field(metadata=about("it is connected now"))
    current: bool = attrs.field(metadata=about("it is this connection's"))


@attrs.frozen(kw_only=True)
class Sessions(Reply):
    """Your sessions."""

    type: ClassVar[str] = "sessions"
    sessions: list[Any] = attrs.field(metadata={"items": SessionInfo, **about("lowest number first")})


@attrs.frozen(kw_only=True)
class Revoked(Reply):
    """The token is worthless; a connection that used it is closed."""

    type: ClassVar[str] = "revoked"
    number: int = attrs.field(metadata=about("of the session"))


@attrs.frozen(kw_only=True)
class Read(Reply, Event):
    """How far you have read: as reply on this connection, as event because another of yours did."""

    type: ClassVar[str] = "read"
    room: str = attrs.field(metadata=ROOM)
    username: str | None = attrs.field(default=None, metadata=OTHER)
    seq: int = attrs.field(metadata=about("the last message that is read"))


@attrs.frozen(kw_only=True)
class UnreadInfo:
    """A room with unread messages."""

    room: str = attrs.field(metadata=ROOM)
    username: str | None = attrs.field(default=None, metadata=OTHER)
    count: int = attrs.field(metadata=about("messages of others that are not read"))
    mentioned: bool = attrs.field(metadata=about("one of them has @ and your name"))
    read: int = attrs.field(metadata=about("the last message that is read"))
    seq: int = attrs.field(metadata=about("the last message that there is"))


@attrs.frozen(kw_only=True)
class Unread(Reply, Event):
    """Where you have not read everything: as reply if you ask, as event after `resumed` and `logged-in`."""

    type: ClassVar[str] = "unread"
    rooms: list[Any] = attrs.field(
        metadata={"items": UnreadInfo, **about("the lobby first; empty if nothing is unread")}
    )


@attrs.frozen(kw_only=True)
class ConversationInfo:
    """What you and another user said to each other, as numbers."""

    room: str = attrs.field(metadata=ROOM)
    username: str = attrs.field(metadata=about("the other, or the last name of one who is gone for good"))
    seq: int = attrs.field(metadata=about("the last message"))
    read: int = attrs.field(metadata=about("the last message that you have read"))
    delivered: int = attrs.field(metadata=about("the last one that a device of the other was given"))
    seen: int | None = attrs.field(
        default=None, metadata=about("the last one that the other has read, unless one of you does not tell")
    )


@attrs.frozen(kw_only=True)
class Conversations(Reply):
    """With whom you have talked privately."""

    type: ClassVar[str] = "conversations"
    conversations: list[Any] = attrs.field(
        metadata={"items": ConversationInfo, **about("by the ids of their rooms")}
    )
    more: bool = attrs.field(metadata=about("there are more; ask with `after`"))


@attrs.frozen(kw_only=True)
class Receipt(Event):
    """How far the messages of a direct room got; it counts for all up to that number."""

    type: ClassVar[str] = "receipt"
    room: str = attrs.field(metadata=ROOM)
    username: str = attrs.field(metadata=about("who got or read them"))
    delivered: int = attrs.field(metadata=about("the last one that a device of the other was given"))
    seen: int | None = attrs.field(
        default=None, metadata=about("the last one that the other has read, unless one of you does not tell")
    )


@attrs.frozen(kw_only=True)
class Receipts(Reply):
    """Whether others learn what you have read, and you what they have."""

    type: ClassVar[str] = "receipts"
    on: bool


@attrs.frozen(kw_only=True)
class Away(Reply):
    """Others see that you are away."""

    type: ClassVar[str] = "away"
    text: str = attrs.field(metadata=about("what you left for others to read"))
    since: str = attrs.field(metadata=AT)


@attrs.frozen(kw_only=True)
class Back(Reply):
    """You are not away any more."""

    type: ClassVar[str] = "back"


@attrs.frozen(kw_only=True)
class Absent(Event):
    """Whom you wrote to is away or not connected; told once. The message is kept for then."""

    type: ClassVar[str] = "absent"
    username: str
    here: bool = attrs.field(metadata=about("connected, and away by its own word"))
    text: str | None = attrs.field(default=None, metadata=about("what was left for others to read"))
    since: str | None = attrs.field(default=None, metadata=AT)


@attrs.frozen(kw_only=True)
class Whois(Reply):
    """What is known of a user."""

    type: ClassVar[str] = "whois"
    name: str
    registered: bool = attrs.field(metadata=about("else a guest, whose name is for now"))
    here: bool = attrs.field(metadata=about("connected now"))
    since: str = attrs.field(metadata=about("when the name was registered, or the guest came; RFC 3339"))
    seen: str | None = attrs.field(default=None, metadata=about("when last connected, if not now; RFC 3339"))
    away: str | None = attrs.field(default=None, metadata=about("what was left for others, if away"))
    away_since: str | None = attrs.field(default=None, metadata=AT)
    muted_until: str | None = attrs.field(default=None, metadata=AT)


@attrs.frozen(kw_only=True)
class Ignoring(Reply):
    """Of whom you hear nothing."""

    type: ClassVar[str] = "ignoring"
    users: list[str] = attrs.field(metadata=about("names, sorted; of who is gone the last one"))


IDENTITY_REPLIES: tuple[type[Reply], ...] = (
    Resumed, LoggedIn, LoggedOut, Registered, PasswordChanged, Sessions, Revoked, Read, Unread, Conversations,
    Receipts, Away, Back, Whois, Ignoring,
)  # fmt: skip
IDENTITY_EVENTS: tuple[type[Event], ...] = (Prompt, Read, Unread, Receipt, Absent)
