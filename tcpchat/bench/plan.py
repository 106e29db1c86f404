"""What a load is to be, and the words in which the processes of one tell each other what came out. Pure."""

from __future__ import annotations

from typing import Final

import attrs

from tcpchat.address import Address

WINDOW: Final = 64  # messages under way where no rate is given; as many as the benchmarks of the project have
LEAST_SIZE: Final = 64  # bytes; what a text needs to tell whose it is, which one, and when it was sent


@attrs.frozen(kw_only=True)
class Plan:
    """One load."""

    address: Address
    receivers: int = 100
    senders: int = 4
    seconds: float = 10
    rate: float = 0
    """Messages a second in all; 0: as many as go."""
    size: int = LEAST_SIZE
    """Bytes of a text; at least LEAST_SIZE."""
    patience: float = 10
    """Seconds without news after which an answer or a message is given up."""
    run: str = "0"
    """A word that is in all texts of this run and in no others."""


@attrs.frozen(kw_only=True)
class Said:
    """What one sender did, which numbers its messages from 0."""

    sent: int
    not_kept: tuple[int, ...] = ()
    """The numbers, in order, that were refused or not answered."""


@attrs.frozen(kw_only=True)
class Counted:
    """What came of the connections of one process."""

    closed: dict[str, int] = attrs.field(factory=dict)
    """Connections that the server ended, by its reason."""
    latencies: tuple[float, ...] = ()
    """Milliseconds from sending a message to what was waited for."""
    core: float = 0
    """How much of a core the process used."""


@attrs.frozen(kw_only=True)
class Sending(Counted):
    """What came of all senders, who waited for the acknowledgement."""

    said: tuple[Said, ...]
    refused: dict[str, tuple[int, str]] = attrs.field(factory=dict)
    """By code: how often, and what the server said the first time."""
    unanswered: int = 0
    answered_again: int = 0
    """Answers to what was answered before."""
    seconds: float = 0


@attrs.frozen(kw_only=True)
class Receiving(Counted):
    """What came of the receivers of one process, some of whom measured when a message came."""

    deliveries: int = 0
    lost: int = 0
    doubled: int = 0
    last_at: float = 0
    """When the last message came, on the machine's monotonic clock."""
