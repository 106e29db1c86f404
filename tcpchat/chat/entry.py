"""Journal entries: changes that count only once they are on disk.

An entry goes through the pipeline in three steps, all synchronous: `prepare` says what to write, then
`settle` makes it true for everybody, or `undo` takes back what was held for it.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from tcpchat.chat.room import Room, as_line
from tcpchat.chat.user import Receiver, User
from tcpchat.protocol import Error, Id, Reply, encode, encode_sent
from tcpchat.store import Change, NewMessage, NewUser, SetName
from tcpchat.times import timestamp

STORAGE_FAILED = "the disk did not take it, so nothing was done; try again later"


class Delivery:
    """What one commit releases: lines for everybody in the lobby, and lines for some connections."""

    __slots__ = ("direct", "lobby", "messages")

    def __init__(self) -> None:
        self.lobby: list[bytes] = []
        self.direct: dict[Receiver, list[bytes]] = {}
        self.messages = 0

    def to(self, user: User, line: bytes) -> None:
        """Add a line for all connections of a user."""
        for connection in user.connections:
            self.direct.setdefault(connection, []).append(line)


@attrs.define(eq=False)
class Entry:
    """One change, and whom to answer when it is settled: `asker`, by the id of the request.

    `reply` is set by `settle` or `refuse`; a kind that answers without one overrides `answer`.
    """

    asker: Receiver | None = attrs.field(default=None, init=False)
    re: Id | None = attrs.field(default=None, init=False)
    reply: Reply | None = attrs.field(default=None, init=False)
    refused: bool = attrs.field(default=False, init=False)
    """It failed, so it is not to be settled."""

    def prepare(self, at: int) -> Sequence[Change]:
        """Return what to write; `at` is the time of the batch."""
        raise NotImplementedError

    def settle(self, delivery: Delivery) -> None:
        """Make it true now that it is on disk; add what others hear to `delivery`, set `reply`."""
        raise NotImplementedError

    def answer(self, re: Id | None) -> bytes:
        """Return the reply as a line, once it is settled or refused."""
        assert self.reply is not None
        return encode(self.reply, re)

    def undo(self) -> None:
        """Give back what was held, since it is not on disk and will not be."""

    def refuse(self, why: Error) -> None:
        """Undo it, with this as the reply."""
        if not self.refused:
            self.refused = True
            self.reply = why
            self.undo()


def keep(user: User, at: int) -> list[Change]:
    """Return what makes the user one that other rows may point to."""
    return [NewUser(user.id, at), SetName(user.id, user.key, user.name)]


@attrs.define(eq=False)
class Post(Entry):
    """A message for a room, or for one user and the author's own connections."""

    room: Room
    author: User
    text: str
    recipient: User | None = None
    key: str | None = None
    name: str = attrs.field(init=False)
    """Of the author when it was sent; a rename that comes in between does not change it."""
    _message: NewMessage | None = attrs.field(default=None, init=False)
    _line: bytes = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.name = self.author.name

    def prepare(self, at: int) -> Sequence[Change]:
        recipient = self.recipient
        message = NewMessage(
            self.room.name,
            self.room.number(),
            at,
            self.author.id,
            self.name,
            None if recipient is None else recipient.id,
            None if recipient is None else recipient.name,
            self.text,
        )
        self._message = message
        self._line = as_line(message)
        changes: list[Change] = []
        if not self.author.kept:
            changes += keep(self.author, at)
        if recipient is not None and not recipient.kept:
            changes += keep(recipient, at)
        changes.append(message)
        return changes

    def settle(self, delivery: Delivery) -> None:
        message = self._message
        assert message is not None
        self.author.kept = True
        self.room.settle(message.seq, self._line)
        delivery.messages += 1
        if self.recipient is None:
            delivery.lobby.append(self._line)
        else:
            self.recipient.kept = True
            delivery.to(self.recipient, self._line)
            if self.author is not self.recipient:
                delivery.to(self.author, self._line)

    def answer(self, re: Id | None) -> bytes:
        message = self._message
        if self.reply is not None or message is None:
            return super().answer(re)
        _, seq, at, _, _, _, recipient, _ = message
        if recipient is None:
            return encode_sent(re, "room", self.room.name, seq, timestamp(at))
        return encode_sent(re, "username", recipient, seq, timestamp(at))

    def undo(self) -> None:
        if self._message is not None:
            self.room.undo(self._message.seq)
        if self.key is not None:
            self.author.forget_send(self.key)


@attrs.define(eq=False)
class Repeat(Entry):
    """A send that was made before under the same key: answered as the first was, nothing sent."""

    first: Entry

    def prepare(self, at: int) -> Sequence[Change]:
        return ()

    def settle(self, delivery: Delivery) -> None:
        """Nothing is to be done; the first is before this one in the pipeline."""

    def answer(self, re: Id | None) -> bytes:
        return self.first.answer(re)
