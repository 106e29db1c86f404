"""The interfaces between the clients of a run and the scenario that they are in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from chaos.checker import Checker
from chaos.network import Network

if TYPE_CHECKING:
    import trio

PASSWORD = "correct horse battery"  # noqa: S105  # of users who do not exist
LENGTHS = (3, 20, 60, 200)  # characters of a text


class Participant(Protocol):
    """A client of a user whose name does not change, in a scenario and in its final checks."""

    label: str
    name: str
    """The user, who may have several clients."""
    called: str
    """The present name of the user, to which others can write."""
    registered: bool
    places: dict[str, int]
    """The last number that this client received, by place."""

    @property
    def keeps_marks(self) -> bool:
        """Whether the user is the same one since the beginning, and therefore has all read markers."""

    @property
    def trouble(self) -> str | None:
        """Why the client is not connected and up to date, if it is not."""

    async def join(self) -> None:
        """Register the user, or log in, before the first fault."""

    async def run(self) -> None:
        """Act until cancelled."""

    async def conversations(self) -> Sequence[tuple[str, int, int]]:
        """Return the place, the last number and the read marker of each conversation, as the server says."""

    async def history(self, place: str) -> Sequence[tuple[int, str]]:
        """Return the numbers and texts of a place's last messages, as the server says."""

    async def unread(self) -> Mapping[str, int]:
        """Return the number of unread messages by place, as the server says; none where it is 0."""

    async def mark(self, place: str, seq: int) -> int:
        """Mark a place as read up to this number; return the read marker. It must not move back."""


class Environment(Protocol):
    """The parts of a run that all clients share."""

    checker: Checker
    network: Network
    read: dict[str, dict[str, int]]
    """The read markers that the server confirmed, by user and place."""
    calm: trio.Event
    """Once set, clients connect and stay, and do nothing else."""
    schedule_ahead: float
    """The most seconds that a message is scheduled ahead."""
    edits: bool
    """Whether clients edit their messages."""

    def others(self, participant: Participant) -> list[Participant]:
        """Return the clients of other users."""

    def is_day(self) -> bool:
        """Return whether it is day; at night a visit has one action."""

    def pace(self) -> float:
        """Return the mean seconds between two actions, more of them at night."""
