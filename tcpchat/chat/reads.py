"""What the chat asks the disk, without blocking the loop."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from tcpchat.store import Identity, NewMessage, Other


class Reads(Protocol):
    """Asks as `Store` does. All raise ChatError `storage-failed`."""

    async def history(
        self, room: str, count: int, *, before: int | None, after: int | None, until: int
    ) -> list[NewMessage]: ...

    async def identity(self, who: bytes | str) -> Identity | None: ...

    async def password(self, user: str) -> str | None: ...

    async def unread(
        self, user: str, rooms: Sequence[tuple[str, int, int]], ignored: Collection[str]
    ) -> list[tuple[int, bool]]: ...

    async def unread_messages(
        self,
        user: str,
        rooms: Sequence[tuple[str, int, int]],
        ignored: Collection[str],
        count: int,
        cursor: int,
    ) -> list[tuple[int, NewMessage]]: ...

    async def others(self, user: str, rooms: Sequence[str]) -> list[Other]: ...

    async def names(self, users: Sequence[str]) -> dict[str, str]: ...


class Hashes(Protocol):
    """Hashes passwords, which takes long on purpose, without blocking the loop."""

    async def hash(self, password: str) -> str:
        """Return what is kept of a password. Raises ChatError `bad-password`, `rate-limited`."""

    async def verify(self, hash: str | None, password: str) -> bool:
        """Tell whether it is the password of the hash; without one it is not, after as long a time."""
