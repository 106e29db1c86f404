"""`edit` and `log`: another text for a message, and the events of a room."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.running import Line, Peer, RunningServer, run_server


async def edited(peer: Peer, line: str | Line) -> Line:
    """Edit; return the event that the editor gets."""
    reply = await peer.ask(line)
    assert reply["type"] == "sent", reply
    event = await peer.next("edited")
    assert (event["room"], event["seq"]) == (reply["room"], reply["seq"])
    return event


async def test_everybody_in_the_lobby_gets_an_edit_with_its_own_number(running: RunningServer) -> None:
    alice, bob = await running.peers("alice", "bob")
    await alice.ask("send see you at four")
    event = await edited(alice, "edit 1 see you  at five")
    assert event | {"at": ""} == {
        "type": "edited", "room": "lobby", "seq": 2, "at": "", "from": "alice", "target": 1,
        "text": "see you  at five",
    }  # fmt: skip
    assert await bob.next("edited") == event
    (message,) = (await bob.ask("history"))["messages"]
    assert (message["seq"], message["text"], message["edited"]) == (1, "see you  at five", event["at"])
    assert (await bob.ask("send what?"))["seq"] == 3


async def test_an_edit_in_a_direct_room_reaches_its_two_users(running: RunningServer) -> None:
    alice, bob, carol = await running.peers("alice", "bob", "carol")
    room = (await alice.ask("send -u bob psst"))["room"]
    for line in ("edit -u bob 1 hush", {"type": "edit", "room": room, "seq": 1, "text": "quiet"}):
        event = await edited(alice, line)
        assert (event["to"], event["target"]) == ("bob", 1)
        assert (await bob.next("edited"))["text"] == event["text"]
    assert [line["text"] for line in (await bob.ask("history -u alice"))["messages"]] == ["quiet"]
    assert await carol.quiet() == []


async def test_the_last_edit_is_the_text_also_after_a_restart(tmp_path: Path) -> None:
    async with run_server(folder=tmp_path) as running:
        (alice,) = await running.peers("alice")
        for line in ("send one", "edit 1 two", "send three", "edit 1 four"):
            await alice.ask(line)
    async with run_server(folder=tmp_path) as running:
        (bob,) = await running.peers("bob")
        assert [line["text"] for line in (await bob.ask("history"))["messages"]] == ["four", "three"]
        events = (await bob.ask("log"))["events"]
        assert [(line["type"], line["seq"], line["text"]) for line in events] == [
            ("message", 1, "four"), ("edited", 2, "two"), ("message", 3, "three"), ("edited", 4, "four"),
        ]  # fmt: skip


async def test_an_action_stays_one_through_edits_and_restarts(tmp_path: Path) -> None:
    async with run_server(folder=tmp_path) as running:
        alice, bob = await running.peers("alice", "bob")
        for line in ("send --action waves", {"type": "send", "text": "nods", "action": True}, "send hi"):
            await alice.ask(line)
        heard = [await bob.next("message") for _ in range(3)]
        assert [line.get("action") for line in heard] == [True, True, None]
        await alice.ask("send -u bob --action winks")
        assert (await bob.next("message"))["action"] is True
        await alice.ask("edit 1 waves twice")
        assert (await bob.next("edited"))["action"] is True
        await alice.ask("edit 3 hi all")
        assert "action" not in await bob.next("edited")
    async with run_server(folder=tmp_path) as running:
        (carol,) = await running.peers("carol")
        messages = (await carol.ask("history"))["messages"]
        assert [(line["text"], line.get("action")) for line in messages] == [
            ("waves twice", True),
            ("nods", True),
            ("hi all", None),
        ]
        events = (await carol.ask("log"))["events"]
        assert [line.get("action") for line in events] == [True, True, None, True, None]


async def test_an_action_that_only_the_disk_has_stays_one(running: RunningServer) -> None:
    alice, _ = await running.peers("alice", "bob")
    await alice.ask("send -u bob --action winks")
    await alice.ask("send -u bob hi")
    assert (await edited(alice, "edit -u bob 1 blinks"))["action"] is True
    assert "action" not in await edited(alice, "edit -u bob 2 hi there")


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("edit 1 mine", "not-yours"),
        ("edit 2 mine", "no-such-message"),
        ("edit 3 mine", "no-such-message"),
        ("edit 0 mine", "no-such-message"),
        ("edit -u bob 1 mine", "no-such-message"),
        ("edit -r kitchen 1 mine", "no-such-room"),
        ({"type": "edit", "seq": 1, "text": ""}, "text-empty"),
        ("edit one mine", "bad-usage"),
    ],
)
async def test_only_the_author_can_edit_what_is_a_message(
    running: RunningServer, line: str, code: str
) -> None:
    alice, bob = await running.peers("alice", "bob")
    await bob.ask("send bobs")
    await edited(bob, "edit 1 still bobs")
    assert (await alice.ask(line))["code"] == code
    assert (await bob.ask("log"))["events"][-1]["seq"] == 2


async def test_a_repeated_edit_gets_the_first_reply_and_edits_once(running: RunningServer) -> None:
    (alice,) = await running.peers("alice")
    await alice.ask("send one")
    line = {"type": "edit", "seq": 1, "text": "two", "key": "k"}
    first = await alice.ask(line)
    assert await alice.ask(line | {"text": "three"}) | {"re": 0} == first | {"re": 0}
    assert [event["text"] for event in (await alice.ask("log --after 1"))["events"]] == ["two"]


async def test_the_log_comes_in_pages_without_a_gap(running: RunningServer) -> None:
    (alice,) = await running.peers("alice")
    for number in range(7):
        await alice.ask(f"send {number}")
    found: list[int] = []
    more = True
    while more:
        page = await alice.ask({"type": "log", "after": found[-1] if found else 0, "count": 3})
        assert page["first"] == 1
        found += [line["seq"] for line in page["events"]]
        more = page["more"]
    assert found == list(range(1, 8))
    assert (await alice.ask("log --after 99"))["events"] == []


async def test_the_log_has_no_text_of_an_ignored_user(running: RunningServer) -> None:
    alice, bob = await running.peers("alice", "bob")
    await bob.ask("send spam")
    await edited(bob, "edit 1 more spam")
    await alice.ask("ignore bob")
    events = (await alice.ask("log"))["events"]
    assert [(line["seq"], line["text"], line["ignored"]) for line in events] == [(1, "", True), (2, "", True)]


@pytest.mark.parametrize(
    ("line", "code"),
    [("log -n 0", "bad-value"), ("log -n 501", "bad-value"), ("log -u nobody", "no-such-user")],
)
async def test_bad_requests_for_the_log(running: RunningServer, line: str, code: str) -> None:
    (alice,) = await running.peers("alice")
    assert (await alice.ask(line))["code"] == code
