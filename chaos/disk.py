"""A disk that is slow, full or broken: the real store on it, and how it is asked without threads."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, ParamSpec, TypeVar

import trio

from chaos.ledger import Row
from tcpchat.serving.passwords import Cost, hash_password, verify
from tcpchat.store import Query, StorageError
from tcpchat.store.changes import Change
from tcpchat.store.sqlite import DATABASE, SqliteStore

P = ParamSpec("P")
T = TypeVar("T")

CHEAP = Cost(passes=1, memory=8)
"""What hashing costs here: nothing. Simulated time passes all the same."""
MESSAGES = "SELECT id, room, seq, text FROM message WHERE id > ? ORDER BY id"
NOTHING = 0.002  # seconds that need not be simulated
NORMAL = 0.002  # seconds that the disk takes about


class Disk:
    """One disk for all lives of a server; its folder is what a kill leaves behind."""

    def __init__(self, folder: Path, random: Random) -> None:
        self.folder = folder
        self.slow = 1.0
        """How many times slower than normal it is."""
        self.broken = False
        """It takes no writing at all."""
        self.full = False
        """There is no page more for the database."""
        self._random = random

    async def take_time(self) -> None:
        """Take the time that a thing takes, which is often too short to matter."""
        seconds = self._random.expovariate(1 / NORMAL) * self.slow
        if seconds > NOTHING:
            await trio.sleep(seconds)


class MortalStore(SqliteStore):
    """The real store in one life of a server: what fails below it fails, and after its death all does."""

    def __init__(self, disk: Disk) -> None:
        self.dead = False
        self.on_commit: Callable[[], None] = lambda: None
        """Called when something was written."""
        self.on_done: Callable[[], None] = lambda: None
        """Called when the server gets to know that it was."""
        self._disk = disk
        super().__init__(disk.folder, "off")
        self._full = False

    def commit(self, changes: Iterable[Change]) -> None:
        self._check()
        if self._disk.broken:
            raise StorageError("disk I/O error")
        if self._full != self._disk.full:
            self._fill(full=self._disk.full)
        super().commit(changes)
        self.on_commit()

    async def run(self, work: Callable[..., T], /, *arguments: Any, limiter: trio.CapacityLimiter) -> T:
        """Run blocking work in the loop itself, at some moment of the time that it takes.

        So a kill finds some work done of which nobody heard. As with a thread, who is cancelled waits.
        """
        if work in {hash_password, verify}:
            work = partial(work, cost=CHEAP)
        async with limiter:
            with trio.CancelScope(shield=True):
                await self._disk.take_time()
                try:
                    result = work(*arguments)
                finally:
                    await self._disk.take_time()
                    if work == self.commit and not self.dead:
                        self.on_done()
        return result

    def ask(self, query: Query[P, T], /, *arguments: P.args, **keywords: P.kwargs) -> T:
        self._check()
        return super().ask(query, *arguments, **keywords)

    def _check(self) -> None:
        if self.dead:
            raise StorageError("killed")

    def _fill(self, *, full: bool) -> None:
        """Let SQLite itself find no room, or some again."""
        self._full = full
        (pages,) = self._writer.execute("PRAGMA page_count").fetchone()
        self._writer.execute(f"PRAGMA max_page_count = {pages if full else 2**32 - 2}").fetchone()

    def rows(self, after: int) -> list[Row]:
        """Return the messages that were kept after the one with this id."""
        return self._writer.execute(MESSAGES, (after,)).fetchall()

    def die(self) -> None:
        """Keep and tell nothing more; leave the folder to the next life."""
        self.dead = True
        self.close()


def rows(folder: Path) -> list[Row]:
    """Return all messages that are on disk, as somebody else reads it."""
    with closing(sqlite3.connect(f"file:{folder / DATABASE}?mode=ro", uri=True)) as connection:
        return connection.execute(MESSAGES, (0,)).fetchall()
