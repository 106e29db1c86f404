"""The one way to read from the store without blocking the loop."""

from __future__ import annotations

from pathlib import Path
from typing import ParamSpec, TypeVar

import trio

from tcpchat.errors import ChatError
from tcpchat.files import reason
from tcpchat.store import NotFlushedError, Query, StorageError, Store
from tcpchat.store.backup import back_up
from tcpchat.store.rows import BackupInfo
from tcpchat.threads import RunSync, to_thread

READERS = 4  # threads that read at the same time

P = ParamSpec("P")
T = TypeVar("T")


class Reader:
    """Runs queries in threads, for all connections of a server."""

    def __init__(self, store: Store, run_sync: RunSync = to_thread) -> None:
        self._store = store
        self._run_sync = run_sync
        self._threads = trio.CapacityLimiter(READERS)
        self._one_backup = trio.CapacityLimiter(1)

    async def ask(self, query: Query[P, T], /, *arguments: P.args, **keywords: P.kwargs) -> T:
        """Run a query from `tcpchat.store.queries`. Raises ChatError `storage-failed`."""

        def work() -> T:
            return self._store.ask(query, *arguments, **keywords)

        try:
            with trio.CancelScope(shield=True):  # a server that stops still answers earlier requests
                found = await self._run_sync(work, limiter=self._threads)
        except StorageError:
            raise ChatError("storage-failed", "the server could not read from its disk; try again") from None
        return found

    async def back_up(self, file: Path, room: str) -> BackupInfo:
        """Write everything that is committed now to a new file.

        If it is cancelled there is no file. Only one backup is written at a time.
        Raises ChatError `bad-value`, `storage-failed`.
        """

        def work() -> BackupInfo:
            return self._store.ask(back_up, file, room, trio.from_thread.check_cancelled)

        try:
            return await trio.to_thread.run_sync(work, limiter=self._one_backup)
        except (FileExistsError, NotADirectoryError) as error:
            raise ChatError("bad-value", f"{error}; give another file", field="file") from None
        except NotFlushedError as error:
            message = f"the backup is complete, but may be lost if the power fails: {error}"
            raise ChatError("storage-failed", message) from None
        except (OSError, StorageError) as error:
            raise ChatError("storage-failed", f"no backup was made: {reason(error)}") from None
