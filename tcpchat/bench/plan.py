"""The plan of a load, and the reports that its processes exchange, as values. Pure."""

from __future__ import annotations

from typing import Final

import attrs

from tcpchat.address import Address

WINDOW: Final = 64  # messages in flight without a rate; as many as in the benchmarks of the project
MIN_SIZE: Final = 64  # bytes; enough for the header of a text


@attrs.frozen(kw_only=True)
class Plan:
    """One load."""

    address: Address
    receivers: int = 100
    senders: int = 4
    seconds: float = 10
    rate: float = 0
    """Messages a second in all; 0: as many as the server takes."""
    size: int = MIN_SIZE
    """Bytes of a text; at least MIN_SIZE."""
    patience: float = 10
    """Seconds without progress after which missing replies and messages count as lost."""
    run: str = "0"
    """A word in all texts of this run, and in no others."""


@attrs.frozen(kw_only=True)
class SendLog:
    """The messages of one sender, numbered from 0."""

    sent: int
    unacknowledged: tuple[int, ...] = ()
    """Sorted numbers of those that were refused or not answered."""


@attrs.frozen(kw_only=True)
class Counted:
    """The report about the connections of one process."""

    closed: dict[str, int] = attrs.field(factory=dict)
    """Connections that the server closed, by its reason."""
    latencies: tuple[float, ...] = ()
    """Milliseconds from sending a message to its acknowledgement, or its delivery."""
    core: float = 0
    """The share of a core that the process used."""


@attrs.frozen(kw_only=True)
class Sending(Counted):
    """The report of the process with the senders."""

    logs: tuple[SendLog, ...]
    refused: dict[str, tuple[int, str]] = attrs.field(factory=dict)
    """By code: how often, and the message of the first refusal."""
    unanswered: int = 0
    answered_again: int = 0
    """Second replies to a message."""
    seconds: float = 0


@attrs.frozen(kw_only=True)
class Receiving(Counted):
    """The report of one process with receivers, some of which measured latencies."""

    deliveries: int = 0
    lost: int = 0
    doubled: int = 0
    last_at: float = 0
    """The time of the last delivery, on the machine's monotonic clock."""
