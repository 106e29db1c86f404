"""Decisions of a batch about named rooms, each on top of those before it."""

from __future__ import annotations

import pytest

from chaos.durable import durable
from tcpchat.chat.draft import Draft
from tcpchat.chat.draft_rooms import check_not_closed, role_of
from tcpchat.chat.operations.membership import ChangeRole, InviteUser, LeaveRoom, RemoveMember
from tcpchat.chat.operations.rooms import CloseRoom, SetTopic
from tcpchat.errors import ChatError
from tcpchat.store.room_changes import INVITED, REMOVED
from tests.chat.harness import Harness, create_room, say_in


@pytest.fixture
def chat() -> Harness:
    return Harness()


def test_each_decision_rests_on_those_before_it(chat: Harness) -> None:
    alice, bob, carol = chat.join("alice", "bob", "carol")
    chat.create(alice, "ops", bob)
    draft = Draft(chat.state, 0)
    rooms = draft.rooms
    assert (rooms.role(bob, "ops"), rooms.owners("ops")) == ("member", frozenset({alice.id}))
    rooms.set_role(bob, "ops", "owner")
    assert (rooms.role(bob, "ops"), rooms.owners("ops")) == ("owner", frozenset({alice.id, bob.id}))
    rooms.leave(alice, "ops")
    assert (rooms.role(alice, "ops"), rooms.owners("ops")) == (None, frozenset({bob.id}))
    rooms.set_standing(carol, "ops", REMOVED, bob.id)
    rooms.set_standing(carol, "ops", INVITED, bob.id)
    assert rooms.standing(carol, "ops") == INVITED
    rooms.enter(carol, "ops", "member", 5)
    assert (rooms.standing(carol, "ops"), draft.read(carol, "ops")) == (None, 5)
    assert not rooms.is_closed("ops")
    rooms.close("ops")
    with pytest.raises(ChatError, match="ops is closed"):
        rooms.check_open("ops")
    draft.rollback(0)
    assert (rooms.role(bob, "ops"), rooms.owners("ops")) == ("member", frozenset({alice.id}))
    assert (rooms.standing(carol, "ops"), rooms.is_closed("ops")) == (None, False)
    draft.close()


def test_what_the_disk_refuses_leaves_rooms_as_they_were(chat: Harness) -> None:
    alice, bob, carol, dave = chat.join("alice", "bob", "carol", "dave")
    chat.create(alice, "ops", bob, carol)
    chat.take(chat.send(dave, "so that dave has a row"))
    before = durable(chat.state)
    operations = [
        create_room(alice, "board"),
        InviteUser(user=alice.id, room="ops", other=dave.id, name="alice"),
        ChangeRole(user=alice.id, room="ops", other=bob.id, role="moderator"),
        RemoveMember(user=bob.id, room="ops", other=carol.id, reason=""),
        say_in("ops", bob, "hi"),
        SetTopic(user=bob.id, room="ops", topic="other"),
        LeaveRoom(user=bob.id, room="ops"),
        CloseRoom(user=alice.id, room="ops"),
    ]
    with chat.refuse(*operations):
        assert [one.reply for one in operations] == [None] * len(operations)
        assert durable(chat.state) == before
    assert durable(chat.state) == before
    chat.take(say_in("ops", bob, "hi"))
    assert chat.state.rooms.open("ops").closed is None


def test_the_rooms_of_a_user_are_counted_with_those_of_the_batch(chat: Harness) -> None:
    (alice,) = chat.join("alice")
    chat.create(alice, "ops")
    one, two = create_room(alice, "one", most=2), create_room(alice, "two", most=2)
    chat.take(one, two)
    assert one.reply is not None
    assert getattr(two.reply, "code", None) == "too-many-rooms"
    chat.take(CloseRoom(user=alice.id, room="ops"), three := create_room(alice, "three", most=2))
    assert getattr(three.reply, "code", None) is None, "a closed room does not count"


def test_a_name_is_taken_by_one_of_the_same_batch_that_looks_like_it(chat: Harness) -> None:
    alice, bob = chat.join("alice", "bob")
    chat.create(alice, "ops")
    chat.create(bob, "den")
    first, second = create_room(alice, "rnd"), create_room(bob, "rnd")
    chat.take(first, second)
    assert getattr(second.reply, "code", None) == "room-taken"


def test_only_named_rooms_have_roles(chat: Harness) -> None:
    (alice,) = chat.join("alice")
    assert role_of(alice.lobby) is None
    assert role_of(None) is None
    chat.create(alice, "ops")
    assert role_of(alice.members["ops"]) == "owner"
    check_not_closed(chat.state.rooms.open("ops"))
    chat.take(CloseRoom(user=alice.id, room="ops"))
    with pytest.raises(ChatError, match="ops is closed"):
        check_not_closed(chat.state.rooms.open("ops"))
