"""The audience of each room: which connections get its events."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from tcpchat.chat.lines import without_text
from tcpchat.chat.presence import Presence
from tcpchat.chat.room import RECENT, Room
from tcpchat.chat.subscriber import Subscriber
from tcpchat.chat.user import User


class PendingSubscriber(NamedTuple):
    """A connection that does not get the lobby's events yet, and the last one that it knows of.

    `since` is when it came, in seconds.
    """

    user: User
    last_seen_seq: int
    since: float


class Audience:
    """Connections, and the events that they get.

    A connection *subscribes* once it gets the lobby's events: a new one only when others are told of its
    user, or when it requests something, so that a user who comes back can first get what was missed.
    """

    def __init__(
        self, lobby: Room, presence: Presence, on_pending: Callable[[], None] = lambda: None
    ) -> None:
        self._lobby = lobby
        self._presence = presence
        self._on_pending = on_pending
        self.subscribed: dict[Subscriber, User] = {}
        self.pending: dict[Subscriber, PendingSubscriber] = {}
        """In the order in which they came."""
        self.ignored_by: dict[str, set[User]] = {}
        """The users in memory who ignore the user of an id."""

    def of(self, room: Room) -> Mapping[Subscriber, User]:
        """Return the connections that get everything that is said in a room, with their users.

        Those of a direct room are the connections of its two users, who get its events as lines of their own.
        """
        return self.subscribed if room is self._lobby else room.listeners

    def subscribe(self, user: User, connection: Subscriber) -> None:
        """Let a connection get the lobby's events from now on; others are told that its user is here."""
        self._presence.join(user)
        self.subscribed[connection] = user

    def subscribe_later(self, user: User, connection: Subscriber, now: float) -> None:
        """Let a connection be a pending subscriber; `now` is in seconds."""
        self.pending[connection] = PendingSubscriber(user, self._lobby.seq, now)
        self._on_pending()

    def unsubscribe(self, connection: Subscriber) -> None:
        """Let a connection get no events of the lobby; its user stays here."""
        self.subscribed.pop(connection, None)
        self.pending.pop(connection, None)

    def subscribe_pending(self, connection: Subscriber) -> None:
        """Let a pending subscriber get the lobby's events, those since it came included."""
        pending = self.pending.pop(connection)
        self.subscribe_after(pending.user, connection, pending.last_seen_seq)

    def subscribe_after(self, user: User, connection: Subscriber, seq: int) -> None:
        """Let a connection get the lobby's events, first those after that number."""
        if seq < self._lobby.seq:
            events = self._lobby.events(seq, RECENT) or ()
            ignored = user.ignored
            lines = (
                event.line if event.author not in ignored else without_text(event.line) for event in events
            )
            connection.write_nowait(b"".join(lines))
        self.subscribe(user, connection)

    def last_seen_seq(self, connection: Subscriber) -> int:
        """Return the number of the lobby's last event that the connection knows of."""
        pending = self.pending.get(connection)
        return self._lobby.seq if pending is None else pending.last_seen_seq

    def subscribe_all_pending(self, until: float = float("inf")) -> None:
        """Let all pending subscribers get the lobby's events, or those who came no later than `until`."""
        for connection, pending in list(self.pending.items()):
            if pending.since > until:
                break
            self.subscribe_pending(connection)

    def flush_before_window(self, events: int) -> None:
        """Let pending subscribers in if so many more events would leave memory without what they miss."""
        if self.pending:
            oldest = next(iter(self.pending.values())).last_seen_seq
            if self._lobby.seq + events - oldest > RECENT:
                self.subscribe_all_pending()

    def ignore(self, user: User, others: frozenset[str]) -> None:
        """Let the user get no messages of the users of these ids, and of all others."""
        self.stop_ignoring(user, user.ignored - others)
        for other in others - user.ignored:
            self.ignored_by.setdefault(other, set()).add(user)
        user.ignored = others

    def index_ignored(self, user: User) -> None:
        """Note whom a user ignores who comes into memory."""
        for other in user.ignored:
            self.ignored_by.setdefault(other, set()).add(user)

    def stop_ignoring(self, user: User, others: frozenset[str]) -> None:
        """Take the user out of those who ignore the users of these ids."""
        for other in others:
            ignoring = self.ignored_by[other]
            ignoring.discard(user)
            if not ignoring:
                del self.ignored_by[other]
