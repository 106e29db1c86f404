"""Receipts: how far direct messages were delivered and read, for their authors."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import NamedTuple

from tcpchat.chat.member import Member
from tcpchat.chat.room import Room
from tcpchat.chat.user import User
from tcpchat.protocol import Receipt

RECORDS = 512  # in one operation, so that no batch keeps others waiting for long


class Moved(NamedTuple):
    """A user whose read markers in a room moved, by id, and how far that room was delivered."""

    user: str
    room: str
    delivered: int


class Receipts:
    """Collects read markers that moved, so that many messages make one receipt: up to the last of them."""

    def __init__(self, on_change: Callable[[], None] = lambda: None) -> None:
        self._moved: dict[tuple[str, str], int] = {}  # up to which number, by user and room
        self._in_flight: dict[tuple[str, str], int] = {}  # the same, on its way to disk
        self._on_change = on_change

    def __len__(self) -> int:
        return len(self._moved)

    def deliver(self, user: User, room: Room, seq: int, *, first: int | None = None) -> None:
        """Note that a device of the user was given the events from `first`, by default `seq`, to `seq`.

        Does nothing if none was given the events before: `history` or `log` gives those first.
        """
        if self.delivered(user, room) >= (seq if first is None else first) - 1:
            self._advance(user, room, seq)

    def delivered(self, user: User, room: Room) -> int:
        """Return up to which number the user was given the room by now."""
        key, member = (user.id, room.name), user.members.get(room.name)
        stored = 0 if member is None else member.delivered
        return max(stored, self._in_flight.get(key, 0), self._moved.get(key, 0))

    def _advance(self, user: User, room: Room, seq: int) -> None:
        if seq > self.delivered(user, room):
            self._add(user.id, room.name, seq)

    def moved(self, user: User, room: Room) -> None:
        """Note that the other user of a direct room is to learn how far this one got."""
        self._add(user.id, room.name, self.delivered(user, room))

    def _add(self, user: str, room: str, delivered: int) -> None:
        self._moved[user, room] = max(delivered, self._moved.get((user, room), 0))
        self._on_change()

    def forget(self, user: str) -> None:
        """Note that nobody is to learn any more how far the user of this id got."""
        self._moved = {key: seq for key, seq in self._moved.items() if key[0] != user}
        self._in_flight = {key: seq for key, seq in self._in_flight.items() if key[0] != user}

    def take(self) -> list[Moved]:
        """Take what moved, or a part of it; it is on its way to disk until `end`."""
        taken = [Moved(*key, seq) for key, seq in islice(self._moved.items(), RECORDS)]
        for user, room, delivered in taken:
            del self._moved[user, room]
            self._in_flight[user, room] = delivered
        return taken

    def end(self, moved: list[Moved], *, stored: bool) -> None:
        """Note that what was taken is on disk, or that the disk refused it."""
        for user, room, delivered in moved:
            self._in_flight.pop((user, room), None)
            if not stored:
                self._add(user, room, delivered)


def receipt(reader: User, author: User, member: Member) -> Receipt:
    """Return what the author learns of what the reader, a member of their room, was given and has read."""
    return Receipt(
        room=member.room.id,
        username=reader.name,
        delivered=member.delivered,
        seen=member.read if shows_read(reader, author) else None,
    )


def shows_read(reader: User, author: User | None) -> bool:
    """Return whether the author may learn what the reader has read."""
    return author is not None and reader.receipts and author.receipts
