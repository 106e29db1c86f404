"""The state of a user in memory."""

from __future__ import annotations

import orjson

from tcpchat.chat.member import Member
from tcpchat.chat.room import Kind, Room, direct_name
from tcpchat.chat.user import LINES_QUEUED
from tests.chat.harness import NullSubscriber
from tests.chat.parts import AT, NOW, new_session, new_user


def test_each_author_is_notified_once_until_something_changed() -> None:
    user = new_user("alice")
    assert [user.should_notify(author) for author in ("bob", "bob", "carol", "bob")] == [
        True, False, True, False
    ]  # fmt: skip
    user.notify_again()
    assert [user.should_notify(author) for author in ("bob", "carol", "carol")] == [True, True, False]


def test_a_user_is_a_member_of_the_lobby_and_of_direct_rooms_by_name() -> None:
    user = new_user("alice")
    name, notes = direct_name(user.id, "id of bob"), direct_name(user.id, user.id)
    for room, read in ((name, 1), (notes, 5)):
        user.members[room] = Member(Room(room, Kind.DIRECT), read, read + 1)
    user.lobby.advance(3, 4)
    assert user.lobby is user.members["lobby"]
    markers = {room: (member.read, member.delivered) for room, member in user.members.items()}
    assert markers == {"lobby": (3, 4), name: (1, 2), notes: (5, 6)}


def test_lines_for_an_absent_user_are_taken_once_and_of_very_many_the_last() -> None:
    user = new_user("alice")
    assert user.take_queued() == b""
    for number in range(LINES_QUEUED + 2):
        user.queue_offline(b"%d\n" % number)
    queued = user.take_queued().splitlines()
    assert (len(queued), queued[0], queued[-1]) == (LINES_QUEUED, b"2", b"%d" % (LINES_QUEUED + 1))
    assert user.take_queued() == b""


def test_a_connection_belongs_to_one_session() -> None:
    user, connection = new_user("alice"), NullSubscriber()
    user.sessions = [new_session(user, "phone", 1), new_session(user, "laptop", 2)]
    user.sessions[1].connection = connection
    assert user.session_of(connection) is user.sessions[1]
    assert user.session_of(NullSubscriber()) is None


def test_others_see_the_name_and_what_is_set_of_the_rest() -> None:
    user = new_user("alice", registered=7)
    user.since, user.away = NOW, ("tea", 9)
    shown = user.info(muted_until=NOW)
    assert (shown.name, shown.since, shown.registered, shown.away, shown.muted_until) == (
        "alice", AT, True, "tea", AT
    )  # fmt: skip
    guest = new_user("bob").info()
    assert (guest.registered, guest.away, guest.muted_until) == (None, None, None)


def test_the_entry_in_users_is_made_anew_once_something_changed() -> None:
    user = new_user("alice")
    before = user.encoded()
    assert orjson.loads(before)["name"] == "alice"
    user.name = "al"
    assert user.encoded() is before
    user.changed()
    assert orjson.loads(user.encoded())["name"] == "al"
