"""The order and the receivers of what a commit sends out."""

from __future__ import annotations

from tcpchat.chat.fanout import Fanout
from tcpchat.chat.room import Kind, Logged, Room
from tests.chat.harness import NullSubscriber
from tests.chat.parts import new_user


def test_events_come_by_room_in_their_order() -> None:
    fanout, lobby, attic = Fanout(), Room("lobby", Kind.LOBBY), Room("attic", Kind.LOBBY)
    one, two, three, four = (Logged(seq, "a", b"%d" % seq, is_message=True) for seq in range(1, 5))
    for room, events in ((lobby, [one]), (attic, [two]), (lobby, [three, four])):
        fanout.to_room(room, events)
    assert fanout.posts == {lobby: [one, three, four], attic: [two]}


def test_a_line_for_a_user_goes_to_all_connections_or_all_but_one() -> None:
    fanout, alice = Fanout(), new_user("alice")
    phone, laptop = NullSubscriber(), NullSubscriber()
    alice.connections += [phone, laptop]
    fanout.to_user(alice, b"1")
    fanout.to_user(alice, b"2", but=laptop)
    assert fanout.direct == {phone: [b"1", b"2"], laptop: [b"1"]}


def test_a_line_for_an_absent_user_waits_where_it_must_not_be_lost() -> None:
    fanout, alice, bob = Fanout(), new_user("alice"), new_user("bob")
    bob.connections.append(NullSubscriber())
    fanout.to_user(alice, b"lost")
    for user in (alice, bob):
        fanout.deliver_or_queue(user, b"kept")
    assert alice.take_queued() == b"kept"
    assert bob.take_queued() == b""
    assert fanout.direct == {bob.connections[0]: [b"kept"]}
