"""Journal entries: changes that count only once they are on disk.

An entry goes through the pipeline in steps, all synchronous: `prepare` says what to write. If that is on
disk, `settle` tells; if not, `undo` takes it back and `refuse` gives it up. Only one batch is prepared at a
time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import attrs

from tcpchat.chat.receiver import Receiver
from tcpchat.chat.room import Room, as_line, public_name, without_text
from tcpchat.chat.user import KEYS_REMEMBERED, User
from tcpchat.errors import ChatError
from tcpchat.protocol import LOBBY, Absent, Error, Id, Reply, Scheduled, Sent, encode, encode_sent
from tcpchat.store.changes import (
    Change,
    NewKey,
    NewMention,
    NewMessage,
    NewUser,
    Prune,
    SetLeft,
    SetMark,
    SetName,
    TrimKeys,
)
from tcpchat.store.rows import NameRow
from tcpchat.times import timestamp


class Delivery:
    """What one commit releases: lines for everybody in the lobby, and lines for some connections."""

    __slots__ = ("delivered", "direct", "lobby", "messages", "said")

    def __init__(self) -> None:
        self.lobby: list[bytes] = []
        self.said: list[Post] = []
        """What each line of the lobby is of."""
        self.direct: dict[Receiver, list[bytes]] = {}
        self.delivered: list[Post] = []
        """Private messages that a device of the recipient was given."""
        self.messages = 0

    def to(self, user: User, line: bytes, *, but: Receiver | None = None) -> None:
        """Add a line for all connections of a user, or all but one."""
        for connection in user.connections:
            if connection is not but:
                self.direct.setdefault(connection, []).append(line)

    def surely_to(self, user: User, line: bytes) -> None:
        """Add a line for a user, who may have to come back to get it."""
        if not user.connections:
            user.miss(line)
        self.to(user, line)


@attrs.define(eq=False)
class Entry:
    """One change, and whom to answer when it is settled: `asker`, by the id of the request.

    What it holds from the moment it is asked, such as a claimed name, only keeps others away. State changes
    in `prepare`, so that each entry is made on what the ones before it left, and `undo` puts that back.
    `reply` is set by `settle` or `refuse`; a kind that answers without one overrides `answer`.
    """

    costs_request: ClassVar[bool] = False
    """It is no message of its own, so it counts as a request."""
    asker: Receiver | None = attrs.field(default=None, init=False)
    re: Id | None = attrs.field(default=None, init=False)
    reply: Reply | None = attrs.field(default=None, init=False)
    _kept: tuple[User, ...] = attrs.field(default=(), init=False)

    def prepare(self, at: int) -> Sequence[Change]:
        """Return what to write; `at` is the time of the batch. Raises ChatError, which refuses it."""
        raise NotImplementedError

    def settle(self, delivery: Delivery) -> None:
        """Make it true now that it is on disk; add what others hear to `delivery`, set `reply`."""
        raise NotImplementedError

    def answer(self, re: Id | None) -> bytes:
        """Return the reply as a line, once it is settled or refused."""
        assert self.reply is not None
        return encode(self.reply, re)

    def undo(self) -> None:
        """Take back what `prepare` did, since it is not on disk. It may be prepared again."""
        for user in self._kept:
            user.kept = False
        self._kept = ()

    def drop(self) -> None:
        """Give back what was held since it was asked."""

    def refuse(self, why: Error) -> None:
        """Give it up, with this as the reply."""
        self.reply = why
        self.drop()

    def keep(self, user: User, at: int) -> list[Change]:
        """Return what other rows need before they may point to the user; nothing if it is there.

        Raises ChatError `no-such-user` if the user was deleted.
        """
        if user.deleted:
            raise ChatError("no-such-user", f"{user.name} was deleted", name=user.name)
        if user.kept:
            return []
        user.kept = True
        self._kept = (*self._kept, user)
        name, key = user.taking or (user.name, user.key)
        changes: list[Change] = [NewUser(user.id, at), SetName(user.id, key, name)]
        if user.devices:
            changes += [SetLeft(user.id, at, user.left), *(device.change() for device in user.lasting())]
            changes.append(SetMark(user.id, LOBBY, user.lobby.read, user.lobby.delivered))
        return changes


def keep_key(user: User, key: NewKey) -> list[Change]:
    """Return what makes a key last, with room for it."""
    return [key, TrimKeys(user.id, KEYS_REMEMBERED)] if user.has_old_keys() else [key]


def answered(key: NewKey) -> Entry:
    """Return an entry that answers as the one did that was sent under a key before."""
    entry = Entry()
    room, time = public_name(key.room), timestamp(key.time)
    if key.number is not None:
        entry.reply = Scheduled(number=key.number, room=room, username=key.username, at=time)
    else:
        assert key.seq is not None
        entry.reply = Sent(room=room, username=key.username, seq=key.seq, at=time)
    return entry


@attrs.define(eq=False)
class Post(Entry):
    """A message for a room, or for one user and the author's own connections."""

    room: Room
    author: User
    name: str
    """Of the author when it was sent; a rename that comes in between does not change it."""
    text: str
    recipient: User | None = None
    key: str | None = None
    mentioned: Sequence[User | NameRow] = ()
    """Whom a message of a room mentions."""
    _message: NewMessage | None = attrs.field(default=None, init=False)
    _line: bytes = attrs.field(default=b"", init=False)
    _saying: int = attrs.field(default=0, init=False)

    def prepare(self, at: int) -> Sequence[Change]:
        author, recipient = self.author, self.recipient
        changes: list[Change] = []
        if author.deleted or not author.kept:
            changes += self.keep(author, at)
        to = None
        if recipient is not None:
            changes += self.keep(recipient, at)
            to = recipient.id
        name = None if recipient is None else recipient.name
        seq = self.room.number()
        self._message = NewMessage(self.room.name, seq, at, author.id, self.name, to, name, self.text)
        self._line = as_line(self._message)
        if recipient is None:
            for user in self.mentioned:
                changes += self._mention(user, at, seq)
        else:
            changes += self._marks(recipient, seq)
        changes.append(self._message)
        if self.key is not None:
            key = NewKey(author.id, self.key, at, self.room.name, name, self._message.seq, None, at)
            changes += keep_key(author, key)
        return changes

    def settle(self, delivery: Delivery) -> None:
        assert self._message is not None
        self.room.settle(self._message.seq, self.author.id, self._line)
        delivery.messages += 1
        if self.recipient is None:
            delivery.lobby.append(self._line)
            delivery.said.append(self)
        else:
            self._settle_private(self.recipient, delivery)
        if self.key is not None:  # it stays for repeats, which need no text
            self._line, self.text = b"", ""
            self._message = self._message._replace(text="")

    def _marks(self, recipient: User, seq: int) -> list[Change]:
        """Return the conversation's beginning for both; and who has read all before has read this too."""
        author, room = self.author, self.room.name
        marks: list[Change] = []
        if seq == 1 and author is not recipient:
            marks.append(SetMark(recipient.id, room, 0, 0))
        mark = author.mark(room)
        self._saying = mark.saying
        if mark.say(seq):
            marks.append(SetMark(author.id, room, seq, seq))
        return marks

    def _mention(self, user: User | NameRow, at: int, seq: int) -> list[Change]:
        if isinstance(user, NameRow):
            return [NewMention(user.user, self.room.name, seq)]
        if user.deleted:
            return []
        return [*self.keep(user, at), NewMention(user.id, self.room.name, seq)]

    def _settle_private(self, recipient: User, delivery: Delivery) -> None:
        author = self.author
        author.mark(self.room.name).said(self.seq())
        delivery.to(author, self._line)
        if author is recipient:
            return
        if author.id not in recipient.ignored:
            delivery.to(recipient, self._line)
            if recipient.connections:
                delivery.delivered.append(self)
        if (recipient.away or not recipient.connections) and not recipient.has_told(author.id):
            delivery.to(author, encode(absent(recipient)))

    def seq(self) -> int:
        """Return the number that the message has, once it is prepared."""
        assert self._message is not None
        return self._message.seq

    def without_text(self) -> bytes:
        """Return the line for who ignores the author, once it is settled."""
        assert self._message is not None
        return without_text(as_line(self._message))

    def answer(self, re: Id | None) -> bytes:
        message = self._message
        if self.reply is not None or message is None:
            return super().answer(re)
        room = public_name(message.room)
        return encode_sent(re, room, message.recipient_name, message.seq, timestamp(message.at))

    def undo(self) -> None:
        super().undo()
        if self._message is not None:
            self.room.undo(self._message.seq)
            if self.recipient is not None:
                self.author.mark(self.room.name).saying = self._saying
            self._message = None

    def drop(self) -> None:
        if self.key is not None:
            self.author.forget_send(self.key)


def absent(user: User) -> Absent:
    """Return what tells who writes to this user that nobody reads it now."""
    text, since = user.away or (None, user.left)
    return Absent(
        username=user.name,
        here=bool(user.connections),
        text=text,
        since=None if since is None else timestamp(since),
    )


@attrs.define(eq=False)
class Repeat(Entry):
    """A send that was made before under the same key: answered as the first was, nothing sent.

    It writes nothing, so that a disk that refuses its batch refuses it only with the first, which is before
    it in the pipeline.
    """

    costs_request: ClassVar[bool] = True
    first: Entry

    def prepare(self, at: int) -> Sequence[Change]:
        return ()

    def settle(self, delivery: Delivery) -> None:
        """Do nothing."""

    def refuse(self, why: Error) -> None:
        """Do nothing: the answer is that of the first."""

    def answer(self, re: Id | None) -> bytes:
        return self.first.answer(re)


@attrs.define(eq=False)
class PruneEntry(Entry):
    """Delete from disk what need not be kept any more."""

    prune: Prune

    def prepare(self, at: int) -> Sequence[Change]:
        return (self.prune,)

    def settle(self, delivery: Delivery) -> None:
        """Nobody hears of it."""
