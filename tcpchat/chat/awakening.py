"""Having users in memory of whom everything else is on disk."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import attrs

from tcpchat.chat.chat import Chat
from tcpchat.chat.user import KEYS_REMEMBERED, User
from tcpchat.errors import ChatError
from tcpchat.store.queries.users import find_user
from tcpchat.store.reader import Reader


@attrs.frozen
class Awakening:
    """Reads what is kept of a user when somebody writes to that user, or asks."""

    chat: Chat
    reader: Reader
    settled: Callable[[], Awaitable[None]]
    """Waits until what anybody asked for so far is on disk, or refused."""

    async def named(self, name: str) -> User:
        """Return who has this name. Raises ChatError `no-such-user`, `storage-failed`."""
        found = self.chat.hub.find(name)
        return found if isinstance(found, User) else await self.user(found.user)

    async def user(self, id: str) -> User:
        """Return the user of this id. Raises ChatError `no-such-user`, `storage-failed`."""
        known = self.chat.hub.find_known(id)
        if known is not None:
            return known
        await self.settled()
        found = await self.reader.ask(find_user, id, KEYS_REMEMBERED)
        if found is None:
            raise ChatError("no-such-user", "there is no such user any more")
        return self.chat.people.awake(found)
