"""A draft: what the operations of a batch have decided so far, on top of the state.

Operations are decided one after another, each on what the ones before it decided, while the state stays as
everybody has seen it. If the disk takes the changes, the state is given them (`apply`); if not,
the draft goes back to an earlier savepoint, which takes back everything in reverse order. So nothing that
was only decided is ever seen, and no operation needs to know how it is undone.

Users come and go meanwhile. Those whom a draft writes about are *pinned*: until it is closed they stay in
memory, so what was decided about them is applied to them, and they leave for good after it.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Final, TypeVar

from tcpchat.chat.draft_rooms import DraftRooms
from tcpchat.chat.moderation import Conduct
from tcpchat.chat.room import Kind, kind_of
from tcpchat.chat.sent_keys import KEYS_REMEMBERED
from tcpchat.chat.state import ServerState
from tcpchat.chat.user import User
from tcpchat.errors import ChatError
from tcpchat.store.changes import (
    Change,
    DropIgnored,
    NewKey,
    NewUser,
    SetAway,
    SetIgnored,
    SetLeft,
    SetMember,
    SetName,
    SetReceipts,
    SetSession,
    TrimKeys,
)
from tcpchat.wire.base import LOBBY

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
_NOTHING: Final[Any] = object()


class Draft:
    """One for each round of the pipeline; `at` is the time of the batch, in ms since 1970."""

    def __init__(self, state: ServerState, at: int) -> None:
        self.state = state
        self.at = at
        self._changes: list[Change] = []
        self._unwritten: set[int] = set()  # indexes of changes that are for memory only
        self._journal: list[tuple[dict[Any, Any], Any, Any]] = []
        self._seqs: dict[str, int] = {}
        self._rows: dict[str, bool] = {}
        self._names: dict[str, tuple[str, str]] = {}
        self._sessions: dict[bytes, SetSession | None] = {}  # begun, or ended
        self._deleted: dict[str, bool] = {}
        self._passwords: dict[str, int] = {}
        self._registered: dict[str, bool] = {}
        self._reads: dict[tuple[str, str], int] = {}
        self._away: dict[str, tuple[str, int] | None] = {}
        self._receipts: dict[str, bool] = {}
        self._ignored: dict[str, frozenset[str]] = {}
        self._conduct: dict[str, Conduct] = {}
        self._keys: dict[tuple[str, str], NewKey] = {}
        self._trimmed: dict[str, bool] = {}
        self._numbers: dict[str, int] = {}  # of the last session
        self._pinned: dict[User, None] = {}
        self._rooms: DraftRooms | None = None

    @property
    def rooms(self) -> DraftRooms:
        """Return what was decided about named rooms."""
        if self._rooms is None:  # few batches are about them
            self._rooms = DraftRooms(self)
        return self._rooms

    def pin(self, user: User) -> None:
        """Let the user stay in memory until the draft is closed."""
        if user not in self._pinned:
            self._pinned[user] = None
            user.pins += 1

    def close(self) -> None:
        """Note that everything that was decided is applied, or was taken back."""
        for user in self._pinned:
            self.state.users.unpin(user)
        self._pinned = {}

    def savepoint(self) -> int:
        """Return where `rollback` may go back to."""
        return len(self._journal)

    def rollback(self, savepoint: int) -> None:
        """Take back what was decided since the savepoint, the last first."""
        while len(self._journal) > savepoint:
            values, key, before = self._journal.pop()
            if before is _NOTHING:
                del values[key]
            else:
                values[key] = before
        self._changes, self._unwritten = [], set()

    def put(self, values: dict[K, V], key: K, value: V) -> None:
        """Note a decision in one of the draft's mappings, so that it can be taken back."""
        self._journal.append((values, key, values.get(key, _NOTHING)))
        values[key] = value

    def add(self, *changes: Change) -> None:
        """Add changes: they are written, and then applied, in this order."""
        self._changes += changes

    def add_about(self, user: User, *changes: Change) -> None:
        """Add changes of a user; of one without a row they are applied, and nothing is written."""
        self.pin(user)
        if not self.has_row(user):
            self._unwritten.update(range(len(self._changes), len(self._changes) + len(changes)))
        self._changes += changes

    def take(self) -> tuple[list[Change], list[Change]]:
        """Return the changes of the operation at hand: all of them, and those to be written."""
        changes, unwritten = self._changes, self._unwritten
        if not unwritten:
            self._changes = []
            return changes, changes
        self._changes, self._unwritten = [], set()
        return changes, [change for index, change in enumerate(changes) if index not in unwritten]

    def take_seqs(self, room: str, count: int = 1) -> int:
        """Take the next `count` numbers of the room; return the first."""
        last = self.last_seq(room)
        self.put(self._seqs, room, last + count)
        return last + 1

    def last_seq(self, room: str) -> int:
        """Return the number of the room's last event by now, or 0."""
        last = self._seqs.get(room)
        if last is None:
            known = self.state.rooms.get(room)
            last = 0 if known is None else known.seq
        return last

    def user(self, id: str) -> User | None:
        """Return the user of this id, pinned, if in memory.

        Raises ChatError `no-such-user` if the user was deleted, is about to be, or was a guest who left.
        """
        user = self.author(id)
        if user is not None:
            if user.gone:
                raise _no_such_user()
            self.pin(user)
        return user

    def author(self, id: str) -> User | None:
        """Return as `user` does somebody whose id and name alone are written, and who is not pinned."""
        user = self.state.users.get(id)
        if id in self._deleted or (user is None and self.state.directory.stored(id) is None):
            raise _no_such_user()
        return user

    def has_row(self, user: User) -> bool:
        """Return whether rows may refer to the user by now."""
        return user.has_row or user.id in self._rows

    def ensure_row(self, user: User) -> None:
        """Add what other rows need before they may refer to the user.

        Raises ChatError `no-such-user` if the user was deleted.
        """
        if user.id in self._deleted:
            raise ChatError("no-such-user", f"{user.name} was deleted", name=user.name)
        self.pin(user)
        if self.has_row(user):
            return
        self.put(self._rows, user.id, True)  # noqa: FBT003  # a mapping's value
        name, key = self.name(user)
        self.add(NewUser(user.id, self.at), SetName(user.id, key, name))
        if user.sessions:
            self.add(SetLeft(user.id, self.at, user.left))
            lasting = [session for session in user.sessions if session.beside is None]
            self.add(*(session.change() for session in lasting if session.hash not in self._sessions))
            read = self.read(user, LOBBY)
            self.add(SetMember(user.id, LOBBY, read, max(read, user.lobby.delivered)))

    def name(self, user: User) -> tuple[str, str]:
        """Return the name that the user has by now, and its key."""
        return self._names.get(user.id) or (user.name, user.key)

    def rename(self, user: User, name: str, key: str) -> None:
        """Let the user have this name."""
        self.put(self._names, user.id, (name, key))
        self.add_about(user, SetName(user.id, key, name))

    def read(self, user: User, room: str) -> int:
        """Return the number up to which the user has read the room by now."""
        read = self._reads.get((user.id, room))
        if read is not None:
            return read
        member = user.members.get(room)
        return 0 if member is None else member.read

    def set_read(self, user: User, room: str, seq: int) -> None:
        """Let the user have read the room up to this number."""
        self.put(self._reads, (user.id, room), seq)
        self.add_about(user, SetMember(user.id, room, seq, seq))

    def begin_reading(self, user: User, room: str, seq: int) -> None:
        """Note that the user enters the room and has read it up to this number, whatever was before."""
        self.put(self._reads, (user.id, room), seq)

    def is_new_member(self, user: User, room: str) -> bool:
        """Return whether the user was never in the room, or is not in the named one."""
        if kind_of(room) is Kind.NAMED:
            return self.rooms.role(user, room) is None
        return room not in user.members and (user.id, room) not in self._reads

    def sessions(self, user: User) -> list[SetSession]:
        """Return the sessions with a token of their own that the user has by now."""
        ended, begun = self._sessions, [new for new in self._sessions.values() if new and new.user == user.id]
        lasting = [own for own in user.sessions if own.beside is None and own.hash not in ended]
        return [*(own.change() for own in lasting), *begun]

    def take_session_number(self, user: User) -> int:
        """Take the number of the user's next session."""
        last = self._numbers.get(user.id, user.last_session)
        self.put(self._numbers, user.id, last + 1)
        return last + 1

    def begin_session(self, session: SetSession) -> None:
        """Begin a session of a user who has a row."""
        self.put(self._sessions, session.hash, session)
        self.add(session)

    def end_session(self, hash: bytes) -> bool:
        """Note that the session of this token is over; return whether it was not before."""
        if self._sessions.get(hash, _NOTHING) is None:
            return False
        self.put(self._sessions, hash, None)
        return True

    def password(self, user: str) -> int:
        """Return how many passwords the user of this id has had by now."""
        return self._passwords.get(user, self.state.passwords[user])

    def set_password(self, user: str) -> None:
        """Note that the user of this id has another password."""
        self.put(self._passwords, user, self.password(user) + 1)

    def is_registered(self, user: User) -> bool:
        """Return whether the user is registered by now."""
        return user.registered is not None or user.id in self._registered

    def register(self, user: User) -> None:
        """Note that the user is registered."""
        self.put(self._registered, user.id, True)  # noqa: FBT003  # a mapping's value

    def delete(self, user: User) -> None:
        """Note that the user is deleted. Raises ChatError `no-such-user` if that was so before."""
        if user.id in self._deleted or self.state.users.get(user.id) is not user:
            raise ChatError("no-such-user", f"{user.name} was deleted a moment ago", name=user.name)
        self.put(self._deleted, user.id, True)  # noqa: FBT003  # a mapping's value

    def is_deleted(self, user: str) -> bool:
        """Return whether the user of this id was deleted, or is about to be."""
        return user in self._deleted or user in self.state.users.deleted

    def away(self, user: User) -> tuple[str, int] | None:
        """Return the text with which the user is away by now, and since when; None if not."""
        return self._away.get(user.id, user.away)

    def set_away(self, user: User, away: tuple[str, int] | None) -> None:
        """Let a user who has a row be away, or not."""
        self.put(self._away, user.id, away)
        self.add(SetAway(user.id, *(away or (None, None))))

    def receipts(self, user: User) -> bool:
        """Return whether others learn by now what the user has read."""
        return self._receipts.get(user.id, user.receipts)

    def set_receipts(self, user: User, *, on: bool) -> None:
        """Let others learn what a user who has a row has read, or not."""
        self.put(self._receipts, user.id, on)
        self.add(SetReceipts(user.id, int(on)))

    def ignored(self, user: User) -> frozenset[str]:
        """Return the ids of the users whom the user ignores by now."""
        return self._ignored.get(user.id, user.ignored)

    def ignore(self, user: User, other: str) -> None:
        """Let the user ignore another; both have rows."""
        self.put(self._ignored, user.id, self.ignored(user) | {other})
        self.add(SetIgnored(user.id, other))

    def unignore(self, user: User, other: str) -> None:
        """Let the user no longer ignore another."""
        self.put(self._ignored, user.id, self.ignored(user) - {other})
        self.add(DropIgnored(user.id, other))

    def conduct(self, user: str) -> Conduct:
        """Return what is held against the user of this id by now; a value, not to be changed."""
        return self._conduct.get(user) or self.state.moderation.of(user)

    def set_conduct(self, user: str, conduct: Conduct) -> None:
        """Note what is held against the user of this id."""
        self.put(self._conduct, user, conduct)

    def sent_under(self, user: User, key: str) -> tuple[NewKey | None, bool]:
        """Return what the user sent under this key before, and whether it is on disk."""
        decided = self._keys.get((user.id, key))
        if decided is not None:
            return decided, False
        stored = user.sent.find(key, self.state.keys_since())
        return stored, stored is not None

    def add_key(self, key: NewKey) -> None:
        """Remember what was sent under a key."""
        self.put(self._keys, (key.user, key.key), key)
        self.add(key)

    def trim_keys(self, user: str) -> None:
        """Remove the old keys of the user of this id from the disk, once."""
        if user not in self._trimmed:
            self.put(self._trimmed, user, True)  # noqa: FBT003  # a mapping's value
            self.add(TrimKeys(user, KEYS_REMEMBERED))


def _no_such_user() -> ChatError:
    return ChatError("no-such-user", "this user does not exist any more")
