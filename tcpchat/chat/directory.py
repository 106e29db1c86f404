"""The directory of names: of users in memory, and of users whose names alone are."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from tcpchat.chat.user import User
from tcpchat.errors import ChatError
from tcpchat.names import LONGEST_NAME, canonical, skeleton
from tcpchat.store.rows import NameRow
from tcpchat.wire import mentions
from tcpchat.wire.base import GUEST


@attrs.define
class _Claim:
    """A name that a user is about to have, by so many requests."""

    user: str
    name: str
    requests: int = 0


class Directory:
    """Names by key, which is the same for look-alikes, and by how they are written.

    Stored names are those of registered users, for as long as these exist, and those of guests from before a
    restart, for as long as they may come back.
    """

    def __init__(self, stored: Iterable[NameRow] = (), *, guests: int = 0) -> None:
        self._guests = guests
        self._by_key: dict[str, User] = {}
        self._claims: dict[str, _Claim] = {}
        self._by_name: dict[str, User] = {}
        self._by_id: dict[str, User] = {}
        self._stored_by_key: dict[str, NameRow] = {}
        self._stored_by_name: dict[str, NameRow] = {}
        self._stored: dict[str, NameRow] = {}
        self._absent: dict[str, NameRow] = {}  # guests by id, ordered by when they left
        for row in stored:
            self._store(row)
            if row.registered is None:
                self._absent[row.user] = row

    def add(self, user: User) -> None:
        """Let the user, whose name is free, be found."""
        self._by_key[user.key] = user
        self._by_name[user.name] = user
        self._by_id[user.id] = user

    def add_nameless(self, user: User) -> None:
        """Let the user, who has no name yet, be found by id."""
        self._by_id[user.id] = user

    def remove(self, user: User) -> None:
        """Let the user's name be free, unless it is stored."""
        if self._by_key.get(user.key) is user:
            del self._by_key[user.key]
        if self._by_name.get(user.name) is user:
            del self._by_name[user.name]
        del self._by_id[user.id]

    def users(self) -> list[User]:
        """Return the users in memory."""
        return list(self._by_id.values())

    def get(self, id: str) -> User | None:
        """Return the user of this id, if in memory."""
        return self._by_id.get(id)

    def is_free(self, key: str) -> bool:
        """Return whether nobody has or claims a name of this key."""
        return key not in self._by_key and key not in self._claims and key not in self._stored_by_key

    def new_guest_name(self) -> tuple[str, str]:
        """Return a name that is free, and its key."""
        while True:
            self._guests += 1
            name = f"{GUEST}{self._guests}"
            key = skeleton(name)
            if self.is_free(key):
                return name, key

    def find(self, name: str) -> User | NameRow:
        """Return the user of this name, in any case or width: in memory, or to be loaded from disk.

        Raises ChatError `no-such-user`.
        """
        if len(name) > LONGEST_NAME:
            message = f"no user has a name of {len(name)} characters"
            raise ChatError("no-such-user", message, name=name[:64])
        user = self.called(name) or self.called(canonical(name))
        if user is None:
            raise ChatError("no-such-user", f"there is no user called {name[:64]!r}", name=name[:64])
        return user

    def called(self, name: str) -> User | NameRow | None:
        """Return the user of exactly this name: a message must not go to a look-alike."""
        found = self._by_name.get(name) or self._stored_by_name.get(name)
        return found if found is None or isinstance(found, User) else self._by_id.get(found.user, found)

    def mentioned(self, text: str) -> list[str]:
        """Return the ids of the users whom a text mentions."""
        holders: list[User | NameRow] = mentions.mentioned(text, self.called)
        return list(dict.fromkeys(one.id if isinstance(one, User) else one.user for one in holders))

    def claim(self, user: str, name: str, key: str) -> None:
        """Reserve a free name for the user of this id, who may be yet to come, until `release`.

        As often as it is claimed it is to be released. Raises ChatError `name-taken`.
        """
        holder = self._by_key.get(key)
        if holder is not None and holder.id != user:
            who = "who is here" if holder.connections else "who is away and may come back"
            raise _taken(name, holder.name, who, registered=holder.registered is not None)
        claim = self._claims.get(key)
        if claim is not None and claim.user != user:
            raise _taken(name, claim.name, "which another user is taking", registered=False)
        row = self._stored_by_key.get(key)
        if row is not None and row.user != user:
            registered = row.registered is not None
            who = "who is registered" if registered else "who was here before the server restarted"
            raise _taken(name, row.name, who, registered=registered)
        if claim is None:
            claim = self._claims[key] = _Claim(user, name)
        claim.requests += 1

    def release(self, key: str) -> None:
        """End one claim of a name; a user who has the name by now keeps it."""
        claim = self._claims[key]
        claim.requests -= 1
        if not claim.requests:
            del self._claims[key]

    def rename(self, user: User, name: str, key: str) -> None:
        """Give the user this name, and free the old one."""
        if self._by_key.get(user.key) is user:
            del self._by_key[user.key]
        if self._by_name.get(user.name) is user:
            del self._by_name[user.name]
        user.name, user.key = name, key
        self.add(user)

    def _store(self, row: NameRow) -> None:
        self._stored_by_key[row.key] = row
        self._stored_by_name[row.name] = row
        self._stored[row.user] = row

    def _remove(self, row: NameRow) -> None:
        del self._stored[row.user]
        if self._stored_by_key.get(row.key) is row:
            del self._stored_by_key[row.key]
        if self._stored_by_name.get(row.name) is row:
            del self._stored_by_name[row.name]

    def stored(self, id: str) -> NameRow | None:
        """Return the stored name of the user of this id."""
        return self._stored.get(id)

    def registered_as(self, name: str) -> NameRow | None:
        """Return the registered user of this name, in any case or width."""
        row = self._stored_by_name.get(canonical(name))
        return row if row is not None and row.registered is not None else None

    def register(self, row: NameRow) -> None:
        """Store a name for good."""
        self.drop(row.user)
        self._store(row)

    def rename_stored(self, user: str, name: str, key: str) -> None:
        """Store another name of the user, if any is stored."""
        if (row := self._stored.get(user)) is not None:
            self._remove(row)
            renamed = row._replace(name=name, key=key)
            self._store(renamed)
            if user in self._absent:
                self._absent[user] = renamed

    def drop(self, user: str) -> None:
        """Store no name of the user any more."""
        if (row := self._stored.get(user)) is not None:
            self._remove(row)
            self._absent.pop(user, None)

    def came_back(self, user: str) -> None:
        """Note that the user is in memory again: a guest's name is held there."""
        if user in self._absent:
            self.drop(user)

    def first_left(self) -> int | None:
        """Return when the first of the guests left whose names are stored, in ms since 1970."""
        return next((row.left for row in self._absent.values()), None)

    def expire(self, since: int) -> None:
        """Free the names of guests who left before `since`, in ms since 1970."""
        expired = []
        for row in self._absent.values():
            if row.left is None or row.left >= since:
                break
            expired.append(row.user)
        for user in expired:
            self.drop(user)


def _taken(name: str, holder: str, who: str, *, registered: bool) -> ChatError:
    like = "" if holder == name else f": it looks like {holder}, {who}"
    hint = f"; login {holder} if it is yours" if registered else ""
    return ChatError("name-taken", f"{name} is taken{like}{hint}", name=name)
