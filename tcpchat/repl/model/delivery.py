"""Delivery of your messages in direct rooms, and the list of these rooms. Pure."""

from __future__ import annotations

from enum import Enum

import attrs

from tcpchat.protocol import Conversations, Message, Receipt
from tcpchat.repl.model.place import Place


class DeliveryState(Enum):
    """The state of a message of yours: on disk, on a device of the other user, or read by that user."""

    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"


def delivery_state(seq: int, markers: tuple[int, int]) -> DeliveryState:
    """Return how far a message got in a room that was delivered and read up to these numbers."""
    delivered, read = markers
    if seq <= read:
        return DeliveryState.READ
    return DeliveryState.DELIVERED if seq <= delivered else DeliveryState.SENT


@attrs.define
class _DirectRoom:
    user: str
    own: int = 0
    """Your last message there that this client received."""


class Delivery:
    """The direct rooms of one user, and how far each was delivered and read; cleared for another user."""

    def __init__(self) -> None:
        self.markers: dict[str, tuple[int, int]] = {}
        """The last message that was delivered, and the last that was read, by room."""
        self._rooms: dict[str, _DirectRoom] = {}  # the one with the last message at the end
        self._last: str | None = None  # the room of the last message

    def clear(self) -> None:
        """Forget everything."""
        self.markers.clear()
        self._rooms.clear()
        self._last = None

    def users(self) -> list[str]:
        """Return the names of the other users, the one with the last message first."""
        return list(dict.fromkeys(room.user for room in reversed(self._rooms.values())))

    def add_page(self, page: Conversations) -> None:
        """Take a page of the server's list."""
        for one in page.conversations:
            self._mark(one.room, one.username, one.delivered, one.seen)

    def add_receipt(self, receipt: Receipt) -> None:
        """Take a receipt."""
        self._mark(receipt.room, receipt.username, receipt.delivered, receipt.seen)

    def _mark(self, id: str, user: str, delivered: int, read: int | None) -> None:
        room = self._rooms.setdefault(id, _DirectRoom(user))
        room.user = user
        before = self.markers.get(id, (0, 0))
        self.markers[id] = max(before[0], delivered), max(before[1], read or 0)

    def add_message(self, message: Message, place: Place, *, mine: bool) -> None:
        """Take a message, which counts only in a direct room."""
        if place.user is None:
            return
        room = self._rooms.pop(message.room, None) or _DirectRoom(place.user)
        self._rooms[message.room] = room
        self._last = message.room
        room.user = place.user
        if mine:
            room.own = max(room.own, message.seq)

    def rename(self, old: str, new: str) -> None:
        """Take the new name of a user."""
        for room in self._rooms.values():
            room.user = new if room.user == old else room.user

    def last(self, place: Place) -> tuple[str, DeliveryState] | None:
        """Return to whom your last private message went, and how far it got.

        In a direct room that is the last one there.
        """
        id = self._last
        if place.is_direct:
            id = next((id for id, room in self._rooms.items() if room.user == place.user), None)
        if id is None or not self._rooms[id].own:
            return None
        room = self._rooms[id]
        return room.user, delivery_state(room.own, self.markers.get(id, (0, 0)))
