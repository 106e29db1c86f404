"""The rooms in memory, by name."""

from __future__ import annotations

from collections.abc import Iterator
from weakref import WeakValueDictionary

from tcpchat.chat.room import RECENT, Kind, Room, kind_of
from tcpchat.wire.base import LOBBY


class Rooms:
    """The lobby, and each direct room for as long as one of its users is in memory."""

    def __init__(self, lobby: Room | None = None) -> None:
        self.lobby = lobby or Room(LOBBY, Kind.LOBBY, remembers=RECENT)
        self._direct: WeakValueDictionary[str, Room] = WeakValueDictionary()

    def __iter__(self) -> Iterator[Room]:
        yield self.lobby
        yield from self._direct.values()

    def get(self, name: str) -> Room | None:
        """Return the room of this name, if it is in memory."""
        return self.lobby if name == LOBBY else self._direct.get(name)

    def open(self, name: str, seq: int = 0) -> Room:
        """Return the room of this name; one that is not in memory goes on after the event `seq`."""
        if name == LOBBY:
            return self.lobby
        room = self._direct.get(name)
        if room is None:
            room = self._direct[name] = Room(name, kind_of(name), seq)
        return room
