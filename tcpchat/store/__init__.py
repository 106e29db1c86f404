"""What is kept, and what the rest of the server may ask of the place where it is kept.

Changes are values; a batch of them becomes one transaction. Nothing here knows about connections.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Protocol, TypeAlias

import attrs


class StorageError(Exception):
    """The batch is not on disk, none of it; the text says why. Later batches may succeed again."""


class NewUser(NamedTuple):
    """Something is kept for this user from now on."""

    id: str
    at: int


class SetToken(NamedTuple):
    """The token of this hash brings back this user, who left then (ms since 1970) or has not left."""

    user: str
    hash: bytes
    left: int | None


class DropToken(NamedTuple):
    """No token brings this user back."""

    user: str


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
    """The user may not send until then (ms since 1970)."""

    user: str
    until: int
    reason: str | None


class MoveConduct(NamedTuple):
    """The reports of one user count for another from now on, and a mute for both."""

    old: str
    new: str


Change: TypeAlias = (
    NewUser | SetToken | DropToken | SetName | NewMessage | NewKey | TrimKeys | Prune
    | NewScheduled | DropScheduled | NewReport | SetMute | MoveConduct
)  # fmt: skip


class Identity(NamedTuple):
    """Who a token belongs to, and what of this user a server must know."""

    user: str
    left: int | None
    name: str | None
    last_number: int
    keys: list[NewKey]
    """The newest, oldest first."""
    conversations: list[tuple[str, int]]
    """The ids of others, and the last number of the messages with each."""


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
    names: dict[str, str]
    """Name key → user, for the users with reports or a mute."""
    guests: int
    """The highest number that a kept guest's name has."""
    scheduled_id: int
    """The highest id that a scheduled message has."""


class Store(Protocol):
    """Where things are kept. All methods block: call them in a thread, `commit` in one at a time."""

    def load(self, lobby: str, recent: int) -> Snapshot:
        """Read what a server must know when it starts, with the last `recent` messages of the lobby.

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

    def identity(self, token: bytes, keys: int) -> Identity | None:
        """Read who the token of this hash belongs to, with up to `keys` keys. Raises StorageError."""

    def begin(self, now: int, prune: Prune) -> None:
        """Note that whoever has not left did so now, since the server starts. Raises StorageError."""

    def close(self) -> None:
        """Leave the data folder to others."""
