"""What is kept, and what the rest of the server may ask of the place where it is kept.

Changes are values; a batch of them becomes one transaction. Nothing here knows about connections.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple, Protocol, TypeAlias

import attrs


class StorageError(Exception):
    """The batch is not on disk, none of it; the text says why. Later batches may succeed again."""


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


@attrs.frozen(kw_only=True)
class Identity:
    """What is kept of one user, and a server must know while the user is in memory."""

    user: str
    at: int
    """Since when something is kept, in ms since 1970."""
    left: int | None
    name: str | None
    registered: int | None
    """Since when, in ms since 1970."""
    last_number: int
    away: tuple[str, int] | None
    receipts: bool
    lobby: tuple[int, int] | None
    """The marks: read, delivered."""
    devices: list[SetDevice]
    ignored: list[str]
    """Ids of others."""
    keys: list[NewKey]
    """The newest, oldest first."""
    conversations: list[tuple[str, int, int, int]]
    """The names of their rooms, and of each: the last number, read, delivered."""


class Named(NamedTuple):
    """A user whose name is kept for good, or may be wanted back."""

    user: str
    key: str
    name: str
    registered: int | None
    left: int | None


class Account(NamedTuple):
    """A registered user, as the operator sees it. Points in time are ms since 1970."""

    user: str
    name: str
    since: int | None
    """When it was registered; None for a guest."""
    left: int | None
    sessions: int


class Other(NamedTuple):
    """The other one of a conversation: the name, now or of then, and how far it was delivered and read."""

    name: str
    delivered: int
    read: int
    receipts: bool


@attrs.frozen(kw_only=True)
class Snapshot:
    """What a server must know when it starts; everything else stays on disk."""

    journal: str
    lobby_seq: int
    messages: int
    recent: list[NewMessage]
    """The last messages of the lobby, oldest first."""
    scheduled: list[NewScheduled]
    reports: list[NewReport]
    mutes: list[SetMute]
    bans: list[SetBan] = attrs.field(factory=list)
    names: dict[str, str]
    """Name key → user, for the users with reports or a mute."""
    registered: list[Named]
    absent: list[Named]
    """The guests who may come back, first those who left first."""
    guests: int
    """The highest number that a kept guest's name has."""
    scheduled_id: int
    """The highest id that a scheduled message has."""


class Store(Protocol):
    """Where things are kept. All methods block: call them in a thread, `commit` in one at a time."""

    def load(self, lobby: str, recent: int, since: int) -> Snapshot:
        """Read what a server must know when it starts, with the last `recent` messages of the lobby.

        Guests who left after `since` (ms since 1970) may come back.

        Raises StartError if it cannot be read.
        """

    def commit(self, changes: Iterable[Change]) -> None:
        """Put all of them on disk, or none. Raises StorageError; another exception is a bug in a change."""

    def history(
        self, room: str, count: int, *, before: int | None, after: int | None, until: int
    ) -> list[NewMessage]:
        """Read up to `count` messages, in the order of `seq`.

        Those after `after` if given, else the last ones before `before`; never any after `until`.
        Raises StorageError.
        """

    def identity(self, who: bytes | str, keys: int) -> Identity | None:
        """Read about the user of this id, or whom the token of this hash belongs to, with up to `keys` keys.

        Raises StorageError, as all that read.
        """

    def password(self, user: str) -> str | None:
        """Read the hash of a registered user's password."""

    def unread(
        self, user: str, rooms: Sequence[tuple[str, int, int]], ignored: Collection[str]
    ) -> list[tuple[int, bool]]:
        """Count, for each room the messages of others after one number and up to another.

        And say whether one of them mentions the user. Those of `ignored` users are left out.
        """

    def unread_messages(
        self,
        user: str,
        rooms: Sequence[tuple[str, int, int]],
        ignored: Collection[str],
        count: int,
        cursor: int,
    ) -> list[tuple[int, NewMessage]]:
        """Read those messages, of all the rooms as they were said, each with its cursor.

        Up to `count`, and those after `cursor`, which is 0 at first.
        """

    def others(self, user: str, rooms: Sequence[str]) -> list[Other]:
        """Read who is at the other end of each conversation."""

    def names(self, users: Sequence[str]) -> dict[str, str]:
        """Read the last names of users, by their ids."""

    def accounts(self, after: str, count: int) -> list[Account]:
        """Read up to `count` registered users by name, those after that name."""

    def messages_of(self, user: str, count: int, cursor: int) -> list[tuple[int, NewMessage]]:
        """Read what the user wrote, and what others wrote to the user privately, as it was said.

        Each with its cursor: up to `count`, and those after `cursor`, which is 0 at first.
        """

    def reports_of(self, user: str) -> list[NewReport]:
        """Read the reports by the user and about the user, oldest first."""

    def begin(self, now: int, prune: Prune) -> None:
        """Note that whoever has not left did so now, since the server starts. Raises StorageError."""

    def close(self) -> None:
        """Leave the data folder to others."""
