from __future__ import annotations

from pathlib import Path

import pytest
import trio.testing

from tcpchat.settings import Rules, Settings
from tests.conftest import House, open_house

NAMES = ("bob", "a", "b", "c", "d", "e")


async def test_the_fourth_distinct_reporter_mutes_for_ten_minutes(
    house: House, mock_clock: trio.testing.MockClock
) -> None:
    bob, *others = await house.peers(*NAMES)
    for count, other in enumerate(others[:3], 1):
        reply = await other.ask("report bob spam")
        assert (reply["type"], reply["username"], reply["reports"]) == ("reported", "bob", count)
        assert "muted_until" not in reply
    assert (await bob.ask("send still here"))["type"] == "sent"
    reply = await others[3].ask({"type": "report", "username": "bob", "reason": "really"})
    assert (reply["reports"], reply["muted_until"]) == (4, "2026-11-21T09:10:00.123Z")
    muted = await bob.next("muted")
    assert (muted["until"], muted["reports"], muted["reason"]) == (reply["muted_until"], 4, "really")
    error = await bob.ask("send hello?")
    assert (error["code"], error["until"], error["limit"]) == ("muted", muted["until"], 4)
    assert (error["retry_after"], error["reason"]) == (600, "really")
    assert (await bob.ask("send -u a hello?"))["code"] == "muted"
    assert (await bob.ask("send -t 5 hello?"))["code"] == "muted"
    assert (await bob.ask("history"))["messages"][0]["text"] == "still here", "a muted user may read"
    users = {user["name"]: user for user in (await bob.ask("users"))["users"]}
    assert users["bob"]["muted_until"] == muted["until"]
    assert "muted_until" not in users["a"]
    mock_clock.jump(599)
    assert (await bob.ask("send hello?"))["code"] == "muted"
    mock_clock.jump(1)
    assert (await bob.ask("send back"))["type"] == "sent"
    assert "muted_until" not in (await bob.ask("users"))["users"][4]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("report", "bad-usage"),
        ("report alice me", "report-self"),
        ("report nobody", "no-such-user"),
        ({"type": "report"}, "missing-field"),
        ({"type": "report", "name": "bob"}, "unknown-field"),
        ({"type": "report", "username": "bob", "reason": "r" * 201}, "text-too-long"),
    ],
)
async def test_bad_requests(house: House, line: str, code: str) -> None:
    alice, _ = await house.peers("alice", "bob")
    assert (await alice.ask(line))["code"] == code


async def test_a_reason_of_the_limit_is_kept(house: House) -> None:
    alice, _ = await house.peers("alice", "bob")
    assert (await alice.ask({"type": "report", "username": "bob", "reason": "r" * 200}))["reports"] == 1


async def test_nobody_reports_the_same_user_twice(house: House) -> None:
    alice, bob, _ = await house.peers("alice", "bob", "carol")
    await alice.ask("report bob")
    assert (await alice.ask("report bob"))["code"] == "already-reported"
    await alice.ask("rename alex")
    assert (await alice.ask("report bob"))["code"] == "already-reported", "whatever the reporter's name"
    await bob.ask("rename rob")
    assert (await alice.ask("report rob"))["code"] == "already-reported", "whatever the target's name"
    again = await house.peer()
    await alice.leave()
    house.tell_presence()
    assert (await again.ask({"type": "rename", "name": "alex"}))["type"] == "renamed"
    assert (await again.ask("report rob"))["reports"] == 2


async def test_a_mute_goes_with_the_user_to_another_name(house: House) -> None:
    bob, *others = await house.peers(*NAMES[:5])
    for other in others:
        await other.ask("report bob")
    await bob.ask("rename rob")
    assert (await bob.ask("send x"))["code"] == "muted"
    fresh = await house.peer("bob")
    assert (await fresh.ask("send x"))["type"] == "sent", "and does not stay with the old one"


async def test_leaving_and_coming_back_under_the_name_does_not_end_a_mute(house: House) -> None:
    bob, *others = await house.peers(*NAMES[:5])
    for other in others:
        await other.ask("report bob")
    await bob.leave()
    house.tell_presence()
    await others[0].next("left")
    again = await house.peer("bob")
    assert (await again.ask("send x"))["code"] == "muted"


async def test_reports_and_mutes_survive_a_restart(
    tmp_path: Path, mock_clock: trio.testing.MockClock
) -> None:
    """They stay with the name, once that is free for anybody."""
    settings = Settings(rules=Rules(reports_to_mute=3, grace_seconds=0, presence_seconds=0))
    async with open_house(settings, folder=tmp_path) as house:
        _, _, *others = await house.peers("bob", "carol", "a", "b", "c")
        for other in others:
            await other.ask("report bob spam")
        for other in others[:2]:
            await other.ask("report carol")
    async with open_house(settings, folder=tmp_path) as house:
        await _let_names_go(mock_clock)
        bob, carol, first, fourth = await house.peers("bob", "carol", "a", "d")
        error = await bob.ask("send x")
        assert (error["code"], error["reason"]) == ("muted", "spam")
        assert (await first.ask("report carol"))["code"] == "already-reported"
        assert (await carol.ask("send x"))["type"] == "sent"
        assert (await fourth.ask("report carol"))["reports"] == 3
        assert (await carol.ask("send x"))["code"] == "muted"
    async with open_house(settings, folder=tmp_path) as house:
        await _let_names_go(mock_clock)
        bob, carol = await house.peers("bob", "carol")
        for peer in (bob, carol):
            assert (await peer.ask("send x"))["code"] == "muted"
        mock_clock.jump(600)
        assert (await bob.ask("send x"))["type"] == "sent"


async def _let_names_go(clock: trio.testing.MockClock) -> None:
    await trio.testing.wait_all_tasks_blocked()
    clock.jump(0.01)
    await trio.testing.wait_all_tasks_blocked()


async def test_with_a_threshold_of_zero_nobody_is_muted() -> None:
    async with open_house(Settings(rules=Rules(reports_to_mute=0))) as house:
        bob, *others = await house.peers(*NAMES)
        for other in others:
            await other.ask("report bob")
        assert (await bob.ask("send x"))["type"] == "sent"
