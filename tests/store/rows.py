"""Rows for the tests of the store, and ways to read them back."""

from __future__ import annotations

from tcpchat.store.changes import NewMessage, NewScheduled
from tcpchat.store.queries.messages import read_history
from tcpchat.store.sqlite import SqliteStore

NOW = 1_795_251_600_123


def message(seq: int, text: str = "hi", room: str = "lobby", author: str = "u1") -> NewMessage:
    return NewMessage(room, seq, NOW + seq, author, "alice", None, None, text)


def private(seq: int, author: str = "u1", recipient: str = "u2") -> NewMessage:
    one, other = sorted((author, recipient))
    names = author.upper(), recipient.upper()
    return NewMessage(f"@{one}@{other}", seq, NOW, author, names[0], recipient, names[1], "psst")


def scheduled(id: int) -> NewScheduled:
    return NewScheduled(id, 1, "u1", "alice", None, None, "tea!", NOW + 5000)


def everything(store: SqliteStore, room: str = "lobby") -> list[NewMessage]:
    return store.ask(read_history, room, 10_000, before=None, after=0, until=10_000)


def seqs(messages: list[NewMessage]) -> list[int]:
    return [message.seq for message in messages]
