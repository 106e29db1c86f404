"""A room, or the conversation of two users: messages numbered 1, 2, 3 … without gaps."""

from __future__ import annotations

from collections import deque
from functools import lru_cache
from hashlib import blake2b
from itertools import islice

import attrs
import orjson

from tcpchat.protocol import encode_message
from tcpchat.store.changes import DELETED, NewMessage
from tcpchat.times import timestamp

RECENT = 500  # messages of the lobby in memory: as many as one `history` may ask for


def conversation(one: str, other: str) -> str:
    """Return the name, never shown, of the room of two users, given their ids."""
    return "@" + "@".join(sorted((one, other)))  # no room that people name begins with @


@lru_cache(maxsize=4096)
def public_id(room: str) -> str:
    """Return what a conversation is called on the wire: it stays when a user takes another name."""
    return "@" + blake2b(room.encode(), digest_size=8).hexdigest()


def public_name(room: str) -> str:
    """Return what a room is called on the wire, given its name here."""
    return public_id(room) if room.startswith("@") else room


def as_line(message: NewMessage) -> bytes:
    """Write a kept message as the event that it is, or was."""
    room, seq, at, _, name, _, recipient, text = message
    return encode_message(public_name(room), seq, timestamp(at), name, text, recipient)


def without_author(line: bytes) -> bytes:
    """Return what is left of a message whose author was deleted: the number and the time."""
    fields = orjson.loads(line) | {"from": DELETED, "text": ""}
    return orjson.dumps(fields, None, orjson.OPT_APPEND_NEWLINE)


def without_text(line: bytes) -> bytes:
    """Return what who ignores the author gets instead: the number without the text."""
    fields = orjson.loads(line) | {"text": "", "ignored": True}
    return orjson.dumps(fields, None, orjson.OPT_APPEND_NEWLINE)


@attrs.define(eq=False)
class Room:
    """Gives numbers out before a commit and takes them back if it fails."""

    name: str
    seq: int = 0
    """Of the last message that is on disk; what readers may know of."""
    remembers: int = 0
    """How many of its last messages stay in memory."""
    _next: int = attrs.field(init=False)
    _recent: deque[tuple[int, str, bytes]] = attrs.field(init=False)  # number, author, line

    def __attrs_post_init__(self) -> None:
        self._next = self.seq + 1
        self._recent = deque(maxlen=self.remembers)

    def number(self) -> int:
        """Return the next number, for the batch that is being made."""
        seq = self._next
        self._next += 1
        return seq

    def settle(self, seq: int, author: str, line: bytes) -> None:
        """Note that the message of this number is on disk; `line` is what everybody gets."""
        self.seq = seq
        if self.remembers:
            self._recent.append((seq, author, line))

    def undo(self, seq: int) -> None:
        """Give the number of a message that failed to the next one."""
        self._next = min(self._next, seq)

    def fill(self, messages: list[NewMessage]) -> None:
        """Take the last messages from disk, oldest first, when the server starts."""
        self._recent.extend((message.seq, message.author, as_line(message)) for message in messages)

    def erase(self, author: str) -> None:
        """Leave nothing but numbers and times of what the user of this id said."""
        self._recent = deque(
            ((seq, by, line if by != author else without_author(line)) for seq, by, line in self._recent),
            maxlen=self.remembers,
        )

    def recent(
        self, count: int, *, before: int | None, after: int | None, ignored: frozenset[str] = frozenset()
    ) -> list[bytes] | None:
        """Return lines as `read_history` would, or None where memory does not reach back that far.

        Those of `ignored` authors have no text.
        """
        first = self._recent[0][0] if self._recent else self.seq + 1
        end = self.seq if before is None else min(self.seq, before - 1)
        if after is not None:
            start, end = after + 1, min(end, after + count)
        else:
            start = max(1, end - count + 1)
        if start < first and start <= end:
            return None
        return [
            line if author not in ignored else without_text(line)
            for _, author, line in islice(self._recent, max(0, start - first), max(0, end - first + 1))
        ]
