"""A connection as the chat sees it."""

from __future__ import annotations

from typing import Protocol


class Receiver(Protocol):
    """Takes bytes at once and never fails."""

    def write_nowait(self, data: bytes) -> None:
        """Take whole lines, each ended."""

    def acknowledge(self, replies: bytes, count: int) -> None:
        """Take the replies to `count` entries that this connection asked for."""

    async def wait_backlog(self, most: int) -> None:
        """Wait until at most so many bytes wait to be sent."""

    def stop(self, reason: str) -> None:
        """Ask for nothing more; the connection says why and closes when its entries are settled."""
