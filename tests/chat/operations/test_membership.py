"""Who is in a named room: each gets the events of the time in which the user was in it, in order, once."""

from __future__ import annotations

import pytest

from tcpchat.chat.operations.base import Operation
from tcpchat.chat.operations.membership import (
    ChangeRole,
    DeclineInvitation,
    InviteUser,
    JoinRoom,
    LeaveRoom,
    RemoveMember,
)
from tcpchat.chat.operations.rooms import CloseRoom
from tcpchat.chat.operations.settings import Ignore
from tests.chat.harness import Harness, posted, replies, say_in, sent_to


@pytest.fixture
def chat() -> Harness:
    return Harness()


def code(operation: Operation) -> str | None:
    return getattr(operation.reply, "code", None)


def test_who_leaves_gets_what_the_same_commit_brought_before_and_the_leaving(chat: Harness) -> None:
    alice, bob = chat.join("alice", "bob")
    chat.create(alice, "ops", bob)
    fanout = chat.take(
        say_in("ops", alice, "one"), LeaveRoom(user=bob.id, room="ops"), say_in("ops", alice, "two")
    )
    assert [line["seq"] for line in posted(fanout)] == [4, 5, 6]
    assert [line["seq"] for line in sent_to(fanout, bob)] == [4, 5]
    assert bob.connections[0] not in chat.state.rooms.open("ops").listeners


def test_who_enters_gets_nothing_from_before(chat: Harness) -> None:
    alice, bob = chat.join("alice", "bob")
    chat.create(alice, "ops")
    fanout = chat.take(say_in("ops", alice, "one"), JoinRoom(user=bob.id, room="ops"))
    room = chat.state.rooms.open("ops")
    assert fanout.entered == {room: {bob.connections[0]: 1}}
    assert bob.members["ops"].read == room.seq


def test_who_leaves_and_comes_back_at_once_gets_each_event_once(chat: Harness) -> None:
    alice, bob = chat.join("alice", "bob")
    chat.create(alice, "ops", bob)
    leave, join = LeaveRoom(user=bob.id, room="ops"), JoinRoom(user=bob.id, room="ops")
    fanout = chat.take(say_in("ops", alice, "one"), leave, say_in("ops", alice, "two"), join)
    assert [line["seq"] for line in sent_to(fanout, bob)] == [4, 5]
    room = chat.state.rooms.open("ops")
    assert fanout.entered[room] == {bob.connections[0]: 3}
    again = chat.take(join := JoinRoom(user=bob.id, room="ops"))
    assert (again.posts, again.entered, code(join)) == ({}, {}, None), "who is in it is not told anything"


def test_who_leaves_does_not_get_the_text_of_who_is_ignored(chat: Harness) -> None:
    alice, bob = chat.join("alice", "bob")
    chat.create(alice, "ops", bob)
    chat.take(Ignore(user=bob.id, names={}, other=alice.id))
    fanout = chat.take(say_in("ops", alice, "secret"), LeaveRoom(user=bob.id, room="ops"))
    assert [line.get("text") for line in sent_to(fanout, bob)] == ["", None]


def test_a_room_that_is_not_closed_keeps_an_owner(chat: Harness) -> None:
    alice, bob = chat.join("alice", "bob")
    chat.create(alice, "ops", bob)
    leave = LeaveRoom(user=alice.id, room="ops")
    step_down = ChangeRole(user=alice.id, room="ops", other=alice.id, role="member")
    guest = ChangeRole(user=alice.id, room="ops", other=bob.id, role="owner")
    chat.take(leave, step_down, guest)
    assert [code(one) for one in (leave, step_down, guest)] == ["last-owner", "last-owner", "not-registered"]
    chat.create(bob, "den")  # registers bob
    hand_over = ChangeRole(user=alice.id, room="ops", other=bob.id, role="owner")
    chat.take(hand_over, step_down := ChangeRole(user=alice.id, room="ops", other=alice.id, role="member"))
    assert [code(one) for one in (hand_over, step_down)] == [None, None]
    one, other = LeaveRoom(user=bob.id, room="ops"), LeaveRoom(user=alice.id, room="ops")
    chat.take(one, other)
    assert [code(one), code(other)] == ["last-owner", None]
    chat.take(CloseRoom(user=bob.id, room="ops"), last := LeaveRoom(user=bob.id, room="ops"))
    assert code(last) is None


def test_who_was_removed_comes_back_by_an_invitation_only(chat: Harness) -> None:
    alice, bob, carol = chat.join("alice", "bob", "carol")
    chat.create(alice, "ops", bob)
    remove = RemoveMember(user=alice.id, room="ops", other=bob.id, reason="loud")
    fanout = chat.take(remove, refused := JoinRoom(user=bob.id, room="ops"))
    assert (sent_to(fanout, bob)[-1]["reason"], code(refused)) == ("loud", "removed")
    invite = InviteUser(user=alice.id, room="ops", other=bob.id, name="alice")
    twice = InviteUser(user=alice.id, room="ops", other=bob.id, name="alice")
    told = sent_to(chat.take(invite, twice), bob)
    assert [line["type"] for line in told] == ["invited"]
    decline, again = DeclineInvitation(user=bob.id, room="ops"), DeclineInvitation(user=bob.id, room="ops")
    chat.take(decline, again)
    assert [code(decline), code(again)] == [None, "no-such-invite"]
    outsider = DeclineInvitation(user=carol.id, room="nowhere")
    chat.take(outsider)
    assert replies(outsider)[0]["message"].replace("nowhere", "ops") == replies(again)[0]["message"]
