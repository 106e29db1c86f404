"""What a user remembers."""

from __future__ import annotations

from typing import Any

from tcpchat.chat.account import EndEntry
from tcpchat.chat.device import Device
from tcpchat.chat.room import Room, conversation
from tcpchat.chat.user import LINES_MISSED, Conversation, Mark
from tcpchat.store.changes import EndSession, SetSession
from tests.chat.test_hub import Ear, new_user


def device(number: int) -> Device:
    user = new_user("alice")
    hash = bytes([number])
    return Device(user=user, number=number, hash=hash, name="phone", address="::1", since=3, used=5)


def test_each_author_is_told_once_until_something_changed() -> None:
    user = new_user("alice")
    assert [user.has_told(author) for author in ("bob", "bob", "carol", "bob")] == [False, True, False, True]
    user.tell_again()
    assert [user.has_told(author) for author in ("bob", "carol", "carol")] == [False, False, True]


def test_a_mark_is_of_the_lobby_or_of_a_conversation() -> None:
    user = new_user("alice")
    room = Room(conversation(user.id, "id of bob"))
    user.conversations["id of bob"] = Conversation(room, "id of bob", Mark(1, 2))
    notes = Room(conversation(user.id, user.id))
    user.conversations[user.id] = Conversation(notes, user.id, Mark(5, 6))
    user.lobby = Mark(3, 4)
    assert user.mark("lobby") == Mark(3, 4)
    assert user.mark(room.name) == Mark(1, 2)
    assert user.mark(notes.name) == Mark(5, 6)


def test_lines_that_were_missed_are_taken_once_and_of_very_many_the_last() -> None:
    user = new_user("alice")
    assert user.take_missed() == b""
    for number in range(LINES_MISSED + 2):
        user.miss(b"%d\n" % number)
    missed = user.take_missed().splitlines()
    assert (len(missed), missed[0], missed[-1]) == (LINES_MISSED, b"2", b"%d" % (LINES_MISSED + 1))
    assert user.take_missed() == b""


def test_a_connection_belongs_to_one_device() -> None:
    user, ear = new_user("alice"), Ear()
    user.devices = [device(1), device(2)]
    user.devices[1].connection = ear
    assert user.device_of(ear) is user.devices[1]
    assert user.device_of(Ear()) is None


def test_what_is_kept_and_shown_of_a_device() -> None:
    phone = device(1)
    assert phone.change() == SetSession(b"\1", phone.user.id, 1, "phone", "::1", 3, 5)
    shown = phone.describe(current=True)
    assert (shown.number, shown.device, shown.address, shown.here, shown.current) == (
        1, "phone", "::1", False, True
    )  # fmt: skip
    assert (shown.since, shown.used) == ("1970-01-01T00:00:00.003Z", "1970-01-01T00:00:00.005Z")
    phone.connection = Ear()
    assert phone.describe(current=False).here


def test_a_device_whose_end_is_being_written_is_not_written_again() -> None:
    user = new_user("alice")
    phone, laptop = user.devices = [device(1), device(2)]
    phone.user.kept = True
    nobody: Any = None  # who is asked only when it is settled
    entry = EndEntry(nobody, [phone])
    assert user.lasting() == [phone, laptop]
    assert [*entry.prepare(0)] == [EndSession(phone.hash)]
    assert user.lasting() == [laptop]
    entry.undo()
    assert user.lasting() == [phone, laptop]
