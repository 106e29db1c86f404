"""Who is here and who hears what. All synchronous: what a function begins, it ends.

Knows connections only as something that takes bytes.
"""

from __future__ import annotations

from collections.abc import Callable

from tcpchat.chat.room import RECENT, Room, conversation
from tcpchat.chat.user import Receiver, User
from tcpchat.errors import ChatError
from tcpchat.names import LONGEST_NAME, enforce, skeleton
from tcpchat.protocol import LOBBY, Joined, Left, Renamed, encode

GUEST = "guest-"
NAMES_PER_LINE = 250  # of `joined` and `left`; who is in a line gets one made anew, without that name


class Presence:
    """What changed about who is here since it was last told: the net change, each user once."""

    def __init__(self) -> None:
        self.on_change: Callable[[], None] = lambda: None
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
        self.on_change()

    def left(self, user: User) -> None:
        told = self._renamed.pop(user, user.name)
        if user in self._joined:
            del self._joined[user]  # nobody heard of this user
        else:
            self._left[user] = told
            self.on_change()

    def renamed(self, user: User, name: str) -> None:
        """Note that the user is about to take this name."""
        if name in self._renamed.values():
            self.tell_now()  # who gave it up must be told of first, and a swap of names has no net change
        if user not in self._joined:
            self._renamed.setdefault(user, user.name)
            self.on_change()

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


class Hub:
    """The users and connections of this server, and the rooms that they hear.

    A user is *here* until others are told otherwise, which may be after the last connection, and *known* for
    as long as the name is kept.
    """

    def __init__(self, *, lobby_seq: int = 0, guests: int = 0) -> None:
        self.lobby = Room(LOBBY, seq=lobby_seq, remembers=RECENT)
        self.connections: dict[Receiver, User] = {}
        self.presence = Presence()
        self._guests = guests
        self._by_key: dict[str, User] = {}
        self._known: dict[str, User] = {}
        self._here: dict[str, User] = {}

    def guest_name(self) -> tuple[str, str]:
        """Return a name that is free, and its key."""
        while True:
            self._guests += 1
            name = f"{GUEST}{self._guests}"
            key = skeleton(name)
            if key not in self._by_key:
                return name, key

    def join(self, user: User, connection: Receiver) -> None:
        """Let the connection speak and hear as this user."""
        if user.id not in self._here:
            self.know(user)
            self._here[user.id] = user
            self.presence.joined(user)
        user.connections.append(connection)
        self.connections[connection] = user

    def know(self, user: User) -> None:
        """Keep the name, which is free, for a user who need not be here."""
        self._by_key[user.key] = user
        self._known[user.id] = user

    def detach(self, connection: Receiver) -> User:
        """Take the connection out, and nothing else: the user stays here."""
        user = self.connections.pop(connection)
        user.connections.remove(connection)
        return user

    def depart(self, user: User) -> None:
        """Tell that the user left, if anybody heard of this user; the name stays taken."""
        if self._here.pop(user.id, None) is not None:
            self.presence.left(user)

    def gone(self, user: User) -> None:
        """Let the user depart for good: the name is free."""
        self.depart(user)
        del self._by_key[user.key]
        del self._known[user.id]

    def forget(self, user: User) -> None:
        """Forget the conversations of a user who is gone; what is on disk goes on with their numbers."""
        for other in user.conversations:
            if other in self._known:
                self._known[other].conversations.pop(user.id, None)

    def users(self) -> list[User]:
        """Return who is here, by name."""
        return sorted(self._here.values(), key=lambda user: user.name)

    def user_count(self) -> int:
        return len(self._here)

    def is_here(self, user: User) -> bool:
        return user.id in self._here

    def is_free(self, key: str) -> bool:
        """Tell whether nobody has, keeps or claims a name of this key."""
        return key not in self._by_key

    def find(self, name: str) -> User:
        """Return who has this name, in any case or width. Raises ChatError `no-such-user`."""
        if len(name) > LONGEST_NAME:
            message = f"nobody here has a name of {len(name)} characters"
            raise ChatError("no-such-user", message, name=name[:64])
        user = self._by_key.get(skeleton(name))
        if user is None or user.name != name:
            name = _as_kept(name)
            user = self._by_key.get(skeleton(name))
        # A look-alike is not the same: a message must not go to who imitates somebody.
        if user is None or user.name != name or user.id not in self._here:
            raise ChatError("no-such-user", f"nobody called {name[:64]!r} is here", name=name[:64])
        return user

    def find_id(self, id: str) -> User | None:
        """Return who has this id and is here."""
        return self._here.get(id)

    def find_known(self, id: str) -> User | None:
        """Return who has this id, here or away."""
        return self._known.get(id)

    def claim(self, user: User, name: str, key: str) -> None:
        """Keep a free name for the user until `rename` or `release`. Raises ChatError `name-taken`."""
        holder = self._by_key.get(key)
        if holder is not None and holder is not user:
            who = "who is here" if holder.id in self._here else "who is away and may come back"
            like = "" if holder.name == name else f": it looks like {holder.name}, {who}"
            raise ChatError("name-taken", f"{name} is taken{like}", name=name)
        self._by_key[key] = user

    def rename(self, user: User, name: str, key: str) -> None:
        """Give the user the claimed name, and the old one free."""
        if user.id not in self._known:
            self.release(user, key)
            return
        if user.id in self._here:
            self.presence.renamed(user, name)
        if key != user.key:
            del self._by_key[user.key]
        user.name, user.key = name, key

    def release(self, user: User, key: str) -> None:
        """Give up a claim."""
        if self._by_key.get(key) is user and (key != user.key or user.id not in self._known):
            del self._by_key[key]

    def conversation(self, author: str, recipient: User) -> Room:
        """Return the room of two users, given the author's id: the author may have left."""
        room = recipient.conversations.get(author)
        if room is None:
            room = Room(conversation(author, recipient.id))
            self._share(room, author, recipient)
        return room

    def restore_conversation(self, user: User, other: str, seq: int) -> None:
        """Let a conversation whose last number on disk is `seq` go on, unless it does already."""
        known = self._known.get(other)
        room = None if known is None else known.conversations.get(user.id)
        self._share(room or Room(conversation(user.id, other), seq=seq), other, user)

    def _share(self, room: Room, one: str, other: User) -> None:
        other.conversations[one] = room
        if one in self._known:
            self._known[one].conversations[other.id] = room


def _as_kept(name: str) -> str:
    try:
        return enforce(name, 0)
    except ChatError:
        return name
