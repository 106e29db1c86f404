"""Renames and deletion of one user."""

from __future__ import annotations

import pytest

from tcpchat.chat.moderation import Mute
from tcpchat.chat.operations.markers import MarkRead
from tcpchat.chat.operations.moderation import MuteUser, ReportUser
from tcpchat.chat.operations.sessions import RegisterUser
from tcpchat.chat.operations.settings import ChangeAway
from tcpchat.chat.operations.users import Delete, Rename
from tcpchat.chat.user import User
from tcpchat.errors import ChatError
from tcpchat.names import skeleton
from tcpchat.protocol import Error
from tcpchat.store.changes import DeleteUser, NewUser, SetName, TransferReports
from tcpchat.times import FOREVER
from tests.chat.harness import Harness, NullSubscriber, replies
from tests.chat.parts import lines, renamed


@pytest.fixture
def chat() -> Harness:
    return Harness()


def rename(chat: Harness, user: User, name: str) -> Rename:
    """Return the rename of a user to a name that is claimed, as `rename` does."""
    chat.state.directory.claim(user.id, name, skeleton(name))
    return Rename(user=user.id, name=name, key=skeleton(name))


# Renames


def test_a_user_has_another_name_and_the_old_one_is_free(chat: Harness) -> None:
    alice, bob = chat.join("alice", "bob")
    (connection,) = alice.connections
    phone = NullSubscriber()
    alice.connections.append(phone)
    operation = rename(chat, alice, "carol")
    operation.requester = connection
    fanout = chat.take(operation)
    assert replies(operation) == [renamed("alice", "carol")]
    assert fanout.direct.keys() == {phone}, "the one that asked has the reply"
    assert lines(fanout.direct[phone]) == [renamed("alice", "carol")]
    assert (alice.name, alice.key) == ("carol", "carol")
    chat.state.directory.claim(bob.id, "alice", "alice")


def test_a_rename_is_stored_only_if_the_disk_knows_the_user(chat: Harness) -> None:
    (alice,) = chat.join("alice")
    chat.take(rename(chat, alice, "carol"))
    assert chat.written == []
    chat.take(chat.send(alice, "hi"))
    chat.take(rename(chat, alice, "dora"))
    assert chat.written[-1] == SetName(alice.id, "dora", "dora")


def test_a_row_that_is_stored_after_a_rename_of_the_same_batch_has_the_new_name(chat: Harness) -> None:
    (alice,) = chat.join("alice")
    operation = rename(chat, alice, "carol")
    chat.take(operation, chat.send(alice, "hi"))
    assert [change for change in chat.written if isinstance(change, SetName)] == [
        SetName(alice.id, "carol", "carol")
    ]


def test_two_renames_of_one_batch_follow_each_other(chat: Harness) -> None:
    (alice,) = chat.join("alice")
    first, second = rename(chat, alice, "carol"), rename(chat, alice, "dora")
    chat.take(first, second)
    assert replies(first, second) == [renamed("alice", "carol"), renamed("carol", "dora")]
    assert alice.name == "dora"
    assert chat.state.directory.is_free("carol")
    assert chat.state.directory.is_free("alice")


def test_a_rename_that_the_disk_refused_changes_nothing_and_frees_the_name(chat: Harness) -> None:
    (alice,) = chat.join("alice")
    operation = rename(chat, alice, "carol")
    operation.reject(Error(code="storage-failed", message="full"))
    operation.release(chat.state)
    assert chat.state.directory.find("alice") is alice
    assert chat.state.directory.is_free("carol")


def test_a_rename_of_a_user_who_is_renamed_while_away_is_announced_on_coming_back(chat: Harness) -> None:
    alice, bob = chat.join("alice", "bob")
    chat.state.presence.settle()
    chat.state.presence.announce()
    operation = rename(chat, alice, "al")
    chat.state.presence.leave(alice)
    chat.take(operation)
    chat.take(rename(chat, bob, "alice"))
    chat.state.presence.join(alice)
    chat.state.presence.settle()
    (told,) = chat.state.presence.announce()
    assert [line["type"] for line in lines(told.lines)] == ["left", "renamed", "joined"]
    assert lines(told.lines)[-1]["users"] == ["al"]


def test_a_name_that_its_last_holder_is_about_to_take_again_is_not_free(chat: Harness) -> None:
    """As by two connections of one user: the second rename was asked for before the first was done."""
    alice, zoe = chat.join("b0b5", "zoe")
    first = rename(chat, alice, "alice5")
    second = rename(chat, alice, "bob5")  # which looks like b0b5
    chat.take(first)
    with pytest.raises(ChatError, match="bob5 is taken"):
        rename(chat, zoe, "bob5")
    with pytest.raises(ChatError, match="b0b5 is taken: it looks like bob5, which another user is taking"):
        rename(chat, zoe, "b0b5")
    chat.take(second)
    assert (alice.name, zoe.name) == ("bob5", "zoe")
    chat.take(rename(chat, alice, "alice5"))
    chat.take(rename(chat, zoe, "bob5"))
    assert (alice.name, zoe.name) == ("alice5", "bob5")


def test_a_name_that_a_user_claimed_twice_is_held_until_both_are_over(chat: Harness) -> None:
    alice, zoe = chat.join("alice", "zoe")
    first, second = rename(chat, alice, "carol"), rename(chat, alice, "carol")
    with chat.refuse(first):
        pass
    with pytest.raises(ChatError, match="carol is taken"):
        rename(chat, zoe, "carol")
    chat.take(second)
    assert alice.name == "carol"


def test_a_name_claimed_by_a_guest_who_left_meanwhile_is_free_again(chat: Harness) -> None:
    alice, bob = chat.join("alice", "bob")
    operation = rename(chat, alice, "carol")
    chat.state.users.leave(alice, alice.connections[0], for_good=True)
    chat.take(operation)
    assert replies(operation)[0]["code"] == "no-such-user"
    chat.rename(bob, "carol")
    assert chat.state.directory.users() == [bob]


def test_what_is_held_against_a_name_comes_along_with_it(chat: Harness) -> None:
    """A guest has nothing but a name to be known by."""
    alice, eve, heir = chat.join("alice", "eve", "heir")
    chat.take(ReportUser(reporter=alice.id, target=eve.id, bucket="", reason="spam"))
    chat.take(MuteUser(user=eve.id, mute=Mute(FOREVER, "loud", by_operator=True)))
    chat.state.users.leave(eve, eve.connections[0], for_good=True)
    chat.written.clear()
    chat.take(rename(chat, heir, "eve"))
    assert chat.written[-2:] == [SetName(heir.id, "eve", "eve"), TransferReports(eve.id, heir.id)]
    assert NewUser(heir.id, chat.clock.now()) in chat.written
    assert chat.state.moderation.of(heir.id).reports == 1
    with pytest.raises(ChatError, match="the operator muted you"):
        chat.state.moderation.check(heir.id, chat.clock.now())


# Deletion


def test_of_a_deleted_user_nothing_is_left_and_connections_end(chat: Harness) -> None:
    alice, bob = chat.join("alice", "bob")
    chat.take(chat.send(alice, "hi", bob), chat.send(bob, "ho", alice))
    chat.take(RegisterUser(user=alice.id, hash="#", session=alice.sessions[0].change()))
    chat.take(ReportUser(reporter=bob.id, target=alice.id, bucket="", reason=None))
    chat.take(ReportUser(reporter=alice.id, target=bob.id, bucket="", reason=None))
    (connection,) = alice.connections
    chat.take(operation := Delete(user=alice.id))
    assert (operation.reply, operation.ended) == (None, 1)
    assert chat.written[-1] == DeleteUser(alice.id)
    assert isinstance(connection, NullSubscriber)
    assert connection.stopped == "ended"
    state = chat.state
    assert state.users.get(alice.id) is None
    assert state.directory.stored(alice.id) is None
    assert state.directory.is_free("alice")
    assert state.moderation.of(alice.id).reports == 0
    assert state.moderation.of(bob.id).reports == 1
    assert [moved.user for moved in state.receipts.take()] == [bob.id]
    assert alice.id not in state.sessions.dirty


@pytest.mark.parametrize("there", [True, False])
def test_what_a_deleted_user_requested_before_is_rejected(chat: Harness, *, there: bool) -> None:
    """In the same batch, or later."""
    alice, bob = chat.join("alice", "bob")
    chat.take(chat.send(alice, "hi", bob))
    delete = Delete(user=alice.id)
    operations = [
        chat.send(alice, "late"),
        chat.send(bob, "late", alice),
        chat.edit(alice, 1, "late", bob),
        rename(chat, alice, "carol"),
        ChangeAway(user=alice.id, away=("tea", 5)),
        MarkRead(user=alice.id, room="lobby", username=None, seq=0),
        ReportUser(reporter=bob.id, target=alice.id, bucket="", reason=None),
        RegisterUser(user=alice.id, hash="#", session=alice.sessions[0].change()),
        Delete(user=alice.id),
    ]
    if there:
        chat.take(delete, *operations)
    else:
        chat.take(delete)
        chat.take(*operations)
    assert [reply["code"] for reply in replies(*operations)] == ["no-such-user"] * len(operations)
    assert chat.written[-1] == DeleteUser(alice.id)


def test_a_user_who_is_not_in_memory_cannot_be_deleted_yet(chat: Harness) -> None:
    chat.take(operation := Delete(user="nobody"))
    assert replies(operation)[0]["code"] == "no-such-user"
    assert chat.written == []
