"""Who came, went and took another name since others were last told, and the lines that tell it."""

from __future__ import annotations

from collections.abc import Callable

from tcpchat.chat.user import User
from tcpchat.chat.wakeups import Notify, ignore
from tcpchat.protocol import LOBBY, Joined, Left, Renamed, encode

NAMES_PER_LINE = 250  # of `joined` and `left`; who is in a line gets one made anew, without that name


class Presence:
    """What changed about who is here since it was last told: the net change, each user once."""

    def __init__(self, notify: Notify = ignore) -> None:
        self.notify = notify
        """Called when there is something to tell."""
        self.tell_now: Callable[[], None] = lambda: None
        """Called when what was not told yet must be told before anything else happens."""
        self._joined: dict[User, None] = {}
        self._left: dict[User, str] = {}
        self._renamed: dict[User, str] = {}

    def __bool__(self) -> bool:
        return bool(self._joined or self._left or self._renamed)

    def has_told(self, user: User) -> bool:
        """Tell whether others heard of this user, who is here."""
        return user not in self._joined

    def joined(self, user: User) -> None:
        if self._left.get(user) == user.name:
            del self._left[user]  # nobody heard that this user was away
            return
        self._joined[user] = None
        self.notify()

    def left(self, user: User) -> None:
        told = self._renamed.pop(user, user.name)
        if user in self._joined:
            del self._joined[user]  # nobody heard of this user
        else:
            self._left[user] = told
            self.notify()

    def renamed(self, user: User, name: str) -> None:
        """Note that the user is about to take this name."""
        if name in self._renamed.values():
            self.tell_now()  # who gave it up must be told of first, and a swap of names has no net change
        if user not in self._joined:
            self._renamed.setdefault(user, user.name)
            self.notify()

    def tell(self) -> Told:
        """Return what there is to tell, and forget it."""
        told = Told(list(self._joined), list(self._left.values()), self._renamed)
        self._joined, self._left, self._renamed = {}, {}, {}
        return told


class Told:
    """Lines about who came and went: the same for everybody but those whom they are about."""

    def __init__(self, joined: list[User], left: list[str], renamed: dict[User, str]) -> None:
        lines = [encode(Left(room=LOBBY, users=names)) for names in _chunks(left)]
        self._renamed = {
            user: encode(Renamed(old=old, new=user.name)) for user, old in renamed.items() if old != user.name
        }
        lines += self._renamed.values()
        self._before = b"".join(lines)
        self._chunks = _chunks([user.name for user in joined])
        self._joined = [_joined(names) for names in self._chunks]
        self.all = self._before + b"".join(self._joined)
        """The lines for everybody else."""
        self.about = {*joined, *self._renamed}
        """Who gets other lines."""

    def to(self, user: User) -> bytes:
        """Return the lines for one of those: a welcome or a reply told them about themselves."""
        if user in self._renamed:
            return self.all.replace(self._renamed[user], b"", 1)
        lines = [
            line if user.name not in names else _joined([name for name in names if name != user.name])
            for names, line in zip(self._chunks, self._joined, strict=True)
        ]
        return self._before + b"".join(lines)


def _joined(names: list[str]) -> bytes:
    return encode(Joined(room=LOBBY, users=names)) if names else b""


def _chunks(names: list[str]) -> list[list[str]]:
    return [names[start : start + NAMES_PER_LINE] for start in range(0, len(names), NAMES_PER_LINE)]
