"""The rooms in memory, by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from weakref import WeakValueDictionary

from tcpchat.chat.room import RECENT, Kind, Room
from tcpchat.names import canonical
from tcpchat.store.rows import OwnerRow, RoomRow
from tcpchat.wire.base import LOBBY


class Rooms:
    """The lobby, all named rooms, and each direct room for as long as one of its users is in memory."""

    def __init__(
        self, lobby: Room | None = None, named: Iterable[RoomRow] = (), owners: Iterable[OwnerRow] = ()
    ) -> None:
        self.lobby = lobby or Room(LOBBY, Kind.LOBBY, remembers=RECENT)
        self._named: dict[str, Room] = {}
        self._keys: dict[str, str] = {}
        self._direct: WeakValueDictionary[str, Room] = WeakValueDictionary()
        for row in named:
            self.create(row)
        for owner in owners:
            self._named[owner.room].owners |= {owner.user}

    def __iter__(self) -> Iterator[Room]:
        yield self.lobby
        yield from self._named.values()
        yield from self._direct.values()

    @property
    def named(self) -> Iterable[Room]:
        """Return the named rooms."""
        return self._named.values()

    def create(self, row: RoomRow) -> None:
        """Add a named room, without its owners."""
        self._keys[row.key] = row.name
        self._named[row.name] = Room(
            row.name, Kind.NAMED, row.seq, topic=row.topic, private=bool(row.private), closed=row.closed
        )

    def named_like(self, key: str) -> str | None:
        """Return the name of the room whose name has this key."""
        return self._keys.get(key)

    def find(self, name: str) -> Room | None:
        """Return the named room that is called so, in any case or width."""
        return self._named.get(name) or (None if name.isascii() else self._named.get(canonical(name)))

    def get(self, name: str) -> Room | None:
        """Return the room of this name, if it is in memory."""
        return self.lobby if name == LOBBY else self._named.get(name) or self._direct.get(name)

    def open(self, name: str, seq: int = 0) -> Room:
        """Return the room of this name; a direct one that is not in memory goes on after the event `seq`."""
        room = self.get(name)
        if room is None:
            room = self._direct[name] = Room(name, Kind.DIRECT, seq)
        return room
