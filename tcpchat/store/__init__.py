"""What is kept, and what the rest of the server may ask of the place where it is kept.

Changes are values; a batch of them becomes one transaction. Nothing here knows about connections.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol, TypeAlias

import attrs

from tcpchat.store.changes import (
    DELETED as DELETED,
)
from tcpchat.store.changes import (
    Change as Change,
)
from tcpchat.store.changes import (
    DeleteUser as DeleteUser,
)
from tcpchat.store.changes import (
    DropBan as DropBan,
)
from tcpchat.store.changes import (
    DropDevice as DropDevice,
)
from tcpchat.store.changes import (
    DropIgnored as DropIgnored,
)
from tcpchat.store.changes import (
    DropMute as DropMute,
)
from tcpchat.store.changes import (
    DropScheduled as DropScheduled,
)
from tcpchat.store.changes import (
    MoveConduct as MoveConduct,
)
from tcpchat.store.changes import (
    NewKey as NewKey,
)
from tcpchat.store.changes import (
    NewMention as NewMention,
)
from tcpchat.store.changes import (
    NewMessage as NewMessage,
)
from tcpchat.store.changes import (
    NewReport as NewReport,
)
from tcpchat.store.changes import (
    NewScheduled as NewScheduled,
)
from tcpchat.store.changes import (
    NewUser as NewUser,
)
from tcpchat.store.changes import (
    Prune as Prune,
)
from tcpchat.store.changes import (
    SetAccount as SetAccount,
)
from tcpchat.store.changes import (
    SetAway as SetAway,
)
from tcpchat.store.changes import (
    SetBan as SetBan,
)
from tcpchat.store.changes import (
    SetDevice as SetDevice,
)
from tcpchat.store.changes import (
    SetIgnored as SetIgnored,
)
from tcpchat.store.changes import (
    SetLeft as SetLeft,
)
from tcpchat.store.changes import (
    SetMark as SetMark,
)
from tcpchat.store.changes import (
    SetMute as SetMute,
)
from tcpchat.store.changes import (
    SetName as SetName,
)
from tcpchat.store.changes import (
    SetReceipts as SetReceipts,
)
from tcpchat.store.changes import (
    TrimKeys as TrimKeys,
)
from tcpchat.store.changes import (
    other_end as other_end,
)


class NotFlushedError(Exception):
    """A copy is there and whole, but the disk did not say that it stays there if the power fails."""


class StorageError(Exception):
    """The batch is not on disk, none of it; the text says why. Later batches may succeed again."""


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


class Copied(NamedTuple):
    """What is in a copy of all data."""

    bytes: int
    messages: int
    seq: int
    """The last number of the room that was asked about."""


OnStep: TypeAlias = Callable[[], None]
"""Called again and again while it is copied; what it raises ends that."""


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

    def back_up(self, file: Path, room: str, on_step: OnStep) -> Copied:
        """Write what is committed by now to a new file, in whole or not at all; commits go on meanwhile.

        Raises FileExistsError, NotFlushedError, OSError, StorageError and what `on_step` raises.
        """

    def begin(self, now: int, prune: Prune) -> None:
        """Note that whoever has not left did so now, since the server starts. Raises StorageError."""

    def close(self) -> None:
        """Leave the data folder to others."""
