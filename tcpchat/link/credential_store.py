"""Who a client was, kept in a file so that a later run is the same user again.

A file is for one server and one asked-for name, and one program at a time: it is locked while a client lives,
and the next one takes another. Whatever is wrong with the files is no reason not to chat.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from contextlib import suppress
from pathlib import Path

import attrs
import orjson

from tcpchat.link.desired_identity import Identity
from tcpchat.link.files import make_folder, read_file, write_file

FOLDER = "identities"  # in the folder of the user's state
SLOTS = 64  # clients with the same server and name at once; a later one is not remembered


class CredentialStore:
    """One file, from the moment that it was locked until `close`."""

    def __init__(self, folder: Path | None, address: str, name: str | None) -> None:
        """Take the first free file for this server and name; without a `folder` nothing is remembered."""
        self.problem: str | None = None
        """Why the last thing that was to be remembered is not; None if it is, or nothing was to be."""
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
        asked = f"{self._address}\n{(self._name or '').lower()}"
        key = hashlib.sha256(asked.encode(errors="surrogatepass")).hexdigest()[:32]
        for number in range(1, SLOTS + 1):
            path = folder / (key if number == 1 else f"{key}.{number}")
            # Not the file itself, of which each writing makes another.
            lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(lock)
                continue
            except OSError:
                os.close(lock)
                raise
            self._path, self._lock = path, lock
            return
        raise OSError(f"{SLOTS} programs talk to {self._address} by this name already")

    def load(self, journal: str) -> Identity | None:
        """Return who one was on the server with this journal, if that is known."""
        if self._path is None:
            return None
        with suppress(OSError, ValueError, KeyError, TypeError):
            kept = _parse(read_file(self._path), self._address)
            self._written = kept
            return kept if kept.journal == journal else None
        return None

    def save(self, identity: Identity) -> None:
        """Keep who one is, instead of who one was."""
        if self._path is None or self._written == identity:
            return
        fields = {"address": self._address, "name": self._name, **attrs.asdict(identity)}
        try:
            write_file(self._path, orjson.dumps(fields, option=orjson.OPT_INDENT_2))
        except (OSError, TypeError) as error:
            self._failed(error)
        else:
            self._written, self.problem = identity, None

    def forget(self) -> None:
        """Keep nothing, since there is nobody to come back as."""
        self._written = None
        if self._path is not None:
            try:
                self._path.unlink(missing_ok=True)
            except OSError as error:
                self._failed(error)

    def holds(self, identity: Identity) -> bool:
        """Whether a later run will be this one."""
        return self._written == identity

    def close(self) -> None:
        """Let others have the file."""
        if self._path is not None:
            with suppress(OSError):
                fcntl.flock(self._lock, fcntl.LOCK_UN)  # also for a child that inherited it
            os.close(self._lock)
            self._path = None

    def _failed(self, error: Exception) -> None:
        self._written = None
        self.problem = f"who you are is not remembered: {error}"


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
