"""Names that are kept for users whom the server need not have in memory. All synchronous."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from tcpchat.names import canonical
from tcpchat.store.rows import NameRow


@attrs.define
class Password:
    """Tells, without knowing it, whether a password that was right before is so still."""

    changes: int = 0
    """Counts twice for each: once when it is on its way to disk, and once when it is there."""
    under_way: int = 0

    def begin(self) -> None:
        self.changes += 1
        self.under_way += 1

    def finish(self) -> None:
        self.changes += 1
        self.under_way -= 1

    def is_still(self, changes: int) -> bool:
        """Tell whether there was no change since so many, and is none now."""
        return self.changes == changes and not self.under_way


class Directory:
    """Registered users, for good, and guests from before a restart, for as long as they may come back."""

    def __init__(self, registered: Iterable[NameRow], absent: Iterable[NameRow]) -> None:
        self._passwords: dict[str, Password] = {}
        self._by_key: dict[str, NameRow] = {}
        self._by_name: dict[str, NameRow] = {}
        self._by_id: dict[str, NameRow] = {}
        for named in registered:
            self._put(named)
        self._absent: dict[str, NameRow] = {}  # guests by id, those who left first first
        for named in absent:
            self._put(named)
            self._absent[named.user] = named

    def _put(self, named: NameRow) -> None:
        self._by_key[named.key] = named
        self._by_name[named.name] = named
        self._by_id[named.user] = named

    def _remove(self, named: NameRow) -> None:
        del self._by_id[named.user]
        if self._by_key[named.key] is named:
            del self._by_key[named.key]
        if self._by_name.get(named.name) is named:
            del self._by_name[named.name]

    def password(self, user: str) -> Password:
        """Return what became of the password of the user of this id."""
        return self._passwords.setdefault(user, Password())

    def holder(self, key: str) -> NameRow | None:
        """Return whose name of this key is kept."""
        return self._by_key.get(key)

    def called(self, name: str) -> NameRow | None:
        """Return who is kept under exactly this name."""
        return self._by_name.get(name)

    def find(self, user: str) -> NameRow | None:
        """Return what is kept of the user of this id."""
        return self._by_id.get(user)

    def registered_as(self, name: str) -> NameRow | None:
        """Return the registered user of this name, in any case or width."""
        named = self._by_name.get(canonical(name))
        return named if named is not None and named.registered is not None else None

    def register(self, named: NameRow) -> None:
        """Keep a name for good."""
        if (before := self._by_id.get(named.user)) is not None:
            self._remove(before)
        self._put(named)

    def rename(self, user: str, name: str, key: str) -> None:
        """Keep another name for the user, if any is kept."""
        if (named := self._by_id.get(user)) is not None:
            self._remove(named)
            self._put(named._replace(name=name, key=key))

    def drop(self, user: str) -> None:
        """Keep no name for the user any more."""
        if (named := self._by_id.get(user)) is not None:
            self._remove(named)
            self._absent.pop(user, None)

    def came_back(self, user: str) -> None:
        """Note that the server has the user in memory again: a guest's name is kept there."""
        if user in self._absent:
            self.drop(user)

    def first_left(self) -> int | None:
        """Return when the first of the guests left whose names are kept, in ms since 1970."""
        return next((named.left for named in self._absent.values()), None)

    def forget(self, since: int) -> None:
        """Keep no names for guests who left before `since`, in ms since 1970."""
        gone = []
        for named in self._absent.values():
            if named.left is None or named.left >= since:
                break
            gone.append(named.user)
        for user in gone:
            self.drop(user)
