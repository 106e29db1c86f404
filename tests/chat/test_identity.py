"""Who is absent, in the order of time; and what of it is written."""

from __future__ import annotations

import pytest

from tcpchat.chat.device import Device
from tcpchat.chat.entry import Delivery
from tcpchat.chat.identity import RECORDS, Identities, RecordEntry, hash_token
from tcpchat.chat.user import Mark, User
from tcpchat.chat.wakeups import Wakeups
from tcpchat.store.changes import Change, EndSession, SetLeft, SetMark, SetSession
from tests.chat.test_hub import new_user


def identities(most: int = 0, presence: float = 5, grace: float = 600) -> Identities:
    return Identities(presence=presence, grace=grace, most=most, wakeups=Wakeups())


def device_of(user: User, token: str, number: int = 1) -> Device:
    """Make a device that its user does not know of yet."""
    return Device(user=user, number=number, hash=hash_token(token), name="", address="", since=0, used=number)


def with_devices(known: Identities, name: str, *tokens: str) -> User:
    """Make a user who is kept on disk, with a device for each token."""
    user = new_user(name)
    user.kept = True
    for number, token in enumerate(tokens, 1):
        known.add(device_of(user, token, number))
    return user


def written(user: User) -> list[Change]:
    """Return what a record of a user says."""
    devices = [
        SetSession(device.hash, user.id, device.number, "", "", 0, device.used) for device in user.devices
    ]
    marks = SetMark(user.id, "lobby", user.lobby.read, user.lobby.delivered)
    return [SetLeft(user.id, 0, user.left), *devices, marks]


def take(known: Identities) -> RecordEntry:
    entry = known.records()
    assert entry is not None
    return entry


def test_a_hash_says_nothing_of_the_token() -> None:
    assert len(hash_token("secret")) == 32
    assert b"secret" not in hash_token("secret")
    assert hash_token("secret") != hash_token("Secret")


def test_who_is_absent_departs_and_is_forgotten_each_at_its_time() -> None:
    known = identities()
    seen, unseen = new_user("seen"), new_user("unseen")
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
    known, user = identities(), new_user("alice")
    known.absent(user, 0, here=True)
    known.back(user)
    assert known.take_departed(1000) == known.forgotten(1000) == []
    known.absent(user, 1000, here=True)
    assert known.wait(1000) == 5


def test_the_first_of_too_many_are_forgotten_and_no_more() -> None:
    known = identities(most=2)
    users = [new_user(name) for name in "abcd"]
    for user in users[:2]:
        known.absent(user, 0, here=True)
    assert known.forgotten(1) == []
    for user in users[2:]:
        known.absent(user, 0, here=True)
    assert known.forgotten(1) == users[:2]


def test_a_grace_shorter_than_the_presence_is_as_long() -> None:
    known, user = identities(grace=0), new_user("alice")
    known.absent(user, 0, here=True)
    assert known.forgotten(4.9) == []
    assert known.forgotten(5) == [user]
    assert known.may_come_back(1000, 5999)
    assert not known.may_come_back(1000, 6000)
    assert known.may_come_back(None, 6000)


def test_each_token_of_a_user_finds_its_device_until_the_user_expires() -> None:
    known = identities()
    user = with_devices(known, "alice", "phone", "laptop")
    phone, laptop = user.devices
    assert known.find(hash_token("phone")) is phone
    assert known.find(hash_token("laptop")) is laptop
    assert known.find(hash_token("alice")) is None
    known.expire(user)
    assert known.find(hash_token("phone")) is known.find(hash_token("laptop")) is None
    assert user.devices == []


def test_a_dropped_device_is_not_found_and_the_others_are() -> None:
    known = identities()
    user = with_devices(known, "alice", "phone", "laptop")
    phone, laptop = user.devices
    known.drop(phone)
    assert known.find(hash_token("phone")) is None
    assert known.find(hash_token("laptop")) is laptop
    assert user.devices == [laptop]


def test_who_is_forgotten_is_not_found_but_keeps_the_devices_for_the_disk() -> None:
    known = identities()
    user = with_devices(known, "alice", "phone")
    known.absent(user, 0, here=True)
    known.forget(user)
    assert known.find(hash_token("phone")) is None
    assert len(user.devices) == 1
    assert known.wait(0) == float("inf")


def test_what_is_unwritten_is_written_once_with_all_devices_and_the_mark_of_the_lobby() -> None:
    known, nobody = identities(), new_user("nobody")
    known.write(nobody)
    assert known.records() is None, "the disk knows nothing of nobody"
    user = with_devices(known, "alice", "phone", "laptop")
    user.left, user.lobby = 7, Mark(3, 5)
    known.write(user)
    entry = take(known)
    changes = list(entry.prepare(0))
    assert changes == written(user)
    assert [change.number for change in changes if isinstance(change, SetSession)] == [1, 2]
    assert changes[-1] == SetMark(user.id, "lobby", 3, 5)
    assert known.unwritten(user.id) is user
    entry.settle(Delivery())
    assert known.unwritten(user.id) is None
    assert known.records() is None


def test_the_tokens_of_who_is_gone_are_dropped_on_disk_once() -> None:
    known = identities()
    gone, here = with_devices(known, "gone", "a", "b"), with_devices(known, "here", "c")
    known.expire(gone)
    known.write(here)
    entry = take(known)
    changes = list(entry.prepare(0))
    assert {change.hash for change in changes if isinstance(change, EndSession)} == {
        hash_token("a"), hash_token("b")
    }  # fmt: skip
    assert [change for change in changes if change in written(here)] == written(here)
    entry.settle(Delivery())
    assert known.records() is None
    known.write(gone)
    assert list(take(known).prepare(0)) == written(gone)


def test_a_device_that_is_dropped_is_not_written_again() -> None:
    known = identities()
    user = with_devices(known, "alice", "phone", "laptop")
    known.write(user)
    entry = take(known)
    known.drop(user.devices[0])
    changes = [change for change in entry.prepare(0) if isinstance(change, SetSession)]
    assert [change.hash for change in changes] == [hash_token("laptop")]


def test_what_changed_during_the_commit_is_written_again() -> None:
    known = identities()
    user = with_devices(known, "alice", "phone")
    user.left = 7
    known.write(user)
    entry = take(known)
    entry.prepare(0)
    user.left = None
    known.write(user)
    entry.settle(Delivery())
    assert list(take(known).prepare(0)) == written(user)


def test_what_the_disk_refused_stays_unwritten() -> None:
    known = identities()
    user = with_devices(known, "alice", "phone", "laptop")
    known.expire(user)
    entry = take(known)
    before = list(entry.prepare(0))
    entry.undo()
    assert list(take(known).prepare(0)) == before
    assert len(before) == 4, "two tokens, when the user left, and the mark of the lobby"


def test_who_is_not_kept_after_all_needs_no_writing() -> None:
    known = identities()
    user = with_devices(known, "alice", "phone", "laptop")
    known.expire(user)
    user.kept = False
    entry = take(known)
    assert list(entry.prepare(0)) == []
    entry.settle(Delivery())
    assert known.records() is None
    user.kept = True
    known.write(user)
    assert list(take(known).prepare(0)) == written(user)


def test_many_are_written_in_parts() -> None:
    known = identities()
    users = [with_devices(known, f"u{number}", str(number)) for number in range(RECORDS + 1)]
    for user in users:
        known.write(user)
    sizes = []
    while (entry := known.records()) is not None:
        sizes.append(len([change for change in entry.prepare(0) if isinstance(change, SetLeft)]))
        entry.settle(Delivery())
    assert sizes == [RECORDS, 1]


@pytest.mark.parametrize("span", [5.0, 0.1, 600.3])
def test_who_need_not_be_waited_for_any_more_is_let_go(span: float) -> None:
    """However times are rounded: else a server that looks again and again would never sleep."""
    for step in range(1000):
        known, since = identities(presence=span, grace=span), step * 0.37
        known.absent(new_user("alice"), since, here=True)
        due = since + span
        assert known.wait(due) == 0
        assert known.take_departed(due)
        assert known.forgotten(due)
