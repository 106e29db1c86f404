"""The index of sessions: users by token, absent users, and what the disk does not know of both yet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from itertools import count, islice
from operator import itemgetter

from tcpchat.chat.session import Session
from tcpchat.chat.user import User
from tcpchat.times import MILLISECONDS


def hash_token(token: str) -> bytes:
    """Return what is stored of a token: nobody gets from it to the token, which is as random as a key."""
    return sha256(token.encode()).digest()


class SessionIndex:
    """Finds sessions by the hash of their token, and keeps the users who have no connection.

    An absent user is *lingering*, here for others, for `presence` seconds; then away, until `grace` seconds
    after the last connection. At most `most` users are absent (0: unlimited).
    """

    def __init__(
        self,
        *,
        presence: float,
        grace: float,
        most: int,
        on_absent: Callable[[], None] = lambda: None,
        on_dirty: Callable[[], None] = lambda: None,
    ) -> None:
        self._on_absent = on_absent
        self._on_dirty = on_dirty
        self._presence, self._grace, self._most = presence, grace, most
        self._by_token: dict[bytes, tuple[Session, User]] = {}
        self._lingering: dict[User, float] = {}  # since when, in seconds; in that order
        self._absent: dict[User, float] = {}  # the same, of all absent users
        self.dirty: dict[str, User] = {}
        """Users by id of whose sessions the disk does not know everything."""
        self.dropped: dict[bytes, User] = {}
        """Tokens that the disk may still have, by their hash."""
        self._marks: dict[str, int] = {}  # of the dirty users: which mark was the last
        self._next_mark = count(1)

    def configure(self, *, presence: float, grace: float, most: int) -> None:
        """Let these hold from now on, also for users who are absent already."""
        self._presence, self._grace, self._most = presence, grace, most
        self._on_absent()

    def add(self, user: User, session: Session) -> None:
        """Let the session's token bring back its user."""
        user.sessions.append(session)
        user.last_session = max(user.last_session, session.number)
        self._by_token[session.hash] = session, user

    def remove(self, hash: bytes) -> tuple[Session, User] | None:
        """Let the token of this hash bring back nobody; return its session and user, if in memory."""
        found = self._by_token.pop(hash, None)
        if found is not None:
            session, user = found
            user.sessions.remove(session)
        return found

    def find(self, token: bytes) -> tuple[Session, User] | None:
        """Return the session whose token has this hash, and its user, if in memory."""
        return self._by_token.get(token)

    def add_absent(self, user: User, since: float, *, here: bool) -> None:
        """Note that a user has no connection since then, in seconds; `here`: others still see the user."""
        last = next(reversed(self._absent.values()), since)
        self._absent[user] = since
        if since < last:
            self._absent = dict(sorted(self._absent.items(), key=itemgetter(1)))
        if here:
            self._lingering[user] = since
        self._on_absent()

    def came_back(self, user: User) -> None:
        """Note that the user has a connection again."""
        self._lingering.pop(user, None)
        self._absent.pop(user, None)

    def unload(self, user: User) -> None:
        """Remove the user from memory; the stored sessions stay."""
        self.came_back(user)
        for session in user.sessions:
            self._by_token.pop(session.hash, None)

    def expire(self, user: User) -> None:
        """Let nothing bring the user back."""
        self.unload(user)
        if user.has_row or user.pins:
            self.dropped.update((session.hash, user) for session in user.sessions)
        user.sessions.clear()
        self.mark_dirty(user)

    def delete(self, user: User) -> None:
        """Forget the user, as the disk did."""
        self.unload(user)
        user.sessions.clear()
        self._need_not_store(user)

    def unpinned(self, user: User) -> None:
        """Note that the user may expire, and is stored by now or will not be soon."""
        if not user.has_row and user.id in self.dirty:
            self._need_not_store(user)
        if user in self._absent:
            self._on_absent()

    def _need_not_store(self, user: User) -> None:
        if self.dirty.pop(user.id, None) is not None:
            del self._marks[user.id]
        self.dropped = {token: of for token, of in self.dropped.items() if of is not user}

    def grace(self) -> float:
        """Return for how many seconds a guest may come back."""
        return max(self._grace, self._presence)

    def may_come_back(self, left: int | None, now: int) -> bool:
        """Return whether a guest who left then, in ms since 1970, may still come back."""
        return left is None or left + self.grace() * MILLISECONDS > now

    def take_departed(self, now: float) -> list[User]:
        """Take out the users who are to be announced as left by now."""
        departed = _first(self._lingering, self._presence, now)
        for user in departed:
            del self._lingering[user]
        return departed

    def expired(self, now: float) -> list[User]:
        """Return the users who have been absent for too long, or are too many; never one who is pinned."""
        expired = [user for user in _first(self._absent, self.grace(), now) if not user.pins]
        if self._most and len(self._absent) - len(expired) > self._most:
            unpinned = (user for user in self._absent if not user.pins)
            expired = list(islice(unpinned, len(self._absent) - self._most))
        return expired

    def next_expiry(self, now: float) -> float:
        """Return in how many seconds a user is to be announced as left, or expires."""
        times = [since + self._presence for since in islice(self._lingering.values(), 1)]
        unpinned = (since for user, since in self._absent.items() if not user.pins)
        times += [since + self.grace() for since in islice(unpinned, 1)]
        return max(0.0, min(times, default=float("inf")) - now)

    def mark_dirty(self, user: User) -> None:
        """Note that what the disk knows of the user's sessions, or is about to, is not true any more."""
        if user.has_row or user.pins:
            self.dirty[user.id] = user
            self._marks[user.id] = next(self._next_mark)
            self._on_dirty()

    def mark_of(self, user: User) -> int:
        """Return which mark of a dirty user was the last: another one means that something changed since."""
        return self._marks[user.id]

    def stored(self, marks: Mapping[str, int], dropped: Iterable[bytes]) -> None:
        """Note that the disk knows of these users what was so at these marks, and no such token any more."""
        for token in dropped:
            self.dropped.pop(token, None)
        for id, mark in marks.items():
            if self._marks.get(id) == mark:
                del self.dirty[id], self._marks[id]


def _first(queue: dict[User, float], seconds: float, now: float) -> list[User]:
    """Return who has been in it for so long, added up as in `next_expiry`: each way rounds differently."""
    found = []
    for user, since in queue.items():
        if since + seconds > now:
            break
        found.append(user)
    return found
