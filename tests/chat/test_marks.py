"""Many messages make one receipt, and none is lost because the disk was full."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tcpchat.chat.entry import Delivery, Post
from tcpchat.chat.hub import Hub
from tcpchat.chat.marks import RECORDS, MarkEntry, Marks, ReadEntry
from tcpchat.chat.room import public_id
from tcpchat.chat.user import Conversation, Mark, User
from tcpchat.protocol import Error, Read
from tcpchat.store.changes import SetMark
from tests.chat.test_hub import arrive, join, new_user


class Two:
    """Alice, who writes, and bob, who is given it; both are kept."""

    def __init__(self) -> None:
        self.hub = Hub()
        self.calls: list[str] = []
        self.marks = Marks(self.hub, lambda: self.calls.append("change"))
        self.alice, self.bob = join(self.hub, "alice", "bob")
        self.alice.kept = self.bob.kept = True
        self.room = self.hub.conversation(self.alice, self.bob)

    @property
    def conversation(self) -> Conversation:
        """Bob's side."""
        return self.bob.conversations[self.alice.id]

    def say(self, count: int = 1) -> list[Post]:
        posts = [Post(self.room, self.alice, "alice", "hi", self.bob) for _ in range(count)]
        for post in posts:
            post.prepare(0)
            post.settle(Delivery())
        return posts

    def read(self, seq: int) -> tuple[ReadEntry, Delivery]:
        entry = ReadEntry(self.marks, self.bob, "alice", self.room, self.conversation, seq)
        entry.asker = self.bob.connections[0]
        return entry, settle(entry)


def settle(entry: Any) -> Delivery:
    delivery = Delivery()
    entry.settle(delivery)
    return delivery


def heard(delivery: Delivery, user: User) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in delivery.direct.get(user.connections[0], ())]


def receipt(two: Two, delivered: int, seen: int | None = 0) -> dict[str, Any]:
    fields = {"room": public_id(two.room.name), "username": "bob", "delivered": delivered}
    return {"type": "receipt", **fields} | ({} if seen is None else {"seen": seen})


# Delivered


def test_many_messages_make_one_receipt_up_to_the_last() -> None:
    two = Two()
    assert not two.marks
    for posts in (two.say(3), two.say(2)):
        two.marks.delivered(posts)
    assert two.marks
    assert two.calls
    entry = two.marks.records()
    assert not two.marks
    assert [*entry.prepare(0)] == [SetMark(two.bob.id, two.room.name, 0, 5)]
    delivery = settle(entry)
    assert heard(delivery, two.alice) == [receipt(two, 5)]
    assert heard(delivery, two.bob) == []


def test_a_mark_that_does_not_move_is_nothing_to_tell() -> None:
    two = Two()
    posts = two.say(3)
    two.marks.delivered(posts)
    two.marks.records()
    two.marks.delivered(posts[:2])
    two.marks.advance(two.bob, two.conversation, 3)
    assert not two.marks
    assert two.conversation.mark == Mark(0, 3)


def test_what_moves_while_it_is_written_is_written_as_it_is_then_and_again() -> None:
    two = Two()
    two.marks.delivered(two.say())
    entry = two.marks.records()
    two.marks.delivered(two.say())
    assert [*entry.prepare(0)] == [SetMark(two.bob.id, two.room.name, 0, 2)]
    assert two.marks
    assert [*two.marks.records().prepare(0)] == [SetMark(two.bob.id, two.room.name, 0, 2)]


def test_what_the_disk_refused_is_tried_again() -> None:
    two = Two()
    two.marks.delivered(two.say(2))
    entry = two.marks.records()
    entry.prepare(0)
    entry.undo()
    entry.refuse(Error(code="storage-failed", message="full"))
    assert two.marks
    assert heard(settle(two.marks.records()), two.alice) == [receipt(two, 2)]


def test_each_conversation_has_marks_of_its_own() -> None:
    two = Two()
    (carol,) = join(two.hub, "carol")
    carol.kept = True
    two.hub.conversation(carol, two.bob)
    two.marks.delivered(two.say())
    two.marks.advance(two.bob, two.bob.conversations[carol.id], 4)
    two.marks.advance(carol, carol.conversations[two.bob.id], 6)
    entry = two.marks.records()
    other = two.bob.conversations[carol.id].room.name
    assert [*entry.prepare(0)] == [
        SetMark(two.bob.id, two.room.name, 0, 1),
        SetMark(two.bob.id, other, 0, 4),
        SetMark(carol.id, other, 0, 6),
    ]
    delivery = settle(entry)
    assert [line["delivered"] for line in heard(delivery, two.alice)] == [1]
    assert [line["delivered"] for line in heard(delivery, carol)] == [4]
    assert [line["delivered"] for line in heard(delivery, two.bob)] == [6]


def test_marks_of_whom_nothing_is_kept_are_told_and_not_written() -> None:
    two = Two()
    two.marks.delivered(two.say())
    two.bob.kept = False
    entry = two.marks.records()
    assert [*entry.prepare(0)] == []
    assert heard(settle(entry), two.alice) == [receipt(two, 1)]


def test_an_author_who_is_gone_or_oneself_is_told_nothing() -> None:
    two = Two()
    two.marks.delivered(two.say())
    two.hub.detach(two.alice, two.alice.connections[0])
    assert settle(two.marks.records()).direct == {}
    two.marks.moved(two.bob, two.conversation)
    two.hub.gone(two.alice)
    assert settle(two.marks.records()).direct == {}
    two.hub.conversation(two.bob, two.bob)
    two.marks.advance(two.bob, two.bob.conversations[two.bob.id], 3)
    assert settle(two.marks.records()).direct == {}


def test_very_many_marks_are_written_in_parts() -> None:
    two = Two()
    for number in range(RECORDS + 1):
        user = new_user(f"u{number}")
        user.kept = True
        two.marks.advance(user, Conversation(two.room, two.alice.id), 1)
    sizes = []
    while two.marks:
        entry = two.marks.records()
        assert isinstance(entry, MarkEntry)
        sizes.append(len(entry.prepare(0)))
    assert sizes == [RECORDS, 1]


@pytest.mark.parametrize(("reader", "author"), [(True, True), (False, True), (True, False), (False, False)])
def test_seen_is_told_only_if_both_tell(*, reader: bool, author: bool) -> None:
    two = Two()
    two.bob.receipts, two.alice.receipts = reader, author
    two.marks.delivered(two.say())
    two.conversation.mark.read = 1
    delivery = settle(two.marks.records())
    assert heard(delivery, two.alice) == [receipt(two, 1, 1 if reader and author else None)]


# Read


def test_who_reads_has_read_and_was_given_up_to_there() -> None:
    two = Two()
    two.say(5)
    second = arrive(two.hub, two.bob)
    entry, delivery = two.read(3)
    assert [*entry.prepare(0)] == [SetMark(two.bob.id, two.room.name, 3, 3)]
    expected = Read(room=public_id(two.room.name), username="alice", seq=3)
    assert entry.reply == expected
    assert two.conversation.mark == Mark(3, 3)
    assert [orjson.loads(line)["seq"] for line in delivery.direct[second]] == [3]
    assert heard(delivery, two.bob) == [], "the one that read gets the reply"
    assert heard(settle(two.marks.records()), two.alice) == [receipt(two, 3, 3)]


def test_reading_never_goes_back() -> None:
    two = Two()
    two.say(5)
    two.read(3)
    two.marks.records()
    second = arrive(two.hub, two.bob)
    entry, delivery = two.read(2)
    assert isinstance(entry.reply, Read)
    assert entry.reply.seq == 3
    assert second not in delivery.direct
    assert not two.marks
    assert two.conversation.mark == Mark(3, 3)


@pytest.mark.parametrize(
    ("receipts", "given", "told"), [(False, 5, False), (False, 2, True), (True, 5, True)]
)
def test_what_is_read_in_secret_tells_no_more_than_that_it_was_given(
    *, receipts: bool, given: int, told: bool
) -> None:
    two = Two()
    two.say(5)
    two.bob.receipts = receipts
    two.conversation.mark.delivered = given
    two.read(3)
    assert bool(two.marks) == told


def test_the_lobby_has_a_mark_and_no_receipts() -> None:
    two = Two()
    lobby = two.hub.lobby
    entry = ReadEntry(two.marks, two.bob, None, lobby, None, 7)
    entry.asker = two.bob.connections[0]
    assert [*entry.prepare(0)] == [SetMark(two.bob.id, "lobby", 7, 7)]
    settle(entry)
    assert entry.reply == Read(room="lobby", seq=7)
    assert two.bob.lobby == Mark(7, 7)
    assert not two.marks


def test_of_whom_nothing_is_kept_nothing_is_written() -> None:
    two = Two()
    two.say(1)
    two.bob.kept = False
    entry, _ = two.read(1)
    assert entry.prepare(0) == ()
    assert two.conversation.mark == Mark(1, 1)
