"""How a client is connected, as values; and the events that tell of a change. Pure."""

from __future__ import annotations

from typing import ClassVar

import attrs

from tcpchat.protocol import Event


@attrs.frozen
class Online:
    """There is a connection."""


@attrs.frozen
class Offline:
    """There is none, and it is tried again. Times are of trio's clock, in seconds."""

    since: float
    retry_at: float
    reason: str


@attrs.frozen
class Closed:
    """There will be none any more: the client left, or gave up."""

    reason: str


State = Online | Offline | Closed


@attrs.frozen(kw_only=True)
class Disconnected(Event):
    """The connection is lost; the client tries to come back."""

    type: ClassVar[str] = "disconnected"
    reason: str


@attrs.frozen(kw_only=True)
class Reconnected(Event):
    """The client is back; what was missed follows.

    With `data_reset` nothing is known to have been missed or seen: the lobby begins anew.
    """

    type: ClassVar[str] = "reconnected"
    user: str
    """Your name now: the one from before if the server still keeps it for you."""
    seconds: float
    missed: int
    """Messages of the lobby that follow."""
    data_reset: bool = False
    """The server has other data than before, such as a restored backup, or none from before: numbers and ids
    that it gave mean nothing now, and what was heard may not be kept there."""
    same_user: bool = True
    """You are the user from before; else what was that user's is not yours, such as scheduled messages."""
    registered: bool = False
    """Your name is yours for good."""
    refused: str | None = None
    """Why the server will not let you be who you were to be, if that is so."""
