"""Migrations: numbered SQL files that bring a database of an earlier version up to this one."""

from __future__ import annotations

import sqlite3
from importlib import resources
from typing import NamedTuple

from tcpchat.errors import StartError

_KEYS_HOLD = 7  # the first version whose foreign keys hold


class Migration(NamedTuple):
    """The SQL that brings a database from the version before to this number."""

    number: int
    script: str


def migrations() -> list[Migration]:
    """Return all migrations, first to last."""
    folder = resources.files("tcpchat.store") / "migrations"
    files = [file for file in folder.iterdir() if file.name.endswith(".sql")]
    return sorted(Migration(int(file.name.partition("_")[0]), file.read_text()) for file in files)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the database to the newest version, each step in a transaction of its own.

    Foreign keys must not be enforced meanwhile, since a step may replace tables; at its end they hold. Raises
    StartError if the database is newer than this program, and sqlite3.Error.
    """
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    steps = migrations()
    newest = steps[-1].number
    if version > newest:
        raise StartError(
            f"the database has version {version}, and this tcpchat knows versions up to {newest}:"
            " use the newer tcpchat that made it"
        )
    for step in steps:
        if step.number > version:
            try:
                connection.executescript(f"BEGIN; {step.script}\nPRAGMA user_version = {step.number};")
                if step.number >= _KEYS_HOLD:
                    _check_keys(connection)
                connection.execute("COMMIT")
            except sqlite3.Error:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise


def _check_keys(connection: sqlite3.Connection) -> None:
    """Raise sqlite3.IntegrityError if a row refers to one that is not there."""
    broken = connection.execute("PRAGMA foreign_key_check").fetchone()
    if broken is not None:
        table, _, parent, _ = broken
        raise sqlite3.IntegrityError(f"rows of the table {table} refer to rows of {parent} that do not exist")
