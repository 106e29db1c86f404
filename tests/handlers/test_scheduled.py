"""`send -t`, `scheduled` and `cancel`: what goes out later, and what does not."""

from __future__ import annotations

import pytest
import trio.testing

from tcpchat.settings import Limits, Settings
from tests.running import RunningServer, run_server


@pytest.mark.parametrize("line", ["send -t 10m tea", {"type": "send", "text": "tea", "time": 600}])
async def test_a_scheduled_message_goes_out_at_its_time_and_not_before(
    running: RunningServer, mock_clock: trio.testing.MockClock, line: str
) -> None:
    alice, bob = await running.peers("alice", "bob")
    scheduled = await alice.ask(line)
    assert (scheduled["type"], scheduled["number"], scheduled["room"]) == ("scheduled", 1, "lobby")
    assert scheduled["at"] == "2026-11-21T09:10:00.123Z"
    mock_clock.jump(599)
    assert await bob.quiet() == []
    mock_clock.jump(1)
    heard = await bob.next("message")
    assert (heard["from"], heard["text"], heard["room"]) == ("alice", "tea", "lobby")
    assert (await alice.ask("scheduled"))["messages"] == []


async def test_a_private_scheduled_message_reaches_the_two_only(
    running: RunningServer, mock_clock: trio.testing.MockClock
) -> None:
    alice, bob, carol = await running.peers("alice", "bob", "carol")
    assert (await alice.ask("send -u bob -t 1h30m hi"))["username"] == "bob"
    mock_clock.jump(5400)
    assert (await bob.next("message"))["to"] == "bob"
    assert (await alice.next("message"))["to"] == "bob"
    assert await carol.quiet() == []


async def test_an_action_can_be_sent_later(
    running: RunningServer, mock_clock: trio.testing.MockClock
) -> None:
    alice, bob = await running.peers("alice", "bob")
    await alice.ask("send -t 5 --action waves")
    await alice.ask("send -t 5 hi")
    pending = (await alice.ask("scheduled"))["messages"]
    assert [one.get("action") for one in pending] == [True, None]
    mock_clock.jump(5)
    heard = [await bob.next("message"), await bob.next("message")]
    assert {line["text"]: line.get("action") for line in heard} == {"waves": True, "hi": None}


async def test_a_time_of_zero_is_now(running: RunningServer) -> None:
    (alice,) = await running.peers("alice")
    assert (await alice.ask("send -t 0 now"))["type"] == "sent"


async def test_one_sees_ones_own_pending_messages_by_number(
    running: RunningServer, mock_clock: trio.testing.MockClock
) -> None:
    alice, bob = await running.peers("alice", "bob")
    await alice.ask("send -t 20 later")
    await alice.ask("send -t 10 -u bob sooner")
    await bob.ask("send -t 5 mine")
    room = (await alice.ask("send -u bob now"))["room"]
    schedule = await alice.ask("scheduled")
    assert schedule["more"] is False
    assert schedule["messages"] == [
        {"number": 1, "at": "2026-11-21T09:00:20.123Z", "room": "lobby", "text": "later"},
        {"number": 2, "at": "2026-11-21T09:00:10.123Z", "room": room, "username": "bob", "text": "sooner"},
    ]
    assert [pending["number"] for pending in (await alice.ask("scheduled --after 1"))["messages"]] == [2]


async def test_cancel_takes_the_last_or_the_one_of_a_number(
    running: RunningServer, mock_clock: trio.testing.MockClock
) -> None:
    alice, bob = await running.peers("alice", "bob")
    for text in ("one", "two", "three"):
        await alice.ask({"type": "send", "text": text, "time": 10})
    cancelled = await alice.ask("cancel")
    assert (cancelled["type"], cancelled["number"], cancelled["text"]) == ("cancelled", 3, "three")
    assert (await alice.ask({"type": "cancel", "number": 1}))["text"] == "one"
    mock_clock.jump(10)
    assert (await bob.next("message"))["text"] == "two"
    assert await bob.quiet() == []
    assert (await alice.ask("send -t 10 four"))["number"] == 4, "numbers are not used again"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("cancel", "no-such-scheduled"),
        ("cancel 1", "no-such-scheduled"),
        ("cancel one", "bad-usage"),
        ("cancel 1 2", "bad-usage"),
        ({"type": "cancel", "number": "1"}, "wrong-type"),
        ({"type": "cancel", "number": -1}, "no-such-scheduled"),
        ("scheduled now", "bad-usage"),
        ({"type": "scheduled", "all": True}, "unknown-field"),
    ],
)
async def test_bad_requests(running: RunningServer, line: str, code: str) -> None:
    alice, bob = await running.peers("alice", "bob")
    await bob.ask("send -t 5 not alice's")
    assert (await alice.ask(line))["code"] == code


async def test_no_more_than_the_limit_can_be_scheduled(mock_clock: trio.testing.MockClock) -> None:
    async with run_server(Settings(limits=Limits(scheduled_per_user=2))) as running:
        alice, bob = await running.peers("alice", "bob")
        for _ in range(2):
            assert (await alice.ask("send -t 60 x"))["type"] == "scheduled"
        error = await alice.ask("send -t 60 x")
        assert (error["code"], error["limit"], error["retry_after"]) == ("too-many-scheduled", 2, 60)
        assert (await bob.ask("send -t 60 x"))["type"] == "scheduled"
        mock_clock.jump(60)
        await alice.next("message")
        await alice.quiet()
        assert (await alice.ask("send -t 60 x"))["type"] == "scheduled"


async def test_nothing_can_be_scheduled_further_ahead_than_the_limit(running: RunningServer) -> None:
    (alice,) = await running.peers("alice")
    assert (await alice.ask("send -t 30d x"))["type"] == "scheduled"
    error = await alice.ask({"type": "send", "text": "x", "time": 30 * 86400 + 1})
    assert (error["code"], error["limit"]) == ("too-far-ahead", 30 * 86400)


async def test_without_a_limit_a_time_still_has_a_year_of_four_digits() -> None:
    async with run_server(Settings(limits=Limits(schedule_ahead_seconds=0))) as running:
        (alice,) = await running.peers("alice")
        assert (await alice.ask("send -t 36500d x"))["type"] == "scheduled"
        assert (await alice.ask({"type": "send", "text": "x", "time": 1e15}))["code"] == "too-far-ahead"


async def test_who_left_is_still_the_author_under_the_name_of_then(
    running: RunningServer, mock_clock: trio.testing.MockClock
) -> None:
    alice, bob = await running.peers("alice", "bob")
    await alice.ask("send -t 10 from beyond")
    await alice.ask("rename carol")
    await alice.leave()
    running.announce_presence()
    await bob.next("left")
    mock_clock.jump(10)
    assert (await bob.next("message"))["from"] == "alice"


async def test_a_message_for_who_left_is_not_given_to_who_took_the_name(
    running: RunningServer, mock_clock: trio.testing.MockClock
) -> None:
    alice, bob = await running.peers("alice", "bob")
    await alice.ask("send -t 10 -u bob for your eyes only")
    await bob.leave()
    running.announce_presence()
    await alice.next("left")
    thief = await running.peer("bob")
    mock_clock.jump(10)
    unsent = await alice.next("unsent")
    assert (unsent["number"], unsent["text"], unsent["code"]) == (1, "for your eyes only", "no-such-user")
    assert [line["type"] for line in await thief.quiet() if line["type"] == "message"] == []
    assert (await alice.ask("scheduled"))["messages"] == []


async def test_a_muted_authors_message_is_not_sent_and_the_author_is_told(
    running: RunningServer, mock_clock: trio.testing.MockClock
) -> None:
    alice, *others = await running.peers("alice", "b", "c", "d", "e")
    await alice.ask("send -t 10 buy now")
    for other in others:
        await other.ask("report alice spam")
    mock_clock.jump(10)
    unsent = await alice.next("unsent")
    assert (unsent["code"], unsent["text"]) == ("muted", "buy now")
    assert not [line for line in await others[0].quiet() if line["type"] == "message"]


async def test_many_that_come_due_at_once_all_go_out_in_order(
    running: RunningServer, mock_clock: trio.testing.MockClock
) -> None:
    alice, bob = await running.peers("alice", "bob")
    for number in range(40):
        await alice.ask({"type": "send", "text": str(number), "time": 60})
    mock_clock.jump(60)
    assert [(await bob.next("message"))["text"] for _ in range(40)] == [str(n) for n in range(40)]
