"""The keys under which a user sent messages: a send that is repeated under its key is sent once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

import attrs

from tcpchat.store.changes import NewKey

KEYS_REMEMBERED = 1000  # of a user's last sends; a client repeats the newest after a doubt, not old ones
KEYS_TRIMMED = 256  # keys too many on disk, after which they are deleted there together


@attrs.define(eq=False)
class SentKeys:
    """The last keys of one user, oldest first, and the keys of sends that are not on disk yet."""

    on_disk: bool = False
    """The keys were left to the disk while the user was away, and are to be read before one is used."""
    _keys: dict[str, NewKey] = attrs.field(factory=dict)
    _in_flight: Counter[str] = attrs.field(factory=Counter)
    _evicted: int = 0

    def __iter__(self) -> Iterator[NewKey]:
        return iter(self._keys.values())

    def find(self, key: str, since: int) -> NewKey | None:
        """Return what was sent under the key, and not before `since`, in ms since 1970."""
        found = self._keys.get(key)
        return found if found is not None and found.at >= since else None

    def is_in_flight(self, key: str) -> bool:
        return key in self._in_flight

    def begin(self, key: str) -> None:
        """Note that a send under the key is on its way to disk."""
        self._in_flight[key] += 1

    def end(self, key: str) -> None:
        """Note that a send under the key is on disk, or was rejected."""
        self._in_flight[key] -= 1
        if not self._in_flight[key]:
            del self._in_flight[key]

    def add(self, sent: NewKey) -> None:
        """Remember a send that is on disk."""
        self._keys.pop(sent.key, None)
        self._keys[sent.key] = sent
        if len(self._keys) > KEYS_REMEMBERED:
            del self._keys[next(iter(self._keys))]
            self._evicted += 1

    def unload(self) -> None:
        """Leave the keys to the disk."""
        if self._keys:
            self._keys = {}
            self.on_disk = True

    def load(self, sent: Iterable[NewKey]) -> None:
        """Take the keys from disk, oldest first."""
        self.on_disk = False
        for one in sent:
            self.add(one)

    def should_trim(self) -> bool:
        """Return whether the disk has many more of them than are remembered."""
        return self._evicted >= KEYS_TRIMMED

    def trimmed(self) -> None:
        """Note that the disk has no more of them than are remembered."""
        self._evicted = 0
