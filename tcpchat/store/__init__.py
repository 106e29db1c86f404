"""The store: changes are written in batches, each one transaction, and queries read. No connection's state.

`changes` says what can be written, `rows` what is read, `queries` how.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from sqlite3 import Connection
from typing import Concatenate, ParamSpec, Protocol, TypeAlias, TypeVar

from tcpchat.store.changes import Change

P = ParamSpec("P")
T = TypeVar("T")
Query: TypeAlias = Callable[Concatenate[Connection, P], T]
"""A question to the database: a function of a connection and further arguments."""


class NotFlushedError(Exception):
    """A backup is complete, but the disk did not confirm that it survives a power failure."""


class StorageError(Exception):
    """The disk refused, as the text says: nothing was read, or nothing of the batch was written.

    It may succeed later.
    """


class Store(Protocol):
    """All methods block; call them in a thread, and `commit` in one at a time."""

    def ask(self, query: Query[P, T], /, *arguments: P.args, **keywords: P.kwargs) -> T:
        """Run a query on what is committed now. Raises StorageError, and what the query raises."""

    def commit(self, changes: Iterable[Change]) -> None:
        """Write all changes, or none. Raises StorageError; any other exception is a bug in a change."""

    def close(self) -> None:
        """Release the data folder."""
