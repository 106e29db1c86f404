"""A user: a name with an identity, from the first connection to the last."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

import attrs

from tcpchat.chat.limits import TokenBucket
from tcpchat.protocol import UserInfo, encode_part
from tcpchat.times import timestamp

if TYPE_CHECKING:
    from tcpchat.chat.entry import Entry
    from tcpchat.chat.room import Room

KEYS_REMEMBERED = 1000  # of a user's last sends; a client repeats the newest after a doubt, not old ones
LINES_MISSED = 1000  # kept for who is between two connections; more are in history only
KEYS_TRIMMED = 256  # keys too many on disk, after which they are deleted there together


class Receiver(Protocol):
    """A connection as the chat sees it: it takes bytes at once and never fails."""

    def write_nowait(self, data: bytes) -> None:
        """Take whole lines, each ended."""

    def acknowledge(self, replies: bytes, count: int) -> None:
        """Take the replies to `count` entries that this connection asked for."""

    def stop(self, reason: str) -> None:
        """Ask for nothing more; the connection says why and closes when its entries are settled."""


@attrs.define(eq=False, kw_only=True)
class User:
    """Somebody who is here, or who may come back.

    `id` is opaque and never used again; `key` is the skeleton of the name, by which names are compared.
    `since` is in milliseconds since 1970.
    """

    id: str
    name: str
    key: str
    since: int
    bucket: TokenBucket
    connections: list[Receiver] = attrs.field(factory=list)
    token: bytes | None = None
    """The hash of the token that brings a connection back to this user; None: nothing does."""
    left: int | None = None
    """When the last connection went, in ms since 1970."""
    kept: bool = False
    """Other rows on disk may point to this user's id, or may after the commit under way."""
    taking: tuple[str, str] | None = None
    """The name and key that the user has after the commit under way."""
    last_number: int = 0
    """Of the scheduled messages; numbers are not used again."""
    scheduling: int = 0
    """How many messages are on their way into the schedule."""
    conversations: dict[str, Room] = attrs.field(factory=dict)
    """By the id of the other user."""
    _missed: list[bytes] | None = None
    _part: tuple[str, bytes] = ("", b"")
    _sends: dict[str, tuple[int, Entry]] | None = None
    sends_on_disk: bool = False
    """The keys of what this user sent are on disk only."""
    _evicted: int = 0

    def describe(self) -> bytes:
        """Return the user's entry in `users`, as long as not muted. It is made once for each name."""
        if self._part[0] != self.name:
            self._part = self.name, encode_part(UserInfo(name=self.name, since=timestamp(self.since)))
        return self._part[1]

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
        self._part = "", b""

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
