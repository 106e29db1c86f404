"""Who enters or leaves a room gets the events of that time, once and in order."""

from __future__ import annotations

from tcpchat.chat.operations.membership import JoinRoom, LeaveRoom
from tests.chat.harness import say_in
from tests.running import RunningServer
from tests.sessions import guest, log_in, user


async def test_who_enters_and_leaves_in_a_batch_gets_what_came_in_between(running: RunningServer) -> None:
    alice, bob = await user(running, "alice"), await guest(running, "bob")
    await alice.do("create", name="ops")
    author, other = running.user("alice"), running.user("bob")
    pipeline = running.node.pipeline
    pipeline.submit(say_in("ops", author, "before"))
    pipeline.submit(JoinRoom(user=other.id, room="ops"))
    pipeline.submit(say_in("ops", author, "now"))
    await pipeline.wait_idle()
    assert [line["seq"] for line in await bob.heard("member", "message")] == [3, 4]
    pipeline.submit(say_in("ops", author, "last"))
    pipeline.submit(LeaveRoom(user=other.id, room="ops"))
    pipeline.submit(say_in("ops", author, "after"))
    await pipeline.wait_idle()
    assert [line["seq"] for line in await bob.heard("member", "message")] == [5, 6]
    assert [line["seq"] for line in await alice.heard("member", "message")] == [1, 2, 3, 4, 5, 6, 7]


async def test_a_member_does_not_undo_a_removal_by_a_moderator(running: RunningServer) -> None:
    alice = await user(running, "alice")
    bob, carol = await guest(running, "bob"), await guest(running, "carol")
    await alice.do("create", name="ops")
    for person in (bob, carol):
        assert (await person.do("join", name="ops"))["type"] == "room"
    await alice.do("remove", room="ops", username="carol")
    assert (await carol.do("join", name="ops"))["code"] == "removed"
    assert (await bob.do("invite", room="ops", username="carol"))["code"] == "not-allowed"
    assert (await carol.do("join", name="ops"))["code"] == "removed"
    await alice.do("role", room="ops", username="bob", role="moderator")
    assert (await bob.do("invite", room="ops", username="carol"))["standing"] == "invited"
    assert (await carol.do("join", name="ops"))["role"] == "member"


async def test_nothing_is_said_edited_or_scheduled_in_a_closed_room(running: RunningServer) -> None:
    alice = await user(running, "alice")
    await alice.do("create", name="ops")
    said = await alice.do("send", room="ops", text="hi")
    await alice.do("close", room="ops")
    refused = [
        await alice.do("send", room="ops", text="again"),
        await alice.do("send", room="ops", text="later", time=60),
        await alice.do("edit", room="ops", seq=said["seq"], text="ho"),
    ]
    assert [line["code"] for line in refused] == ["room-closed"] * 3
    assert [line["text"] for line in (await alice.do("history", room="ops"))["messages"]] == ["hi"]


async def test_a_device_that_logs_in_later_hears_the_rooms_of_its_user(running: RunningServer) -> None:
    alice, bob = await user(running, "alice"), await user(running, "bob")
    await alice.do("create", name="ops")
    await bob.do("join", name="ops")
    tablet = await log_in(running, "bob")
    await alice.do("send", room="ops", text="hi")
    assert await tablet.texts() == await bob.texts() == ["hi"]
    await bob.do("leave", name="ops")
    await alice.do("send", room="ops", text="not for bob")
    assert await tablet.texts() == await bob.texts() == []


async def test_ignoring_hides_text_and_not_what_happens_to_a_room(running: RunningServer) -> None:
    alice, bob = await user(running, "alice"), await guest(running, "bob")
    await alice.do("create", name="ops")
    await bob.do("join", name="ops")
    await bob.do("ignore", name="alice")
    await bob.heard()
    await alice.do("send", room="ops", text="hi")
    await alice.do("topic", room="ops", text="what is up")
    message, topic = await bob.heard("message", "topic")
    assert (message["text"], message["ignored"]) == ("", True)
    assert (topic["text"], topic.get("ignored")) == ("what is up", None)
    events = (await bob.do("log", room="ops", after=topic["seq"] - 1))["events"]
    assert [(line["text"], line.get("ignored")) for line in events] == [("what is up", None)]
