"""The users in memory: how they come, connect, leave, come back, and are removed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count

from tcpchat.chat.audience import Audience
from tcpchat.chat.directory import Directory
from tcpchat.chat.limits import TokenBucket
from tcpchat.chat.member import Member
from tcpchat.chat.presence import Presence
from tcpchat.chat.room import Kind
from tcpchat.chat.rooms import Rooms
from tcpchat.chat.session import Session
from tcpchat.chat.sessions import SessionIndex, hash_token
from tcpchat.chat.subscriber import Subscriber
from tcpchat.chat.user import User
from tcpchat.errors import ChatError
from tcpchat.names import skeleton
from tcpchat.settings import Settings
from tcpchat.store.changes import SetSession
from tcpchat.store.rows import UserRow
from tcpchat.times import MILLISECONDS, Clock


class Users:
    """Puts the parts together that know users: names, sessions, memberships, audience and presence.

    `new_id` gives opaque ids of users, and `new_token` the secrets that bring one back; nobody may guess one.
    """

    def __init__(  # noqa: PLR0913  # the parts that know users, each shared with the state
        self,
        settings: Settings,
        clock: Clock,
        new_id: Callable[[], str],
        new_token: Callable[[], str],
        *,
        rooms: Rooms,
        directory: Directory,
        sessions: SessionIndex,
        audience: Audience,
        presence: Presence,
    ) -> None:
        self.rooms = rooms
        self.directory = directory
        self.sessions = sessions
        self.audience = audience
        self.presence = presence
        self.resumes = count(1)
        """Numbers for requests to resume, in the order in which they came."""
        self.deleted: set[str] = set()
        """Ids of deleted users; what was read of them before is not true any more."""
        self._settings = settings
        self._clock = clock
        self.new_id = new_id
        self._new_token = new_token

    def configure(self, settings: Settings) -> None:
        """Let these settings hold from now on, also for users who are in memory."""
        limits, rules = settings.limits, settings.rules
        self._settings = settings
        for user in self.directory.users():
            user.bucket.allow(limits.messages_per_second, limits.message_burst)
        self.sessions.configure(
            presence=rules.presence_seconds, grace=rules.grace_seconds, most=limits.absent_users
        )

    def get(self, id: str) -> User | None:
        """Return the user of this id, if in memory."""
        return self.directory.get(id)

    def anonymous(self) -> User:
        """Return the user of a connection that must log in first."""
        return User(id="", name="", key="", since=0, bucket=self._bucket())

    def new_guest(self, connection: Subscriber, address: str) -> tuple[User, str]:
        """Attach the connection to a new guest; return the guest and its token."""
        name, key = self.directory.new_guest_name()
        user = self.new_user(name, key)
        self.directory.add(user)
        change, token = self.new_session(user, 1, "", address)
        self.sessions.add(user, session_of_row(change, connection))
        self.attach(user, connection)
        return user, token

    def new_user(self, name: str, key: str) -> User:
        """Return a user who is not in the directory yet."""
        user = User(id=self.new_id(), name=name, key=key, since=self._clock.now(), bucket=self._bucket())
        self._join_lobby(user, self.rooms.lobby.seq)
        return user

    def create(self, id: str, at: int) -> None:
        """Have a user in memory who has neither a name nor a session yet."""
        user = User(id=id, name="", key="", since=at, bucket=self._bucket())
        self._join_lobby(user, 0)
        self.directory.add_nameless(user)
        self.sessions.add_absent(user, self._clock.monotonic(), here=False)

    def _join_lobby(self, user: User, seq: int) -> None:
        lobby = self.rooms.lobby
        user.members[lobby.name] = Member(lobby, seq, seq)

    def new_session(self, user: User, number: int, name: str, address: str) -> tuple[SetSession, str]:
        """Return one more session of the user, which begins once it is applied, and its token."""
        token, now = self._new_token(), self._clock.now()
        return SetSession(hash_token(token), user.id, number, name, address, now, now), token

    def _bucket(self) -> TokenBucket:
        limits = self._settings.limits
        return TokenBucket(limits.messages_per_second, limits.message_burst)

    def attach(self, user: User, connection: Subscriber) -> None:
        """Let the connection speak as this user, and get what is for the user, and for the user's rooms."""
        user.connections.append(connection)
        for member in user.members.values():
            if member.room.kind is Kind.NAMED:
                member.room.listeners[connection] = user

    def detach(self, user: User, connection: Subscriber) -> None:
        """Take the connection out, and nothing else: the user stays here."""
        self.audience.unsubscribe(connection)
        user.connections.remove(connection)
        for member in user.members.values():
            member.room.listeners.pop(connection, None)
        session = user.session_of(connection)
        if session is not None:
            session.connection, session.used = None, self._clock.now()
            if session.beside is not None:
                self.sessions.remove(session.hash)

    def leave(self, user: User, connection: Subscriber, *, for_good: bool) -> None:
        """Take the connection out.

        A user without connections may come back for a while; a guest `for_good` may not.
        """
        if connection not in user.connections:
            return  # another took its place
        session = user.session_of(connection)
        beside = session is not None and session.beside is not None  # then the user is not over with it
        self.detach(user, connection)
        self._without_connection(user, expires=(for_good and not beside) or not user.sessions)

    def _without_connection(self, user: User, *, expires: bool) -> None:
        if user.registered is None and expires and not user.connections:
            self.remove_guest(user)
        elif not user.connections:
            self._become_absent(user)
        else:
            self.sessions.mark_dirty(user)

    def _become_absent(self, user: User) -> None:
        user.left, user.left_seq = self._clock.now(), self.rooms.lobby.seq
        here = user in self.presence and self.presence.knows(user)
        if not here:
            self._announce_left(user)
        self.sessions.mark_dirty(user)
        self.sessions.add_absent(user, self._clock.monotonic(), here=here)

    def _announce_left(self, user: User) -> None:
        self.presence.leave(user)
        user.sent.unload()

    def expire(self) -> None:
        """Announce users who did not come back soon, and unload those who did not come back at all."""
        now = self._clock.monotonic()
        for user in self.sessions.take_departed(now):
            self._announce_left(user)
        for user in self.sessions.expired(now):
            self.sessions.unload(user)
            self.remove(user)
        self.directory.expire(self._clock.now() - int(self.sessions.grace() * MILLISECONDS))

    def next_expiry(self) -> float:
        """Return in how many seconds there is something to expire."""
        wait = self.sessions.next_expiry(self._clock.monotonic())
        left = self.directory.first_left()
        if left is None:
            return wait
        over = (left - self._clock.now() + 1) / MILLISECONDS + self.sessions.grace()
        return max(0.0, min(wait, over))

    def remove(self, user: User) -> None:
        """Take the user out of memory; the name is free unless it is stored."""
        self.presence.leave(user)
        self.directory.remove(user)
        self.audience.stop_ignoring(user, user.ignored)

    def remove_guest(self, user: User) -> None:
        """Remove a guest permanently. One who is pinned has the name until that ends."""
        self.sessions.expire(user)
        if user.pins:
            self.presence.leave(user)
            user.gone = True
        else:
            self.remove(user)

    @contextmanager
    def pinned(self, user: User) -> Iterator[None]:
        """Let a user who was loaded for a request stay in memory until the block ends."""
        user.pins += 1
        try:
            yield
        finally:
            self.unpin(user)

    def unpin(self, user: User) -> None:
        """Note that what one draft wrote about the user is applied or was taken back, or a block ended."""
        user.pins -= 1
        if not user.pins:
            self.sessions.unpinned(user)
            if user.gone and self.get(user.id) is user:
                self.remove(user)

    def end_session(self, hash: bytes, why: str | None) -> None:
        """Let the token of this hash bring back nobody, and end its connection.

        Without a `why` the connection stays attached to the user until it leaves.
        """
        found = self.sessions.remove(hash)
        if found is None:
            return  # the user is not in memory
        session, user = found
        connection = session.connection
        for other in [other for other in user.sessions if other.beside == hash and why is not None]:
            self.end_session(other.hash, why)
        if connection is not None and why is None:
            return
        if connection is not None:
            session.connection = None
            self.detach(user, connection)
            connection.stop(why or "")
        if not user.sessions and user.registered is None:
            self.remove_guest(user)
        elif connection is not None and not user.connections:
            self._become_absent(user)

    def delete(self, id: str, why: str) -> None:
        """Forget the user of this id, and end all connections."""
        self.deleted.add(id)
        user = self.get(id)
        if user is not None:
            for connection in list(user.connections):
                self.detach(user, connection)
                connection.stop(why)
            self.sessions.delete(user)
            self.remove(user)
        self.directory.drop(id)
        for other in list(self.audience.ignored_by.get(id, ())):
            self.audience.ignore(other, other.ignored - {id})

    def find_session(self, token: bytes, found: UserRow | None) -> tuple[Session, User]:
        """Return the session whose token has this hash, and its user, who is in memory from now on.

        `found` is the row of the token's user, needed if the user is not in memory. Raises ChatError
        `bad-token`.
        """
        self.expire()
        known = self.sessions.find(token)
        if known is None and found is not None and self._may_resume(found):
            self.load(found)
            known = self.sessions.find(token)
        if known is None or known[0].ending or not self._may_come_back(known[1], found):
            raise ChatError("bad-token", "this token is not valid any more")
        return known

    def _may_come_back(self, user: User, found: UserRow | None) -> bool:
        if user.registered is None and self._settings.rules.require_login:
            return False  # a guest from before login was required
        return found is not None or not (user.sent.on_disk and user.has_row)

    def _may_resume(self, found: UserRow) -> bool:
        newer = self.sessions.dirty.get(found.user)
        if newer is not None:  # what the disk says is not true any more
            left, sessions = newer.left, bool(newer.sessions)
        else:
            left, sessions = found.left, bool(found.sessions)
        return sessions and (
            found.registered is not None or self.sessions.may_come_back(left, self._clock.now())
        )

    def load(self, found: UserRow) -> User:
        """Return the user of a row, who is in memory from now on. Raises ChatError `no-such-user`."""
        user = self.get(found.user)
        if user is None:
            if found.user in self.deleted:  # what was read is not true any more
                raise ChatError("no-such-user", "this user does not exist any more")
            user, since = self._restore(found), self._clock.monotonic()
            if user.registered is None and user.left is not None:  # a guest's grace time goes on
                since -= max(0, self._clock.now() - user.left) / MILLISECONDS
            self.sessions.add_absent(user, since, here=False)
        return user

    def _restore(self, found: UserRow) -> User:
        """Make a user of a row, under the last name if that is free."""
        self.directory.came_back(found.user)
        stored = self.directory.stored(found.user)
        name = found.name if stored is None else stored.name
        if name is None or (stored is None and not self.directory.is_free(skeleton(name))):
            name, _ = self.directory.new_guest_name()
        user = User(
            id=found.user,
            name=name,
            key=skeleton(name),
            since=found.at,
            bucket=self._bucket(),
            registered=found.registered,
            left=found.left,
            has_row=True,
            last_number=found.last_number,
            ignored=frozenset(found.ignored),
            away=found.away,
            receipts=found.receipts,
            standings=dict(found.standings),
        )
        user.sent.on_disk = True
        self._join_lobby(user, self.rooms.lobby.seq)
        for row in found.members:
            room = self.rooms.open(row.room, row.seq)
            user.members[room.name] = Member(room, row.read, row.delivered, row.role, row.since)
        self.directory.add(user)
        self.audience.index_ignored(user)
        for session in found.sessions:
            self.sessions.add(user, session_of_row(session))
        return user

    def come_back(self, user: User, found: UserRow | None) -> None:
        """Note that the user has a connection again; `found` is the user's row."""
        if user.sent.on_disk and found is not None:
            user.sent.load(found.keys)
        self.sessions.came_back(user)
        if user.left is not None:
            user.left = None
            user.notify_again()
        if user not in self.presence:
            user.since = self._clock.now()
            user.changed()
        self.sessions.mark_dirty(user)

    def connect(self, session: Session, user: User, connection: Subscriber, address: str) -> None:
        """Let the connection take the place of the session's old one; it does not subscribe yet."""
        old = session.connection
        if old is not None:
            self.detach(user, old)
            old.stop("replaced")
        session.connection, session.used, session.address = connection, self._clock.now(), address
        self.attach(user, connection)

    def connect_beside(self, session: Session, user: User, connection: Subscriber, address: str) -> Session:
        """Let the connection be the user in a session of its own; return that. It does not subscribe yet."""
        number = max(user.last_session, *(each.number for each in user.sessions)) + 1
        change, _ = self.new_session(user, number, session.name, address)
        own = session_of_row(change, connection)
        own.beside = session.hash
        self.sessions.add(user, own)
        self.attach(user, connection)
        return own


def session_of_row(row: SetSession, connection: Subscriber | None = None) -> Session:
    """Return the session of a row."""
    return Session(
        user=row.user,
        number=row.number,
        hash=row.hash,
        name=row.name,
        address=row.address,
        since=row.since,
        used=row.used,
        connection=connection,
    )
