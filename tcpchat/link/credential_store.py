"""The identity of a client, saved in a file so that a later run is the same user again.

A file is for one user on one server. One client has it locked, and saves in it; others that ask for the same
name share it, and are that user in sessions of their own. A problem with the files never stops a client.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import Final

import attrs
import orjson

from tcpchat.files import make_folder, reason, try_lock, write_file
from tcpchat.link.desired_identity import Identity
from tcpchat.link.saved_identities import Saved, named, read_saved, same_name, saved_for, slots, unnamed

FOLDER: Final = "identities"  # in the folder of the user's state
SLOTS: Final = 64  # clients with the same server and name at once; a later one is not remembered


class CredentialStore:
    """One file, from when it is locked or shared until `close`."""

    def __init__(self, folder: Path | None, address: str, name: str | None) -> None:
        """Find the file of the user that a start with this name is; without a `folder` nothing is saved."""
        self.problem: str | None = None
        """Why the last `save` or `clear` failed; None if it did not, or there was none."""
        self.pending = False
        """Another program is about to become the user of this name: `retry` a moment later."""
        self.shared = False
        """Another program has the file, and is this user too."""
        self.others: list[str] = []
        """The registered users who are remembered here, of whom a start without a name gets none."""
        self._folder = None if folder is None else folder / FOLDER
        self._address = address.lower()
        self._asked = name
        self._name = name  # that is saved: how a later start finds it
        self._path: Path | None = None
        self._lock = -1
        self._shared_lock = -1
        self._written: Identity | None = None
        self._take()

    def retry(self, *, last: bool = False) -> None:
        """Try again to become the user of the name; with `last` do without if that is still not possible."""
        self.pending = False
        self._take(last=last)

    def _take(self, *, last: bool = False) -> None:
        if self._folder is None:
            return
        try:
            make_folder(self._folder)
            saved = saved_for(self._folder, self._address)
            if self._asked is None:
                self._take_unnamed(saved)
            else:
                self._take_named(self._asked, saved, last=last)
        except OSError as error:
            self._failed(error)

    def _take_named(self, name: str, saved: list[Saved], *, last: bool) -> None:
        assert self._folder is not None
        found = next(named(saved, name), None)
        path = self._free_slot(name) if found is None else found.path
        if self._try(path):
            self._name = name if found is None else found.asked
        elif self._share(path):
            self.shared = True
        elif last:
            self._take_new(name)
        else:
            self.pending = True

    def _take_unnamed(self, saved: list[Saved]) -> None:
        registered, guests = unnamed(saved)
        free = [one for one in registered if self._try(one.path)]
        if len(free) != 1:
            self.others = [one.identity.user for one in free]
            self._unlock()
            if not any(self._try(one.path) for one in guests):
                self._take_new(None)

    def _free_slot(self, name: str) -> Path:
        """Return the first file for this name that holds nobody."""
        assert self._folder is not None
        paths = list(slots(self._folder, self._address, name, SLOTS))
        return next((path for path in paths if read_saved(path, self._address) is None), paths[-1])

    def _take_new(self, name: str | None) -> None:
        """Lock the first file for this server and name that holds nobody. Raises OSError."""
        assert self._folder is not None
        for path in slots(self._folder, self._address, name, SLOTS):
            if self._try(path):
                if read_saved(path, self._address) is None:
                    return
                self._unlock()
        raise OSError(f"{SLOTS} programs use {self._address} with this name already")

    def _try(self, path: Path) -> bool:
        """Lock a file; return False if another program has it. Raises OSError."""
        # Not the file itself, since each `save` replaces it.
        lock = _open(f"{path}.lock")
        try:
            locked = try_lock(lock, path)
        except OSError:
            os.close(lock)
            raise
        if not locked:
            os.close(lock)
            return False
        self._unlock()
        self._path, self._lock = path, lock
        return True

    def _share(self, path: Path) -> bool:
        """Share a file that another program has; return False if it is of no use yet, or any more."""
        lock = _open(f"{path}.shared.lock")
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:  # the other program is about to leave for good
            os.close(lock)
            return False
        if read_saved(path, self._address) is None:
            os.close(lock)
            return False
        self._path, self._shared_lock = path, lock
        return True

    def claim_alone(self) -> bool:
        """Return whether no other program is this user, and let none be from now on, until `close`."""
        if self._path is None or self.shared:
            return self._path is None
        lock = _open(f"{self._path}.shared.lock")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            return False
        self._shared_lock = lock
        return True

    def load(self, journal: str) -> Identity | None:
        """Return the identity on the server with this journal, if one is saved."""
        saved = None if self._path is None else read_saved(self._path, self._address)
        if saved is None:
            return None
        self._written = saved.identity
        return saved.identity if saved.identity.journal == journal else None

    def save(self, identity: Identity) -> None:
        """Save this identity in place of the one before, but of no other registered user."""
        if self._path is None or self._written == identity:
            return
        before = self._written
        if before is not None and before.token != identity.token and self._asked is not None:
            self._name = self._asked if same_name(identity.user, self._asked) else identity.user
        if (
            before is not None
            and before.token != identity.token
            and (self.shared or _keeps(before, identity))
        ):
            self._leave_file()
            if self._path is None:
                return
        if not self.shared:
            self._write(self._path, identity)
        else:
            self._written = identity  # the other program saves what lasts

    def _leave_file(self) -> None:
        """Leave the file to the user that it holds, and take a new one."""
        self.close()
        self._written, self.shared = None, False
        try:
            self._take_new(self._asked)
        except OSError as error:
            self._failed(error)

    def _write(self, path: Path, identity: Identity) -> None:
        fields = {"address": self._address, "name": self._name, **attrs.asdict(identity)}
        try:
            write_file(path, orjson.dumps(fields, option=orjson.OPT_INDENT_2))
        except (OSError, TypeError) as error:
            self._failed(error)
        else:
            self._written, self.problem = identity, None

    def clear(self) -> None:
        """Save nothing, since there is no user to come back as."""
        self._written = None
        if self._path is not None and not self.shared:
            try:
                self._path.unlink(missing_ok=True)
            except OSError as error:
                self._failed(error)

    def holds(self, identity: Identity) -> bool:
        """Whether this identity is saved."""
        return self._written == identity

    def close(self) -> None:
        """Unlock the file, for other programs."""
        self._unlock()
        if self._shared_lock >= 0:
            _release(self._shared_lock)
            self._shared_lock = -1
        self._path = None

    def _unlock(self) -> None:
        if self._lock >= 0:
            _release(self._lock)
            self._path, self._lock = None, -1

    def _failed(self, error: Exception) -> None:
        self._written = None
        self.problem = f"your identity is not saved: {reason(error)}"


def _keeps(before: Identity, after: Identity) -> bool:
    """Whether the user of before is still one to come back as: registered, and another than that of after.

    A logout ends the session; a guest is gone once the client is another user.
    """
    return before.registered and after.registered and before.user != after.user


def _open(path: str) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def _release(lock: int) -> None:
    with suppress(OSError):
        fcntl.flock(lock, fcntl.LOCK_UN)  # also for a child that inherited it
    os.close(lock)
