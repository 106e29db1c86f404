"""The state of a client's connection, as values, and the events about its changes. Pure."""

from __future__ import annotations

from typing import ClassVar

import attrs

from tcpchat.protocol import Event


@attrs.frozen
class Online:
    """There is a connection."""


@attrs.frozen
class Offline:
    """The connection is lost, and the client tries to reconnect. Times are of trio's clock, in seconds."""

    since: float
    retry_at: float
    reason: str


@attrs.frozen
class Closed:
    """There will be no more connection: the client was left, or gave up."""

    reason: str


State = Online | Offline | Closed


@attrs.frozen(kw_only=True)
class Disconnected(Event):
    """The connection is lost; the client tries to reconnect."""

    type: ClassVar[str] = "disconnected"
    reason: str


@attrs.frozen(kw_only=True)
class Reconnected(Event):
    """There is a connection again, and the missed events follow."""

    type: ClassVar[str] = "reconnected"
    user: str
    """The user's name now: the one from before if the server still has it."""
    seconds: float
    """Without a connection."""
    missed: int
    """Messages of the lobby that follow."""
    data_reset: bool = False
    """The server has other data than before, such as a restored backup, or none from before.

    Then earlier numbers and ids mean nothing, earlier messages may not be stored there, and the lobby begins
    anew.
    """
    same_user: bool = True
    """The user is the one from before; if not, that user's scheduled messages and the like are another's."""
    registered: bool = False
    """The name is registered to the user."""
    refused: str | None = None
    """Why the server refused the user from before, if it did."""
