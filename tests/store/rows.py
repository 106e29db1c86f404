"""Rows for the tests of the store, and a store that they can be written to right away."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tcpchat.store.changes import (
    MESSAGE,
    Change,
    EditMessage,
    NewMessage,
    NewRoom,
    NewScheduled,
    NewUser,
    SetBan,
    SetLeft,
    SetMember,
)
from tcpchat.store.queries.events import read_history
from tcpchat.store.room_changes import EnterRoom, NewNamedRoom, SetStanding
from tcpchat.store.rows import EventRow
from tcpchat.store.sqlite import SqliteStore, Synchronous

NOW = 1_795_251_600_123
REFERENCES = {"user", "author", "recipient", "target", "reporter", "other", "old", "new", "by"}
"""The fields of changes that refer to users."""


class StoreWithUsers(SqliteStore):
    """Stores the users that a batch refers to, unless it stores them itself, before the batch."""

    def __init__(self, folder: Path | None = None, synchronous: Synchronous = "off") -> None:
        self._seen: set[str] = set()
        super().__init__(folder, synchronous)

    def commit(self, changes: Iterable[Change]) -> None:
        changes = list(changes)
        self._seen |= {one.id for one in changes if isinstance(one, NewUser)}
        self._seen |= {one.user for one in changes if isinstance(one, SetLeft)}
        missing = {id for one in changes for id in references(one)} - self._seen
        if missing:
            super().commit([NewUser(id, NOW) for id in sorted(missing)])
            self._seen |= missing
        super().commit([NewRoom(room, "direct") for room in rooms_of(changes)])
        super().commit(changes)


def rooms_of(changes: list[Change]) -> list[str]:
    """Return the rooms that a batch needs and does not create."""
    needed = [one.room for one in changes if isinstance(one, SetMember | EnterRoom | SetStanding)]
    created = {one.name for one in changes if isinstance(one, NewNamedRoom)}
    return [room for room in needed if room not in created]


def references(change: Any) -> Iterator[str]:
    """Yield the ids of the users that a change refers to."""
    for field in REFERENCES & {*change._fields}:
        id = getattr(change, field)
        if isinstance(id, str) and not isinstance(change, SetBan):
            yield id


def message(seq: int, text: str = "hi", room: str = "lobby", author: str = "u1") -> NewMessage:
    return NewMessage(room, seq, NOW + seq, author, "alice", None, None, text)


def direct(seq: int, author: str = "u1", recipient: str = "u2") -> NewMessage:
    one, other = sorted((author, recipient))
    names = author.upper(), recipient.upper()
    return NewMessage(f"@{one}@{other}", seq, NOW, author, names[0], recipient, names[1], "psst")


def edit(seq: int, target: int, text: str = "edited", room: str = "lobby", author: str = "u1") -> EditMessage:
    return EditMessage(room, seq, NOW + seq, author, "alice", None, None, target, text)


def scheduled(id: int) -> NewScheduled:
    return NewScheduled(id, 1, "u1", "alice", "lobby", None, None, "tea!", NOW + 5000)


def stored(message: NewMessage) -> EventRow:
    """Return the row of a message that nobody edited."""
    return EventRow(**message._asdict(), kind=MESSAGE, target=None, edited=None)


def everything(store: SqliteStore, room: str = "lobby") -> list[EventRow]:
    return store.ask(read_history, room, 10_000, before=None, after=0, until=10_000)


def seqs(messages: Iterable[EventRow | NewMessage]) -> list[int]:
    return [message.seq for message in messages]
