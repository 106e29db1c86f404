"""A member: a user in a room, and how far the user got there."""

from __future__ import annotations

import attrs

from tcpchat.chat.roles import MEMBER
from tcpchat.chat.room import Room


@attrs.define(eq=False)
class Member:
    """How far a user has read a room, and how far a device of the user was given it. Both only go up.

    `since` is when the user entered a named room, in ms since 1970.
    """

    room: Room
    read: int = 0
    delivered: int = 0
    role: str = MEMBER
    since: int = 0

    def advance(self, read: int, delivered: int) -> None:
        """Move the read markers up to these numbers, and never back."""
        self.read = max(self.read, read)
        self.delivered = max(self.delivered, delivered)
