"""Password hashing, as the chat uses it."""

from __future__ import annotations

from typing import Protocol


class Hashes(Protocol):
    """Hashes passwords, which takes long on purpose, without blocking the loop."""

    async def hash(self, password: str) -> str:
        """Return what is kept of a password. Raises ChatError `bad-password`, `rate-limited`."""

    async def verify(self, hash: str | None, password: str) -> bool:
        """Tell whether it is the password of the hash; without one it is not, after as long a time."""
