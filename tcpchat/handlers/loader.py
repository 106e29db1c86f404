"""The loader: has users in memory whose rest is on disk."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import attrs

from tcpchat.chat.sent_keys import KEYS_REMEMBERED
from tcpchat.chat.state import ServerState
from tcpchat.chat.user import User
from tcpchat.errors import ChatError
from tcpchat.store.queries.users import find_user
from tcpchat.store.reader import Reader
from tcpchat.store.rows import UserRow


@attrs.frozen
class Loader:
    """Reads a user's row when another writes to that user, or asks about one."""

    state: ServerState
    reader: Reader
    wait_settled: Callable[[], Awaitable[None]]
    """Waits until everything that was submitted so far is on disk, or rejected."""

    async def named(self, name: str) -> User:
        """Return the user of this name. Raises ChatError `no-such-user`, `storage-failed`."""
        found = self.state.directory.find(name)
        return found if isinstance(found, User) else await self.user(found.user)

    async def user(self, id: str) -> User:
        """Return the user of this id. Raises ChatError `no-such-user`, `storage-failed`."""
        known = self.state.users.get(id)
        if known is not None:
            return known
        found = await self.row(id)
        if found is None:
            raise ChatError("no-such-user", "this user does not exist any more")
        return self.state.users.load(found)

    async def row(self, who: bytes | str) -> UserRow | None:
        """Return the row of the user of this id, or of the session whose token has this hash.

        What was submitted before is in it. Raises ChatError `storage-failed`.
        """
        await self.wait_settled()
        return await self.reader.ask(find_user, who, KEYS_REMEMBERED)
