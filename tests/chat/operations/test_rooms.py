"""Named rooms themselves: create one, change its topic, close it."""

from __future__ import annotations

import pytest

from tcpchat.chat.operations.rooms import CloseRoom, SetTopic
from tests.chat.harness import Harness, create_room, posted, replies, say_in


@pytest.fixture
def chat() -> Harness:
    return Harness()


def test_who_creates_a_room_owns_it_and_its_first_event_says_so(chat: Harness) -> None:
    (alice,) = chat.join("alice")
    guest = create_room(alice, "ops")
    chat.take(guest)
    assert replies(guest)[0]["code"] == "not-registered"
    chat.create(alice, "den")
    operation = create_room(alice, "ops", private=True)
    fanout = chat.take(operation)
    assert replies(operation) == [
        {"type": "room", "room": "ops", "topic": "about ops", "private": True, "role": "owner", "seq": 1}
    ]
    (event,) = posted(fanout)
    assert (event["type"], event["change"], event["username"], event["seq"]) == (
        "member",
        "joined",
        "alice",
        1,
    )
    assert chat.state.rooms.open("ops").owners == {alice.id}


def test_moderators_change_the_topic_and_owners_close(chat: Harness) -> None:
    alice, bob = chat.join("alice", "bob")
    chat.create(alice, "ops", bob)
    refused = [SetTopic(user=bob.id, room="ops", topic="x"), CloseRoom(user=bob.id, room="ops")]
    assert posted(chat.take(*refused)) == []
    assert [one["code"] for one in replies(*refused)] == ["not-allowed"] * 2
    topic, close = SetTopic(user=alice.id, room="ops", topic="news"), CloseRoom(user=alice.id, room="ops")
    late = SetTopic(user=alice.id, room="ops", topic="too late")
    events = posted(chat.take(topic, close, late, message := say_in("ops", bob, "too late")))
    assert [(one["type"], one.get("text")) for one in events] == [("topic", "news"), ("closed", None)]
    assert {one["code"] for one in replies(late, message)} == {"room-closed"}
    room = chat.state.rooms.open("ops")
    assert (room.topic, room.closed is None) == ("news", False)
