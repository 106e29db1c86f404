"""Many messages make one receipt, none is lost because the disk was full, and none is given over a gap."""

from __future__ import annotations

import pytest

from tcpchat.chat.member import Member
from tcpchat.chat.receipts import RECORDS, Moved, Receipts, receipt, shows_read
from tcpchat.chat.room import Kind, Room, direct_name, public_id
from tests.chat.parts import new_user

ROOM = direct_name("id of alice", "id of bob")


class Two:
    """Alice, who writes, and bob, who is given it."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.receipts = Receipts(lambda: self.calls.append("change"))
        self.alice, self.bob = new_user("alice"), new_user("bob")
        self.room = Room(ROOM, Kind.DIRECT)
        self.member = self.bob.members[ROOM] = Member(self.room)

    def deliver(self, *seqs: int) -> None:
        for seq in seqs:
            self.receipts.deliver(self.bob, self.room, seq)

    def store(self) -> list[Moved]:
        """Take what moved, and let it be on disk."""
        moved = self.receipts.take()
        for one in moved:
            if one.user == self.bob.id:
                self.bob.members[one.room].advance(0, one.delivered)
        self.receipts.end(moved, stored=True)
        return moved


def moved(delivered: int, user: str = "id of bob", room: str = ROOM) -> Moved:
    return Moved(user, room, delivered)


def test_many_messages_make_one_receipt_up_to_the_last() -> None:
    two = Two()
    assert not two.receipts
    two.deliver(1, 2, 3)
    two.deliver(4, 5)
    assert two.receipts
    assert two.calls
    assert two.receipts.take() == [moved(5)]
    assert not two.receipts


def test_no_message_is_delivered_over_a_gap() -> None:
    """A message before was not given to the device; `history` or `log` gives it, and then this one."""
    two = Two()
    two.deliver(1, 3)
    assert two.store() == [moved(1)]
    two.deliver(3, 4)
    assert not two.receipts
    two.receipts.deliver(two.bob, two.room, 4, first=0)
    two.deliver(5)
    assert two.store() == [moved(5)]


def test_what_is_not_on_disk_yet_leaves_no_gap() -> None:
    two = Two()
    two.deliver(1)
    assert two.receipts.delivered(two.bob, two.room) == 1
    two.deliver(2)
    assert two.receipts.take() == [moved(2)]
    assert two.receipts.delivered(two.bob, two.room) == 2, "it is on its way"
    two.deliver(3)
    assert two.receipts.take() == [moved(3)]


def test_a_marker_that_does_not_move_is_nothing_to_store() -> None:
    two = Two()
    two.deliver(1, 2, 3)
    two.store()
    two.deliver(1, 2)
    two.receipts.deliver(two.bob, two.room, 3, first=0)
    assert not two.receipts
    assert two.member.delivered == 3


def test_what_moves_while_it_is_stored_is_stored_again() -> None:
    two = Two()
    two.deliver(1)
    first = two.receipts.take()
    two.deliver(2)
    two.member.advance(0, 1)
    two.receipts.end(first, stored=True)
    assert two.receipts.take() == [moved(2)]


def test_what_the_disk_refused_is_tried_again() -> None:
    two = Two()
    two.deliver(1, 2)
    taken = two.receipts.take()
    assert not two.receipts
    two.receipts.end(taken, stored=False)
    assert two.receipts.delivered(two.bob, two.room) == 2
    assert two.receipts.take() == taken
    two.receipts.deliver(two.bob, two.room, 7, first=0)
    two.receipts.end(taken, stored=False)
    assert two.receipts.take() == [moved(7)], "and never back"


def test_each_room_of_a_user_moves_on_its_own() -> None:
    two, carol = Two(), new_user("carol")
    other = Room(direct_name("id of bob", "id of carol"), Kind.DIRECT)
    two.bob.members[other.name] = Member(other)
    two.deliver(1)
    two.receipts.deliver(two.bob, other, 4, first=0)
    two.receipts.deliver(carol, other, 6, first=0)
    assert two.receipts.take() == [moved(1), moved(4, room=other.name), moved(6, carol.id, other.name)]


def test_what_was_read_is_to_be_told_though_nothing_was_delivered_since() -> None:
    two = Two()
    two.member.advance(2, 3)
    two.receipts.moved(two.bob, two.room)
    assert two.receipts.take() == [moved(3)]


def test_of_a_user_who_is_forgotten_nobody_learns_any_more() -> None:
    two, carol = Two(), new_user("carol")
    two.deliver(1)
    two.receipts.deliver(carol, two.room, 1, first=0)
    two.receipts.forget(two.bob.id)
    assert two.receipts.take() == [moved(1, carol.id)]
    two.deliver(1)
    two.receipts.take()
    two.receipts.forget(two.bob.id)
    assert two.receipts.delivered(two.bob, two.room) == 0, "nor of what is on its way"


def test_very_many_are_taken_in_parts() -> None:
    two = Two()
    for number in range(RECORDS + 1):
        two.receipts.deliver(new_user(f"u{number}"), two.room, 1, first=0)
    sizes = []
    while two.receipts:
        sizes.append(len(two.receipts.take()))
    assert sizes == [RECORDS, 1]


@pytest.mark.parametrize(("reader", "author"), [(True, True), (False, True), (True, False), (False, False)])
def test_seen_is_shown_only_if_both_show_it(*, reader: bool, author: bool) -> None:
    two = Two()
    two.bob.receipts, two.alice.receipts = reader, author
    two.member.advance(1, 2)
    shown = receipt(two.bob, two.alice, two.member)
    assert (shown.room, shown.username, shown.delivered) == (public_id(ROOM), "bob", 2)
    assert shown.seen == (1 if reader and author else None)
    assert shows_read(two.bob, two.alice) == (reader and author)


def test_nothing_that_was_read_is_shown_to_nobody() -> None:
    assert not shows_read(new_user("bob"), None)
