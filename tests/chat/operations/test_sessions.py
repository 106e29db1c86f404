"""Accounts and sessions: begun, ended, and decided on what the operations before them left."""

from __future__ import annotations

import pytest

from tcpchat.chat.draft import Draft
from tcpchat.chat.operations.sessions import (
    ENDED,
    BeginSession,
    ChangePassword,
    CreateUser,
    EndSessions,
    RegisterUser,
)
from tcpchat.chat.operations.upkeep import StoreSessions
from tcpchat.chat.operations.users import Delete
from tcpchat.chat.sessions import hash_token
from tcpchat.chat.user import User
from tcpchat.store.changes import EndSession, NewUser, SetAccount, SetMember, SetName, SetSession
from tests.chat.harness import Harness, NullSubscriber, replies
from tests.chat.parts import new_session


@pytest.fixture
def chat() -> Harness:
    return Harness()


@pytest.fixture
def alice(chat: Harness) -> User:
    """A registered user with one session, which is connected."""
    (alice,) = chat.join("alice")
    chat.take(register(alice))
    return alice


def register(user: User, device: str = "") -> RegisterUser:
    return RegisterUser(user=user.id, hash="#", session=user.sessions[0].change()._replace(name=device))


def begin(chat: Harness, user: User, most: int = 0, name: str = "phone") -> BeginSession:
    proved = chat.state.passwords[user.id]
    return BeginSession(user=user.id, proved=proved, most=most, name=name, address="::1")


def connected(chat: Harness, user: User, token: str, number: int) -> NullSubscriber:
    """Let the user have one more session, which is connected."""
    connection = NullSubscriber()
    chat.state.sessions.add(user, new_session(user, token, number, connection=connection))
    user.connections.append(connection)
    return connection


def numbers(user: User) -> list[int]:
    return [session.number for session in user.sessions]


# Registering


def test_a_guest_who_registers_is_stored_with_name_password_and_device(chat: Harness) -> None:
    (alice,) = chat.join("alice")
    chat.take(operation := register(alice, "pc"))
    now = chat.clock.now()
    assert replies(operation) == [{"type": "registered", "user": "alice"}]
    assert SetAccount(alice.id, now, "#") in chat.written
    assert chat.written.index(NewUser(alice.id, now)) == 0
    assert (alice.registered, alice.sessions[0].name) == (now, "pc")
    assert chat.state.passwords[alice.id] == 1
    row = chat.state.directory.registered_as("ALICE")
    assert row is not None
    assert row.user == alice.id


def test_a_user_registers_once(chat: Harness) -> None:
    (alice,) = chat.join("alice")
    first, second = register(alice), register(alice)
    chat.take(first, second)
    chat.take(third := register(alice))
    assert [reply.get("code") for reply in replies(first, second, third)] == [
        None, "already-registered", "already-registered"
    ]  # fmt: skip
    assert len([change for change in chat.written if isinstance(change, SetAccount)]) == 1


def test_a_guest_whose_session_ended_meanwhile_does_not_register(chat: Harness) -> None:
    """Else the token would be valid again."""
    (alice,) = chat.join("alice")
    chat.take(chat.send(alice, "hi"))
    token = alice.sessions[0].hash
    late = register(alice)
    chat.take(EndSessions(user=alice.id, hashes=[token], why=None), late)
    assert replies(late)[0]["code"] == "bad-token"
    assert chat.state.sessions.find(token) is None
    assert [change for change in chat.written if isinstance(change, SetAccount)] == []


# Sessions


def test_a_session_begins_for_a_password_that_is_still_right(chat: Harness, alice: User) -> None:
    chat.take(operation := begin(chat, alice))
    assert operation.reply is None
    assert numbers(alice) == [1, 2]
    found = chat.state.sessions.find(hash_token(operation.token))
    assert found is not None
    session, user = found
    assert user is alice
    assert (session.name, session.address, session.connection) == ("phone", "::1", None)
    assert chat.written[-1] == session.change()
    assert operation.token not in repr(operation)


def test_a_login_that_was_checked_before_the_password_changed_is_rejected(chat: Harness, alice: User) -> None:
    late, later = begin(chat, alice), begin(chat, alice)
    chat.take(ChangePassword(user=alice.id, hash="new"), late)
    chat.take(later)
    assert [reply["code"] for reply in replies(late, later)] == ["wrong-login", "wrong-login"]
    assert alice.sessions == []


def test_the_least_used_session_ends_if_there_are_too_many(chat: Harness, alice: User) -> None:
    phone = connected(chat, alice, "phone", 2)
    chat.state.sessions.add(alice, new_session(alice, "used last", 3, used=10**15))
    chat.state.sessions.add(alice, new_session(alice, "old", 4, used=5))
    chat.take(begin(chat, alice, most=5))
    assert numbers(alice) == [1, 2, 3, 4, 5]
    chat.take(begin(chat, alice, most=5))
    assert numbers(alice) == [1, 2, 3, 5, 6]
    assert chat.written[-1] == EndSession(hash_token("old"), "revoked")
    chat.clock.seconds += 1
    chat.take(begin(chat, alice, most=5))
    assert numbers(alice) == [1, 2, 3, 6, 7], "sessions with a connection stay if others can go"
    assert phone.stopped is None


def test_numbers_of_sessions_rise_and_one_that_the_disk_refused_is_given_again(
    chat: Harness, alice: User
) -> None:
    refused = begin(chat, alice)
    with chat.refuse(refused):
        assert alice.last_session == 1, "deciding changes nothing"
    first, second = begin(chat, alice), begin(chat, alice)
    chat.take(first, EndSessions(user=alice.id, hashes=[alice.sessions[0].hash]), second)
    assert [one.session.number for one in (refused, first, second)] == [2, 2, 3]
    chat.take(EndSessions(user=alice.id, hashes=[second.session.hash]), third := begin(chat, alice))
    assert third.session.number == 4, "numbers are not used again"


def test_sessions_of_one_batch_count_together(chat: Harness, alice: User) -> None:
    chat.take(*(begin(chat, alice, most=2) for _ in range(3)))
    assert numbers(alice) == [1, 4]


def test_a_session_that_ends_stops_its_connection_and_no_other(chat: Harness, alice: User) -> None:
    (own,) = alice.connections
    phone = connected(chat, alice, "phone", 2)
    chat.take(operation := EndSessions(user=alice.id, hashes=[hash_token("phone")]))
    assert operation.reply is None
    assert phone.stopped == "revoked"
    assert alice.connections == [own]
    assert chat.written[-1] == EndSession(hash_token("phone"), "revoked")


def test_the_operator_ends_sessions_under_another_name(chat: Harness, alice: User) -> None:
    phone = connected(chat, alice, "phone", 2)
    chat.take(EndSessions(user=alice.id, hashes=[hash_token("phone")], why=ENDED))
    assert phone.stopped == "ended"


def test_a_session_that_ends_without_a_reason_leaves_its_connection_until_that_leaves(
    chat: Harness, alice: User
) -> None:
    (own,) = alice.connections
    chat.take(EndSessions(user=alice.id, hashes=[alice.sessions[0].hash], why=None))
    assert isinstance(own, NullSubscriber)
    assert own.stopped is None
    assert (alice.connections, alice.sessions) == ([own], [])


def test_a_session_that_is_over_is_not_ended_again(chat: Harness, alice: User) -> None:
    token = alice.sessions[0].hash
    chat.take(EndSessions(user=alice.id, hashes=[token, token]))
    ended = [change for change in chat.written if isinstance(change, EndSession)]
    assert ended == [EndSession(token, "revoked")]


def test_the_end_of_a_guests_session_without_a_row_is_not_written(chat: Harness) -> None:
    (bob,) = chat.join("bob")
    token = bob.sessions[0].hash
    chat.take(EndSessions(user=bob.id, hashes=[token]))
    assert chat.written == []
    assert chat.state.sessions.find(token) is None
    assert chat.state.users.get(bob.id) is None, "nothing brings the guest back"


def test_a_session_may_be_resumed_again_if_the_disk_refused_its_end(chat: Harness, alice: User) -> None:
    (session,) = alice.sessions
    session.ending = True
    operation = EndSessions(user=alice.id, hashes=[session.hash])
    draft = Draft(chat.state, 0)
    chat.decide(draft, [operation])
    draft.rollback(0)
    operation.release(chat.state)
    assert not session.ending
    assert alice.sessions == [session]


def test_a_session_whose_end_is_decided_is_not_written_again(chat: Harness, alice: User) -> None:
    chat.take(begin(chat, alice))
    phone, laptop = (session.hash for session in alice.sessions)
    chat.state.sessions.mark_dirty(alice)
    draft = Draft(chat.state, 0)
    rows = chat.decide(draft, [EndSessions(user=alice.id, hashes=[phone]), StoreSessions()])
    assert [row.hash for row in rows if isinstance(row, SetSession)] == [laptop]
    draft.rollback(0)
    rows = chat.decide(draft, [StoreSessions()])
    assert [row.hash for row in rows if isinstance(row, SetSession)] == [phone, laptop]


# Passwords


def test_a_new_password_ends_all_sessions_but_one(chat: Harness, alice: User) -> None:
    (own,) = alice.sessions
    phone = connected(chat, alice, "phone", 2)
    chat.take(begun := begin(chat, alice))
    operation = ChangePassword(user=alice.id, hash="new", keeps=own.hash, proved=1)
    chat.take(operation)
    assert (operation.reply, operation.ended) == (None, 2)
    assert alice.sessions == [own]
    assert phone.stopped == "revoked"
    assert chat.state.sessions.find(hash_token(begun.token)) is None
    account = SetAccount(alice.id, alice.registered or 0, "new")
    assert account in chat.written, "it keeps since when"
    assert chat.state.passwords[alice.id] == 2


def test_a_new_password_ends_sessions_that_began_in_the_same_batch(chat: Harness, alice: User) -> None:
    begun = begin(chat, alice)
    chat.take(begun, change := ChangePassword(user=alice.id, hash="new"))
    assert change.ended == 2
    assert alice.sessions == []
    assert begun.reply is None, "it began, and is over"
    assert chat.state.sessions.find(hash_token(begun.token)) is None


def test_a_password_that_was_proved_and_is_not_right_any_more_changes_nothing(
    chat: Harness, alice: User
) -> None:
    chat.take(ChangePassword(user=alice.id, hash="new"))
    chat.take(late := ChangePassword(user=alice.id, hash="newer", proved=1))
    (reply,) = replies(late)
    assert (reply["code"], reply["field"]) == ("wrong-login", "password")
    assert chat.state.passwords[alice.id] == 2


def test_only_a_registered_user_has_a_password(chat: Harness) -> None:
    (bob,) = chat.join("bob")
    chat.take(operation := ChangePassword(user=bob.id, hash="new"))
    assert replies(operation)[0]["code"] == "no-such-user"


def test_no_hash_of_a_password_is_shown(alice: User) -> None:
    operations = (
        ChangePassword(user=alice.id, hash="s3cret"),
        RegisterUser(user=alice.id, hash="s3cret", session=alice.sessions[0].change()),
    )
    assert "s3cret" not in repr(operations)


# Users that the operator creates


def test_a_user_is_created_without_a_session_and_may_log_in(chat: Harness) -> None:
    chat.join("bob")
    chat.take(chat.send(chat.state.directory.users()[0], "hi"))
    chat.state.directory.claim("new", "zoe", "zoe")
    chat.written.clear()
    chat.take(CreateUser(user="new", name="zoe", key="zoe", hash="#"))
    now = chat.clock.now()
    assert chat.written == [
        NewUser("new", now),
        SetName("new", "zoe", "zoe"),
        SetAccount("new", now, "#"),
        SetMember("new", "lobby", 1, 1),
    ]
    zoe = chat.state.users.get("new")
    assert zoe is not None
    assert (zoe.name, zoe.registered, zoe.sessions, zoe.lobby.read) == ("zoe", now, [], 1)
    assert chat.state.directory.registered_as("zoe") is not None
    assert zoe not in chat.state.presence
    chat.take(operation := begin(chat, zoe))
    assert operation.reply is None
    chat.clock.seconds += 10**6
    chat.state.users.expire()
    assert chat.state.users.get("new") is None, "it is on disk"


def test_a_name_is_free_if_the_user_was_not_created(chat: Harness) -> None:
    chat.state.directory.claim("new", "zoe", "zoe")
    CreateUser(user="new", name="zoe", key="zoe", hash="#").release(chat.state)
    assert chat.state.directory.is_free("zoe")


@pytest.mark.parametrize("together", [True, False], ids=["one batch", "later"])
def test_a_login_of_a_user_who_was_deleted_meanwhile_is_a_wrong_one(
    chat: Harness, alice: User, *, together: bool
) -> None:
    delete, operation = Delete(user=alice.id), begin(chat, alice)
    if together:
        chat.take(delete, operation)
    else:
        chat.take(delete)
        chat.take(operation)
    assert replies(operation)[0]["code"] == "wrong-login"


def test_a_session_of_a_deleted_user_does_not_begin(chat: Harness, alice: User) -> None:
    chat.take(Delete(user=alice.id), operation := begin(chat, alice))
    assert replies(operation)[0]["type"] == "error"
    assert chat.state.sessions.find(hash_token(operation.token)) is None
    assert not [change for change in chat.written[-1:] if isinstance(change, SetSession)]
