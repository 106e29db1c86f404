"""A connection as the chat sees it: a place that takes bytes."""

from __future__ import annotations

from typing import Protocol


class Subscriber(Protocol):
    """Takes bytes at once and never fails."""

    def write_nowait(self, data: bytes) -> None:
        """Take whole lines, each ended."""

    def acknowledge(self, replies: bytes, count: int) -> None:
        """Take the replies to `count` operations that this connection requested."""

    def stop(self, reason: str) -> None:
        """Read no more; the connection says why, and closes once its operations are settled."""
