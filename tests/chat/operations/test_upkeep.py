"""Upkeep of stored users and sessions: once, whole, and again after a change or a refusal by the disk."""

from __future__ import annotations

import pytest

from tcpchat.chat.apply import apply
from tcpchat.chat.draft import Draft
from tcpchat.chat.operations.upkeep import RECORDS, PruneStore, StoreSessions
from tcpchat.chat.operations.users import Delete
from tcpchat.chat.sessions import hash_token
from tcpchat.chat.user import User
from tcpchat.store.changes import Change, EndSession, SetLeft, SetMember, SetSession
from tests.chat.harness import Harness
from tests.chat.parts import new_session, new_user


@pytest.fixture
def chat() -> Harness:
    return Harness()


def with_sessions(chat: Harness, name: str, *tokens: str) -> User:
    """Return a user with a row, and with a session for each token."""
    user = new_user(name, lobby=chat.state.rooms.lobby)
    user.has_row = True
    chat.state.directory.add(user)
    for number, token in enumerate(tokens, 1):
        chat.state.sessions.add(user, new_session(user, token, number))
    return user


def rows_of(chat: Harness, user: User) -> list[Change]:
    """Return what the disk is to know of a user."""
    sessions = [
        SetSession(session.hash, user.id, session.number, "", "", 0, session.used)
        for session in user.sessions
    ]
    member = SetMember(user.id, "lobby", user.lobby.read, user.lobby.delivered)
    return [SetLeft(user.id, chat.clock.now(), user.left), *sessions, member]


def store(chat: Harness) -> list[Change]:
    """Store what there is to store; return what was written."""
    chat.written.clear()
    chat.take(StoreSessions())
    return list(chat.written)


def test_a_user_is_stored_once_with_all_sessions_and_the_markers_of_the_lobby(chat: Harness) -> None:
    nobody = new_user("nobody")
    chat.state.sessions.mark_dirty(nobody)
    assert not chat.state.sessions.dirty, "the disk knows nothing of nobody"
    user = with_sessions(chat, "alice", "phone", "laptop")
    user.left = 7
    user.lobby.advance(3, 5)
    chat.state.sessions.mark_dirty(user)
    changes = store(chat)
    assert changes == rows_of(chat, user)
    assert [change.number for change in changes if isinstance(change, SetSession)] == [1, 2]
    assert changes[0] == SetLeft(user.id, chat.clock.now(), 7)
    assert changes[-1] == SetMember(user.id, "lobby", 3, 5)
    assert not chat.state.sessions.dirty
    assert store(chat) == []


def test_what_was_given_to_a_user_who_left_is_up_to_the_last_event_then(chat: Harness) -> None:
    (alice, bob) = chat.join("alice", "bob")
    chat.take(chat.send(alice, "a"), chat.send(bob, "b"))
    chat.state.users.leave(alice, alice.connections[0], for_good=False)
    chat.take(chat.send(bob, "c"))
    assert store(chat)[-1] == SetMember(alice.id, "lobby", 0, 2)
    assert (alice.lobby.read, alice.lobby.delivered) == (0, 2)


def test_the_tokens_of_a_user_who_is_gone_are_dropped_on_disk_once(chat: Harness) -> None:
    gone, here = with_sessions(chat, "gone", "a", "b"), with_sessions(chat, "here", "c")
    chat.state.sessions.expire(gone)
    chat.state.sessions.mark_dirty(here)
    changes = store(chat)
    assert {change.hash for change in changes if isinstance(change, EndSession)} == {
        hash_token("a"), hash_token("b")
    }  # fmt: skip
    assert [change for change in changes if change in rows_of(chat, here)] == rows_of(chat, here)
    assert not chat.state.sessions.dropped
    chat.state.sessions.mark_dirty(gone)
    assert store(chat) == rows_of(chat, gone)


def test_a_session_that_is_removed_is_not_written_again(chat: Harness) -> None:
    user = with_sessions(chat, "alice", "phone", "laptop")
    chat.state.sessions.mark_dirty(user)
    operation = StoreSessions()
    chat.state.sessions.remove(user.sessions[0].hash)
    chat.take(operation)
    written = [change.hash for change in chat.written if isinstance(change, SetSession)]
    assert written == [hash_token("laptop")]


def test_what_changed_during_the_commit_is_written_again(chat: Harness) -> None:
    user = with_sessions(chat, "alice", "phone")
    user.left = 7
    chat.state.sessions.mark_dirty(user)
    operation = StoreSessions()
    rows = chat.decide(Draft(chat.state, chat.clock.now()), [operation])
    assert rows == rows_of(chat, user)
    user.left = None
    chat.state.sessions.mark_dirty(user)
    for change in operation.changes:
        apply(chat.state, change)
    operation.conclude(chat.state, None)  # type: ignore[arg-type]  # it sends nothing
    assert user.left is None, "memory knows better"
    assert store(chat) == rows_of(chat, user)
    assert store(chat) == []


def test_what_the_disk_refused_stays_to_be_written(chat: Harness) -> None:
    user = with_sessions(chat, "alice", "phone", "laptop")
    chat.state.sessions.expire(user)
    draft = Draft(chat.state, chat.clock.now())
    before = chat.decide(draft, [StoreSessions()])
    draft.rollback(0)
    assert store(chat) == before
    assert len(before) == 4, "two tokens, when the user left, and the markers of the lobby"


def test_a_user_whose_row_the_disk_refused_needs_no_writing(chat: Harness) -> None:
    (alice,) = chat.join("alice")
    with chat.refuse(chat.send(alice, "hi")):
        pass
    chat.state.users.leave(alice, alice.connections[0], for_good=False)
    assert not chat.state.sessions.dirty
    assert store(chat) == []


def test_nothing_is_written_of_a_user_who_is_deleted_in_the_same_batch(chat: Harness) -> None:
    alice, bob = chat.join("alice", "bob")
    chat.take(chat.send(alice, "a"), chat.send(bob, "b"))
    for user in (alice, bob):
        chat.state.sessions.mark_dirty(user)
    chat.written.clear()
    chat.take(Delete(user=alice.id), StoreSessions())
    assert [change.user for change in chat.written if isinstance(change, SetLeft)] == [bob.id]
    assert not chat.state.sessions.dirty


def test_many_users_are_stored_in_parts(chat: Harness) -> None:
    for number in range(RECORDS + 1):
        chat.state.sessions.mark_dirty(with_sessions(chat, f"u{number}", str(number)))
    sizes = []
    while chat.state.sessions.dirty:
        sizes.append(len([change for change in store(chat) if isinstance(change, SetLeft)]))
    assert sizes == [RECORDS, 1]


def test_what_has_expired_is_deleted_on_disk(chat: Harness) -> None:
    operation = PruneStore(prune=chat.state.prune())
    chat.take(operation)
    assert operation.reply is None
    assert chat.written == [operation.prune]


def test_who_is_back_is_stored_before_what_has_expired_is_deleted(chat: Harness) -> None:
    """Else the disk, which knows only when the user left, would delete the sessions; bob was back since."""
    alice, bob = chat.join("alice", "bob")
    chat.take(chat.send(alice, "a"), chat.send(bob, "b"))
    chat.state.users.leave(bob, bob.connections[0], for_good=False)
    chat.state.sessions.mark_dirty(alice)
    chat.written.clear()
    chat.take(operation := PruneStore(prune=chat.state.prune()))
    now = chat.clock.now()
    assert chat.written == [SetLeft(bob.id, now, bob.left), SetLeft(alice.id, now, None), operation.prune]
    assert set(chat.state.sessions.dirty) == {alice.id, bob.id}, "there is more to store of them"
