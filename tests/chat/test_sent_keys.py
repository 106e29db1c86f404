"""The keys of a user's last sends: in memory, on disk, and on their way there."""

from __future__ import annotations

from tcpchat.chat.sent_keys import KEYS_REMEMBERED, KEYS_TRIMMED, SentKeys
from tcpchat.store.changes import NewKey


def key(name: str, seq: int = 1, at: int = 10) -> NewKey:
    return NewKey("u1", name, at, "lobby", None, seq, None, at)


def filled(count: int) -> SentKeys:
    keys = SentKeys()
    for number in range(count):
        keys.add(key(str(number)))
    return keys


def test_a_send_is_found_by_its_key_for_as_long_as_keys_are_remembered() -> None:
    keys = SentKeys()
    keys.add(key("a", at=10))
    assert keys.find("a", 10) == key("a", at=10)
    assert keys.find("a", 11) is None, "it is older than that"
    assert keys.find("b", 0) is None


def test_a_key_that_is_used_again_is_the_newest() -> None:
    keys = SentKeys()
    for one in (key("a", 1), key("b", 2), key("a", 3, at=20)):
        keys.add(one)
    assert list(keys) == [key("b", 2), key("a", 3, at=20)]
    assert keys.find("a", 0) == key("a", 3, at=20)


def test_of_very_many_keys_the_last_are_remembered() -> None:
    keys = filled(KEYS_REMEMBERED)
    assert keys.find("0", 0)
    keys.add(key("one more"))
    assert keys.find("0", 0) is None
    assert keys.find("1", 0)
    assert len(list(keys)) == KEYS_REMEMBERED


def test_the_disk_is_trimmed_once_for_many_keys_too_many() -> None:
    keys = filled(KEYS_REMEMBERED + KEYS_TRIMMED - 1)
    assert not keys.should_trim()
    keys.add(key("one more"))
    assert keys.should_trim()
    assert keys.should_trim(), "the disk may have refused it"
    keys.trimmed()
    assert not keys.should_trim()


def test_a_key_is_in_flight_until_each_send_under_it_ended() -> None:
    keys = SentKeys()
    assert not keys.is_in_flight("a")
    keys.begin("a")
    keys.begin("a")
    keys.end("a")
    assert keys.is_in_flight("a")
    assert not keys.is_in_flight("b")
    keys.end("a")
    assert not keys.is_in_flight("a")
    assert keys.find("a", 0) is None, "that alone does not remember it"


def test_keys_are_left_to_the_disk_and_read_again() -> None:
    keys = filled(3)
    stored = list(keys)
    keys.unload()
    assert keys.on_disk
    assert list(keys) == []
    keys.load(stored)
    assert not keys.on_disk
    assert list(keys) == stored


def test_a_user_without_keys_has_none_on_disk() -> None:
    keys = SentKeys()
    keys.unload()
    assert not keys.on_disk


def test_what_is_in_flight_stays_so_when_the_keys_are_unloaded() -> None:
    keys = filled(1)
    keys.begin("0")
    keys.unload()
    assert keys.is_in_flight("0")
