"""What may be written: changes, as values. A batch of them becomes one transaction."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias


class NewUser(NamedTuple):
    """Something is kept for this user from now on."""

    id: str
    at: int


class SetLeft(NamedTuple):
    """The user's last connection went then (ms since 1970), or is still there. `at` is for a new user."""

    user: str
    at: int
    left: int | None


class SetDevice(NamedTuple):
    """The token of this hash brings back this user. Points in time are ms since 1970."""

    hash: bytes
    user: str
    number: int
    name: str
    address: str
    since: int
    used: int


class DropDevice(NamedTuple):
    """The token of this hash brings back nobody."""

    hash: bytes


class SetAccount(NamedTuple):
    """The user is registered since then, and comes in with the password of this hash."""

    user: str
    since: int
    password: str


class SetMark(NamedTuple):
    """The user has read, and a device of the user was given, the room up to these messages at least."""

    user: str
    room: str
    read: int
    delivered: int


class NewMention(NamedTuple):
    """A message of a room mentions the user."""

    user: str
    room: str
    seq: int


class SetAway(NamedTuple):
    """The user is away since then (ms since 1970), or not."""

    user: str
    text: str | None
    since: int | None


class SetReceipts(NamedTuple):
    """Whether others learn what the user has read: 1 or 0."""

    user: str
    on: int


class SetIgnored(NamedTuple):
    """The user wants to hear nothing of the other."""

    user: str
    other: str


class DropIgnored(NamedTuple):
    """The user wants to hear the other again."""

    user: str
    other: str


class SetName(NamedTuple):
    """The name of this key points to this user, and no other name does."""

    user: str
    key: str
    name: str


class NewMessage(NamedTuple):
    """A message; `recipient` and its name are those of a private one. `at` is in ms since 1970."""

    room: str
    seq: int
    at: int
    author: str
    name: str
    recipient: str | None
    recipient_name: str | None
    text: str


class NewScheduled(NamedTuple):
    """A message to be sent at `due`, in ms since 1970."""

    id: int
    number: int
    author: str
    name: str
    recipient: str | None
    recipient_name: str | None
    text: str
    due: int


class NewKey(NamedTuple):
    """What a repeat of a send under this key is answered with, until it is older than `at` and a span.

    `seq` and `time` are those of the message, or `number` and `time` of a scheduled one and when it is due.
    """

    user: str
    key: str
    at: int
    room: str | None
    username: str | None
    seq: int | None
    number: int | None
    time: int


class TrimKeys(NamedTuple):
    """The user has more keys than the newest `most`; the others are not wanted."""

    user: str
    most: int


class Prune(NamedTuple):
    """Tokens of who left before, and keys used before, these points in time are not wanted."""

    left: int
    keys: int


class DropScheduled(NamedTuple):
    """A scheduled message was sent, cancelled or given up."""

    id: int


class NewReport(NamedTuple):
    """One user reported another."""

    target: str
    reporter: str
    reporter_key: str
    reason: str | None
    at: int
    source: str | None = None


class SetMute(NamedTuple):
    """The user may not send until then (ms since 1970); `operator` is 1 if it is the operator's will."""

    user: str
    until: int
    reason: str | None
    operator: int = 0


class DropMute(NamedTuple):
    """The user may send again."""

    user: str


class SetBan(NamedTuple):
    """A user (by id), or the addresses of a network, may not come in until then (ms since 1970)."""

    kind: str
    """`user` or `address`."""
    target: str
    until: int
    reason: str | None


class DropBan(NamedTuple):
    """A user, or a network, may come in again."""

    kind: str
    target: str


class MoveConduct(NamedTuple):
    """The reports of one user count for another from now on, and a mute for both."""

    old: str
    new: str


class DeleteUser(NamedTuple):
    """Nothing is known of the user any more. What the user said keeps its number and time only.

    Nothing in the same batch keeps anything for the user.
    """

    user: str


Change: TypeAlias = (
    NewUser | SetLeft | SetDevice | DropDevice | SetAccount | SetName | NewMessage | NewKey | TrimKeys | Prune
    | SetMark | NewMention | SetAway | SetReceipts | SetIgnored | DropIgnored
    | NewScheduled | DropScheduled | NewReport | SetMute | DropMute | MoveConduct
    | SetBan | DropBan | DeleteUser
)  # fmt: skip


DELETED = "deleted"
"""The name that messages have whose author was deleted."""


def other_end(room: str, user: str) -> str:
    """Return the id of the other user of a conversation, given the name of its room; maybe the same."""
    one, other = room[1:].split("@")
    return other if one == user else one
