"""The replies and events of wire version 1. Requests stand beside their handlers in `tcpchat.commands`.

`identity` has those about who you are.

`at`, `since` and `until` are RFC 3339 in UTC with milliseconds; spans are seconds.
"""

from __future__ import annotations

from typing import Any, ClassVar

import attrs

from tcpchat.errors import ChatError
from tcpchat.wire.base import Event, Reply, about
from tcpchat.wire.identity import AT, IDENTITY_EVENTS, IDENTITY_REPLIES, OTHER, ROOM

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
class Sent(Reply):
    """The message is on disk, and on its way to everyone who is here."""

    type: ClassVar[str] = "sent"
    room: str = attrs.field(metadata=ROOM)
    username: str | None = attrs.field(default=None, metadata=OTHER)
    seq: int = attrs.field(metadata=about("its number in the room"))
    at: str = attrs.field(metadata=AT)


@attrs.frozen(kw_only=True)
class Scheduled(Reply):
    """The message is on disk and goes out at `at`."""

    type: ClassVar[str] = "scheduled"
    number: int = attrs.field(metadata=about("what `cancel` takes"))
    room: str = attrs.field(metadata=ROOM)
    username: str | None = attrs.field(default=None, metadata=OTHER)
    at: str = attrs.field(metadata=AT)


@attrs.frozen(kw_only=True)
class PendingMessage:
    """One of your scheduled messages."""

    number: int
    at: str = attrs.field(metadata=AT)
    room: str = attrs.field(metadata=ROOM)
    username: str | None = attrs.field(default=None, metadata=OTHER)
    text: str


@attrs.frozen(kw_only=True)
class Schedule(Reply):
    """Your scheduled messages, by number."""

    type: ClassVar[str] = "schedule"
    messages: list[Any] = attrs.field(metadata={"items": PendingMessage, **about("lowest number first")})
    more: bool = attrs.field(metadata=about("there are more; ask with `after`"))


@attrs.frozen(kw_only=True)
class Cancelled(Reply):
    """The message will not be sent."""

    type: ClassVar[str] = "cancelled"
    number: int
    text: str


@attrs.frozen(kw_only=True)
class Renamed(Reply, Event):
    """Somebody has another name now: as reply it was you, as event somebody else."""

    type: ClassVar[str] = "renamed"
    old: str
    new: str


@attrs.frozen(kw_only=True)
class UserInfo:
    """A user who is here."""

    name: str
    since: str = attrs.field(metadata=AT)
    registered: bool | None = attrs.field(
        default=None, metadata=about("true if the name is the user's for good")
    )
    away: str | None = attrs.field(default=None, metadata=about("what was left for others, if away"))
    muted_until: str | None = attrs.field(default=None, metadata=AT)


@attrs.frozen(kw_only=True)
class Users(Reply):
    """Who is here."""

    type: ClassVar[str] = "users"
    users: list[Any] = attrs.field(metadata={"items": UserInfo, **about("by name")})
    more: bool = attrs.field(metadata=about("there are more; ask with `after`"))


@attrs.frozen(kw_only=True)
class History(Reply):
    """What was said, oldest first."""

    type: ClassVar[str] = "history"
    room: str | None = attrs.field(
        default=None, metadata=about("the room; absent for what is unread in all of them")
    )
    username: str | None = attrs.field(default=None, metadata=OTHER)
    messages: list[Any] = attrs.field(metadata={"items": Message, **about("as in the event")})
    more: bool = attrs.field(metadata=about("there are more on that side; ask with `before` or `after`"))
    cursor: int | None = attrs.field(
        default=None, metadata=about("of unread ones: what `cursor` takes for the next page")
    )


@attrs.frozen(kw_only=True)
class Reported(Reply):
    """The report counts."""

    type: ClassVar[str] = "reported"
    username: str
    reports: int = attrs.field(metadata=about("how many different users reported this one"))
    muted_until: str | None = attrs.field(default=None, metadata=AT)


@attrs.frozen(kw_only=True)
class Status(Reply):
    """How the server is."""

    type: ClassVar[str] = "status"
    server: str = attrs.field(metadata=about("the server's name and version"))
    uptime: float = attrs.field(metadata=about("seconds since it was started"))
    users: int
    connections: int
    messages: int = attrs.field(metadata=about("messages in all, those before a restart too"))
    messages_per_minute: int = attrs.field(metadata=about("messages in the last 60 seconds"))
    scheduled: int = attrs.field(metadata=about("messages that are scheduled, of all users"))
    limits: dict[str, float] = attrs.field(metadata=about("the limits in force, by setting; 0: unlimited"))


@attrs.frozen(kw_only=True)
class Help(Reply):
    """All commands with usage and summary; or one, with its fields and examples too."""

    type: ClassVar[str] = "help"
    commands: list[dict[str, Any]]


@attrs.frozen(kw_only=True)
class Schema(Reply):
    """JSON Schema (2020-12) of every line."""

    type: ClassVar[str] = "schema"
    schema: dict[str, Any]


@attrs.frozen(kw_only=True)
class Pong(Reply):
    """The server is alive."""

    type: ClassVar[str] = "pong"
    at: str = attrs.field(metadata=AT)


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


REPLIES: tuple[type[Reply], ...] = (
    Sent, Scheduled, Schedule, Cancelled, Renamed, Users, History, Reported,
    Status, Help, Schema, Pong, Bye, Error, *IDENTITY_REPLIES,
)  # fmt: skip
EVENTS: tuple[type[Event], ...] = (
    Welcome, Message, Joined, Left, Renamed, Muted, Unsent, Bye, Error, *IDENTITY_EVENTS,
)  # fmt: skip
