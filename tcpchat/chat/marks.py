"""How far everybody has read and was given private messages, and what the other is told of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import TypeAlias

import attrs

from tcpchat.chat.entry import Delivery, Entry, Post
from tcpchat.chat.hub import Hub
from tcpchat.chat.room import Room, public_id, public_name
from tcpchat.chat.user import Conversation, Mark, User
from tcpchat.chat.wakeups import Notify, ignore
from tcpchat.protocol import Read, Receipt, encode
from tcpchat.store.changes import Change, SetMark

RECORDS = 512  # marks in one entry, so that no batch keeps others waiting for long

Changed: TypeAlias = dict[tuple[str, str], tuple[User, Conversation]]
"""Whose marks moved in which conversations, by the ids of that user and the other."""


class Marks:
    """Collects marks that moved, so that many messages make one receipt: up to the last of them."""

    def __init__(self, hub: Hub, notify: Notify = ignore) -> None:
        self._hub = hub
        self._notify = notify
        self._changed: Changed = {}

    def __bool__(self) -> bool:
        return bool(self._changed)

    def delivered(self, posts: Iterable[Post]) -> None:
        """Note that a device of the recipient was given each of these private messages."""
        for post in posts:
            assert post.recipient is not None
            conversation = post.recipient.conversations[post.author.id]
            if conversation.mark.delivered >= post.seq() - 1:  # else those before come first, by `history`
                self.advance(post.recipient, conversation, post.seq())

    def advance(self, user: User, conversation: Conversation, delivered: int) -> None:
        """Note that a device of the user was given the conversation up to this message."""
        if delivered > conversation.mark.delivered:
            conversation.mark.delivered = delivered
            self.moved(user, conversation)

    def shows(self, reader: User, conversation: Conversation) -> bool:
        """Tell whether the other one of the conversation may learn what this one reads."""
        author = self._hub.find_known(conversation.other)
        return author is not None and reader.receipts and author.receipts

    def forget(self, user: User) -> None:
        """Note that nobody wants to know any more how far the user is."""
        for key in [key for key in self._changed if key[0] == user.id]:
            del self._changed[key]

    def moved(self, user: User, conversation: Conversation) -> None:
        """Note that the user's marks in the conversation are to be written, and told to the other."""
        self._changed[user.id, conversation.other] = user, conversation
        self._notify()

    def records(self) -> MarkEntry:
        """Take what moved, or a part of it, as an entry that writes and tells it."""
        taken = list(islice(self._changed.items(), RECORDS))
        for key, _ in taken:
            del self._changed[key]
        return MarkEntry(self._hub, self, [moved for _, moved in taken])


def receipt(reader: User, author: User, conversation: Conversation) -> Receipt:
    """Return what the author learns of what the reader was given and has read."""
    mark = conversation.mark
    return Receipt(
        room=public_id(conversation.room.name),
        username=reader.name,
        delivered=mark.delivered,
        seen=mark.read if reader.receipts and author.receipts else None,
    )


@attrs.define(eq=False)
class MarkEntry(Entry):
    """Write marks that moved, and tell those who wrote."""

    hub: Hub
    marks: Marks
    moved: Sequence[tuple[User, Conversation]]

    def prepare(self, at: int) -> Sequence[Change]:
        return [
            SetMark(user.id, conversation.room.name, conversation.mark.read, conversation.mark.delivered)
            for user, conversation in self.moved
            if user.kept
        ]

    def settle(self, delivery: Delivery) -> None:
        for user, conversation in self.moved:
            author = self.hub.find_known(conversation.other)
            if author is not None and author is not user and author.connections:
                delivery.to(author, encode(receipt(user, author, conversation)))

    def drop(self) -> None:
        for user, conversation in self.moved:
            self.marks.moved(user, conversation)


@attrs.define(eq=False)
class ReadEntry(Entry):
    """Note how far a user has read the lobby, or a conversation; never back."""

    marks: Marks
    user: User
    username: str | None
    room: Room
    conversation: Conversation | None
    seq: int

    def prepare(self, at: int) -> Sequence[Change]:
        if not self.user.kept:  # a guest of whom the disk knows nothing, and needs to know nothing
            return ()
        return (SetMark(self.user.id, self.room.name, self.seq, self.seq),)

    def settle(self, delivery: Delivery) -> None:
        user, conversation = self.user, self.conversation
        mark = user.lobby if conversation is None else conversation.mark
        moved, given = self.seq > mark.read, self.seq > mark.delivered
        mark.read, mark.delivered = max(mark.read, self.seq), max(mark.delivered, self.seq)
        self.reply = read(self.username, self.room, mark)
        if moved:
            delivery.to(user, encode(self.reply), but=self.asker)
            if conversation is not None and (given or self.marks.shows(user, conversation)):
                self.marks.moved(user, conversation)


def read(username: str | None, room: Room, mark: Mark) -> Read:
    """Return how far a user has read, as a line."""
    return Read(room=public_name(room.name), username=username, seq=mark.read)
