"""A user: a name with an identity, from the first connection to the last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import attrs

from tcpchat.chat.limits import TokenBucket
from tcpchat.protocol import UserInfo, encode_part
from tcpchat.times import timestamp

if TYPE_CHECKING:
    from tcpchat.chat.entry import Entry
    from tcpchat.chat.room import Room

KEYS_REMEMBERED = 1000  # of a user's last sends; a client repeats the newest after a doubt, not old ones


class Receiver(Protocol):
    """A connection as the chat sees it: it takes bytes at once and never fails."""

    def write_nowait(self, data: bytes) -> None:
        """Take whole lines, each ended."""

    def acknowledge(self, replies: bytes, count: int) -> None:
        """Take the replies to `count` entries that this connection asked for."""


@attrs.define(eq=False, kw_only=True)
class User:
    """Somebody who is here.

    `id` is opaque and never used again; `key` is the skeleton of the name, by which names are compared.
    `since` is in milliseconds since 1970.
    """

    id: str
    name: str
    key: str
    since: int
    bucket: TokenBucket
    connections: list[Receiver] = attrs.field(factory=list)
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
    _part: tuple[str, bytes] = ("", b"")
    _sends: dict[str, Entry] | None = None

    def describe(self) -> bytes:
        """Return the user's entry in `users`, as long as not muted. It is made once for each name."""
        if self._part[0] != self.name:
            self._part = self.name, encode_part(UserInfo(name=self.name, since=timestamp(self.since)))
        return self._part[1]

    def first_send(self, key: str) -> Entry | None:
        """Return what this user sent under the same key before."""
        return None if self._sends is None else self._sends.get(key)

    def remember_send(self, key: str, entry: Entry) -> None:
        """Note the first send under a key, for the last `KEYS_REMEMBERED` keys."""
        if self._sends is None:
            self._sends = {}
        self._sends[key] = entry
        if len(self._sends) > KEYS_REMEMBERED:
            del self._sends[next(iter(self._sends))]

    def forget_send(self, key: str) -> None:
        """Let the key be used again: what was sent under it was not kept."""
        if self._sends is not None:
            self._sends.pop(key, None)
