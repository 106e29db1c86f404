"""A user: a name with an identity, from the first connection to the last."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import attrs

from tcpchat.chat.limits import TokenBucket
from tcpchat.chat.receiver import Receiver
from tcpchat.chat.room import Room
from tcpchat.protocol import UserInfo, encode_part
from tcpchat.store.changes import peer_of
from tcpchat.times import timestamp

if TYPE_CHECKING:
    from tcpchat.chat.device import Device
    from tcpchat.chat.entry import Entry

KEYS_REMEMBERED = 1000  # of a user's last sends; a client repeats the newest after a doubt, not old ones
LINES_MISSED = 1000  # kept for who is between two connections; more are in history only
KEYS_TRIMMED = 256  # keys too many on disk, after which they are deleted there together


@attrs.define
class Mark:
    """How far a user has read a room or conversation, and how far a device of the user was given it."""

    read: int = 0
    delivered: int = 0

    saying: int = 0
    """The last own message on its way to disk that is read with all before it; 0 if there is none."""

    def say(self, seq: int) -> bool:
        """Note that the user's own message of this number is on its way; return whether it is read then."""
        follows = seq - 1 in {self.read, self.saying}
        if follows:
            self.saying = seq
        return follows

    def said(self, seq: int) -> None:
        """Note that the user's own message is on disk."""
        if self.read == seq - 1:
            self.read = seq
            self.delivered = max(self.delivered, seq)


@attrs.define(eq=False)
class Conversation:
    """One user's side of a conversation with the user of the id `other`."""

    room: Room
    other: str
    mark: Mark = attrs.field(factory=Mark)


@attrs.define(eq=False, kw_only=True)
class User:
    """Somebody who is here, or who may come back.

    `id` is opaque and never used again; `key` is the skeleton of the name, by which names are compared.
    Points in time are in milliseconds since 1970.
    """

    id: str
    name: str
    key: str
    since: int
    bucket: TokenBucket
    registered: int | None = None
    """Since when the name is this user's for good; None: a guest."""
    connections: list[Receiver] = attrs.field(factory=list)
    devices: list[Device] = attrs.field(factory=list)
    """What brings a connection back to this user; without one nothing does."""
    left: int | None = None
    """When the last connection went."""
    kept: bool = False
    """Other rows on disk may point to this user's id, or may after the commit under way."""
    deleted: bool = False
    """Nothing may be written of this user any more."""
    taking: tuple[str, str] | None = None
    """The name and key that the user has after the commit under way."""
    last_number: int = 0
    """Of the scheduled messages; numbers are not used again."""
    last_session: int = 0
    """The highest number that a session got while the user is in memory."""
    scheduling: int = 0
    """How many messages are on their way into the schedule."""
    lobby: Mark = attrs.field(factory=Mark)
    conversations: dict[str, Conversation] = attrs.field(factory=dict)
    """All of them, by the id of the other user."""
    ignored: frozenset[str] = frozenset()
    """Ids of those of whom this user hears nothing."""
    away: tuple[str, int] | None = None
    """What others are told, and since when."""
    receipts: bool = True
    """Others learn what this user has read, and this one what they have."""
    _told: set[str] | None = None
    _missed: list[bytes] | None = None
    _part: bytes | None = None
    _sends: dict[str, tuple[int, Entry]] | None = None
    sends_on_disk: bool = False
    """The keys of what this user sent are on disk only."""
    _evicted: int = 0

    def device_of(self, connection: Receiver) -> Device | None:
        """Return which device the connection belongs to."""
        return next((device for device in self.devices if device.connection is connection), None)

    def lasting(self) -> list[Device]:
        """Return the devices that the disk is to have."""
        return [device for device in self.devices if not device.over]

    def mark(self, room: str) -> Mark:
        """Return how far this user is in the lobby, or in a conversation of this one, by the room's name."""
        if not room.startswith("@"):
            return self.lobby
        return self.conversations[peer_of(room, self.id)].mark

    def has_told(self, author: str) -> bool:
        """Tell whether the author of this id was told that this user is not there; from now on it was."""
        if self._told is None:
            self._told = set()
        told = author in self._told
        self._told.add(author)
        return told

    def tell_again(self) -> None:
        """Let those who write be told again how this user is to be found."""
        self._told = None

    def changed(self) -> None:
        """Note that `users` shows something else of this user."""
        self._part = None

    def describe(self) -> bytes:
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

    def miss(self, line: bytes) -> None:
        """Keep a line for when the user is back; of very many the last ones."""
        self._missed = [*(self._missed or [])[1 - LINES_MISSED :], line]

    def take_missed(self) -> bytes:
        """Return the lines that nobody has had, and forget them."""
        missed, self._missed = self._missed or [], None
        return b"".join(missed)

    def arrive(self, now: int) -> None:
        """Note since when the user is here again."""
        self.since = now
        self._part = None

    def first_send(self, key: str, since: int) -> Entry | None:
        """Return what this user sent under the same key before, and not before `since`."""
        if self._sends is None or key not in self._sends:
            return None
        at, entry = self._sends[key]
        return entry if at >= since else None

    def remember_send(self, key: str, entry: Entry, at: int) -> None:
        """Note the first send under a key, for the last `KEYS_REMEMBERED` keys."""
        if self._sends is None:
            self._sends = {}
        self._sends.pop(key, None)
        self._sends[key] = at, entry
        if len(self._sends) > KEYS_REMEMBERED:
            del self._sends[next(iter(self._sends))]
            self._evicted += 1

    def forget_send(self, key: str) -> None:
        """Let the key be used again: what was sent under it was not kept."""
        if self._sends is not None:
            self._sends.pop(key, None)

    def unload_sends(self) -> None:
        """Leave the keys to the disk while the user is away; all of them are settled."""
        if self._sends:
            self._sends = None
            self.sends_on_disk = True

    def load_sends(self, sends: Iterable[tuple[str, int, Entry]]) -> None:
        """Take the keys from disk, oldest first: each with when it was used and what answers a repeat."""
        self.sends_on_disk = False
        for key, at, entry in sends:
            self.remember_send(key, entry, at)

    def has_old_keys(self) -> bool:
        """Tell, once for many keys, that the disk has more of them than are remembered."""
        if self._evicted < KEYS_TRIMMED:
            return False
        self._evicted = 0
        return True
