"""Scheduled messages that came due: sent, given up, or tried again."""

from __future__ import annotations

import pytest

from tcpchat.chat.apply import apply
from tcpchat.chat.due import due_operations, not_loaded
from tcpchat.chat.moderation import Mute
from tcpchat.chat.operations.moderation import Ban, MuteUser
from tcpchat.chat.operations.schedule import GiveUpDue, SendDue
from tcpchat.chat.operations.users import Delete
from tcpchat.chat.room import direct_name
from tcpchat.chat.schedule import RETRY
from tcpchat.chat.user import User
from tcpchat.store.changes import NewScheduled, SetBan
from tcpchat.store.rows import NameRow
from tcpchat.times import FOREVER
from tests.chat.harness import Harness
from tests.chat.parts import row_of


@pytest.fixture
def chat() -> Harness:
    return Harness()


def schedule(
    chat: Harness, author: User, to: User | None = None, text: str = "hi", ago: int = 0
) -> NewScheduled:
    """Schedule a message that was due so many ms ago."""
    author.last_number += 1
    pending = NewScheduled(
        id=chat.state.schedule.next_id(),
        number=author.last_number,
        author=author.id,
        name=author.name,
        room="lobby" if to is None else direct_name(author.id, to.id),
        recipient=None if to is None else to.id,
        recipient_name=None if to is None else to.name,
        text=text,
        due=chat.clock.now() - ago,
    )
    apply(chat.state, pending)
    return pending


def test_what_is_due_is_sent_in_order_and_held_meanwhile(chat: Harness) -> None:
    alice, bob = chat.join("alice", "bob")
    late, early = schedule(chat, alice), schedule(chat, alice, bob, ago=5)
    schedule(chat, alice, ago=-1)
    operations = due_operations(chat.state, 10)
    assert [operation.pending for operation in operations if isinstance(operation, SendDue)] == [early, late]
    assert due_operations(chat.state, 10) == []


def test_of_very_much_that_is_due_some_is_sent_at_once(chat: Harness) -> None:
    (alice,) = chat.join("alice")
    for _ in range(3):
        schedule(chat, alice)
    assert [len(due_operations(chat.state, 2)) for _ in range(3)] == [2, 1, 0]


def test_a_due_message_for_the_lobby_mentions_users_and_a_direct_one_does_not(chat: Harness) -> None:
    alice, bob = chat.join("alice", "bob")
    schedule(chat, alice, text="@bob, @alice", ago=1)
    schedule(chat, alice, bob, text="@bob")
    in_lobby, direct = due_operations(chat.state, 10)
    assert isinstance(in_lobby, SendDue)
    assert isinstance(direct, SendDue)
    assert in_lobby.mentions == [(0, bob.id), (0, alice.id)]
    assert direct.mentions == []


def code_of(chat: Harness) -> str:
    """Return why the one message that is due is not sent."""
    (operation,) = due_operations(chat.state, 10)
    assert isinstance(operation, GiveUpDue)
    return operation.why.code


def test_messages_of_banned_and_muted_users_are_given_up(chat: Harness) -> None:
    alice, bob = chat.join("alice", "bob")
    schedule(chat, alice)
    chat.take(MuteUser(user=alice.id, mute=Mute(FOREVER, None, by_operator=True)))
    assert code_of(chat) == "muted"
    schedule(chat, bob)
    chat.take(Ban(ban=SetBan("user", bob.id, FOREVER, None), user=bob.id))
    assert code_of(chat) == "banned"


def test_a_message_for_a_user_who_is_gone_is_given_up(chat: Harness) -> None:
    alice, bob = chat.join("alice", "bob")
    schedule(chat, alice, bob)
    chat.take(Delete(user=bob.id))
    assert not_loaded(chat.state, 10) == []
    assert code_of(chat) == "no-such-user"


def test_messages_of_a_deleted_user_are_never_due(chat: Harness) -> None:
    (alice,) = chat.join("alice")
    schedule(chat, alice)
    chat.take(Delete(user=alice.id))
    assert due_operations(chat.state, 10) == []
    assert len(chat.state.schedule) == 0


def test_users_of_a_direct_message_are_loaded_before_it_is_sent(chat: Harness) -> None:
    (alice,) = chat.join("alice")
    bob = chat.state.users.load(row_of("bob", registered=1))
    pending = schedule(chat, alice, bob)
    chat.state.directory.register(NameRow(bob.id, "bob", "bob", 1, None))
    assert not_loaded(chat.state, 10) == []
    chat.state.users.remove(bob)
    assert not_loaded(chat.state, 10) == [bob.id]
    assert due_operations(chat.state, 10) == [], "the disk could not be read"
    assert chat.state.schedule.next_due() == pending.due + RETRY
    chat.state.users.load(row_of("bob", registered=1))
    chat.clock.seconds += RETRY / 1000
    (operation,) = due_operations(chat.state, 10)
    assert isinstance(operation, SendDue)


def test_nobody_is_loaded_for_the_lobby_or_for_what_is_not_due(chat: Harness) -> None:
    alice, bob = chat.join("alice", "bob")
    for user in (alice, bob):
        chat.state.directory.register(NameRow(user.id, user.key, user.name, 1, None))
    schedule(chat, alice)
    schedule(chat, alice, bob, ago=-1)
    for user in (alice, bob):
        chat.state.users.remove(user)
    assert not_loaded(chat.state, 10) == []


def test_a_message_whose_users_cannot_be_loaded_is_tried_again_a_second_later_each_time(
    chat: Harness,
) -> None:
    """Also if it was due long ago: else a disk that cannot be read is asked again without a pause."""
    (alice,) = chat.join("alice")
    bob = chat.state.users.load(row_of("bob", registered=1))
    chat.state.directory.register(NameRow(bob.id, "bob", "bob", 1, None))
    schedule(chat, alice, bob, ago=60_000)
    chat.state.users.remove(bob)
    for _ in range(3):
        assert due_operations(chat.state, 10) == []
        due = chat.state.schedule.next_due()
        assert due is not None
        assert due > chat.clock.now()
        chat.clock.seconds = due / 1000
