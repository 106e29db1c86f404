"""A device: one token of a user, and the connection that uses it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from tcpchat.chat.receiver import Receiver
from tcpchat.protocol import SessionInfo
from tcpchat.store.changes import SetSession
from tcpchat.times import timestamp

if TYPE_CHECKING:
    from tcpchat.chat.user import User

DEVICE_CHARACTERS = 64  # of what a device calls itself


@attrs.define(eq=False, kw_only=True)
class Device:
    """Has at most one connection: whoever comes with its token takes the place of the one before.

    Users call it a session. `hash` is of the token, points in time are in ms since 1970.
    """

    user: User
    number: int
    hash: bytes
    name: str
    address: str
    since: int
    used: int
    """When it last connected or went."""
    connection: Receiver | None = None
    asked: int = 0
    """The number of the last `resume` that was for it (see `People.arrivals`); 0 if there was none."""
    over: bool = False
    """Its end is on disk, or may be after the commit under way."""

    def change(self) -> SetSession:
        """Return what is kept of it."""
        return SetSession(
            self.hash, self.user.id, self.number, self.name, self.address, self.since, self.used
        )

    def describe(self, *, current: bool) -> SessionInfo:
        """Return what its user sees of it."""
        return SessionInfo(
            number=self.number,
            device=self.name,
            address=self.address,
            since=timestamp(self.since),
            used=timestamp(self.used),
            here=self.connection is not None,
            current=current,
        )
