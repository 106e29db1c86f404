"""The display of events, and the bell."""

from __future__ import annotations

from typing import Any

import trio
from trio.testing import MockClock

from chaos.clock import TrioClock
from tcpchat.client import (
    Skipped,
)
from tcpchat.protocol import Error, Message, Unknown, Unsent
from tcpchat.times import timestamp
from tests.repl.fake_server import AT, message
from tests.repl.person import (
    FakedPerson,
    ServedPerson,
    at_server,
    say,
)
from tests.running import Peer, RunningServer

UNREAD = {
    "type": "unread",
    "rooms": [
        {"room": "lobby", "count": 12, "mentioned": True, "read": 8, "seq": 20},
        {"username": "bob", "room": "@b", "count": 3, "mentioned": False, "read": 0, "seq": 3},
    ],
}


LATER = "2999-01-01T00:00:00.000Z"


def pending(number: int, text: str) -> dict[str, Any]:
    return {"number": number, "at": LATER, "room": "lobby", "text": text}


async def test_a_mention_and_a_private_message_ring_once(alice: ServedPerson, bob: Peer) -> None:
    for text, to, bells in (
        ("alice: look", None, 1),
        ("malice", None, 1),
        ("psst", "alice", 2),
        ("@ALICE", None, 3),
    ):
        await say(bob, text, to)
        await alice.screen.line(text)
        assert alice.screen.bells == bells, text
    await alice.do("alice: that is me")
    assert alice.screen.bells == 3
    await alice.do("/set bell off")
    await say(bob, "@alice again")
    await alice.screen.line("@alice again")
    assert alice.screen.bells == 3


async def test_old_messages_do_not_ring(running: RunningServer) -> None:
    bob = await running.peer("bob")
    await say(bob, "@alice are you there?")
    async with at_server(running) as alice:
        await alice.screen.line("are you there?")
        assert alice.screen.bells == 0


async def test_a_new_day_has_a_separator(alice: ServedPerson) -> None:
    for seq, at in enumerate(
        ("2026-11-21T23:59:00.000Z", "2026-11-22T00:01:00.000Z", "soon", "2026-11-22T00:02:00.000Z")
    ):
        alice.controller._take_event(Message(room="lobby", seq=seq, at=at, sender="x", text=f"m{seq}"))
    lines = [line.strip("─ ") for line in alice.screen.shown]
    assert lines == [
        "Saturday 21 November 2026",
        "23:59 x  m0",
        "Sunday 22 November 2026",
        "00:01 x  m1",
        "--:-- x  m2",
        "00:02 x  m3",
    ]


async def test_rarer_events_are_shown_too(alice: ServedPerson) -> None:
    del alice.screen.complaints[:]
    for event in (
        Unknown(fields={"type": "later"}),
        Skipped(events=7),
        Unsent(number=3, text="t", code="muted", message="you are\x1b[2J muted"),
        Error(code="slow", message="be quick", retry_after=3.0),
    ):
        alice.controller._take_event(event)
    assert alice.screen.complaints == [
        "· 7 events came too fast to be shown and were left out",
        "✗ your scheduled message 3 was not sent: you are␛[2J muted",
        "✗ be quick",
        "  works again in 3s",
    ]


async def test_times_can_be_left_out(alice: ServedPerson) -> None:
    await alice.do("/set timestamps off")
    await alice.do("now")
    assert alice.screen.shown[-1] == "alice ✓ now"


async def test_absent_recipients_are_shown(faked: FakedPerson) -> None:
    await faked.receive(
        {"type": "absent", "username": "bob", "here": True, "text": "lunch", "since": AT},
        {"type": "absent", "username": "zoe", "here": False},
    )
    assert faked.screen.complaints == [
        "· bob is away: lunch", "· zoe is offline; your message will be delivered when zoe is back"
    ]  # fmt: skip


async def test_messages_of_ignored_users_are_not_shown(faked: FakedPerson) -> None:
    await faked.receive(message(1, "", ignored=True), message(2, "@alice!", sender="eve"))
    assert [line[6:] for line in faked.screen.shown if "──" not in line] == ["eve  @alice!"]
    assert faked.screen.bells == 1
    await faked.press()
    assert faked.server.of("read") == [{"room": "lobby", "seq": 2}]


async def test_unread_rooms_are_shown_and_their_messages_do_not_ring(faked: FakedPerson) -> None:
    await faked.receive(UNREAD, *(message(seq, f"psst {seq}", to="alice") for seq in (1, 2, 3)))
    assert faked.screen.complaints == ["· unread: lobby 12 (you are mentioned), bob 3"]
    assert faked.screen.bells == 0
    assert "3 unread private" in faked.toolbar
    await faked.receive(message(4, "psst 4", to="alice"))
    assert faked.screen.bells == 1
    await faked.receive({"type": "unread", "rooms": []})
    assert len(faked.screen.complaints) == 1


async def test_after_a_reset_new_low_numbers_ring(faked: FakedPerson) -> None:
    await faked.receive(message(1, "one"), message(2, "two"), message(3, "three"))
    page = [message(1, "alice?"), message(2, "@alice")]
    faked.server.reply("log", "log", room="lobby", events=page, first=1, more=False)
    await faked.come_back(seq=2)
    await faked.screen.line("@alice")
    assert faked.screen.bells == 0
    await faked.receive(message(3, "@alice again"))
    assert faked.screen.bells == 1


async def test_lost_scheduled_messages_are_shown(faked: FakedPerson) -> None:
    faked.server.reply("send", "scheduled", number=1, at=LATER, room="lobby")
    await faked.do("/send -t 10m tea")
    faked.server.reply("send", "scheduled", number=2, at=LATER, room="lobby")
    await faked.do("/send -t 10m cake")
    assert "2 scheduled" in faked.toolbar
    faked.server.reply("schedule", "schedule", messages=[], more=False)
    faked.server.reply("scheduled", "schedule", messages=[pending(1, "cake")], more=False)
    await faked.come_back()
    assert "1 scheduled" in faked.toolbar
    assert (
        "your scheduled message 1 is not on the server any more, so it may never be sent: 'tea'"
        in faked.screen.notices
    )
    assert "'cake'" not in faked.screen.notices
    await faked.come_back(journal="another")
    assert faked.screen.notices.count("scheduled message 1 is not on") == 1


async def test_sent_scheduled_messages_are_not_lost(faked: FakedPerson, autojump_clock: MockClock) -> None:
    soon = timestamp(TrioClock().now() + 200)
    faked.server.reply("send", "scheduled", number=1, at=soon, room="lobby")
    await faked.do("/send -t 1 tea")
    await trio.sleep(0.3)
    await faked.come_back()
    assert "scheduled message 1 is not on" not in faked.screen.notices


async def test_with_the_same_data_no_scheduled_message_is_lost(faked: FakedPerson) -> None:
    faked.server.reply("send", "scheduled", number=1, at=LATER, room="lobby")
    await faked.do("/send -t 10m tea")
    await faked.come_back(journal="j")
    assert "scheduled message 1 is not on" not in faked.screen.notices


async def test_a_name_taken_after_a_reset_is_explained(faked: FakedPerson) -> None:
    faked.server.refuse("rename", "name-taken")
    faked.server.user = "guest-2"
    await faked.come_back()
    assert "your name is now guest-2; it was alice" in faked.screen.notices
    assert "could not resume your session: because name-taken" in faked.screen.notices
    assert faked.prompt == "guest-2 → lobby ▸ "
