"""Who is here and who hears what. All synchronous: what a function begins, it ends.

Knows connections only as something that takes bytes.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right, insort
from itertools import islice
from typing import NamedTuple

from tcpchat.chat.directory import Directory
from tcpchat.chat.presence import Presence
from tcpchat.chat.receiver import Receiver
from tcpchat.chat.room import RECENT, Room, conversation
from tcpchat.chat.user import Conversation, Mark, User
from tcpchat.chat.wakeups import Notify, ignore
from tcpchat.errors import ChatError
from tcpchat.names import LONGEST_NAME, RESERVED, canonical, skeleton
from tcpchat.protocol import GUEST, LOBBY
from tcpchat.store.changes import peer_of
from tcpchat.store.rows import NameRow

MENTIONS = 20  # in one message; more are shown and not counted
_RESERVED = re.compile(f"[{re.escape(''.join(RESERVED))}]")
_AFTER_IDS = "\U0010ffff"  # sorts after every id
# The @ stands first, and what must not be before it second, since a search for a character is fast.
_MENTION = re.compile(rf"@(?<![\w.-]@)(\w[^\s@]{{0,{LONGEST_NAME - 1}}})")


class Newcomer(NamedTuple):
    """Who does not listen yet, and the lobby's last message and the time, in seconds, of when it came."""

    user: User
    seq: int
    at: float


class Hub:
    """The users and connections of this server, and the rooms that they hear.

    A user is *here* until others are told otherwise, which may be after the last connection, and *known* for
    as long as the server has the user in memory. A connection *listens* once it hears the lobby: a new one
    only when others hear of its user, or when it asks for something, so that who comes back can first be
    told what was missed.
    """

    def __init__(
        self,
        directory: Directory | None = None,
        *,
        lobby_seq: int = 0,
        guests: int = 0,
        notify: Notify = ignore,
    ) -> None:
        """Call `notify` when there is something to tell about who is here."""
        self.lobby = Room(LOBBY, seq=lobby_seq, remembers=RECENT)
        self.connections: dict[Receiver, User] = {}
        """Those that listen."""
        self.newcomers: dict[Receiver, Newcomer] = {}
        """Those that do not yet, first come first."""
        self.ignored_by: dict[str, set[User]] = {}
        """Who ignores the user of an id, of those who are known."""
        self.presence = Presence(notify)
        self.directory = Directory((), ()) if directory is None else directory
        self._guests = guests
        self._by_key: dict[str, User] = {}
        self._by_name: dict[str, User] = {}
        self._known: dict[str, User] = {}
        self._here: dict[str, User] = {}
        self._in_order: list[tuple[str, str]] = []
        """Name and id of who is here, by name: many may be, and to sort them all takes long."""

    def guest_name(self) -> tuple[str, str]:
        """Return a name that is free, and its key."""
        while True:
            self._guests += 1
            name = f"{GUEST}{self._guests}"
            key = skeleton(name)
            if self.is_free(key):
                return name, key

    def attach(self, user: User, connection: Receiver) -> None:
        """Let the connection speak as this user, and hear what is for the user only."""
        self.know(user)
        user.connections.append(connection)

    def wait_to_listen(self, user: User, connection: Receiver, now: float) -> None:
        """Let an attached connection be a newcomer; `now` is in seconds."""
        self.newcomers[connection] = Newcomer(user, self.lobby.seq, now)
        self.presence.notify()

    def listen(self, user: User, connection: Receiver) -> None:
        """Let an attached connection hear the lobby from now on; others hear that its user is here."""
        if user.id not in self._here:
            self._here[user.id] = user
            insort(self._in_order, (user.name, user.id))
            self.presence.joined(user)
        self.connections[connection] = user

    def stop_listening(self, connection: Receiver) -> None:
        """Let an attached connection not hear the lobby; its user stays."""
        self.connections.pop(connection, None)
        self.newcomers.pop(connection, None)

    def let_listen(self, connection: Receiver) -> None:
        """Let a newcomer hear the lobby, and what was said there since it came."""
        newcomer = self.newcomers.pop(connection)
        self.listen_after(newcomer.user, connection, newcomer.seq)

    def listen_after(self, user: User, connection: Receiver, seq: int) -> None:
        """Let an attached connection hear the lobby, first what it said after that message."""
        if seq < self.lobby.seq:
            lines = self.lobby.recent(RECENT, before=None, after=seq, ignored=user.ignored)
            connection.write_nowait(b"".join(lines or ()))
        self.listen(user, connection)

    def heard(self, connection: Receiver) -> int:
        """Return the last message of the lobby that the connection knows of."""
        newcomer = self.newcomers.get(connection)
        return self.lobby.seq if newcomer is None else newcomer.seq

    def let_all_listen(self, until: float = float("inf")) -> None:
        """Let all newcomers hear the lobby, or those who came no later than `until`."""
        for connection, newcomer in list(self.newcomers.items()):
            if newcomer.at > until:
                break
            self.let_listen(connection)

    def make_room(self, messages: int) -> None:
        """Let newcomers listen if so many more messages leave none in memory of when they came."""
        if self.lobby.seq + messages - next(iter(self.newcomers.values())).seq > RECENT:
            self.let_all_listen()

    def know(self, user: User) -> None:
        """Keep the name, which is free, for a user who need not be here."""
        self._by_key[user.key] = user
        self._by_name[user.name] = user
        self._known[user.id] = user
        for other in user.ignored:
            self.ignored_by.setdefault(other, set()).add(user)

    def detach(self, user: User, connection: Receiver) -> None:
        """Take the connection out, and nothing else: the user stays here."""
        self.stop_listening(connection)
        user.connections.remove(connection)

    def depart(self, user: User) -> None:
        """Tell that the user left, if anybody heard of this user; the name stays taken."""
        if self._here.pop(user.id, None) is not None:
            self._drop_from_order(user)
            self.presence.left(user)

    def gone(self, user: User) -> None:
        """Let the user depart for good: the name is free."""
        self.depart(user)
        del self._by_key[user.key]
        if self._by_name.get(user.name) is user:
            del self._by_name[user.name]
        del self._known[user.id]
        self._unignore(user, user.ignored)

    def ignore(self, user: User, others: frozenset[str]) -> None:
        """Let the user hear nothing of those of these ids, and hear all others."""
        self._unignore(user, user.ignored - others)
        for other in others - user.ignored:
            self.ignored_by.setdefault(other, set()).add(user)
        user.ignored = others

    def _unignore(self, user: User, others: frozenset[str]) -> None:
        for other in others:
            ignoring = self.ignored_by[other]
            ignoring.discard(user)
            if not ignoring:
                del self.ignored_by[other]

    def users(self, after: str = "", most: int | None = None) -> list[User]:
        """Return who is here, by name: those whose names sort after this one, up to so many."""
        first = bisect_right(self._in_order, (after, _AFTER_IDS))
        return [self._here[id] for _, id in self._in_order[first : most and first + most]]

    def _drop_from_order(self, user: User) -> None:
        del self._in_order[bisect_left(self._in_order, (user.name, user.id))]

    def all_known(self) -> list[User]:
        """Return the users who are known."""
        return list(self._known.values())

    def guests(self) -> list[User]:
        """Return the guests who are known."""
        return [user for user in self._known.values() if user.registered is None]

    def user_count(self) -> int:
        return len(self._here)

    def is_here(self, user: User) -> bool:
        return user.id in self._here

    def is_free(self, key: str) -> bool:
        """Tell whether nobody has, keeps or claims a name of this key."""
        return key not in self._by_key and self.directory.holder(key) is None

    def find(self, name: str) -> User | NameRow:
        """Return who has this name, in any case or width: a known user, or one who must be read from disk.

        Raises ChatError `no-such-user`.
        """
        if len(name) > LONGEST_NAME:
            message = f"nobody has a name of {len(name)} characters"
            raise ChatError("no-such-user", message, name=name[:64])
        user = self._called(name) or self._called(canonical(name))
        if user is None:
            raise ChatError("no-such-user", f"there is nobody called {name[:64]!r}", name=name[:64])
        return user

    def mentioned(self, text: str) -> list[User | NameRow]:
        """Return who is mentioned, as @ and the name in any case; a text has room for some only."""
        found: dict[str, User | NameRow] = {}
        for match in islice(_MENTION.finditer(text), MENTIONS):
            word = match[1].lower()
            user = (
                self._called(word)
                or self._called(_without_end(word))
                or self._called(_without_end(_RESERVED.split(word, maxsplit=1)[0]))
            )
            if user is not None:
                found[user.name] = user
        return list(found.values())

    def _called(self, name: str) -> User | NameRow | None:
        """Return who has exactly this name: a message must not go to a look-alike, who imitates somebody."""
        named = self._by_name.get(name) or self.directory.called(name)
        return named if named is None or isinstance(named, User) else self._known.get(named.user, named)

    def find_known(self, id: str) -> User | None:
        """Return who has this id, here or away."""
        return self._known.get(id)

    def claim(self, user: User, name: str, key: str) -> None:
        """Keep a free name for the user until `rename` or `release`. Raises ChatError `name-taken`."""
        holder = self._by_key.get(key)
        if holder is not None and holder is not user:
            who = "who is here" if holder.id in self._here else "who is away and may come back"
            raise _taken(name, holder.name, who, registered=holder.registered is not None)
        kept = self.directory.holder(key)
        if kept is not None and kept.user != user.id:
            registered = kept.registered is not None
            who = "who is registered" if registered else "who was here before the server was started again"
            raise _taken(name, kept.name, who, registered=registered)
        self._by_key[key] = user

    def rename(self, user: User, name: str, key: str) -> None:
        """Give the user the claimed name, and the old one free."""
        if user.id not in self._known:
            self.release(user, key)
            return
        if user.id in self._here:
            self.presence.renamed(user, name)
            self._drop_from_order(user)
            insort(self._in_order, (name, user.id))
        if key != user.key:
            del self._by_key[user.key]
        if self._by_name.get(user.name) is user:
            del self._by_name[user.name]
        user.name, user.key = name, key
        self._by_name[name] = user

    def release(self, user: User, key: str) -> None:
        """Give up a claim."""
        if self._by_key.get(key) is user and (key != user.key or user.id not in self._known):
            del self._by_key[key]

    def conversation(self, author: User, recipient: User) -> Room:
        """Return the room of two users, of whom the author may have left."""
        begun = recipient.conversations.get(author.id) or author.conversations.get(recipient.id)
        room = begun.room if begun else Room(conversation(author.id, recipient.id))
        for user, other in ((author, recipient), (recipient, author)):
            if other.id not in user.conversations:
                user.conversations[other.id] = Conversation(room, other.id)
        return room

    def restore_conversation(self, user: User, room: str, seq: int, mark: Mark) -> None:
        """Let a conversation whose last number on disk is `seq` go on, unless it does already."""
        other = peer_of(room, user.id)
        known = self._known.get(other)
        shared = None if known is None else known.conversations.get(user.id)
        user.conversations[other] = Conversation(shared.room if shared else Room(room, seq=seq), other, mark)


def _taken(name: str, holder: str, who: str, *, registered: bool) -> ChatError:
    like = "" if holder == name else f": it looks like {holder}, {who}"
    hint = f"; login {holder} if it is yours" if registered else ""
    return ChatError("name-taken", f"{name} is taken{like}{hint}", name=name)


def _without_end(word: str) -> str:
    """Return a word without what is no letter or digit at its end, such as the ) of (@bob)."""
    end = len(word)
    while end and not (word[end - 1].isalnum() or word[end - 1] == "_"):
        end -= 1
    return word[:end]
