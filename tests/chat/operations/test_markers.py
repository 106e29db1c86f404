"""Read markers and receipts: how far users have read rooms, and what authors learn of it."""

from __future__ import annotations

import pytest

from tcpchat.chat.apply import apply
from tcpchat.chat.fanout import Fanout
from tcpchat.chat.operations.markers import MarkRead, StoreReceipts
from tcpchat.chat.operations.users import Delete
from tcpchat.chat.room import direct_name, public_id
from tcpchat.chat.user import User
from tcpchat.protocol import Error
from tcpchat.settings import Settings
from tcpchat.store.changes import SetMember, SetReceipts
from tests.chat.harness import Harness, Line, NullSubscriber, replies, sent_to
from tests.chat.parts import lines, of_type


class Two:
    """Alice, who writes, and bob, who is given it."""

    def __init__(self) -> None:
        self.chat = Harness(Settings())
        self.state = self.chat.state
        self.alice, self.bob = self.chat.join("alice", "bob")
        self.name = direct_name(self.alice.id, self.bob.id)

    def send(self, count: int = 1) -> None:
        for _ in range(count):
            self.chat.take(self.chat.send(self.alice, "hi", self.bob))

    def store(self) -> Fanout:
        """Store what moved; return the receipts."""
        return self.chat.take(StoreReceipts(moved=self.state.receipts.take()))

    def read(self, seq: int, user: User | None = None) -> tuple[MarkRead, Fanout]:
        """Let bob read up to this message, on his first connection."""
        operation = MarkRead(user=(user or self.bob).id, room=self.name, username="alice", seq=seq)
        operation.requester = self.bob.connections[0]
        return operation, self.chat.take(operation)

    @property
    def markers(self) -> tuple[int, int]:
        """Return how far bob has read, and was given, the room."""
        member = self.bob.members[self.name]
        return member.read, member.delivered

    def receipt(self, delivered: int, seen: int | None = 0) -> Line:
        fields = {"username": "bob", "room": public_id(self.name), "delivered": delivered}
        return {"type": "receipt", **fields} | ({} if seen is None else {"seen": seen})


@pytest.fixture
def two() -> Two:
    return Two()


# Delivered


def test_many_messages_make_one_receipt_up_to_the_last(two: Two) -> None:
    two.send(5)
    fanout = two.store()
    assert two.chat.written[-1] == SetMember(two.bob.id, two.name, 0, 5)
    assert two.markers == (0, 5)
    assert sent_to(fanout, two.alice) == [two.receipt(5)]
    assert sent_to(fanout, two.bob) == []
    assert not two.state.receipts


def test_what_moves_while_it_is_stored_is_stored_again(two: Two) -> None:
    two.send()
    operation = StoreReceipts(moved=two.state.receipts.take())
    two.send()
    assert sent_to(two.chat.take(operation), two.alice) == [two.receipt(1)]
    assert sent_to(two.store(), two.alice) == [two.receipt(2)]


def test_a_receipt_says_what_is_on_disk(two: Two) -> None:
    """Never more: after a crash the message would be delivered anew."""
    two.send(2)
    operation = StoreReceipts(moved=two.state.receipts.take())
    assert two.markers == (0, 0)
    two.chat.take(operation)
    assert two.markers == (0, 2)


def test_what_the_disk_refused_is_tried_again(two: Two) -> None:
    two.send(2)
    operation = StoreReceipts(moved=two.state.receipts.take())
    operation.reject(Error(code="storage-failed", message="full"))
    operation.release(two.state)
    assert two.state.receipts
    assert two.markers == (0, 0)
    assert sent_to(two.store(), two.alice) == [two.receipt(2)]


def test_each_room_of_a_user_has_markers_of_its_own(two: Two) -> None:
    (carol,) = two.chat.join("carol")
    two.send()
    two.chat.take(two.chat.send(carol, "hi", two.bob), two.chat.send(carol, "ho", two.bob))
    two.chat.take(two.chat.send(two.bob, "psst", carol))
    fanout = two.store()
    assert [line["delivered"] for line in sent_to(fanout, two.alice)] == [1]
    assert [line["delivered"] for line in sent_to(fanout, carol)] == [3], "bob was given his own, too"
    assert [line["delivered"] for line in sent_to(fanout, two.bob)] == [3]


def test_markers_of_a_user_without_a_row_are_told_and_not_written(two: Two) -> None:
    two.send()
    two.bob.has_row = False
    two.chat.written.clear()
    assert sent_to(two.store(), two.alice) == [two.receipt(1)]
    assert two.chat.written == []
    assert two.markers == (0, 1)


def test_an_author_without_a_connection_is_told_nothing(two: Two) -> None:
    two.send()
    two.state.users.leave(two.alice, two.alice.connections[0], for_good=False)
    assert two.store().direct == {}
    assert two.markers == (0, 1)


def test_an_author_who_is_gone_is_told_nothing(two: Two) -> None:
    two.send()
    two.state.users.leave(two.alice, two.alice.connections[0], for_good=True)
    assert two.store().direct == {}


def test_nobody_is_told_about_oneself(two: Two) -> None:
    two.chat.take(two.chat.send(two.bob, "milk", two.bob))
    room = two.state.rooms.open(direct_name(two.bob.id, two.bob.id))
    two.state.receipts.moved(two.bob, room)
    assert two.store().direct == {}


def test_of_a_deleted_user_nothing_is_stored_or_told(two: Two) -> None:
    two.send()
    operation = StoreReceipts(moved=two.state.receipts.take())
    delete = Delete(user=two.bob.id)
    fanout = two.chat.take(delete, operation)
    assert sent_to(fanout, two.alice) == []
    assert not [change for change in two.chat.written if change == SetMember(two.bob.id, two.name, 0, 1)]
    operation.reject(Error(code="storage-failed", message="full"))
    operation.release(two.state)
    assert not two.state.receipts, "nor tried again"


@pytest.mark.parametrize(("reader", "author"), [(True, True), (False, True), (True, False), (False, False)])
def test_seen_is_shown_only_if_both_show_it(two: Two, *, reader: bool, author: bool) -> None:
    two.send()
    two.store()
    apply(two.state, SetReceipts(two.bob.id, int(reader)))
    apply(two.state, SetReceipts(two.alice.id, int(author)))
    two.read(1)
    two.send()
    assert sent_to(two.store(), two.alice) == [two.receipt(2, 1 if reader and author else None)]


# Read


def test_who_reads_has_read_and_was_given_up_to_there(two: Two) -> None:
    two.send(5)
    phone = NullSubscriber()
    two.bob.connections.append(phone)
    operation, fanout = two.read(3)
    assert two.chat.written[-1] == SetMember(two.bob.id, two.name, 3, 3)
    expected = {"type": "read", "room": public_id(two.name), "username": "alice", "seq": 3}
    assert replies(operation) == [expected]
    assert two.markers == (3, 3)
    assert lines(fanout.direct[phone]) == [expected]
    assert sent_to(fanout, two.bob) == [], "the connection that asked gets the reply"
    assert sent_to(two.store(), two.alice) == [two.receipt(5, 3)]


def test_reading_never_goes_back(two: Two) -> None:
    two.send(5)
    two.read(3)
    two.store()
    two.chat.written.clear()
    phone = NullSubscriber()
    two.bob.connections.append(phone)
    operation, fanout = two.read(2)
    assert replies(operation)[0]["seq"] == 3
    assert phone not in fanout.direct
    assert not two.state.receipts
    assert two.markers == (3, 5)
    assert two.chat.written == []


def test_reading_in_one_batch_never_goes_back(two: Two) -> None:
    two.send(5)
    reads = [MarkRead(user=two.bob.id, room=two.name, username="alice", seq=seq) for seq in (3, 2, 4)]
    two.chat.take(*reads)
    assert [reply["seq"] for reply in replies(*reads)] == [3, 3, 4]
    assert two.markers[0] == 4


@pytest.mark.parametrize(
    ("receipts", "delivered", "told"), [(False, 5, False), (False, 2, True), (True, 5, True)]
)
def test_what_is_read_in_secret_tells_no_more_than_that_it_was_given(
    two: Two, *, receipts: bool, delivered: int, told: bool
) -> None:
    two.send(5)
    two.state.receipts.take()
    two.state.receipts._in_flight.clear()
    apply(two.state, SetMember(two.bob.id, two.name, 0, delivered))
    apply(two.state, SetReceipts(two.bob.id, int(receipts)))
    two.read(3)
    assert bool(two.state.receipts) == told
    if told:
        shown = of_type(sent_to(two.store(), two.alice), "receipt")
        assert shown == [two.receipt(max(3, delivered), 3 if receipts else None)]


def test_the_lobby_has_read_markers_and_no_receipts(two: Two) -> None:
    two.chat.take(two.chat.send(two.alice, "hi"))
    operation = MarkRead(user=two.bob.id, room="lobby", username=None, seq=1)
    two.bob.has_row = True
    two.chat.take(operation)
    assert two.chat.written[-1] == SetMember(two.bob.id, "lobby", 1, 1)
    assert replies(operation) == [{"type": "read", "room": "lobby", "seq": 1}]
    assert (two.bob.lobby.read, two.bob.lobby.delivered) == (1, 1)
    assert not two.state.receipts


def test_of_a_user_without_a_row_nothing_is_written(two: Two) -> None:
    two.chat.take(two.chat.send(two.alice, "hi"))
    two.chat.written.clear()
    two.chat.take(MarkRead(user=two.bob.id, room="lobby", username=None, seq=1))
    assert two.chat.written == []
    assert two.bob.lobby.read == 1


def test_what_was_read_before_the_first_row_is_stored_with_it(two: Two) -> None:
    two.chat.take(two.chat.send(two.alice, "hi"), two.chat.send(two.alice, "ho"))
    read = MarkRead(user=two.bob.id, room="lobby", username=None, seq=1)
    two.chat.take(read, two.chat.send(two.bob, "hey"))
    assert SetMember(two.bob.id, "lobby", 1, 1) in two.chat.written


def test_a_room_that_the_user_is_not_in_is_not_read(two: Two) -> None:
    (carol,) = two.chat.join("carol")
    two.send()
    operation, _ = two.read(1, carol)
    assert replies(operation)[0]["code"] == "no-such-room"


def test_a_room_that_begins_in_the_same_batch_is_read(two: Two) -> None:
    read = MarkRead(user=two.bob.id, room=two.name, username="alice", seq=1)
    two.chat.take(two.chat.send(two.alice, "hi", two.bob), read)
    assert replies(read)[0]["seq"] == 1
    assert two.markers == (1, 1)
