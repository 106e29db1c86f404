"""Presence: who is here, and what of that others have not been told yet."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice

from sortedcontainers import SortedDict

from tcpchat.chat.user import User
from tcpchat.protocol import Joined, Left, Renamed, encode
from tcpchat.wire.base import LOBBY

NAMES_PER_LINE = 250  # of `joined` and `left`; each user named in a line gets one without that name


class Presence:
    """The users who are here, and the net change since others were last told, each user once.

    A user is here until others are told otherwise, which may be after the last connection. One who comes is
    *arriving* until `settle`: others are not told of a script that asks or says one thing and is gone.
    """

    def __init__(
        self, on_change: Callable[[], None] = lambda: None, now: Callable[[], float] = lambda: 0.0
    ) -> None:
        """`now` returns seconds of any clock."""
        self._on_change = on_change
        self._now = now
        self._here: SortedDict = SortedDict()  # users by name: there may be many, and sorting them takes long
        self._announced: list[Announcement] = []  # complete, and not sent yet
        self._arriving: dict[User, float] = {}  # and since when, the first who came first
        self._joined: dict[User, None] = {}
        self._left: dict[User, str] = {}
        self._renamed: dict[User, str] = {}

    def __len__(self) -> int:
        return len(self._here)

    def __contains__(self, user: User) -> bool:
        return self._here.get(user.name) is user

    def users(self, after: str = "", most: int | None = None) -> list[User]:
        """Return who is here, by name: users whose names sort after that one, up to so many."""
        names: Iterable[str] = self._here.irange(after, inclusive=(False, True))
        return [self._here[name] for name in islice(names, most)]

    @property
    def arriving(self) -> bool:
        """Whether somebody is arriving."""
        return bool(self._arriving)

    def settle(self, until: float = float("inf")) -> None:
        """Let those who came no later than this be announced."""
        for user, since in list(self._arriving.items()):
            if since > until:
                break
            del self._arriving[user]
            self._joined[user] = None

    def has_changed(self) -> bool:
        """Return whether there is something to tell."""
        return bool(self._joined or self._left or self._renamed or self._announced)

    def knows(self, user: User) -> bool:
        """Return whether others were told of this user, who is here."""
        return user not in self._joined and user not in self._arriving

    def join(self, user: User) -> None:
        """Let the user be here."""
        if user in self:
            return
        self._here[user.name] = user
        if self._left.get(user) == user.name:
            del self._left[user]  # others do not know that this user was away
            return
        self._arriving[user] = self._now()
        self._on_change()

    def leave(self, user: User) -> None:
        """Mark the user as gone."""
        if user not in self:
            return
        del self._here[user.name]
        known_as = self._renamed.pop(user, user.name)
        if self.knows(user):
            self._left[user] = known_as
            self._on_change()
        self._joined.pop(user, None)
        self._arriving.pop(user, None)

    def rename(self, user: User, name: str) -> None:
        """Note that the user is about to take this name."""
        if user not in self:
            return
        if any(old == name and other is not user for other, old in self._renamed.items()):
            self._seal()  # the change of its last holder comes first, and a swap of names has no net change
        del self._here[user.name]
        self._here[name] = user
        if self.knows(user):
            self._renamed.setdefault(user, user.name)
            self._on_change()

    def _seal(self) -> None:
        """Keep what there is to tell as lines, since what comes next must come after them."""
        joined, left, renamed = list(self._joined), list(self._left.values()), self._renamed
        self._announced.append(Announcement(joined, left, renamed))
        self._joined, self._left, self._renamed = {}, {}, {}

    def announce(self) -> list[Announcement]:
        """Return what there is to tell, in order, and forget it."""
        self._seal()
        announced, self._announced = self._announced, []
        return announced


class Announcement:
    """Lines about who came and went: the same for everybody but the users they are about."""

    def __init__(self, joined: list[User], left: list[str], renamed: dict[User, str]) -> None:
        lines = [encode(Left(room=LOBBY, users=names)) for names in _chunks(left)]
        self._renamed = {
            user: encode(Renamed(old=old, new=user.name)) for user, old in renamed.items() if old != user.name
        }
        lines += self._renamed.values()
        self._before = b"".join(lines)
        self._chunks = _chunks([user.name for user in joined])
        self._joined = [_joined(names) for names in self._chunks]
        self._names = {user: user.name for user in joined}
        self.lines = self._before + b"".join(self._joined)
        """The lines for everybody else."""
        self.about = {*joined, *self._renamed}
        """The users who get other lines."""

    def to(self, user: User) -> bytes:
        """Return the lines for a user: a welcome or a reply told them about themselves."""
        if user in self._renamed:
            return self.lines.replace(self._renamed[user], b"", 1)
        if user not in self._names:
            return self.lines
        own = self._names[user]
        lines = [
            line if own not in names else _joined([name for name in names if name != own])
            for names, line in zip(self._chunks, self._joined, strict=True)
        ]
        return self._before + b"".join(lines)


def _joined(names: list[str]) -> bytes:
    return encode(Joined(room=LOBBY, users=names)) if names else b""


def _chunks(names: list[str]) -> list[list[str]]:
    return [names[start : start + NAMES_PER_LINE] for start in range(0, len(names), NAMES_PER_LINE)]
