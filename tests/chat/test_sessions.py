"""The index of sessions: which user a token brings back, and who is absent, in the order of time."""

from __future__ import annotations

import pytest

from tcpchat.chat.sessions import SessionIndex, hash_token
from tcpchat.chat.user import User
from tests.chat.parts import new_session, new_user
from tests.rows import rows


def index_of(most: int = 0, presence: float = 5, grace: float = 600) -> SessionIndex:
    return SessionIndex(presence=presence, grace=grace, most=most)


def with_sessions(index: SessionIndex, name: str, *tokens: str) -> User:
    """Return a user with a row, and with a session for each token."""
    user = new_user(name)
    user.has_row = True
    for number, token in enumerate(tokens, 1):
        index.add(user, new_session(user, token, number))
    return user


def found(index: SessionIndex, token: str) -> object:
    return index.find(hash_token(token))


# Tokens


def test_a_hash_says_nothing_of_the_token() -> None:
    assert len(hash_token("secret")) == 32
    assert b"secret" not in hash_token("secret")
    assert hash_token("secret") != hash_token("Secret")


def test_each_token_of_a_user_finds_its_session_until_the_user_expires() -> None:
    index = index_of()
    user = with_sessions(index, "alice", "phone", "laptop")
    phone, laptop = user.sessions
    assert found(index, "phone") == (phone, user)
    assert found(index, "laptop") == (laptop, user)
    assert found(index, "alice") is None
    assert user.last_session == 2
    index.expire(user)
    assert found(index, "phone") is found(index, "laptop") is None
    assert user.sessions == []


def test_a_removed_session_is_not_found_and_the_others_are() -> None:
    index = index_of()
    user = with_sessions(index, "alice", "phone", "laptop")
    phone, laptop = user.sessions
    assert index.remove(phone.hash) == (phone, user)
    assert index.remove(phone.hash) is None
    assert found(index, "phone") is None
    assert found(index, "laptop") == (laptop, user)
    assert user.sessions == [laptop]


def test_an_unloaded_user_is_not_found_and_keeps_the_sessions_for_the_disk() -> None:
    index = index_of()
    user = with_sessions(index, "alice", "phone")
    index.add_absent(user, 0, here=True)
    index.unload(user)
    assert found(index, "phone") is None
    assert len(user.sessions) == 1
    assert index.next_expiry(0) == float("inf")


def test_a_deleted_user_is_not_found_and_nothing_is_left_to_be_stored() -> None:
    index = index_of()
    user, other = with_sessions(index, "alice", "phone"), with_sessions(index, "bob", "pc")
    for one in (user, other):
        index.mark_dirty(one)
    gone = with_sessions(index, "carol", "old")
    index.expire(gone)
    index.add_absent(user, 0, here=True)
    index.delete(user)
    index.delete(gone)
    assert found(index, "phone") is None
    assert user.sessions == []
    assert index.dirty == {other.id: other}
    assert index.dropped == {}
    assert index.next_expiry(0) == float("inf")


# Absent users


def test_absent_users_depart_and_expire_each_at_the_time() -> None:
    index = index_of()
    seen, unseen = new_user("seen"), new_user("unseen")
    assert index.next_expiry(0) == float("inf")
    index.add_absent(seen, 10, here=True)
    index.add_absent(unseen, 11, here=False)
    assert index.next_expiry(12) == 3
    assert index.take_departed(14.9) == []
    assert index.take_departed(15) == [seen]
    assert index.take_departed(15) == []
    assert index.next_expiry(15) == 595
    assert index.expired(609.9) == []
    assert index.expired(610) == [seen]
    index.unload(seen)
    assert index.expired(611) == [unseen]
    assert index.next_expiry(700) == 0


def test_a_user_who_came_back_is_not_absent() -> None:
    index, user = index_of(), new_user("alice")
    index.add_absent(user, 0, here=True)
    index.came_back(user)
    assert index.take_departed(1000) == index.expired(1000) == []
    index.add_absent(user, 1000, here=True)
    assert index.next_expiry(1000) == 5


def test_a_user_who_was_absent_for_longer_than_others_expires_before_them() -> None:
    """As a guest who is loaded, whose grace time goes on."""
    index = index_of()
    users = [new_user(name) for name in "abc"]
    for user, since in zip(users, (5, 3, 4), strict=True):
        index.add_absent(user, since, here=False)
    assert index.next_expiry(5) == 598
    assert index.expired(604) == [users[1], users[2]]


def test_the_first_of_too_many_expire_and_no_more() -> None:
    index = index_of(most=2)
    users = [new_user(name) for name in "abcd"]
    for user in users[:2]:
        index.add_absent(user, 0, here=True)
    assert index.expired(1) == []
    for user in users[2:]:
        index.add_absent(user, 0, here=True)
    assert index.expired(1) == users[:2]


def test_a_grace_shorter_than_the_presence_is_as_long() -> None:
    index, user = index_of(grace=0), new_user("alice")
    index.add_absent(user, 0, here=True)
    assert index.expired(4.9) == []
    assert index.expired(5) == [user]
    assert index.may_come_back(1000, 5999)
    assert not index.may_come_back(1000, 6000)
    assert index.may_come_back(None, 6000)


def test_other_times_hold_for_users_who_are_absent_already() -> None:
    calls: list[str] = []
    index = SessionIndex(presence=5, grace=600, most=0, on_absent=lambda: calls.append("absent"))
    index.add_absent(new_user("alice"), 0, here=True)
    index.configure(presence=2, grace=3, most=0)
    assert calls == ["absent", "absent"], "somebody waits for the time of before"
    assert index.next_expiry(0) == 2


@rows("span", [5.0, 0.1, 600.3])
def test_users_who_need_not_be_waited_for_any_more_expire(span: float) -> None:
    """However times are rounded: else a server that looks again and again would never sleep."""
    for step in range(1000):
        index, since = index_of(presence=span, grace=span), step * 0.37
        index.add_absent(new_user("alice"), since, here=True)
        due = since + span
        assert index.next_expiry(due) == 0
        assert index.take_departed(due)
        assert index.expired(due)


# What the disk does not know


def test_of_a_user_without_a_row_the_disk_need_not_know_anything() -> None:
    index, user = index_of(), new_user("alice")
    index.add(user, new_session(user, "phone"))
    index.mark_dirty(user)
    index.expire(user)
    assert (index.dirty, index.dropped) == ({}, {})


def test_a_user_who_changed_is_noted_once_and_somebody_is_called() -> None:
    calls: list[str] = []
    index = SessionIndex(presence=5, grace=600, most=0, on_dirty=lambda: calls.append("dirty"))
    user = with_sessions(index, "alice", "phone")
    index.mark_dirty(user)
    index.mark_dirty(user)
    assert index.dirty == {user.id: user}
    assert calls


def test_the_tokens_of_a_user_who_expired_are_to_be_dropped() -> None:
    index = index_of()
    user = with_sessions(index, "alice", "a", "b")
    index.expire(user)
    assert index.dropped == {hash_token("a"): user, hash_token("b"): user}
    assert index.dirty == {user.id: user}


def test_who_changed_again_since_the_rows_were_made_stays_to_be_stored() -> None:
    index = index_of()
    alice, bob = with_sessions(index, "alice", "a"), with_sessions(index, "bob", "b")
    for user in (alice, bob):
        index.mark_dirty(user)
    marks = {user.id: index.mark_of(user) for user in (alice, bob)}
    index.mark_dirty(bob)
    index.stored(marks, [])
    assert index.dirty == {bob.id: bob}
    index.stored({bob.id: index.mark_of(bob)}, [])
    assert index.dirty == {}
    index.stored(marks, [])
    index.expire(bob)
    index.stored({}, [hash_token("b")])
    assert (index.dirty, index.dropped) == ({bob.id: bob}, {})


@pytest.mark.parametrize("stored", [True, False])
def test_who_was_pinned_is_to_be_stored_if_there_is_a_row_by_then(*, stored: bool) -> None:
    index = index_of()
    user = with_sessions(index, "alice", "a")
    user.has_row, user.pins = False, 1
    index.expire(user)
    assert (list(index.dirty), list(index.dropped)) == ([user.id], [hash_token("a")])
    user.has_row, user.pins = stored, 0
    index.unpinned(user)
    assert (user.id in index.dirty, hash_token("a") in index.dropped) == (stored, stored)
