"""Users come and go while the disk writes about them; what was decided of them holds, and no more."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chaos.durable import differences, durable, replay
from tcpchat.chat.operations.base import Operation
from tcpchat.chat.operations.moderation import ReportUser
from tcpchat.chat.operations.sessions import EndSessions, RegisterUser
from tcpchat.chat.operations.upkeep import StoreSessions
from tcpchat.chat.operations.users import Delete
from tcpchat.chat.sessions import hash_token
from tcpchat.chat.user import User
from tcpchat.errors import ChatError
from tcpchat.settings import Limits, Rules, Settings
from tcpchat.store.changes import Change, EndSession, NewUser, SetLeft, SetName, SetSession
from tests.chat.harness import Harness, NullSubscriber, replies
from tests.chat.parts import lines

GRACE = 600


@pytest.fixture
def chat() -> Harness:
    return Harness(Settings(rules=Rules(grace_seconds=GRACE, presence_seconds=0)))


def mention(chat: Harness, author: User, other: User) -> Operation:
    operation = chat.send(author, f"@{other.name}")
    operation.mentions = [(0, other.id)]
    return operation


def report(chat: Harness, author: User, other: User) -> Operation:
    return ReportUser(reporter=author.id, target=other.id, bucket="", reason="spam")


ABOUT: dict[str, Callable[[Harness, User, User], Operation]] = {
    "direct message": lambda chat, author, other: chat.send(author, "psst", other),
    "mention": mention,
    "report": report,
}
about = pytest.mark.parametrize("write", ABOUT.values(), ids=ABOUT)


def leave(chat: Harness, user: User, *, for_good: bool = False) -> None:
    for connection in list(user.connections):
        chat.state.users.leave(user, connection, for_good=for_good)


def come_back(chat: Harness, user: User) -> None:
    """Let a new connection have the user's session, as `resume` does."""
    session = user.sessions[0]
    connection = NullSubscriber()
    chat.state.users.connect(session, user, connection, "::2")
    chat.state.users.come_back(user, None)


def stored_sessions(chat: Harness) -> dict[bytes, SetSession]:
    """Return the sessions on disk."""
    found: dict[bytes, SetSession] = {}
    for change in chat.written:
        if isinstance(change, SetSession):
            found[change.hash] = change
        elif isinstance(change, EndSession):
            found.pop(change.hash, None)
    return found


def stored_left(chat: Harness, user: User) -> int | None:
    return [one.left for one in chat.written if isinstance(one, SetLeft) and one.user == user.id][-1]


def store(chat: Harness) -> None:
    while chat.state.sessions.dirty:
        chat.take(StoreSessions())


def agree(chat: Harness) -> list[str]:
    """Return in what the disk and memory differ."""
    follower = replay(chat.state, chat.written)
    return differences(durable(chat.state), durable(follower, like=chat.state))


# Leaving for good


@about
def test_a_guest_who_leaves_for_good_meanwhile_is_no_ghost(
    chat: Harness, write: Callable[[Harness, User, User], Operation]
) -> None:
    alice, bob = chat.join("alice", "bob")
    token = bob.sessions[0].hash
    with chat.commit(write(chat, alice, bob)):
        leave(chat, bob, for_good=True)
        assert bob not in chat.state.presence
        assert chat.state.sessions.find(token) is None
    assert chat.state.users.get(bob.id) is None
    assert chat.state.sessions.find(token) is None
    assert chat.state.directory.is_free("bob")
    store(chat)
    assert token not in stored_sessions(chat), "nothing brings bob back after a restart either"
    assert agree(chat) == []
    assert replay(chat.state, chat.written).users.get(bob.id) is None


@about
def test_a_guest_whose_session_ends_before_in_the_same_batch_is_no_ghost(
    chat: Harness, write: Callable[[Harness, User, User], Operation]
) -> None:
    alice, bob = chat.join("alice", "bob")
    token = bob.sessions[0].hash
    chat.take(EndSessions(user=bob.id, hashes=[token]), write(chat, alice, bob))
    assert chat.state.users.get(bob.id) is None
    assert chat.state.sessions.find(token) is None
    assert chat.state.directory.is_free("bob")
    store(chat)
    assert token not in stored_sessions(chat)


def test_a_guest_who_is_gone_holds_the_name_no_longer_than_the_commit(chat: Harness) -> None:
    alice, bob, carol = chat.join("alice", "bob", "carol")
    with chat.commit(chat.send(alice, "psst", bob)):
        leave(chat, bob, for_good=True)
        with pytest.raises(ChatError, match="bob is taken"):
            chat.state.directory.claim(carol.id, "bob", "bob")
    chat.rename(carol, "bob")
    assert chat.state.directory.find("bob") is carol


def test_nothing_more_is_decided_about_a_guest_who_is_gone(chat: Harness) -> None:
    alice, bob = chat.join("alice", "bob")
    late = chat.send(alice, "too late", bob)
    with chat.commit(chat.send(alice, "psst", bob)):
        leave(chat, bob, for_good=True)
        with chat.refuse(late):
            assert replies(late)[0]["code"] == "no-such-user"


def test_a_report_is_answered_and_goes_with_the_name_of_a_guest_who_is_gone(chat: Harness) -> None:
    alice, bob = chat.join("alice", "bob")
    operation = ReportUser(reporter=alice.id, target=bob.id, bucket="", reason="spam")
    with chat.commit(operation):
        leave(chat, bob, for_good=True)
        leave(chat, alice, for_good=True)
    assert replies(operation) == [{"type": "reported", "username": "bob", "reports": 1}]
    (heir,) = chat.join("bob")
    assert chat.state.moderation.of(heir.id).reports == 1, "what is held against a name comes along"


def test_a_user_is_registered_who_left_meanwhile(chat: Harness) -> None:
    (alice,) = chat.join("alice")
    operation = RegisterUser(user=alice.id, hash="#", session=alice.sessions[0].change())
    with chat.commit(operation):
        leave(chat, alice, for_good=True)
    assert replies(operation) == [{"type": "registered", "user": "alice"}]
    row = chat.state.directory.registered_as("alice")
    assert row is not None
    assert row.user == alice.id
    store(chat)
    assert stored_sessions(chat) == {}


def test_a_guest_of_whom_the_disk_took_nothing_leaves_nothing_to_store(chat: Harness) -> None:
    alice, bob = chat.join("alice", "bob")
    with chat.refuse(chat.send(alice, "psst", bob)):
        leave(chat, bob, for_good=True)
        leave(chat, alice)
    assert (chat.state.sessions.dirty, chat.state.sessions.dropped) == ({}, {})
    assert chat.state.users.get(bob.id) is None
    assert chat.state.users.get(alice.id) is alice


def test_a_user_who_is_deleted_and_left_is_gone_once(chat: Harness) -> None:
    alice, bob = chat.join("alice", "bob")
    with chat.commit(chat.send(alice, "psst", bob), Delete(user=bob.id)):
        leave(chat, bob, for_good=True)
    assert chat.state.users.get(bob.id) is None
    assert not chat.state.sessions.dropped


# Coming and going


def test_a_guest_who_comes_back_while_the_first_row_is_written_is_not_absent_on_disk(chat: Harness) -> None:
    alice, bob = chat.join("alice", "bob")
    leave(chat, bob)
    with chat.commit(chat.send(alice, "psst", bob)):
        come_back(chat, bob)
    store(chat)
    assert stored_left(chat, bob) is None, "else the session would be pruned while it is connected"
    assert agree(chat) == []


def test_a_guest_who_leaves_while_the_first_row_is_written_is_absent_since_then(chat: Harness) -> None:
    alice, bob = chat.join("alice", "bob")
    with chat.commit(chat.send(alice, "psst", bob)):
        chat.clock.seconds += 1
        leave(chat, bob)
        since = chat.clock.now()
        chat.clock.seconds += 1
    assert bob.left == since
    store(chat)
    assert stored_left(chat, bob) == since
    assert agree(chat) == []


def test_nobody_expires_about_whom_something_is_decided(chat: Harness) -> None:
    alice, bob, carol = chat.join("alice", "bob", "carol")
    for user in (bob, carol):
        leave(chat, user)
    with chat.commit(report(chat, alice, bob)):
        chat.clock.seconds += GRACE
        assert chat.state.users.next_expiry() == 0
        chat.state.users.expire()
        assert chat.state.users.next_expiry() == float("inf"), "a task that looks again would never sleep"
        assert (chat.state.users.get(bob.id), chat.state.users.get(carol.id)) == (bob, None)
    assert chat.state.users.next_expiry() == 0
    chat.state.users.expire()
    assert chat.state.users.get(bob.id) is None


def test_of_too_many_absent_users_those_stay_about_whom_something_is_decided() -> None:
    chat = Harness(Settings(limits=Limits(absent_users=1)))
    alice, bob, carol, dave = chat.join("alice", "bob", "carol", "dave")
    for user in (bob, carol, dave):
        leave(chat, user)
    with chat.commit(report(chat, alice, bob)):
        chat.state.users.expire()
        assert [chat.state.users.get(user.id) for user in (bob, carol, dave)] == [bob, None, None]


def test_what_was_decided_is_given_to_a_user_who_came_back_meanwhile(chat: Harness) -> None:
    alice, bob = chat.join("alice", "bob")
    leave(chat, bob)
    operation = chat.send(alice, "psst", bob)
    with chat.commit(operation) as fanout:
        come_back(chat, bob)
    assert [line["text"] for line in lines(fanout.direct[bob.connections[0]])] == ["psst"]


def kinds(changes: list[Change]) -> list[type]:
    return [type(change) for change in changes]


def test_a_rename_of_a_guest_without_a_row_leaves_nothing_to_store(chat: Harness) -> None:
    (alice,) = chat.join("alice")
    chat.rename(alice, "carol")
    leave(chat, alice)
    assert not chat.state.sessions.dirty
    assert not {NewUser, SetName} & {*kinds(chat.written)}
    assert hash_token("token1") == alice.sessions[0].hash
