"""`history`: pages of the lobby and of direct rooms."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tcpchat.settings import Limits, Settings
from tests.running import Line, Peer, RunningServer, run_server


@pytest.fixture
async def busy() -> AsyncIterator[RunningServer]:
    """A lobby with 700 messages, of which memory holds the last 500."""
    async with run_server(Settings(limits=Limits(messages_per_second=0))) as running:
        peer = await running.peer("alice")
        await peer.send(*[{"type": "send", "text": str(number)} for number in range(1, 701)])
        while (await peer.next("sent"))["seq"] < 700:
            pass
        await peer.leave()
        yield running


def seqs(history: Line) -> list[int]:
    assert all(message["text"] == str(message["seq"]) for message in history["messages"])
    return [message["seq"] for message in history["messages"]]


@pytest.mark.parametrize(
    ("line", "expected", "more"),
    [
        ("history", range(681, 701), True),
        ("history -n 500", range(201, 701), True),
        ({"type": "history", "count": 3}, range(698, 701), True),
        ("history -n 3 --before 300", range(297, 300), True),
        ("history -n 3 --before 100", range(97, 100), True),
        ("history --before 4", range(1, 4), False),
        ("history --before 1", [], False),
        ("history --before 0", [], False),
        ("history --after 695", range(696, 701), False),
        ("history --after 700", [], False),
        ("history --after 9000", [], False),
        ("history -n 2 --after 0", range(1, 3), True),
        ("history -n 2 --after 300", range(301, 303), True),
        ("history --after 10 --before 13", range(11, 13), False),
        ("history -n 1 --after 10 --before 13", [11], True),
        ({"type": "history", "after": 199, "count": 500}, range(200, 700), True),
        ({"type": "history", "after": 200, "count": 500}, range(201, 701), False),
    ],
)
async def test_pages(busy: RunningServer, line: str, expected: range, more: bool) -> None:
    peer = await busy.peer()
    history = await peer.ask(line)
    assert (history["type"], history["room"]) == ("history", "lobby")
    assert seqs(history) == list(expected)
    assert history["more"] is more


async def test_messages_are_as_in_the_event(running: RunningServer) -> None:
    alice, bob = await running.peers("alice", "bob")
    await alice.ask("send hi")
    event = await bob.next("message")
    assert (await bob.ask("history"))["messages"] == [event]


async def test_a_conversation_is_seen_by_its_two_users_only(running: RunningServer) -> None:
    alice, bob, carol = await running.peers("alice", "bob", "carol")
    await alice.ask("send to all")
    await alice.ask("send -u bob one")
    await bob.ask("send -u alice two")
    for peer, other in ((alice, "bob"), (bob, "alice")):
        history = await peer.ask({"type": "history", "username": other})
        assert (history["username"], history["room"]) == (other, history["messages"][0]["room"])
        assert [message["text"] for message in history["messages"]] == ["one", "two"]
    for other in ("alice", "bob"):
        assert (await carol.ask(f"history -u {other}"))["messages"] == []
    assert [message["text"] for message in (await carol.ask("history"))["messages"]] == ["to all"]


async def test_who_takes_a_name_does_not_get_what_was_said_to_the_one_before(running: RunningServer) -> None:
    alice, bob = await running.peers("alice", "bob")
    await alice.ask("send -u bob secret")
    await bob.leave()
    running.announce_presence()
    await alice.next("left")
    thief = await running.peer("bob")
    assert (await thief.ask("history -u alice"))["messages"] == []
    assert (await alice.ask("history -u bob"))["messages"] == []


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("history -n 0", "bad-value"),
        ("history -n 501", "bad-value"),
        ("history -n x", "bad-usage"),
        ("history 5", "bad-usage"),
        ("history -u nobody", "no-such-user"),
        ({"type": "history", "count": -1}, "bad-value"),
        ({"type": "history", "before": -1}, "bad-value"),
        ({"type": "history", "after": 1.5}, "wrong-type"),
    ],
)
async def test_bad_requests(running: RunningServer, line: str, code: str) -> None:
    (alice,) = await running.peers("alice")
    assert (await alice.ask(line))["code"] == code


async def fill(peer: Peer, text: str, count: int) -> None:
    for _ in range(count):
        await peer.ask({"type": "send", "text": text})


async def test_a_page_is_never_longer_than_a_mebibyte() -> None:
    """60 messages of 4,000 control characters are 1.4 MB of JSON: the newest that fit come, and `more`."""
    async with run_server(Settings(limits=Limits(messages_per_second=0))) as running:
        (alice,) = await running.peers("alice")
        await fill(alice, "\x01" * 4000, 60)
        newest = await alice.ask({"type": "history", "count": 60})
        assert newest["more"] is True
        assert 30 < len(newest["messages"]) < 60
        assert newest["messages"][-1]["seq"] == 60
        oldest = await alice.ask({"type": "history", "count": 60, "after": 0})
        assert (oldest["more"], oldest["messages"][0]["seq"]) == (True, 1)
