"""Who is absent, in the order of time; and what of it is written."""

from __future__ import annotations

from tcpchat.chat.entry import Delivery
from tcpchat.chat.identity import RECORDS, Identities, hash_token
from tcpchat.chat.user import User
from tcpchat.store import DropToken, SetToken
from tests.chat.test_hub import new_user


def identities(most: int = 0, presence: float = 5, grace: float = 600) -> Identities:
    return Identities(presence=presence, grace=grace, most=most)


def with_token(name: str, *, kept: bool = True) -> User:
    user = new_user(name)
    user.token, user.kept = hash_token(name), kept
    return user


def test_a_hash_says_nothing_of_the_token() -> None:
    assert len(hash_token("secret")) == 32
    assert b"secret" not in hash_token("secret")
    assert hash_token("secret") != hash_token("Secret")


def test_who_is_absent_departs_and_is_forgotten_each_at_its_time() -> None:
    known = identities()
    seen, unseen = with_token("seen"), with_token("unseen")
    assert known.wait(0) == float("inf")
    known.absent(seen, 10, here=True)
    known.absent(unseen, 11, here=False)
    assert known.wait(12) == 3
    assert known.take_departed(14.9) == []
    assert known.take_departed(15) == [seen]
    assert known.take_departed(15) == []
    assert known.wait(15) == 595
    assert known.forgotten(609.9) == []
    assert known.forgotten(610) == [seen]
    known.forget(seen)
    assert known.forgotten(611) == [unseen]
    assert known.wait(700) == 0


def test_who_is_back_is_not_absent() -> None:
    known, user = identities(), with_token("alice")
    known.absent(user, 0, here=True)
    known.back(user)
    assert known.take_departed(1000) == known.forgotten(1000) == []
    known.absent(user, 1000, here=True)
    assert known.wait(1000) == 5


def test_the_first_of_too_many_are_forgotten_and_no_more() -> None:
    known = identities(most=2)
    users = [with_token(name) for name in "abcd"]
    for user in users[:2]:
        known.absent(user, 0, here=True)
    assert known.forgotten(1) == []
    for user in users[2:]:
        known.absent(user, 0, here=True)
    assert known.forgotten(1) == users[:2]


def test_a_grace_shorter_than_the_presence_is_as_long() -> None:
    known, user = identities(grace=0), with_token("alice")
    known.absent(user, 0, here=True)
    assert known.forgotten(4.9) == []
    assert known.forgotten(5) == [user]
    assert known.may_come_back(1000, 5999)
    assert not known.may_come_back(1000, 6000)
    assert known.may_come_back(None, 6000)


def test_a_token_finds_its_user_until_it_expires() -> None:
    known, user = identities(), with_token("alice")
    known.add(user)
    assert known.find(hash_token("alice")) is user
    assert known.find(hash_token("bob")) is None
    known.expire(user)
    assert known.find(hash_token("alice")) is None
    assert user.token is None


def test_what_is_unwritten_is_written_once() -> None:
    known, here, gone = identities(), with_token("here"), with_token("gone")
    known.write(with_token("nobody", kept=False))
    assert known.records() is None
    here.left = 7
    known.write(here)
    known.expire(gone)
    entry = known.records()
    assert entry is not None
    assert list(entry.prepare(0)) == [DropToken(gone.id), SetToken(here.id, hash_token("here"), 7)]
    assert known.unwritten(here.id) is here
    entry.settle(Delivery())
    assert known.records() is None


def test_what_changed_during_the_commit_is_written_again() -> None:
    known, user = identities(), with_token("alice")
    user.left = 7
    known.write(user)
    entry = known.records()
    assert entry is not None
    entry.prepare(0)
    user.left = None
    known.write(user)
    entry.settle(Delivery())
    again = known.records()
    assert again is not None
    assert list(again.prepare(0)) == [SetToken(user.id, hash_token("alice"), None)]


def test_who_is_not_kept_after_all_needs_no_writing() -> None:
    known, user = identities(), with_token("alice")
    known.write(user)
    user.kept = False
    entry = known.records()
    assert entry is not None
    assert list(entry.prepare(0)) == []
    entry.settle(Delivery())
    assert known.records() is None


def test_many_are_written_in_parts() -> None:
    known = identities()
    users = [with_token(f"u{number}") for number in range(RECORDS + 1)]
    for user in users:
        known.write(user)
    sizes = []
    while (entry := known.records()) is not None:
        sizes.append(len(list(entry.prepare(0))))
        entry.settle(Delivery())
    assert sizes == [RECORDS, 1]
