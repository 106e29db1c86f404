"""The place where text goes and messages are: the lobby, or the direct room with a user. Pure."""

from __future__ import annotations

from typing import Self

import attrs

from tcpchat.protocol import LOBBY, Edited, Message, parse_room


@attrs.frozen
class Place:
    """A room by its id on the wire, or the direct room with `user`, whose id may not be known yet."""

    room: str | None
    user: str | None = None
    """The name of the other user of a direct room."""

    @classmethod
    def direct(cls, user: str) -> Self:
        """Return the direct room with a user."""
        return cls(None, user)

    @classmethod
    def of_message(cls, message: Message | Edited, me: str) -> Self:
        """Return where a message or an edit is, for the user who is called `me`."""
        if message.to is None:
            return cls(message.room)
        return cls(message.room, message.to if message.sender == me else message.sender)

    @classmethod
    def of_option(cls, option: str, value: str) -> Self | None:
        """Return the place that `--username` or `--room` names; None for another option."""
        if option == "username":
            return cls(None, value.lower())
        return cls(parse_room(value)) if option == "room" else None

    @property
    def is_direct(self) -> bool:
        """Whether only one other user is there."""
        return self.user is not None

    @property
    def name(self) -> str:
        """The name that people see: of the room, or of the other user."""
        return self.user or self.room or ""

    @property
    def room_field(self) -> str | None:
        """The field `room` of a request for this place; None for the lobby and for direct rooms."""
        return None if self.is_direct or self.room == LOBBY else self.room

    def is_at(self, other: Place) -> bool:
        """Return whether this is the same place, where the id or the user of a direct room may be missing."""
        if self.room is not None and other.room is not None:
            return self.room == other.room
        return self.user == other.user

    def renamed(self, old: str, new: str) -> Place:
        """Return the same place after a user was renamed."""
        return attrs.evolve(self, user=new) if self.user == old else self


LOBBY_PLACE = Place(LOBBY)
