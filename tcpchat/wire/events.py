"""The events of wire version 1, some of which are replies as well. All other replies are in `commands`.

`at`, `since` and `until` are RFC 3339 in UTC with milliseconds; durations are seconds.
"""

from __future__ import annotations

from typing import ClassVar

import attrs

from tcpchat.errors import ChatError
from tcpchat.wire import room_events
from tcpchat.wire.base import ACTION, AT, DELIVERED, OTHER, ROOM, SEEN, Event, Reply, about

PROTOCOL_VERSION = 1


@attrs.frozen(kw_only=True)
class Welcome(Event):
    """The first line of every connection."""

    type: ClassVar[str] = "welcome"
    protocol: int = attrs.field(metadata=about("the version of the wire"))
    server: str = attrs.field(metadata=about("the server's name and version"))
    user: str | None = attrs.field(
        default=None, metadata=about("your name for now; absent if the server requires a login")
    )
    room: str = attrs.field(metadata=about("the room that you are in"))
    seq: int = attrs.field(
        metadata=about("the number of the room's last event; each later one is sent to you")
    )
    journal: str = attrs.field(
        metadata=about("the id of the server's data; numbers from other data mean nothing here")
    )
    token: str | None = attrs.field(
        default=None, repr=False, metadata=about("a secret: `resume` with it makes a connection this user")
    )
    hint: str = attrs.field(metadata=about("what a person can type next"))


@attrs.frozen(kw_only=True)
class Prompt(Event):
    """The last plain line left out a secret: the next line is taken as the secret; an empty one cancels."""

    type: ClassVar[str] = "prompt"
    field: str = attrs.field(metadata=about("the field that the next line fills"))
    message: str = attrs.field(metadata=about("the same in a sentence"))


@attrs.frozen(kw_only=True)
class Message(Event):
    """A message in a room."""

    type: ClassVar[str] = "message"
    room: str = attrs.field(metadata=ROOM)
    to: str | None = attrs.field(
        default=None, metadata=about("the recipient's name at that time, in a direct room only")
    )
    seq: int = attrs.field(metadata=about("its number in the room: 1, 2, 3 … without gaps"))
    at: str = attrs.field(metadata=AT)
    sender: str = attrs.field(metadata={"wire": "from", **about("the author's name at that time")})
    text: str = attrs.field(metadata=about("the text as typed; clean it before you show it"))
    action: bool | None = attrs.field(default=None, metadata=ACTION)
    edited: str | None = attrs.field(
        default=None, metadata=about("when it was last edited, if at all; RFC 3339")
    )
    ignored: bool | None = attrs.field(
        default=None, metadata=about("true if you ignore the author; `text` is then empty")
    )


@attrs.frozen(kw_only=True)
class Edited(Event):
    """A message has a new text, with which `history` shows it from now on."""

    type: ClassVar[str] = "edited"
    room: str = attrs.field(metadata=ROOM)
    to: str | None = attrs.field(
        default=None, metadata=about("the recipient's name at that time, in a direct room only")
    )
    seq: int = attrs.field(metadata=about("the number of this event in the room"))
    at: str = attrs.field(metadata=AT)
    sender: str = attrs.field(metadata={"wire": "from", **about("the author's name at that time")})
    target: int = attrs.field(metadata=about("the number of the message"))
    text: str = attrs.field(metadata=about("the new text of the message"))
    action: bool | None = attrs.field(default=None, metadata=ACTION)
    ignored: bool | None = attrs.field(
        default=None, metadata=about("true if you ignore the author; `text` is then empty")
    )


@attrs.frozen(kw_only=True)
class Joined(Event):
    """Users who have joined since the last such line."""

    type: ClassVar[str] = "joined"
    room: str
    users: list[str] = attrs.field(metadata=about("their names"))


@attrs.frozen(kw_only=True)
class Left(Event):
    """Users who have left since the last such line."""

    type: ClassVar[str] = "left"
    room: str
    users: list[str] = attrs.field(metadata=about("their names"))


@attrs.frozen(kw_only=True)
class Renamed(Reply, Event):
    """A user has a new name: as a reply you, as an event another user, or you on another connection."""

    type: ClassVar[str] = "renamed"
    old: str
    new: str


@attrs.frozen(kw_only=True)
class Muted(Event):
    """You are muted, by the operator or after too many reports: you can read but not send before `until`."""

    type: ClassVar[str] = "muted"
    until: str = attrs.field(metadata=AT)
    reports: int = attrs.field(metadata=about("how many users reported you"))
    reason: str | None = attrs.field(default=None, metadata=about("the reason in the last report"))
    message: str = attrs.field(metadata=about("the same in a sentence"))


@attrs.frozen(kw_only=True)
class Unmuted(Event):
    """The operator ended your mute before its time: you can send again."""

    type: ClassVar[str] = "unmuted"
    message: str = attrs.field(metadata=about("the same in a sentence"))


@attrs.frozen(kw_only=True)
class Unsent(Event):
    """A scheduled message of yours came due and was not sent."""

    type: ClassVar[str] = "unsent"
    number: int = attrs.field(metadata=about("its number in `scheduled`"))
    text: str
    code: str = attrs.field(metadata=about("the error code for the reason"))
    message: str = attrs.field(metadata=about("the same in a sentence"))


@attrs.frozen(kw_only=True)
class Read(Reply, Event):
    """Your read marker in a room: as a reply, or as an event because another connection of yours moved it."""

    type: ClassVar[str] = "read"
    room: str = attrs.field(metadata=ROOM)
    username: str | None = attrs.field(default=None, metadata=OTHER)
    seq: int = attrs.field(metadata=about("the number of the last message that you have read"))


@attrs.frozen(kw_only=True)
class UnreadInfo:
    """A room with unread messages."""

    room: str = attrs.field(metadata=ROOM)
    username: str | None = attrs.field(default=None, metadata=OTHER)
    count: int = attrs.field(metadata=about("the number of unread messages, without your own"))
    mentioned: bool = attrs.field(metadata=about("one of them mentions you: by @NAME, or NAME: first"))
    read: int = attrs.field(metadata=about("the number of the last message that you have read"))
    seq: int = attrs.field(metadata=about("the number of the room's last event"))


@attrs.frozen(kw_only=True)
class Unread(Reply, Event):
    """The rooms with unread messages: as a reply to `unread`, as an event after `resumed` and `logged-in`."""

    type: ClassVar[str] = "unread"
    rooms: list[UnreadInfo] = attrs.field(
        metadata=about("the lobby first; empty if there are no unread messages")
    )


@attrs.frozen(kw_only=True)
class Receipt(Event):
    """How far the other user of a direct room has received and read it."""

    type: ClassVar[str] = "receipt"
    room: str = attrs.field(metadata=ROOM)
    username: str = attrs.field(metadata=about("the other user"))
    delivered: int = attrs.field(metadata=DELIVERED)
    seen: int | None = attrs.field(default=None, metadata=SEEN)


@attrs.frozen(kw_only=True)
class Absent(Event):
    """The recipient of your message is away or offline, and will find it later. Sent once per absence."""

    type: ClassVar[str] = "absent"
    username: str
    here: bool = attrs.field(metadata=about("connected, but away"))
    text: str | None = attrs.field(default=None, metadata=about("the user's away text"))
    since: str | None = attrs.field(default=None, metadata=AT)


@attrs.frozen(kw_only=True)
class Bye(Reply, Event):
    """The server closes this connection: as a reply because you asked, as an event for another reason."""

    type: ClassVar[str] = "bye"
    code: str = attrs.field(
        metadata=about("exit, replaced, revoked, banned, server-stopping or slow-consumer")
    )
    message: str


@attrs.frozen(kw_only=True)
class Error(Reply, Event):
    """The reason why a request was not carried out. Without `re` it may also be an event."""

    type: ClassVar[str] = "error"
    code: str = attrs.field(metadata=about("a word that programs can rely on"))
    message: str = attrs.field(metadata=about("a sentence for people, which may change"))
    retry_after: float | None = attrs.field(
        default=None, metadata=about("the seconds to wait before trying again")
    )
    limit: float | None = attrs.field(default=None, metadata=about("the limit that was exceeded"))
    field: str | None = attrs.field(default=None, metadata=about("the field that is wrong"))
    name: str | None = attrs.field(default=None, metadata=about("the name that is wrong or taken"))
    until: str | None = attrs.field(default=None, metadata=AT)
    reason: str | None = attrs.field(default=None, metadata=about("the reason for a mute or ban"))
    usage: str | None = attrs.field(default=None, metadata=about("the usage of the command"))
    suggestion: str | None = attrs.field(default=None, metadata=about("the most similar valid word"))
    text: str | None = attrs.field(
        default=None,
        metadata=about("the beginning of the text that was sent too fast, of a request without `id`"),
    )
    reference: str | None = attrs.field(
        default=None, metadata=about("the reference of the bug in the server's log")
    )


def as_error(error: ChatError) -> Error:
    """Return the reply to a user's mistake."""
    return Error(code=error.code, message=error.message, **error.details)


def internal_error(reference: str) -> Error:
    """Return the reply to a request that met a bug; `reference` finds it in the log."""
    message = f"a bug of the server; its operator finds it in the log as {reference}"
    return Error(code="internal", message=message, reference=reference)


EVENTS: tuple[type[Event], ...] = (
    Welcome, Message, Edited, Joined, Left, Renamed, Muted, Unmuted, Unsent, Bye, Error, Prompt, Read, Unread,
    Receipt, Absent, *room_events.EVENTS,
)  # fmt: skip
