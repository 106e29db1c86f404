"""The events of wire version 1, some of which are replies as well. All other replies are in `commands`.

`at`, `since` and `until` are RFC 3339 in UTC with milliseconds; durations are seconds.
"""

from __future__ import annotations

from typing import ClassVar

import attrs

from tcpchat.errors import ChatError
from tcpchat.wire.base import AT, OTHER, ROOM, Event, Reply, about

PROTOCOL_VERSION = 1


@attrs.frozen(kw_only=True)
class Welcome(Event):
    """The first line of every connection."""

    type: ClassVar[str] = "welcome"
    protocol: int = attrs.field(metadata=about("the version of the wire"))
    server: str = attrs.field(metadata=about("the server's name and version"))
    user: str | None = attrs.field(
        default=None, metadata=about("the name that you have for now; absent where login is required")
    )
    room: str = attrs.field(metadata=about("the room that you are in"))
    seq: int = attrs.field(metadata=about("the room's last message; each later one comes as an event"))
    journal: str = attrs.field(metadata=about("what is kept; numbers of another journal mean nothing here"))
    token: str | None = attrs.field(
        default=None, repr=False, metadata=about("keep it secret: `resume` with it makes you this user")
    )
    hint: str = attrs.field(metadata=about("what a person may type next"))


@attrs.frozen(kw_only=True)
class Prompt(Event):
    """A plain line left something secret out: the next line is it, as typed; an empty one gives up."""

    type: ClassVar[str] = "prompt"
    field: str = attrs.field(metadata=about("the field that the line is for"))
    message: str = attrs.field(metadata=about("the same as a sentence"))


@attrs.frozen(kw_only=True)
class Message(Event):
    """What somebody said in a room."""

    type: ClassVar[str] = "message"
    room: str = attrs.field(metadata=ROOM)
    to: str | None = attrs.field(
        default=None, metadata=about("the recipient's name of then, in a direct room only")
    )
    seq: int = attrs.field(metadata=about("its number in the room: 1, 2, 3 …, no gaps"))
    at: str = attrs.field(metadata=AT)
    sender: str = attrs.field(metadata={"wire": "from", **about("the author's name of then")})
    text: str = attrs.field(metadata=about("what was said, verbatim; clean it before you show it"))
    edited: str | None = attrs.field(
        default=None, metadata=about("since when it has this text, if it was edited, RFC 3339")
    )
    ignored: bool | None = attrs.field(
        default=None, metadata=about("true if you ignore the author; then `text` is empty")
    )


@attrs.frozen(kw_only=True)
class Edited(Event):
    """A message has another text; `history` shows it with that."""

    type: ClassVar[str] = "edited"
    room: str = attrs.field(metadata=ROOM)
    to: str | None = attrs.field(
        default=None, metadata=about("the recipient's name of then, in a direct room only")
    )
    seq: int = attrs.field(metadata=about("the number of this event in the room"))
    at: str = attrs.field(metadata=AT)
    sender: str = attrs.field(metadata={"wire": "from", **about("the author's name of then")})
    target: int = attrs.field(metadata=about("the number of the message"))
    text: str = attrs.field(metadata=about("the text that the message has now"))
    ignored: bool | None = attrs.field(
        default=None, metadata=about("true if you ignore the author; then `text` is empty")
    )


@attrs.frozen(kw_only=True)
class Joined(Event):
    """Users who came since the last such line."""

    type: ClassVar[str] = "joined"
    room: str
    users: list[str] = attrs.field(metadata=about("their names"))


@attrs.frozen(kw_only=True)
class Left(Event):
    """Users who went since the last such line."""

    type: ClassVar[str] = "left"
    room: str
    users: list[str] = attrs.field(metadata=about("their names"))


@attrs.frozen(kw_only=True)
class Renamed(Reply, Event):
    """Somebody has another name now: as reply it was you, as event somebody else."""

    type: ClassVar[str] = "renamed"
    old: str
    new: str


@attrs.frozen(kw_only=True)
class Muted(Event):
    """You were reported by too many: you may read but not send until `until`."""

    type: ClassVar[str] = "muted"
    until: str = attrs.field(metadata=AT)
    reports: int = attrs.field(metadata=about("how many users reported you"))
    reason: str | None = attrs.field(default=None, metadata=about("what the last of them gave as reason"))
    message: str = attrs.field(metadata=about("the same as a sentence"))


@attrs.frozen(kw_only=True)
class Unsent(Event):
    """A scheduled message of yours came due and was not sent."""

    type: ClassVar[str] = "unsent"
    number: int = attrs.field(metadata=about("the number that it was scheduled under"))
    text: str
    code: str = attrs.field(metadata=about("the error code that says why"))
    message: str = attrs.field(metadata=about("the same as a sentence"))


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
    rooms: list[UnreadInfo] = attrs.field(metadata=about("the lobby first; empty if nothing is unread"))


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
class Absent(Event):
    """Whom you wrote to is away or not connected; told once. The message is kept for then."""

    type: ClassVar[str] = "absent"
    username: str
    here: bool = attrs.field(metadata=about("connected, and away by its own word"))
    text: str | None = attrs.field(default=None, metadata=about("what was left for others to read"))
    since: str | None = attrs.field(default=None, metadata=AT)


@attrs.frozen(kw_only=True)
class Bye(Reply, Event):
    """The server closes this connection: as reply because you asked, as event because it must."""

    type: ClassVar[str] = "bye"
    code: str = attrs.field(
        metadata=about("exit, replaced, revoked, banned, server-stopping or slow-consumer")
    )
    message: str


@attrs.frozen(kw_only=True)
class Error(Reply, Event):
    """What was asked was not done, and why. Without `re` it may also be an event."""

    type: ClassVar[str] = "error"
    code: str = attrs.field(metadata=about("a word that programs may rely on"))
    message: str = attrs.field(metadata=about("a sentence for people; it may change"))
    retry_after: float | None = attrs.field(default=None, metadata=about("seconds until it works again"))
    limit: float | None = attrs.field(default=None, metadata=about("the limit that stands in the way"))
    field: str | None = attrs.field(default=None, metadata=about("the field that is wrong"))
    name: str | None = attrs.field(default=None, metadata=about("the name that is wrong or taken"))
    until: str | None = attrs.field(default=None, metadata=AT)
    reason: str | None = attrs.field(default=None, metadata=about("why a user is muted"))
    usage: str | None = attrs.field(default=None, metadata=about("how the command is written"))
    suggestion: str | None = attrs.field(default=None, metadata=about("the nearest word that exists"))
    reference: str | None = attrs.field(default=None, metadata=about("finds a bug in the server's log"))


def as_error(error: ChatError) -> Error:
    """Return the line that a user's mistake is answered with."""
    return Error(code=error.code, message=error.message, **error.details)


def internal_error(reference: str) -> Error:
    """Return the line that a bug of ours is answered with; `reference` finds it in the log."""
    message = f"a bug of the server; its operator finds it in the log as {reference}"
    return Error(code="internal", message=message, reference=reference)


EVENTS: tuple[type[Event], ...] = (
    Welcome, Message, Edited, Joined, Left, Renamed, Muted, Unsent, Bye, Error, Prompt, Read, Unread, Receipt,
    Absent,
)  # fmt: skip
