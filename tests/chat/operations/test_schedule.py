"""Scheduled messages: kept, cancelled, sent when due, given up, and tried again if the disk refuses."""

from __future__ import annotations

import pytest

from tcpchat.chat.draft import Draft
from tcpchat.chat.due import due_operations
from tcpchat.chat.fanout import Fanout
from tcpchat.chat.moderation import Mute
from tcpchat.chat.operations.base import Operation
from tcpchat.chat.operations.moderation import MuteUser
from tcpchat.chat.operations.schedule import CancelMessage, ScheduleMessage
from tcpchat.chat.operations.users import Delete
from tcpchat.chat.room import direct_name, public_id
from tcpchat.chat.schedule import RETRY
from tcpchat.chat.user import User
from tcpchat.errors import ChatError
from tcpchat.protocol import Error
from tcpchat.store.changes import DropScheduled, NewKey, NewMessage, NewScheduled, NewUser
from tcpchat.times import FOREVER, timestamp
from tests.chat.harness import LOBBY, Harness, posted, replies, sent_to
from tests.chat.parts import lines

FULL = Error(code="storage-failed", message="full")
BUG = Error(code="internal", message="oops")


@pytest.fixture
def chat() -> Harness:
    return Harness()


def later(
    chat: Harness,
    author: User,
    to: User | None = None,
    *,
    text: str = "tea",
    seconds: int = 60,
    key: str | None = None,
) -> ScheduleMessage:
    """Return the operation that schedules a message, as `send` does."""
    author.last_number += 1
    author.scheduling += 1
    if key is not None:
        author.sent.begin(key)
    pending = NewScheduled(
        id=chat.state.schedule.next_id(),
        number=author.last_number,
        author=author.id,
        name=author.name,
        room=LOBBY if to is None else direct_name(author.id, to.id),
        recipient=None if to is None else to.id,
        recipient_name=None if to is None else to.name,
        text=text,
        due=chat.clock.now() + 1000 * seconds,
    )
    return ScheduleMessage(author=author.id, key=key, pending=pending)


def refuse(chat: Harness, operations: list[Operation], why: Error = FULL) -> None:
    """Let the disk refuse the operations."""
    draft = Draft(chat.state, chat.clock.now())
    chat.decide(draft, operations)
    draft.rollback(0)
    for operation in operations:
        operation.reject(why)
        operation.release(chat.state)


def send_due(chat: Harness) -> Fanout:
    return chat.take(*due_operations(chat.state, 10))


# Scheduling


def test_a_scheduled_message_is_pending_once_it_is_on_disk(chat: Harness) -> None:
    (alice,) = chat.join("alice")
    operation = later(chat, alice)
    assert (len(chat.state.schedule), alice.scheduling) == (0, 1)
    fanout = chat.take(operation)
    assert list(chat.state.schedule) == [operation.pending]
    assert chat.written[-1] == operation.pending
    assert alice.has_row
    assert alice.scheduling == 0
    assert (fanout.direct, fanout.posts, fanout.messages) == ({}, {}, 0)
    at = timestamp(operation.pending.due)
    assert replies(operation) == [{"type": "scheduled", "number": 1, "room": LOBBY, "at": at}]


def test_a_direct_message_is_scheduled_for_a_user_of_whom_a_row_is_stored(chat: Harness) -> None:
    alice, bob = chat.join("alice", "bob")
    chat.take(operation := later(chat, alice, bob))
    assert [change.id for change in chat.written if isinstance(change, NewUser)] == [alice.id, bob.id]
    (reply,) = replies(operation)
    assert (reply["room"], reply["username"]) == (public_id(direct_name(alice.id, bob.id)), "bob")
    assert direct_name(alice.id, bob.id) not in bob.members, "bob is in the room once it is sent"


def test_what_the_disk_refused_is_not_pending(chat: Harness) -> None:
    (alice,) = chat.join("alice")
    refuse(chat, [operation := later(chat, alice, key="k")])
    assert replies(operation)[0]["code"] == "storage-failed"
    assert len(chat.state.schedule) == 0
    assert alice.scheduling == 0
    assert not alice.sent.is_in_flight("k")


def test_a_message_for_a_deleted_user_is_not_scheduled(chat: Harness) -> None:
    alice, bob = chat.join("alice", "bob")
    chat.take(Delete(user=bob.id), operation := later(chat, alice, bob))
    assert replies(operation)[0]["code"] == "no-such-user"


def test_a_repeat_under_a_key_is_scheduled_once_and_gets_the_same_reply(chat: Harness) -> None:
    alice, bob = chat.join("alice", "bob")
    first, second = later(chat, alice, bob, key="k"), later(chat, alice, bob, key="k")
    chat.take(first, second)
    chat.take(third := chat.send(alice, "tea", bob, key="k"))
    one, two, three = replies(first, second, third)
    assert one == two == three
    assert one["number"] == 1
    assert len(chat.state.schedule) == 1
    (key,) = [change for change in chat.written if isinstance(change, NewKey)]
    assert (key.room, key.username, key.seq, key.number) == (direct_name(alice.id, bob.id), "bob", None, 1)


# Cancelling


def test_a_cancelled_message_is_not_sent(chat: Harness) -> None:
    (alice,) = chat.join("alice")
    chat.take(operation := later(chat, alice))
    chat.state.schedule.hold(operation.pending.id)
    chat.take(cancel := CancelMessage(pending=operation.pending))
    assert replies(cancel) == [{"type": "cancelled", "number": 1, "text": "tea"}]
    assert chat.written[-1] == DropScheduled(operation.pending.id)
    chat.clock.seconds += 60
    assert due_operations(chat.state, 10) == []


def test_a_message_whose_cancelling_failed_is_sent(chat: Harness) -> None:
    (alice,) = chat.join("alice")
    chat.take(operation := later(chat, alice))
    chat.state.schedule.hold(operation.pending.id)
    refuse(chat, [CancelMessage(pending=operation.pending)])
    assert chat.state.schedule.find(alice.id, 1) == operation.pending
    chat.clock.seconds += 60
    assert [event["text"] for event in posted(send_due(chat))] == ["tea"]


# Sending


def test_a_due_message_is_sent_and_leaves_the_schedule_in_one_commit(chat: Harness) -> None:
    (alice,) = chat.join("alice")
    chat.take(operation := later(chat, alice))
    chat.clock.seconds += 60
    chat.written.clear()
    fanout = send_due(chat)
    (event,) = posted(fanout)
    assert (event["from"], event["text"], event["seq"]) == ("alice", "tea", 1)
    assert event["at"] == timestamp(chat.clock.now())
    assert fanout.messages == 1
    assert [type(change) for change in chat.written] == [NewMessage, DropScheduled]
    assert len(chat.state.schedule) == 0
    assert alice.scheduling == 0
    assert operation.pending.text == "tea"


def test_a_due_message_of_a_guest_who_is_gone_is_sent_to_the_lobby(chat: Harness) -> None:
    (alice,) = chat.join("alice")
    chat.take(later(chat, alice))
    chat.state.users.leave(alice, alice.connections[0], for_good=True)
    chat.clock.seconds += 60
    assert [event["from"] for event in posted(send_due(chat))] == ["alice"]


def test_a_due_message_of_a_guest_who_is_gone_is_sent_to_one_user(chat: Harness) -> None:
    """And the room goes on: its numbers are known by the other user."""
    alice, bob = chat.join("alice", "bob")
    chat.take(chat.send(bob, "hi", alice))
    chat.take(later(chat, alice, bob))
    chat.state.users.leave(alice, alice.connections[0], for_good=True)
    chat.clock.seconds += 60
    fanout = send_due(chat)
    assert [(event["seq"], event["text"]) for event in sent_to(fanout, bob)] == [(2, "tea")]


def test_a_due_message_bears_the_name_that_its_author_had_when_it_was_scheduled(chat: Harness) -> None:
    alice, bob = chat.join("alice", "bob")
    chat.take(later(chat, alice, bob))
    chat.rename(alice, "carol")
    chat.rename(bob, "rob")
    chat.clock.seconds += 60
    (event,) = sent_to(send_due(chat), bob)
    assert (event["from"], event["to"]) == ("alice", "rob")


def test_a_due_message_notifies_its_author_of_an_absent_user(chat: Harness) -> None:
    alice, bob = chat.join("alice", "bob")
    chat.take(later(chat, alice, bob))
    chat.state.users.leave(bob, bob.connections[0], for_good=False)
    chat.clock.seconds += 60
    assert [line["type"] for line in sent_to(send_due(chat), alice)] == ["message", "absent"]


def test_a_due_message_of_a_user_deleted_in_the_same_batch_is_not_sent(chat: Harness) -> None:
    (alice,) = chat.join("alice")
    chat.take(later(chat, alice))
    chat.clock.seconds += 60
    (due,) = due_operations(chat.state, 10)
    fanout = chat.take(Delete(user=alice.id), due)
    assert posted(fanout) == []
    assert len(chat.state.schedule) == 0


def test_a_due_message_that_the_disk_refused_is_tried_again_a_second_later(chat: Harness) -> None:
    (alice,) = chat.join("alice")
    chat.take(operation := later(chat, alice))
    chat.clock.seconds += 60
    refuse(chat, due_operations(chat.state, 10))
    assert chat.state.schedule.next_due() == operation.pending.due + RETRY
    assert due_operations(chat.state, 10) == []
    chat.clock.seconds += RETRY / 1000
    assert [event["seq"] for event in posted(send_due(chat))] == [1]


def test_a_full_disk_is_tried_once_a_second_for_as_long_as_it_is_full(chat: Harness) -> None:
    (alice,) = chat.join("alice")
    chat.take(later(chat, alice))
    chat.clock.seconds += 60
    for _ in range(5):
        refuse(chat, due_operations(chat.state, 10))
        due = chat.state.schedule.next_due()
        assert due is not None
        assert due > chat.clock.now()
        chat.clock.seconds = due / 1000
    assert [event["seq"] for event in posted(send_due(chat))] == [1]


def test_a_due_message_that_meets_a_bug_is_not_tried_for_ever(chat: Harness) -> None:
    """It stays on disk until the next start."""
    (alice,) = chat.join("alice")
    chat.take(later(chat, alice))
    chat.clock.seconds += 60
    chat.written.clear()
    refuse(chat, due_operations(chat.state, 10), BUG)
    assert len(chat.state.schedule) == 0
    assert chat.written == []


# Giving up


def mute(chat: Harness, user: User) -> None:
    chat.take(MuteUser(user=user.id, mute=Mute(FOREVER, "loud", by_operator=True)))


def test_a_message_that_is_given_up_leaves_the_schedule_and_its_author_learns_why(chat: Harness) -> None:
    (alice,) = chat.join("alice")
    chat.take(operation := later(chat, alice))
    mute(chat, alice)
    chat.clock.seconds += 60
    fanout = send_due(chat)
    (line,) = sent_to(fanout, alice)
    assert (line["type"], line["number"], line["text"], line["code"]) == ("unsent", 1, "tea", "muted")
    assert "the operator muted you" in line["message"]
    assert chat.written[-1] == DropScheduled(operation.pending.id)
    assert (len(chat.state.schedule), fanout.messages) == (0, 0)


def test_an_absent_author_learns_it_on_coming_back(chat: Harness) -> None:
    (alice,) = chat.join("alice")
    chat.take(later(chat, alice))
    mute(chat, alice)
    alice.take_queued()
    chat.state.users.leave(alice, alice.connections[0], for_good=False)
    chat.clock.seconds += 60
    send_due(chat)
    assert [line["type"] for line in lines(alice.take_queued())] == ["unsent"]


def test_a_message_of_nobody_in_memory_is_given_up_in_silence(chat: Harness) -> None:
    (alice,) = chat.join("alice")
    chat.take(later(chat, alice))
    mute(chat, alice)
    chat.state.users.leave(alice, alice.connections[0], for_good=True)
    chat.clock.seconds += 60
    assert send_due(chat).direct == {}
    assert len(chat.state.schedule) == 0


def test_giving_up_is_tried_again_if_the_disk_refused(chat: Harness) -> None:
    (alice,) = chat.join("alice")
    chat.take(operation := later(chat, alice))
    mute(chat, alice)
    chat.clock.seconds += 60
    refuse(chat, due_operations(chat.state, 10))
    assert chat.state.schedule.next_due() == operation.pending.due + RETRY
    with pytest.raises(ChatError):
        chat.state.moderation.check(alice.id, chat.clock.now())
