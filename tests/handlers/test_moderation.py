"""`report`: what counts as one report, and the mute that enough of them bring."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio.testing

from tcpchat.settings import Rules, Settings
from tests.running import Peer, RunningServer, run_server

NAMES = ("bob", "a", "b", "c", "d", "e")


async def test_the_fourth_distinct_reporter_mutes_for_ten_minutes(
    running: RunningServer, mock_clock: trio.testing.MockClock
) -> None:
    bob, *others = await running.peers(*NAMES)
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
async def test_bad_requests(running: RunningServer, line: str, code: str) -> None:
    alice, _ = await running.peers("alice", "bob")
    assert (await alice.ask(line))["code"] == code


async def test_a_reason_of_the_limit_is_kept(running: RunningServer) -> None:
    alice, _ = await running.peers("alice", "bob")
    assert (await alice.ask({"type": "report", "username": "bob", "reason": "r" * 200}))["reports"] == 1


async def test_nobody_reports_the_same_user_twice(running: RunningServer) -> None:
    alice, bob, _ = await running.peers("alice", "bob", "carol")
    await alice.ask("report bob")
    assert (await alice.ask("report bob"))["code"] == "already-reported"
    await alice.ask("rename alex")
    assert (await alice.ask("report bob"))["code"] == "already-reported", "whatever the reporter's name"
    await bob.ask({"type": "rename", "name": "rob"})
    assert (await alice.ask("report rob"))["code"] == "already-reported", "whatever the target's name"
    again = await running.peer()
    await alice.leave()
    running.announce_presence()
    assert (await again.ask({"type": "rename", "name": "alex"}))["type"] == "renamed"
    assert (await again.ask("report rob"))["reports"] == 2


async def test_a_mute_goes_with_the_user_to_another_name(running: RunningServer) -> None:
    bob, *others = await running.peers(*NAMES[:5])
    for other in others:
        await other.ask("report bob")
    await bob.ask("rename rob")
    assert (await bob.ask("send x"))["code"] == "muted"
    fresh = await running.peer("bob")
    assert (await fresh.ask("send x"))["type"] == "sent", "and does not stay with the old one"


async def test_leaving_and_coming_back_under_the_name_does_not_end_a_mute(running: RunningServer) -> None:
    bob, *others = await running.peers(*NAMES[:5])
    for other in others:
        await other.ask("report bob")
    await bob.leave()
    running.announce_presence()
    await others[0].next("left")
    again = await running.peer("bob")
    assert (await again.ask("send x"))["code"] == "muted"


async def test_reports_and_mutes_survive_a_restart(
    tmp_path: Path, mock_clock: trio.testing.MockClock
) -> None:
    """They stay with the name, once that is free for anybody."""
    settings = Settings(rules=Rules(reports_to_mute=3, grace_seconds=0, presence_seconds=0))
    async with run_server(settings, folder=tmp_path) as running:
        _, _, *others = await running.peers("bob", "carol", "a", "b", "c")
        for other in others:
            await other.ask("report bob spam")
        for other in others[:2]:
            await other.ask("report carol")
    async with run_server(settings, folder=tmp_path) as running:
        await _let_names_go(mock_clock)
        bob, carol, first, fourth = await running.peers("bob", "carol", "a", "d")
        error = await bob.ask("send x")
        assert (error["code"], error["reason"]) == ("muted", "spam")
        assert (await first.ask("report carol"))["code"] == "already-reported"
        assert (await carol.ask("send x"))["type"] == "sent"
        assert (await fourth.ask("report carol"))["reports"] == 3
        assert (await carol.ask("send x"))["code"] == "muted"
    async with run_server(settings, folder=tmp_path) as running:
        await _let_names_go(mock_clock)
        bob, carol = await running.peers("bob", "carol")
        for peer in (bob, carol):
            assert (await peer.ask("send x"))["code"] == "muted"
        mock_clock.jump(600)
        assert (await bob.ask("send x"))["type"] == "sent"


async def _let_names_go(clock: trio.testing.MockClock) -> None:
    await trio.testing.wait_all_tasks_blocked()
    clock.jump(0.01)
    await trio.testing.wait_all_tasks_blocked()


async def test_with_a_threshold_of_zero_nobody_is_muted() -> None:
    async with run_server(Settings(rules=Rules(reports_to_mute=0))) as running:
        bob, *others = await running.peers(*NAMES)
        for other in others:
            await other.ask("report bob")
        assert (await bob.ask("send x"))["type"] == "sent"


async def _come_from(running: RunningServer, monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[Peer]:
    """Connect one guest from each address."""
    peers = []
    for address in addresses:
        running.address = address
        peers.append(await running.peer())
    return peers


LAN = ("192.0.2.7",) * 8
ONE_HOME = tuple(f"2001:db8::{number}" for number in range(8))


@pytest.mark.parametrize("addresses", [LAN, ONE_HOME], ids=["IPv4", "IPv6"])
async def test_one_person_with_many_connections_is_one_reporter(
    running: RunningServer, monkeypatch: pytest.MonkeyPatch, addresses: tuple[str, ...]
) -> None:
    bob, *brigade = await _come_from(running, monkeypatch, "203.0.113.1", *addresses)
    await bob.ask("rename bob")
    for one in brigade:
        reply = await one.ask("report bob spam")
        assert (reply["type"], reply["reports"], "muted_until" in reply) == ("reported", 1, False)
    assert (await bob.ask("send still here"))["type"] == "sent"
    others = await _come_from(running, monkeypatch, "198.51.100.1", "198.51.100.2", "2001:db8:0:1::1")
    counts = [(await other.ask("report bob spam"))["reports"] for other in others]
    assert counts == [2, 3, 4]
    assert (await bob.ask("send hello?"))["code"] == "muted", "four who are four mute"


async def test_a_brigade_does_not_prolong_a_mute(
    running: RunningServer, monkeypatch: pytest.MonkeyPatch, mock_clock: trio.testing.MockClock
) -> None:
    bob, *others = await _come_from(running, monkeypatch, *(f"192.0.2.{number}" for number in range(5)))
    await bob.ask("rename bob")
    for other in others:
        await other.ask("report bob")
    mock_clock.jump(599)
    (again,) = await _come_from(running, monkeypatch, "192.0.2.1")
    assert (await again.ask("report bob"))["reports"] == 4
    mock_clock.jump(1)
    assert (await bob.ask("send back"))["type"] == "sent"


async def test_who_comes_from_the_servers_own_machine_counts_as_one_each(
    running: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as through a tunnel, or several at one machine: the address does not tell them apart."""
    bob, *others = await _come_from(running, monkeypatch, *["127.0.0.1"] * 3, *["::1"] * 2)
    await bob.ask("rename bob")
    assert [(await other.ask("report bob"))["reports"] for other in others] == [1, 2, 3, 4]


async def test_who_has_been_registered_for_a_day_counts_wherever_from(
    running: RunningServer, monkeypatch: pytest.MonkeyPatch, mock_clock: trio.testing.MockClock
) -> None:
    bob, *others = await _come_from(running, monkeypatch, "203.0.113.1", *LAN[:4])
    await bob.ask("rename bob")
    for number, other in enumerate(others):
        await other.ask({"type": "rename", "name": f"user{number}"})
        await other.ask({"type": "register", "password": "correct horse"})
    assert [(await other.ask("report bob"))["reports"] for other in others[:2]] == [1, 1]
    mock_clock.jump(24 * 3600)
    assert [(await other.ask("report bob"))["reports"] for other in others[2:]] == [2, 3]


async def test_a_brigade_is_none_after_a_restart_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(rules=Rules(reports_to_mute=2))
    async with run_server(settings, folder=tmp_path) as running:
        bob, first = await _come_from(running, monkeypatch, "203.0.113.1", LAN[0])
        await bob.ask("rename bob")
        await bob.ask({"type": "register", "password": "correct horse"})
        assert (await first.ask("report bob"))["reports"] == 1
    async with run_server(settings, folder=tmp_path) as running:
        second, other = await _come_from(running, monkeypatch, LAN[1], "198.51.100.1")
        assert (await second.ask("report bob"))["reports"] == 1
        assert "muted_until" in await other.ask("report bob")
