"""Receipts: what who wrote privately learns of it, and of whom nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.handlers.test_conversations import conversations
from tests.handlers.test_unread import say
from tests.running import Line, RunningServer, run_server
from tests.serving.test_delivery import GatedStore
from tests.sessions import Clock, SessionPeer, guest, log_in, lose, pass_time, resume, user


async def settle(running: RunningServer, clock: Clock) -> None:
    """Let everything be told that is told a moment later."""
    await pass_time(running, clock, 0.2, 0.2)


async def receipts(
    running: RunningServer, clock: Clock, person: SessionPeer
) -> list[tuple[str, int, int | None]]:
    await settle(running, clock)
    return [_short(line) for line in await person.heard("receipt")]


def _short(line: Line) -> tuple[str, int, int | None]:
    return line["username"], line["delivered"], line.get("seen")


async def test_delivered_when_a_device_is_connected_and_seen_when_read(
    running: RunningServer, mock_clock: Clock
) -> None:
    alice, bob = await user(running, "alice"), await user(running, "bob")
    await say(bob, "one", to="alice")
    await settle(running, mock_clock)
    (event,) = await bob.heard("receipt")
    (info,) = await conversations(bob)
    assert event == {
        "type": "receipt",
        "username": "alice",
        "room": info["room"],
        "delivered": 1,
        "seen": 0,
    }
    assert (info["delivered"], info["seen"]) == (1, 0)
    await alice.do("read", username="bob")
    assert await receipts(running, mock_clock, bob) == [("alice", 1, 1)]
    assert await receipts(running, mock_clock, alice) == []
    (info,) = await conversations(bob)
    assert (info["delivered"], info["seen"]) == (1, 1)


async def test_many_messages_make_one_receipt(running: RunningServer, mock_clock: Clock) -> None:
    alice, bob = await user(running, "alice"), await user(running, "bob")
    await say(bob, *["x"] * 30, to="alice")
    assert await receipts(running, mock_clock, bob) in (
        [("alice", 30, 0)],
        [("alice", 1, 0), ("alice", 30, 0)],
    )
    for seq in (5, 12, 30):
        await alice.do("read", username="bob", seq=seq)
    assert await receipts(running, mock_clock, bob) in (
        [("alice", 30, 30)],
        [("alice", 30, 5), ("alice", 30, 30)],
    )


async def test_what_is_said_to_who_is_not_there_is_delivered_when_a_device_gets_it(
    running: RunningServer, mock_clock: Clock
) -> None:
    alice, bob = await user(running, "alice"), await user(running, "bob")
    await lose(alice)
    await say(bob, "one", "two", "three", to="alice")
    assert await receipts(running, mock_clock, bob) == []
    back = await resume(running, alice.token)
    assert await receipts(running, mock_clock, bob) == [], "it was not given them yet"
    await back.do("history", username="bob", after=0, count=2)
    assert await receipts(running, mock_clock, bob) == [("alice", 2, 0)]
    await back.do("history", username="bob", after=2)
    assert await receipts(running, mock_clock, bob) == [("alice", 3, 0)]
    await back.do("history", username="bob", after=0)
    assert await receipts(running, mock_clock, bob) == []


async def test_what_comes_as_unread_is_delivered(running: RunningServer, mock_clock: Clock) -> None:
    alice, bob, carol = [await user(running, name) for name in ("alice", "bob", "carol")]
    await lose(alice)
    await say(bob, "one", "two", "three", to="alice")
    await say(carol, "psst", to="alice")
    back = await resume(running, alice.token)
    first = await back.do("history", unread=True, count=2)
    assert await receipts(running, mock_clock, bob) == [("alice", 2, 0)]
    assert await receipts(running, mock_clock, carol) == []
    await back.do("history", unread=True, cursor=first["cursor"])
    assert await receipts(running, mock_clock, bob) == [("alice", 3, 0)]
    assert await receipts(running, mock_clock, carol) == [("alice", 1, 0)]


async def test_a_gap_is_not_delivered(running: RunningServer, mock_clock: Clock) -> None:
    alice, bob = await user(running, "alice"), await user(running, "bob")
    await lose(alice)
    await say(bob, "one", "two", "three", to="alice")
    back = await resume(running, alice.token)
    await back.do("history", username="bob", count=1)
    assert await receipts(running, mock_clock, bob) == []


async def test_a_page_of_unread_messages_after_a_gap_is_not_delivered(
    running: RunningServer, mock_clock: Clock
) -> None:
    """A cursor that the server gave skips the page before it, if that was given to nobody."""
    alice, bob = await user(running, "alice"), await user(running, "bob")
    await lose(alice)
    await say(bob, "one", "two", "three", to="alice")
    back = await resume(running, alice.token)
    page = await back.do("history", unread=True, count=1, cursor=0)
    assert await receipts(running, mock_clock, bob) == [("alice", 1, 0)]
    later = await back.do("history", unread=True, count=1, cursor=page["cursor"] + 1)
    assert [message["text"] for message in later["messages"]] == ["three"]
    assert await receipts(running, mock_clock, bob) == []
    await back.do("history", unread=True, cursor=page["cursor"])
    assert await receipts(running, mock_clock, bob) == [("alice", 3, 0)]


async def test_own_messages_between_those_of_the_other_are_no_gap(
    running: RunningServer, mock_clock: Clock
) -> None:
    alice, bob = await user(running, "alice"), await user(running, "bob")
    await say(bob, "one", to="alice")
    await say(alice, "two", "three", to="bob")  # without having read the first
    await say(bob, "four", to="alice")
    assert (await receipts(running, mock_clock, bob))[-1] == ("alice", 4, 0)
    await lose(alice)
    await say(bob, "five", to="alice")
    back = await resume(running, alice.token)
    await say(back, "six", to="bob")
    await say(bob, "seven", to="alice")
    assert await receipts(running, mock_clock, bob) == []
    page = await back.do("history", unread=True, count=3)
    assert [message["text"] for message in page["messages"]] == ["one", "four", "five"]
    assert await receipts(running, mock_clock, bob) == [("alice", 5, 0)]
    await back.do("history", unread=True, cursor=page["cursor"])
    assert await receipts(running, mock_clock, bob) == [("alice", 7, 0)]


async def test_messages_over_a_gap_are_not_delivered_until_it_is_filled(
    running: RunningServer, mock_clock: Clock
) -> None:
    """What came while no device was connected was not given, whatever is given live after it."""
    alice, bob = await user(running, "alice"), await user(running, "bob")
    await say(bob, "one", to="alice")
    assert await receipts(running, mock_clock, bob) == [("alice", 1, 0)]
    await lose(alice)
    await say(bob, "two", "three", to="alice")
    back = await resume(running, alice.token)
    await say(bob, "four", to="alice")
    await bob.send(*({"type": "send", "text": text, "username": "alice"} for text in ("five", "six")))
    assert await receipts(running, mock_clock, bob) == []
    assert await back.texts() == ["four", "five", "six"], "these were given"
    (info,) = await conversations(bob)
    assert info["delivered"] == 1
    await back.do("history", username="bob", after=2)
    await back.do("history", username="bob", before=7, count=4)
    assert await receipts(running, mock_clock, bob) == [], "two is still missing"
    await back.do("history", username="bob", after=1, count=1)
    assert await receipts(running, mock_clock, bob) == [("alice", 2, 0)]
    await back.do("history", username="bob", after=2)
    assert await receipts(running, mock_clock, bob) == [("alice", 6, 0)]
    await say(bob, "seven", to="alice")
    assert await receipts(running, mock_clock, bob) == [("alice", 7, 0)], (
        "without a gap live ones count again"
    )


async def test_messages_of_somebody_ignored_are_a_gap(running: RunningServer, mock_clock: Clock) -> None:
    alice, bob = await user(running, "alice"), await user(running, "bob")
    await say(bob, "one", to="alice")
    await alice.do("ignore", name="bob")
    await say(bob, "two", to="alice")
    await alice.do("unignore", name="bob")
    await say(bob, "three", to="alice")
    assert await receipts(running, mock_clock, bob) == [("alice", 1, 0)]
    assert await alice.texts() == ["one", "three"]
    await alice.do("history", username="bob", after=1)
    assert await receipts(running, mock_clock, bob) == [("alice", 3, 0)]


async def test_receipts_reach_all_devices_of_the_author(running: RunningServer, mock_clock: Clock) -> None:
    await user(running, "alice")
    bob = await user(running, "bob")
    phone = await log_in(running, "bob")
    await say(bob, "one", to="alice")
    await settle(running, mock_clock)
    for person in (bob, phone):
        assert [_short(line) for line in await person.heard("receipt")] == [("alice", 1, 0)]


async def test_what_was_delivered_and_read_is_known_after_a_restart(
    tmp_path: Path, mock_clock: Clock
) -> None:
    async with run_server(folder=tmp_path) as running:
        alice, bob = await user(running, "alice"), await user(running, "bob")
        await say(bob, "one", "two", to="alice")
        await alice.do("read", username="bob", seq=1)
        await settle(running, mock_clock)
    async with run_server(folder=tmp_path) as running:
        (info,) = await conversations(await log_in(running, "bob"))
        assert (info["username"], info["delivered"], info["seen"]) == ("alice", 2, 1)


@pytest.mark.parametrize("who", ["reader", "author"])
async def test_who_does_not_tell_is_told_nothing_and_reading_does_not_show(
    running: RunningServer, mock_clock: Clock, who: str
) -> None:
    alice, bob = await user(running, "alice"), await user(running, "bob")
    phone = await log_in(running, "alice")
    await (alice if who == "reader" else bob).do("receipts", on=False)
    await say(bob, "one", "two", to="alice")
    assert {seen for *_, seen in await receipts(running, mock_clock, bob)} == {None}
    await phone.heard()
    await alice.do("read", username="bob", seq=1)
    assert len(await phone.heard("read")) == 1, "one's own devices know"
    assert await receipts(running, mock_clock, bob) == [], "not even that something was read"
    for person in (alice, bob):
        await say(person, "three", to="bob" if person is alice else "alice")
        await person.do("read", username="bob" if person is alice else "alice")
        (info,) = await conversations(person)
        assert "seen" not in info
    heard = [line for person in (alice, bob) for line in await person.heard()]
    assert not [line for line in heard if line["type"] == "receipt" and "seen" in line]


async def test_receipts_are_a_setting_of_the_user_that_lasts(tmp_path: Path) -> None:
    async with run_server(folder=tmp_path) as running:
        alice = await user(running, "alice")
        assert (await alice.do("receipts"))["on"] is True
        assert (await alice.ask("receipts off"))["on"] is False
        assert (await (await log_in(running, "alice")).do("receipts"))["on"] is False
        assert (await alice.ask("receipts maybe"))["code"] == "bad-usage"
    async with run_server(folder=tmp_path) as running:
        alice = await log_in(running, "alice")
        assert (await alice.do("receipts"))["on"] is False
        assert (await alice.do("receipts", on=True))["on"] is True
    async with run_server(folder=tmp_path) as running:
        assert (await (await log_in(running, "alice")).do("receipts"))["on"] is True


async def test_who_does_not_tell_and_is_not_in_memory_does_not_tell_either(
    tmp_path: Path, mock_clock: Clock
) -> None:
    async with run_server(folder=tmp_path) as running:
        alice, bob = await user(running, "alice"), await user(running, "bob")
        await say(bob, "one", "two", to="alice")
        await settle(running, mock_clock)
        await alice.do("receipts", on=False)
        await alice.do("read", username="bob")
        await lose(alice)
        await settle(running, mock_clock)
        await bob.heard()
        await pass_time(running, mock_clock, 700)
        (info,) = await conversations(bob)
        assert ("seen" in info, info["delivered"]) == (False, 2)


async def test_who_ignores_the_author_gives_no_receipts(running: RunningServer, mock_clock: Clock) -> None:
    alice, bob = await user(running, "alice"), await user(running, "bob")
    await alice.do("ignore", name="bob")
    await say(bob, "one", to="alice")
    assert await receipts(running, mock_clock, bob) == []
    (info,) = await conversations(bob)
    assert (info["delivered"], info["seen"]) == (0, 0)


async def test_guests_give_and_get_receipts_too(running: RunningServer, mock_clock: Clock) -> None:
    alice, bob = await guest(running, "alice"), await guest(running, "bob")
    await say(bob, "one", to="alice")
    await alice.do("read", username="bob")
    assert (await receipts(running, mock_clock, bob))[-1] == ("alice", 1, 1)


async def test_a_full_disk_delays_receipts_and_loses_none(mock_clock: Clock) -> None:
    disk = GatedStore()
    async with run_server(store=disk) as running:
        await user(running, "alice")
        bob = await user(running, "bob")
        await say(bob, "one", to="alice")
        await receipts(running, mock_clock, bob)
        await say(bob, "two", to="alice")
        disk.full = True
        assert await receipts(running, mock_clock, bob) == []
        disk.full = False
        await pass_time(running, mock_clock, 1.1, 1.1)
        assert await receipts(running, mock_clock, bob) == [("alice", 2, 0)]
