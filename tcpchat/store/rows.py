"""Rows that queries return, by name. A row that is read as it was written is the change itself.

Points in time are ms since 1970.
"""

from __future__ import annotations

from typing import NamedTuple

import attrs

from tcpchat.store.changes import NewKey, NewReport, NewScheduled, SetBan, SetMute, SetSession


class NameRow(NamedTuple):
    """A user whose name nobody else may take: registered, or a guest who may come back."""

    user: str
    key: str
    name: str
    registered: int | None
    left: int | None


class AccountRow(NamedTuple):
    """A user as the operator's list shows one."""

    user: str
    name: str
    registered: int | None
    """None for a guest."""
    left: int | None
    sessions: int


class EventRow(NamedTuple):
    """An event of a room as it is now: a message has its present text, and since when if it was edited."""

    room: str
    seq: int
    at: int
    kind: str
    author: str
    name: str
    recipient: str | None
    recipient_name: str | None
    target: int | None
    text: str
    edited: int | None
    change: str | None = None
    """What happened to the member `recipient`, of an event about one."""
    action: int = 0


class MemberRow(NamedTuple):
    """A room of a user: its last number, and the last events that the user has read and was given."""

    room: str
    seq: int
    read: int
    delivered: int
    role: str = "member"
    since: int = 0


class RoomRow(NamedTuple):
    """A named room, without its members: `closed` is when it was closed."""

    name: str
    key: str
    private: int
    topic: str
    closed: int | None
    seq: int


class OwnerRow(NamedTuple):
    """An owner of a named room."""

    room: str
    user: str


class ListedRoom(NamedTuple):
    """A named room as one user may see it in a list; without a role the user is not in it."""

    name: str
    topic: str
    private: int
    closed: int | None
    members: int
    role: str | None


class ListedMember(NamedTuple):
    """A member of a named room as a list shows one."""

    user: str
    name: str
    role: str
    since: int


class Invitation(NamedTuple):
    """An invitation into a room: who sent it, and when."""

    room: str
    by: str
    """The name."""
    at: int
    topic: str


class AwayRow(NamedTuple):
    """What an absent user lets others know, and since when."""

    text: str
    since: int


class Counterpart(NamedTuple):
    """The other user of a direct room: the present or last name, and the marks in that room."""

    name: str
    delivered: int
    read: int
    receipts: bool


class UnreadRange(NamedTuple):
    """The messages of a room after one number, up to and including another."""

    room: str
    after: int
    until: int


class UnreadCount(NamedTuple):
    """How many messages of a range are by others, and whether one of them mentions the user."""

    messages: int
    mentioned: bool


class PagedMessage(NamedTuple):
    """A message, and the cursor after which the next page begins."""

    cursor: int
    message: EventRow


@attrs.frozen(kw_only=True)
class UserRow:
    """Everything about one user that a server needs while the user is in memory."""

    user: str
    at: int
    """When the user was first stored."""
    left: int | None
    """When the user's last connection ended; None while there is one."""
    name: str | None
    registered: int | None
    last_number: int
    """The highest number of the user's scheduled messages so far."""
    away: AwayRow | None
    receipts: bool
    sessions: list[SetSession]
    ignored: list[str]
    """Ids of users."""
    keys: list[NewKey]
    """The newest ones, oldest first."""
    members: list[MemberRow]
    standings: dict[str, str] = attrs.field(factory=dict)
    """By room, for named rooms in which the user is not: invited or removed."""


@attrs.frozen(kw_only=True)
class Snapshot:
    """Everything that a server needs when it starts; the rest stays on disk until somebody asks for it."""

    journal: str
    lobby_seq: int
    messages: int
    """The number of messages that were ever stored, in all rooms."""
    recent: list[EventRow]
    """The last events of the lobby, oldest first."""
    scheduled: list[NewScheduled]
    reports: list[NewReport]
    mutes: list[SetMute]
    bans: list[SetBan] = attrs.field(factory=list)
    names: dict[str, str]
    """Users by name key, for users who were reported or are muted."""
    registered: list[NameRow]
    absent: list[NameRow]
    """The guests who may come back, in the order in which they left."""
    rooms: list[RoomRow] = attrs.field(factory=list)
    """The named rooms."""
    owners: list[OwnerRow] = attrs.field(factory=list)
    """Of the named rooms."""
    guests: int
    """The highest number in a stored guest's name."""
    scheduled_id: int
    """The highest id of a stored scheduled message."""


class BackupInfo(NamedTuple):
    """What a backup contains."""

    bytes: int
    messages: int
    seq: int
    """The last number in the room that was asked about."""
