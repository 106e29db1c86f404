"""A disk that can be slow, full or broken, and the real store on it, which runs without threads."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, ParamSpec, TypeVar

import trio

from chaos.checker import Row
from tcpchat.serving.passwords import Cost, hash_password, verify
from tcpchat.store import Query, StorageError
from tcpchat.store.changes import Change
from tcpchat.store.sqlite import DATABASE, SqliteStore

P = ParamSpec("P")
T = TypeVar("T")

CHEAP = Cost(passes=1, memory=8)
"""Password hashing is free here; simulated time passes all the same."""
EVENTS = "SELECT id, room, seq, target, text FROM event WHERE id > ? ORDER BY id"
NEGLIGIBLE = 0.002  # seconds; a shorter wait is not simulated
NORMAL = 0.002  # mean seconds of one access


class Disk:
    """One disk, on which one server after another runs; its folder is what a kill leaves behind."""

    def __init__(self, folder: Path, random: Random) -> None:
        self.folder = folder
        self.slow = 1.0
        """How many times slower than normal the disk is."""
        self.broken = False
        """Every write fails."""
        self.full = False
        """The database cannot grow."""
        self._random = random
        self.changes: list[Change] = []
        """Everything that was ever written, by all servers."""

    async def take_time(self) -> None:
        """Wait as long as one access takes, which is often too short to be simulated."""
        seconds = self._random.expovariate(1 / NORMAL) * self.slow
        if seconds > NEGLIGIBLE:
            await trio.sleep(seconds)


class CrashableStore(SqliteStore):
    """The real store of one server on a simulated disk. After `crash` every access fails."""

    def __init__(self, disk: Disk) -> None:
        self.dead = False
        self.on_commit: Callable[[], None] = lambda: None
        """Called after each write."""
        self.on_done: Callable[[], None] = lambda: None
        """Called when the server is about to learn that the write succeeded."""
        self._disk = disk
        super().__init__(disk.folder, "off")
        self._full = False

    def commit(self, changes: Iterable[Change]) -> None:
        self._check()
        if self._disk.broken:
            raise StorageError("disk I/O error")
        if self._full != self._disk.full:
            self._fill(full=self._disk.full)
        changes = list(changes)
        super().commit(changes)
        self._disk.changes += changes
        self.on_commit()

    async def run(self, work: Callable[..., T], /, *arguments: Any, limiter: trio.CapacityLimiter) -> T:
        """Run blocking work in the loop itself, at some moment of the time that it takes.

        A kill therefore finds some work done whose result nobody has received. As with a thread, a cancelled
        caller waits for the end of the work.
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
        """Make SQLite itself run out of space, or give it space again."""
        self._full = full
        (pages,) = self._writer.execute("PRAGMA page_count").fetchone()
        self._writer.execute(f"PRAGMA max_page_count = {pages if full else 2**32 - 2}").fetchone()

    def rows(self, after: int) -> list[Row]:
        """Return the events that were stored after the one with this id."""
        return self._writer.execute(EVENTS, (after,)).fetchall()

    def crash(self) -> None:
        """Store nothing more, and leave the folder to the next server."""
        self.dead = True
        self.close()


def rows(folder: Path, after: int = 0) -> list[Row]:
    """Return the events on disk that were stored after the one with this id, by a connection of its own."""
    with closing(sqlite3.connect(f"file:{folder / DATABASE}?mode=ro", uri=True)) as connection:
        return connection.execute(EVENTS, (after,)).fetchall()
