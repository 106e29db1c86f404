"""The identity of a client, saved in a file so that a later run is the same user again.

A file is for one server, one desired name, and one program at a time: it is locked while a client lives, and
the next client takes another file. A problem with the files never stops a client.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from contextlib import suppress
from pathlib import Path
from typing import Final

import attrs
import orjson

from tcpchat.files import make_folder, read_file, reason, try_lock, write_file
from tcpchat.link.desired_identity import Identity

FOLDER: Final = "identities"  # in the folder of the user's state
SLOTS: Final = 64  # clients with the same server and name at once; a later one is not remembered


class CredentialStore:
    """One file, from when it is locked until `close`."""

    def __init__(self, folder: Path | None, address: str, name: str | None) -> None:
        """Lock the first free file for this server and name; without a `folder` nothing is saved."""
        self.problem: str | None = None
        """Why the last `save` or `clear` failed; None if it did not, or there was none."""
        self._address = address.lower()
        self._name = name
        self._path: Path | None = None
        self._lock = -1
        self._written: Identity | None = None
        if folder is not None:
            try:
                self._take_slot(folder / FOLDER)
            except OSError as error:
                self._failed(error)

    def _take_slot(self, folder: Path) -> None:
        make_folder(folder)
        label = f"{self._address}\n{(self._name or '').lower()}"
        key = hashlib.sha256(label.encode(errors="surrogatepass")).hexdigest()[:32]
        for number in range(1, SLOTS + 1):
            path = folder / (key if number == 1 else f"{key}.{number}")
            # Not the file itself, since each `save` replaces it.
            lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            try:
                locked = try_lock(lock, path)
            except OSError:
                os.close(lock)
                raise
            if locked:
                self._path, self._lock = path, lock
                return
            os.close(lock)
        raise OSError(f"{SLOTS} programs use {self._address} with this name already")

    def load(self, journal: str) -> Identity | None:
        """Return the identity on the server with this journal, if one is saved."""
        if self._path is None:
            return None
        with suppress(OSError, ValueError, KeyError, TypeError):
            saved = _parse(read_file(self._path), self._address)
            self._written = saved
            return saved if saved.journal == journal else None
        return None

    def save(self, identity: Identity) -> None:
        """Save this identity in place of the one before."""
        if self._path is None or self._written == identity:
            return
        fields = {"address": self._address, "name": self._name, **attrs.asdict(identity)}
        try:
            write_file(self._path, orjson.dumps(fields, option=orjson.OPT_INDENT_2))
        except (OSError, TypeError) as error:
            self._failed(error)
        else:
            self._written, self.problem = identity, None

    def clear(self) -> None:
        """Save nothing, since there is no user to come back as."""
        self._written = None
        if self._path is not None:
            try:
                self._path.unlink(missing_ok=True)
            except OSError as error:
                self._failed(error)

    def holds(self, identity: Identity) -> bool:
        """Whether this identity is saved."""
        return self._written == identity

    def close(self) -> None:
        """Unlock the file, for other programs."""
        if self._path is not None:
            with suppress(OSError):
                fcntl.flock(self._lock, fcntl.LOCK_UN)  # also for a child that inherited it
            os.close(self._lock)
            self._path = None

    def _failed(self, error: Exception) -> None:
        self._written = None
        self.problem = f"your identity is not saved: {reason(error)}"


def _parse(data: bytes, address: str) -> Identity:
    """Read what `save` wrote. Raises ValueError, KeyError or TypeError if it is something else."""
    fields = orjson.loads(data)
    if fields["address"] != address:
        raise ValueError("it is for another server")
    identity = Identity(
        user=fields["user"],
        token=fields["token"],
        journal=fields["journal"],
        registered=fields["registered"],
        session=fields["session"],
    )
    if not all(isinstance(text, str) for text in (identity.user, identity.token, identity.journal)):
        raise ValueError("user, token and journal are text")
    if type(identity.registered) is not bool or type(identity.session) not in {int, type(None)}:
        raise ValueError("registered is true or false, session a number")
    return identity
