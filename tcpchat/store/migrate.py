"""Bringing a database of an earlier version up to this one: numbered SQL files, each in a transaction."""

from __future__ import annotations

import sqlite3
from importlib import resources

from tcpchat.errors import StartError


def migrations() -> list[tuple[int, str]]:
    """Return the numbered SQL files, first to last."""
    folder = resources.files("tcpchat.store") / "migrations"
    files = [file for file in folder.iterdir() if file.name.endswith(".sql")]
    return sorted((int(file.name.partition("_")[0]), file.read_text()) for file in files)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the database to the newest version, each step in a transaction of its own.

    Raises StartError if the database is newer than this program.
    """
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    steps = migrations()
    newest = steps[-1][0]
    if version > newest:
        raise StartError(
            f"the database has version {version}, and this tcpchat knows versions up to {newest}:"
            " use the newer tcpchat that made it"
        )
    for number, script in steps:
        if number > version:
            try:
                connection.executescript(f"BEGIN; {script}\nPRAGMA user_version = {number}; COMMIT;")
            except sqlite3.Error:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
