"""Asks a store in threads, so that the loop goes on meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

import trio

from tcpchat.errors import ChatError
from tcpchat.store import (
    Account,
    Copied,
    Identity,
    NewMessage,
    NewReport,
    NotFlushedError,
    Other,
    StorageError,
    Store,
)
from tcpchat.threads import RunBlocking, in_thread

READERS = 4  # threads that read at the same time

T = TypeVar("T")


class Reader:
    """Every question raises ChatError `storage-failed` where the store raises StorageError."""

    def __init__(self, store: Store, keys: int, run_blocking: RunBlocking = in_thread) -> None:
        self._store = store
        self._run_blocking = run_blocking
        self._keys = keys
        self._threads = trio.CapacityLimiter(READERS)
        self._one_copy = trio.CapacityLimiter(1)

    async def _ask(self, question: Callable[[], T]) -> T:
        try:
            with trio.CancelScope(shield=True):  # a stop waits for the reply to what was asked before
                answer = await self._run_blocking(question, limiter=self._threads)
        except StorageError:
            raise ChatError("storage-failed", "the disk did not give it; try again later") from None
        return answer

    async def back_up(self, file: Path, room: str) -> Copied:
        """Write what is committed by now to a new file. Raises ChatError `bad-value` too.

        If it is cancelled there is no file. Only one is written at a time.
        """
        copy = partial(self._store.back_up, file, room, trio.from_thread.check_cancelled)
        try:
            return await trio.to_thread.run_sync(copy, limiter=self._one_copy)
        except (FileExistsError, NotADirectoryError) as error:
            raise ChatError("bad-value", f"{error}; give another file", field="file") from None
        except NotFlushedError as error:
            message = f"the copy is there and whole, but may be lost if the power fails: {error}"
            raise ChatError("storage-failed", message) from None
        except (OSError, StorageError) as error:
            raise ChatError("storage-failed", f"there is no copy, since the disk refused: {error}") from None

    async def history(
        self, room: str, count: int, *, before: int | None, after: int | None, until: int
    ) -> list[NewMessage]:
        ask = self._store.history
        return await self._ask(partial(ask, room, count, before=before, after=after, until=until))

    async def identity(self, who: bytes | str) -> Identity | None:
        return await self._ask(partial(self._store.identity, who, self._keys))

    async def password(self, user: str) -> str | None:
        return await self._ask(partial(self._store.password, user))

    async def unread(
        self, user: str, rooms: Sequence[tuple[str, int, int]], ignored: Collection[str]
    ) -> list[tuple[int, bool]]:
        return await self._ask(partial(self._store.unread, user, rooms, ignored))

    async def unread_messages(
        self,
        user: str,
        rooms: Sequence[tuple[str, int, int]],
        ignored: Collection[str],
        count: int,
        cursor: int,
    ) -> list[tuple[int, NewMessage]]:
        return await self._ask(partial(self._store.unread_messages, user, rooms, ignored, count, cursor))

    async def others(self, user: str, rooms: Sequence[str]) -> list[Other]:
        return await self._ask(partial(self._store.others, user, rooms))

    async def names(self, users: Sequence[str]) -> dict[str, str]:
        return await self._ask(partial(self._store.names, users))

    async def accounts(self, after: str, count: int) -> list[Account]:
        return await self._ask(partial(self._store.accounts, after, count))

    async def messages_of(self, user: str, count: int, cursor: int) -> list[tuple[int, NewMessage]]:
        return await self._ask(partial(self._store.messages_of, user, count, cursor))

    async def reports_of(self, user: str) -> list[NewReport]:
        return await self._ask(partial(self._store.reports_of, user))
