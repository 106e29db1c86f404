"""A draft is decided on top of the state, and taken back without a trace."""

from __future__ import annotations

import pytest

from chaos.durable import durable
from tcpchat.chat.draft import Draft
from tcpchat.chat.moderation import Mute
from tcpchat.chat.operations.base import Operation
from tcpchat.chat.operations.markers import MarkRead
from tcpchat.chat.operations.moderation import MuteUser, ReportUser
from tcpchat.chat.operations.sessions import ChangePassword, EndSessions, RegisterUser
from tcpchat.chat.operations.users import Delete, Rename
from tcpchat.chat.room import direct_name
from tcpchat.chat.user import User
from tcpchat.store.changes import EndSession, NewMessage, NewUser
from tests.chat.harness import Harness, posted, replies


@pytest.fixture
def chat() -> Harness:
    return Harness()


def everything(chat: Harness, alice: User, bob: User) -> list[Operation]:
    """Return operations of many kinds, each of which rests on the ones before it."""
    session = alice.sessions[0].change()
    return [
        chat.send(alice, "one"),
        chat.send(bob, "two", alice),
        chat.send(bob, "three", alice),
        chat.edit(alice, 1, "one, corrected"),
        Rename(user=alice.id, name="carol", key="carol"),
        ReportUser(reporter=alice.id, target=bob.id, bucket="", reason="spam"),
        MuteUser(user=bob.id, mute=Mute(10**15, "enough", by_operator=True)),
        MarkRead(user=alice.id, room=direct_name(alice.id, bob.id), username="bob", seq=2),
        RegisterUser(user=alice.id, hash="#", session=session),
        EndSessions(user=bob.id, hashes=[bob.sessions[0].hash]),
        Delete(user=bob.id),
    ]


def test_numbers_go_on_where_the_draft_is_and_the_state_stays(chat: Harness) -> None:
    (alice,) = chat.join("alice")
    draft = Draft(chat.state, 0)
    sends = [chat.send(alice, text) for text in ("a", "b")]
    rows = chat.decide(draft, sends)
    assert [row.seq for row in rows if isinstance(row, NewMessage)] == [1, 2]
    assert chat.state.rooms.lobby.seq == 0
    assert [reply["seq"] for reply in replies(*sends)] == [1, 2]


def test_what_the_disk_refuses_leaves_no_trace(chat: Harness) -> None:
    alice, bob = chat.join("alice", "bob")
    chat.take(chat.send(alice, "so that alice has a row"))
    before, draft = durable(chat.state), Draft(chat.state, 0)
    operations = everything(chat, alice, bob)
    rows = chat.decide(draft, operations)
    assert [operation.reply for operation in operations] == [None] * len(operations)
    assert len(rows) > len(operations)
    draft.rollback(0)
    assert durable(chat.state) == before
    assert chat.decide(draft, everything(chat, alice, bob)) == rows, "it can be decided again, the same"


def test_what_is_taken_back_is_taken_back_from_the_last_to_the_first(chat: Harness) -> None:
    """Else the number of a message before would be given out again."""
    (alice,) = chat.join("alice")
    draft = Draft(chat.state, 0)
    chat.decide(draft, [chat.send(alice, "stays")])
    savepoint = draft.savepoint()
    chat.decide(draft, [chat.send(alice, text) for text in ("b", "c", "d")])
    draft.rollback(savepoint)
    again = chat.send(alice, "b")
    chat.decide(draft, [again])
    assert again.seq == 2


def test_an_operation_that_is_rejected_leaves_nothing_in_the_draft(chat: Harness) -> None:
    """A row that was promised and not written would break those that refer to it."""
    alice, bob = chat.join("alice", "bob")
    draft = Draft(chat.state, 0)
    chat.decide(draft, [Delete(user=bob.id)])
    late = chat.send(alice, "too late", bob)
    chat.decide(draft, [late])
    assert replies(late)[0]["code"] == "no-such-user"
    rows = chat.decide(draft, [chat.send(alice, "hi")])
    assert [row.id for row in rows if isinstance(row, NewUser)] == [alice.id]


def test_a_password_that_changes_ends_sessions_and_later_changes_that_rest_on_it(chat: Harness) -> None:
    (alice,) = chat.join("alice")
    session = alice.sessions[0]
    chat.take(RegisterUser(user=alice.id, hash="#", session=session.change()))
    proved = chat.state.passwords[alice.id]
    first = ChangePassword(user=alice.id, hash="1", keeps=session.hash, proved=proved)
    second = ChangePassword(user=alice.id, hash="2", keeps=session.hash, proved=proved)
    chat.take(first, second)
    assert (first.reply, first.ended) == (None, 0)
    assert replies(second)[0]["code"] == "wrong-login"


def test_a_session_ends_once(chat: Harness) -> None:
    (alice,) = chat.join("alice")
    chat.take(chat.send(alice, "so that alice has a row"))
    token = alice.sessions[0].hash
    draft = Draft(chat.state, 0)
    rows = chat.decide(draft, [EndSessions(user=alice.id, hashes=[token]) for _ in range(2)])
    assert rows == [EndSession(token, "revoked")]


def test_a_deleted_user_is_deleted_once(chat: Harness) -> None:
    alice, _ = chat.join("alice", "bob")
    first, second = Delete(user=alice.id), Delete(user=alice.id)
    chat.take(first, second)
    assert (first.reply, replies(second)[0]["code"]) == (None, "no-such-user")


def test_reports_of_one_batch_count_together(chat: Harness) -> None:
    *reporters, bob = chat.join("a", "b", "c", "d", "bob")
    reports = [ReportUser(reporter=one.id, target=bob.id, bucket="", reason=None) for one in reporters]
    chat.take(*reports)
    assert "muted_until" not in replies(*reports)[2]
    assert replies(*reports)[3]["muted_until"]
    assert posted(chat.take(chat.send(reporters[0], "x")))[0]["seq"] == 1
