"""A session: one token of a user on one device, and the connection that uses it."""

from __future__ import annotations

import attrs

from tcpchat.chat.subscriber import Subscriber
from tcpchat.store.changes import SetSession

DEVICE_CHARACTERS = 64  # of what a device calls itself


@attrs.define(eq=False, kw_only=True)
class Session:
    """It has at most one connection: whoever resumes it takes the place of the one before, or comes beside.

    `hash` is of the token; points in time are in ms since 1970.
    """

    user: str
    """The user's id."""
    number: int
    hash: bytes
    name: str
    """What the device calls itself."""
    address: str
    since: int
    used: int
    """When it last connected or disconnected."""
    connection: Subscriber | None = None
    resume_order: int = 0
    """The number of the last `resume` that was for it (see `Users.resumes`); 0 if there was none."""
    beside: bytes | None = None
    """The hash of the token that it was begun with, where it has none of its own.

    It ends with its connection, or with the session of that token, and the disk does not know of it.
    """
    ending: bool = False
    """Its end is on its way to disk, and nobody resumes it meanwhile."""

    def change(self) -> SetSession:
        """Return what is stored of it."""
        return SetSession(self.hash, self.user, self.number, self.name, self.address, self.since, self.used)
