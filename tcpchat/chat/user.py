"""A user: a name with an identity, from the first connection to the last."""

from __future__ import annotations

import attrs

from tcpchat.chat.limits import TokenBucket
from tcpchat.chat.member import Member
from tcpchat.chat.sent_keys import SentKeys
from tcpchat.chat.session import Session
from tcpchat.chat.subscriber import Subscriber
from tcpchat.protocol import UserInfo, encode_part
from tcpchat.times import timestamp
from tcpchat.wire.base import LOBBY

LINES_QUEUED = 1000  # for a user who is between two connections; more are in `history` only


@attrs.define(eq=False, kw_only=True)
class User:
    """A user who is connected, or was and may come back.

    `id` is opaque and never used again; `key` is the skeleton of the name, by which names are compared.
    Points in time are in ms since 1970. What the disk has of a user is changed by `apply` only;
    connections and what follows from them are not on disk.
    """

    id: str
    name: str
    key: str
    since: int
    bucket: TokenBucket
    registered: int | None = None
    """Since when the name is reserved for this user; None: a guest."""
    has_row: bool = False
    """Rows on disk may refer to this user."""
    sessions: list[Session] = attrs.field(factory=list)
    """Their tokens bring a connection back to this user."""
    members: dict[str, Member] = attrs.field(factory=dict)
    """The user's membership in each room, by the room's name."""
    standings: dict[str, str] = attrs.field(factory=dict)
    """How the user stands to named rooms in which the user is not, by name: invited or removed."""
    ignored: frozenset[str] = frozenset()
    """Ids of the users whose messages this one does not get."""
    away: tuple[str, int] | None = None
    """The text for others, and since when."""
    receipts: bool = True
    """Others learn what this user has read, and this one what they have."""
    last_number: int = 0
    """Of the scheduled messages; numbers are not used again."""
    sent: SentKeys = attrs.field(factory=SentKeys)
    connections: list[Subscriber] = attrs.field(factory=list)
    left: int | None = None
    """When the last connection ended."""
    left_seq: int = 0
    """The number of the lobby's last event then."""
    last_session: int = 0
    """The highest number that a session got while the user is in memory."""
    pins: int = 0
    """How many drafts write about the user; see `chat.draft`."""
    gone: bool = False
    """A guest who left for good, and is pinned: nothing more is decided about this user."""
    scheduling: int = 0
    """How many scheduled messages are on their way to disk."""
    _notified: set[str] | None = None
    _queued: list[bytes] | None = None
    _part: bytes | None = None

    @property
    def lobby(self) -> Member:
        """Return the membership that everybody has."""
        return self.members[LOBBY]

    def session_of(self, connection: Subscriber) -> Session | None:
        """Return which session the connection belongs to."""
        return next((session for session in self.sessions if session.connection is connection), None)

    def should_notify(self, author: str) -> bool:
        """Return, once for each author's id, that this author is to learn that the user is not there."""
        if self._notified is None:
            self._notified = set()
        notified = author in self._notified
        self._notified.add(author)
        return not notified

    def notify_again(self) -> None:
        """Let authors be notified again, since the user came or went."""
        self._notified = None

    def changed(self) -> None:
        """Note that `users` shows something else of this user."""
        self._part = None

    def encoded(self) -> bytes:
        """Return the user's entry in `users`, as long as not muted. It is made once for each change."""
        if self._part is None:
            self._part = encode_part(self.info())
        return self._part

    def info(self, muted_until: int | None = None) -> UserInfo:
        """Return what others see."""
        return UserInfo(
            name=self.name,
            since=timestamp(self.since),
            registered=True if self.registered is not None else None,
            away=None if self.away is None else self.away[0],
            muted_until=None if muted_until is None else timestamp(muted_until),
        )

    def queue_offline(self, line: bytes) -> None:
        """Keep a line until the user is back; of very many the last ones."""
        self._queued = [*(self._queued or [])[1 - LINES_QUEUED :], line]

    def take_queued(self) -> bytes:
        """Return the lines that no connection got, and forget them."""
        queued, self._queued = self._queued or [], None
        return b"".join(queued)
