"""A user: a name with an identity, from the first connection to the last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import attrs

from tcpchat.chat.limits import TokenBucket

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
    """Something on disk points to this user's id, or will with the next commit."""
    last_number: int = 0
    """Of the scheduled messages; numbers are not used again."""
    conversations: dict[str, Room] = attrs.field(factory=dict)
    """By the id of the other user."""
    _sends: dict[str, Entry] | None = None

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
