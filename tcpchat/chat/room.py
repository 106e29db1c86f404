"""A room, or the conversation of two users: messages numbered 1, 2, 3 … without gaps."""

from __future__ import annotations

from collections import deque

import attrs

from tcpchat.protocol import encode_message
from tcpchat.store import NewMessage
from tcpchat.times import timestamp

RECENT = 500  # messages of the lobby in memory: as many as one `history` may ask for


def conversation(one: str, other: str) -> str:
    """Return the name, never shown, of the room of two users, given their ids."""
    return "@" + "@".join(sorted((one, other)))  # no room that people name begins with @


def as_line(message: NewMessage) -> bytes:
    """Write a kept message as the event that it is, or was."""
    room, seq, at, _, name, _, recipient, text = message
    if recipient is None:
        return encode_message("room", room, seq, timestamp(at), name, text)
    return encode_message("to", recipient, seq, timestamp(at), name, text)


@attrs.define(eq=False)
class Room:
    """Gives numbers out before a commit and takes them back if it fails."""

    name: str
    seq: int = 0
    """Of the last message that is on disk; what readers may know of."""
    remembers: int = 0
    """How many of its last messages stay in memory."""
    _next: int = attrs.field(init=False)
    _recent: deque[tuple[int, bytes]] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._next = self.seq + 1
        self._recent = deque(maxlen=self.remembers)

    def number(self) -> int:
        """Return the next number, for the batch that is being made."""
        seq = self._next
        self._next += 1
        return seq

    def settle(self, seq: int, line: bytes) -> None:
        """Note that the message of this number is on disk; `line` is what everybody gets."""
        self.seq = seq
        self._recent.append((seq, line))

    def undo(self, seq: int) -> None:
        """Give the number of a message that failed to the next one."""
        self._next = min(self._next, seq)

    def fill(self, messages: list[NewMessage]) -> None:
        """Take the last messages from disk, oldest first, when the server starts."""
        self._recent.extend((message.seq, as_line(message)) for message in messages)

    def recent(self, count: int, *, before: int | None, after: int | None) -> list[bytes] | None:
        """Return lines as `Store.history` would, or None where memory does not reach back that far."""
        first = self._recent[0][0] if self._recent else self.seq + 1
        end = self.seq if before is None else min(self.seq, before - 1)
        if after is not None:
            start, end = after + 1, min(end, after + count)
        else:
            start = max(1, end - count + 1)
        return None if start < first and start <= end else self._slice(start, end)

    def _slice(self, start: int, end: int) -> list[bytes]:
        return [line for seq, line in self._recent if start <= seq <= end]
