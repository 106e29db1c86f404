"""What users set for themselves: decided on what came before, and answered with what holds then."""

from __future__ import annotations

import pytest

from tcpchat.chat.operations import settings
from tcpchat.chat.operations.settings import ChangeAway, ChangeReceipts, Ignore, Unignore
from tcpchat.chat.operations.users import Delete
from tcpchat.chat.user import User
from tcpchat.store.changes import DropIgnored, NewUser, SetAway, SetIgnored, SetReceipts
from tests.chat.harness import Harness, replies


@pytest.fixture
def chat() -> Harness:
    return Harness()


def ignore(user: User, other: User) -> Ignore:
    return Ignore(user=user.id, names={other.id: other.name}, other=other.id)


def unignore(user: User, other: User) -> Unignore:
    return Unignore(user=user.id, names={other.id: other.name}, others={other.id: other.name})


def lists(*operations: Ignore | Unignore) -> list[list[str]]:
    return [reply["users"] for reply in replies(*operations)]


def test_a_setting_is_stored_for_a_user_who_has_a_row_from_then_on(chat: Harness) -> None:
    alice, bob = chat.join("alice", "bob")
    away, other = ChangeAway(user=alice.id, away=("tea", 5)), ignore(alice, bob)
    chat.take(away, other)
    assert [reply["type"] for reply in replies(away, other)] == ["away", "ignoring"]
    assert alice.away == ("tea", 5)
    assert alice.ignored == {bob.id}
    assert [change.id for change in chat.written if isinstance(change, NewUser)] == [alice.id, bob.id]
    assert chat.state.audience.ignored_by == {bob.id: {alice}}


def test_a_user_is_back_from_an_absence_that_another_connection_is_about_to_begin(chat: Harness) -> None:
    (alice,) = chat.join("alice")
    away, back = ChangeAway(user=alice.id, away=("tea", 5)), ChangeAway(user=alice.id, away=None)
    chat.take(away, back)
    assert [reply["type"] for reply in replies(away, back)] == ["away", "back"]
    assert alice.away is None
    assert chat.written[-1] == SetAway(alice.id, None, None)


def test_to_be_back_without_having_been_away_stores_nothing(chat: Harness) -> None:
    (alice,) = chat.join("alice")
    chat.take(back := ChangeAway(user=alice.id, away=None))
    assert replies(back)[0]["type"] == "back"
    assert (chat.written, alice.has_row) == ([], False)


def test_receipts_are_as_the_last_of_two_connections_wants_them(chat: Harness) -> None:
    (alice,) = chat.join("alice")
    off, on = ChangeReceipts(user=alice.id, on=False), ChangeReceipts(user=alice.id, on=True)
    chat.take(off, on)
    assert [reply["on"] for reply in replies(off, on)] == [False, True]
    assert alice.receipts
    chat.take(ChangeReceipts(user=alice.id, on=True))
    stored = [bool(change.on) for change in chat.written if isinstance(change, SetReceipts)]
    assert stored == [False, True], "what holds already is not stored again"


@pytest.mark.parametrize("together", [True, False])
def test_the_reply_to_each_of_two_ignores_is_the_list_by_then(chat: Harness, *, together: bool) -> None:
    alice, bob, carol = chat.join("alice", "bob", "carol")
    first, second = ignore(alice, bob), ignore(alice, carol)
    if together:
        chat.take(first, second)
    else:
        chat.take(first)
        chat.take(second)
    assert lists(first, second) == [["bob"], ["bob", "carol"]]
    chat.take(one := unignore(alice, bob), other := unignore(alice, carol))
    assert lists(one, other) == [["carol"], []]
    assert alice.ignored == frozenset()


def test_nobody_ignores_more_users_than_the_limit_by_asking_at_once(
    chat: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "MOST_IGNORED", 1)
    alice, bob, carol = chat.join("alice", "bob", "carol")
    first, again, second = ignore(alice, bob), ignore(alice, bob), ignore(alice, carol)
    chat.take(first, again, second)
    assert lists(first, again) == [["bob"], ["bob"]]
    assert replies(second)[0]["code"] == "too-many-ignored"
    assert [change for change in chat.written if isinstance(change, SetIgnored)] == [
        SetIgnored(alice.id, bob.id)
    ]
    chat.take(unignore(alice, bob), third := ignore(alice, carol))
    assert lists(third) == [["carol"]]


def test_who_is_not_ignored_any_more_is_not_unignored_again(chat: Harness) -> None:
    alice, bob = chat.join("alice", "bob")
    chat.take(ignore(alice, bob))
    chat.take(first := unignore(alice, bob), second := unignore(alice, bob))
    assert lists(first, second) == [[], []]
    assert len([change for change in chat.written if isinstance(change, DropIgnored)]) == 1


def test_an_ignored_user_who_is_gone_is_listed_by_the_last_name(chat: Harness) -> None:
    alice, bob, carol = chat.join("alice", "bob", "carol")
    chat.take(ignore(alice, bob))
    chat.state.users.leave(bob, bob.connections[0], for_good=True)
    operation = Ignore(user=alice.id, names={bob.id: "bob"}, other=carol.id)
    chat.take(operation)
    assert lists(operation) == [["bob", "carol"]]


def test_a_deleted_user_is_not_ignored(chat: Harness) -> None:
    alice, bob = chat.join("alice", "bob")
    operation = ignore(alice, bob)
    chat.take(Delete(user=bob.id), operation)
    assert replies(operation)[0]["code"] == "no-such-user"
    assert alice.ignored == frozenset()
