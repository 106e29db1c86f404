"""Changes: everything that can be written to the database, as values. A batch of them is one transaction.

Points in time are ms since 1970, users are their ids. A flag is 1 or 0.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from tcpchat.store.room_changes import (
    CloseRoom,
    DropStanding,
    EnterRoom,
    LeaveRoom,
    NewNamedRoom,
    NewRoomEvent,
    SetRole,
    SetStanding,
    SetTopic,
)


class NewUser(NamedTuple):
    """Store a user, so that other rows may refer to it. A user who is stored already stays as it is."""

    id: str
    at: int


class SetLeft(NamedTuple):
    """Store when the user's last connection ended; None if there is one. `at` is for a new user."""

    user: str
    at: int
    left: int | None


class SetAllLeft(NamedTuple):
    """Store that all users with a session who are marked as connected left then: the server starts."""

    at: int


class SetSession(NamedTuple):
    """Store a session; `hash` is of its token. Of a stored one, name, address and `used` are updated."""

    hash: bytes
    user: str
    number: int
    name: str
    address: str
    since: int
    used: int


class EndSession(NamedTuple):
    """Remove the session whose token has this hash, if there is one.

    `why` its connection ends is for memory; None lets the connection stay.
    """

    hash: bytes
    why: str | None = None


class SetAccount(NamedTuple):
    """Register the user, or change the password; `since` is for a new account, `password` a hash."""

    user: str
    since: int
    password: str


class NewRoom(NamedTuple):
    """Store a room without a name of its own, unless it is stored."""

    name: str
    kind: str
    """`lobby` or `direct`."""


class SetMember(NamedTuple):
    """Store that the user is in a room, and has read and was given its events up to these at least."""

    user: str
    room: str
    read: int
    delivered: int


class NewMention(NamedTuple):
    """Store that a message of a room mentions the user."""

    user: str
    room: str
    seq: int


class SetAway(NamedTuple):
    """Store that the user is away since then, or is not."""

    user: str
    text: str | None
    since: int | None


class SetReceipts(NamedTuple):
    """Store whether the user sends read receipts."""

    user: str
    on: int


class SetIgnored(NamedTuple):
    """Store that the user ignores another."""

    user: str
    other: str


class DropIgnored(NamedTuple):
    """Store that the user no longer ignores another."""

    user: str
    other: str


class SetName(NamedTuple):
    """Give the user this name and no other; a user who has a name with this key loses it."""

    user: str
    key: str
    name: str


class NewMessage(NamedTuple):
    """Store a message; only a direct one has a recipient."""

    room: str
    seq: int
    at: int
    author: str
    name: str
    recipient: str | None
    recipient_name: str | None
    text: str
    action: int = 0
    """Whether the text is what the author does."""


class EditMessage(NamedTuple):
    """Store the event that the message `target` has another text, and give the message that text."""

    room: str
    seq: int
    at: int
    author: str
    name: str
    recipient: str | None
    recipient_name: str | None
    target: int
    text: str
    action: int = 0
    """Whether the message is an action, which no edit changes."""


class NewScheduled(NamedTuple):
    """Store a message that will be sent at `due`."""

    id: int
    number: int
    author: str
    name: str
    room: str
    recipient: str | None
    recipient_name: str | None
    text: str
    due: int
    action: int = 0


class DropScheduled(NamedTuple):
    """Remove a scheduled message: it was sent or cancelled, or could not be sent."""

    id: int


class NewKey(NamedTuple):
    """Store the reply to a send under an idempotency key, for when the send is repeated.

    `seq` and `time` are those of the message; or `number` and `time`, when it is due, of a scheduled one.
    `username` is the recipient's name when it was sent, in a direct room only.
    """

    user: str
    key: str
    at: int
    room: str
    username: str | None
    seq: int | None
    number: int | None
    time: int


class TrimKeys(NamedTuple):
    """Remove all but the newest `most` keys of the user."""

    user: str
    most: int


class Prune(NamedTuple):
    """Remove what has expired: sessions of guests who left before `left`, keys used before `keys`."""

    left: int
    keys: int


class NewReport(NamedTuple):
    """Store that one user reported another. Reports with the same `source` count once."""

    target: str
    reporter: str
    reporter_key: str
    reason: str | None
    at: int
    source: str | None = None


class SetMute(NamedTuple):
    """Mute the user until then; `operator` is set if the operator did it and not the reports of others."""

    user: str
    until: int
    reason: str | None
    operator: int = 0


class DropMute(NamedTuple):
    """Remove the user's mute."""

    user: str


class SetBan(NamedTuple):
    """Ban a user (by id) or the addresses of a network until then."""

    kind: str
    """`user` or `address`."""
    target: str
    until: int
    reason: str | None


class DropBan(NamedTuple):
    """Remove the ban of a user or a network."""

    kind: str
    target: str


class TransferReports(NamedTuple):
    """Move the reports of one user to another, and copy a mute if it lasts longer than the other's own."""

    old: str
    new: str


class DeleteUser(NamedTuple):
    """Remove everything about the user; of the user's messages the number and the time stay.

    It is written after everything else in its batch.
    """

    user: str


Change: TypeAlias = (
    NewUser | SetLeft | SetAllLeft | SetSession | EndSession | SetAccount | SetName | NewMessage | NewKey
    | EditMessage | TrimKeys | Prune | NewRoom | SetMember | NewMention | SetAway | SetReceipts
    | SetIgnored | DropIgnored
    | NewScheduled | DropScheduled | NewReport | SetMute | DropMute | TransferReports
    | SetBan | DropBan | DeleteUser
    | NewNamedRoom | EnterRoom | SetRole | LeaveRoom | SetStanding | DropStanding | SetTopic | CloseRoom
    | NewRoomEvent
)  # fmt: skip


MESSAGE = "message"
EDITED = "edited"
"""Kinds of events."""

DELETED = "deleted"
"""The name of the author of messages whose author was deleted."""


def peer_of(room: str, user: str) -> str:
    """Return the id of the other user of a direct room, given its name; that may be the same user."""
    one, other = room[1:].split("@")
    return other if one == user else one
