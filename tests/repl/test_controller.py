"""One conversation: the lines around the input, who is here, and what is read."""

from __future__ import annotations

from datetime import timedelta, timezone
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from tcpchat.client import (
    Reconnect,
)
from tcpchat.repl.controller import LISTED_WITHIN
from tcpchat.repl.view.render_people import DATA_RESET
from tcpchat.repl.view.text import plain
from tcpchat.settings import Rules, Settings
from tests.repl.fake_server import AT, FakeServer, message
from tests.repl.person import (
    FakedPerson,
    ServedPerson,
    at_fake_server,
    at_server,
    say,
)
from tests.running import Peer, RunningServer, run_server

SECRET = "correct horse"


LOGGED_IN = {"user": "alice", "session": 2, "token": "t-secret", "seq": 0}


UNREAD = {
    "type": "unread",
    "rooms": [
        {"room": "lobby", "count": 12, "mentioned": True, "read": 8, "seq": 20},
        {"username": "bob", "room": "@b", "count": 3, "mentioned": False, "read": 0, "seq": 3},
    ],
}


STRICT = Settings(rules=Rules(reports_to_mute=1, mute_seconds=90))


LATER = "2999-01-01T00:00:00.000Z"


def pending(number: int, text: str) -> dict[str, Any]:
    return {"number": number, "at": LATER, "room": "lobby", "text": text}


async def test_rename_changes_the_prompt_and_the_roster(alice: ServedPerson, bob: Peer) -> None:
    await alice.do("/rename alicia")
    assert alice.prompt == "alicia → lobby ▸ "
    assert sorted(alice.controller.completion_context().users) == ["alicia", "bob"]
    await alice.do("me")
    assert await alice.screen.line("✓ me") == "alicia ✓ me"


async def test_private_messages_are_unread_until_something_is_entered(alice: ServedPerson, bob: Peer) -> None:
    for text, to in (("one", "alice"), ("two", "alice"), ("to all", None)):
        await say(bob, text, to)
    await alice.screen.line("to all")
    assert "2 unread private" in alice.toolbar
    alice.enter("")
    assert "unread" not in alice.toolbar


async def test_the_roster_follows_presence(running: RunningServer, alice: ServedPerson, bob: Peer) -> None:
    assert "2 here" in alice.toolbar
    assert alice.controller.completion_context().users[0] == "bob"
    await alice.do("/set joins off")
    carol = await running.peer("carol")
    running.announce_presence()
    await alice.until("3 here")
    assert alice.screen.count("carol joined") == 0
    await say(carol, "hi")
    await alice.screen.line("carol  hi")
    assert next(candidate.text for candidate in alice.controller.complete("/send -u ")) == "carol"


async def test_the_toolbar_counts_down_while_you_are_muted(mock_clock: MockClock) -> None:
    async with run_server(STRICT) as running, at_server(running) as alice:
        bob = await running.peer("bob")
        await bob.ask("report alice too loud")
        await alice.screen.line("you may read but not send")
        assert "muted 1:30" in alice.toolbar
        await wait_all_tasks_blocked()
        for left in ("1:29", "1:28"):
            drawn = alice.screen.refreshed
            mock_clock.jump(1)
            await wait_all_tasks_blocked()
            assert alice.screen.refreshed > drawn, "it counts though nothing else happens"
            assert f"muted {left}" in alice.toolbar
        await alice.do("but I")
        assert await alice.screen.line("works again in") == "  works again in 1m28s"
        assert alice.controller.failures == 1
        mock_clock.jump(88)
        assert "muted" not in alice.toolbar
        await wait_all_tasks_blocked()
        assert alice.screen.count("the mute is over: you may send again") == 1


async def test_an_operator_who_lifts_a_mute_reaches_the_user_and_the_toolbar(faked: FakedPerson) -> None:
    await faked.receive({"type": "muted", "until": LATER, "message": "the operator muted you", "reports": 0})
    assert "muted" in faked.toolbar
    await faked.receive({"type": "unmuted", "message": "the operator lets you send again"})
    assert "muted" not in faked.toolbar
    assert faked.screen.complaints[-1] == "· the operator lets you send again"


async def test_the_display_has_local_times(faked: FakedPerson) -> None:
    faked.controller.display._zone = timezone(timedelta(hours=2))
    text = "the operator muted you: you may read but not send until 2026-11-29T22:30:36.574Z"
    await faked.receive({"type": "muted", "until": LATER, "message": text, "reports": 0})
    assert faked.screen.complaints[-1].endswith("not send until 30 Nov 00:30")
    faked.server.answers["send"] = lambda _: {"type": "error", "code": "muted", "message": text}
    await faked.do("hi")
    assert faked.screen.complaints[-1].endswith("not send until 30 Nov 00:30")
    assert "2026-11-29T" not in faked.screen.notices


async def test_scheduled_messages_are_counted_until_they_go_out(
    running: RunningServer, alice: ServedPerson, bob: Peer, mock_clock: MockClock
) -> None:
    await alice.do("/send -t 10 tea is ready")
    await alice.do("/send -t 20m -u bob still there?")
    assert "2 scheduled" in alice.toolbar
    assert [text for _, text in alice.controller.completion_context().pending] == [
        "tea is ready",
        "still there?",
    ]
    assert [line[-26:] for line in alice.screen.shown[1:]] == [
        f"scheduled as {number}; /cancel {number} stops it"[-26:] for number in (1, 2)
    ]
    (_, (number, _)) = alice.controller.completion_context().pending
    await alice.do(f"/cancel {number}")
    assert "1 scheduled" in alice.toolbar
    mock_clock.jump(10)
    await alice.screen.line("✓ tea is ready")
    assert "scheduled" not in alice.toolbar


async def test_the_countdown_to_the_next_attempt_is_drawn(
    running: RunningServer, mock_clock: MockClock
) -> None:
    slow = Reconnect(first=10, jitter=0)
    async with at_server(running, reconnect=slow) as alice:
        await alice.go_offline()
        for shown in (
            "[offline 0:00, next try in 10 s]",
            "[offline 0:01, next try in 9 s]",
            "[offline 0:02, next",
        ):
            await wait_all_tasks_blocked()
            assert alice.prompt.startswith(shown)
            drawn = alice.screen.refreshed
            mock_clock.jump(1)
            await wait_all_tasks_blocked()
            assert alice.screen.refreshed > drawn
        alice.door.shut = False
        mock_clock.jump(10)
        await alice.screen.line("nothing new")


async def test_lists_after_a_login_are_those_of_the_new_user(faked: FakedPerson) -> None:
    faked.server.reply("login", "logged-in", **LOGGED_IN | {"user": "robert"})
    users = [{"name": "robert", "since": AT, "away": "lunch"}]
    faked.server.reply("users", "users", users=users, more=False)
    faked.enter("/login robert", SECRET)
    await wait_all_tasks_blocked()
    assert "│ away: lunch" in faked.toolbar


async def test_after_logout_you_are_a_new_guest(faked: FakedPerson) -> None:
    faked.server.reply("logout", "logged-out", user="guest-7", token="t-secret")
    await faked.receive(message(1, "psst", to="alice"))
    await faked.do("/logout")
    assert faked.prompt == "guest-7 → lobby ▸ "
    assert faked.controller.completion_context().absent == []


async def test_what_was_sent_privately_while_ignored_is_not_shown_later(
    alice: ServedPerson, bob: Peer
) -> None:
    await say(bob, "before", "alice")
    await alice.screen.line("before")
    await alice.do("/ignore bob")
    await say(bob, "while ignored", "alice")
    await alice.do("/unignore bob")
    await say(bob, "after", "alice")
    await alice.screen.line("after")
    assert alice.screen.count("while ignored") == 0
    assert "1 unread private" in alice.toolbar


async def test_a_server_that_lists_nobody_is_not_waited_for_long(mock_clock: MockClock) -> None:
    server = FakeServer()
    server.refuse("scheduled", "storage-failed")
    async with at_fake_server(server) as alice, trio.open_nursery() as nursery:
        nursery.start_soon(alice.controller.wait_listed)
        await wait_all_tasks_blocked()
        assert nursery.child_tasks
        mock_clock.jump(LISTED_WITHIN)


async def test_names_of_ignored_users_and_of_direct_rooms_are_offered(faked: FakedPerson) -> None:
    faked.server.reply("ignore", "ignoring", users=["bob"])
    await faked.receive(message(1, "psst", to="alice", sender="carol"))
    await faked.do("/ignore bob")
    assert [request["name"] for request in faked.server.of("ignore")] == ["bob"]
    assert [one.text for one in faked.controller.complete("/unignore ")] == ["bob"]
    assert [one.text for one in faked.controller.complete("/whois c")] == ["carol"]


async def test_numbers_of_sessions_are_offered_once_they_were_shown(faked: FakedPerson) -> None:
    info = {
        "number": 3,
        "device": "phone",
        "address": "a",
        "since": AT,
        "used": AT,
        "here": True,
        "current": True,
    }
    faked.server.reply("sessions", "sessions", sessions=[info])
    assert faked.controller.complete("/revoke ") == []
    await faked.do("/sessions")
    assert [(one.text, one.help) for one in faked.controller.complete("/revoke ")] == [("3", "phone")]


async def test_an_edit_is_shown_and_offered(alice: ServedPerson, bob: Peer) -> None:
    await alice.do("see you at six")
    (candidate,) = [one for one in alice.controller.complete("/edit ") if one.help == "see you at six"]
    await alice.do(f"/edit {candidate.text} see you at five")
    assert await alice.screen.line("at five") == f"alice edited {candidate.text}: see you at five"
    assert (await bob.next("edited"))["text"] == "see you at five"
    assert alice.controller.complete("/edit ")[0].help == "see you at five"
    await alice.do("history")
    assert alice.screen.shown[-1].endswith("alice ✓ (edited) see you at five")
    assert alice.screen.count("see you at five") == 2
    await alice.do("/log --after 0")
    assert alice.screen.count("edited) see you at five") == 2, "the log has the message as it is now"
    assert alice.screen.count(f"alice edited {candidate.text}: see you at five") == 2
    assert alice.controller.failures == 0


async def test_shown_messages_are_read_once_a_key_is_pressed(
    faked: FakedPerson, mock_clock: MockClock
) -> None:
    await faked.receive(message(1, "one"), message(1, "psst", to="alice"), message(2, "psst", to="alice"))
    mock_clock.jump(60)
    await wait_all_tasks_blocked()
    assert faked.server.of("read") == []
    assert "2 unread private" in faked.toolbar
    drawn = faked.screen.refreshed
    await faked.press()
    assert faked.screen.refreshed > drawn
    assert "unread" not in faked.toolbar
    assert faked.server.of("read") == [{"room": "lobby", "seq": 1}, {"room": "@b", "seq": 2}]
    mock_clock.jump(60)
    await faked.press()
    assert len(faked.server.of("read")) == 2


async def test_a_line_counts_as_presence_too(faked: FakedPerson) -> None:
    await faked.receive(message(1, "one"))
    faked.enter("")
    await wait_all_tasks_blocked()
    assert faked.server.of("read") == [{"room": "lobby", "seq": 1}]


async def test_markers_wait_for_the_server() -> None:
    async with at_fake_server(FakeServer()) as alice:
        await alice.receive(message(1, "psst", to="alice"))
        alice.memory.shut = True
        await alice.memory.cut()
        await alice.screen.line("Reconnecting")
        await alice.press()
        assert alice.server.of("read") == []
        assert alice.toolbar.count("unread") == 0
        alice.memory.shut = False
        alice.client.retry_now()
        await alice.screen.line("back as alice")
        await wait_all_tasks_blocked()
        assert alice.server.of("read") == [{"room": "@b", "seq": 1}]


async def test_messages_read_on_another_device_are_not_unread(faked: FakedPerson) -> None:
    await faked.receive(*(message(seq, "psst", to="alice") for seq in (1, 2, 3)))
    assert "3 unread private" in faked.toolbar
    drawn = faked.screen.refreshed
    await faked.receive({"type": "read", "username": "bob", "room": "@b", "seq": 2})
    assert faked.screen.refreshed > drawn
    assert "1 unread private" in faked.toolbar
    await faked.receive({"type": "read", "username": "bob", "room": "@b", "seq": 3})
    await faked.press()
    assert faked.server.of("read") == []


async def test_in_a_pipe_no_marker_moves(mock_clock: MockClock) -> None:
    async with at_fake_server(FakeServer(), asks=False) as alice:
        await alice.receive(UNREAD, message(1, "psst", to="alice"))
        await alice.do("/ping")
        mock_clock.jump(5)
        await wait_all_tasks_blocked()
        assert alice.server.of("read") == []
        assert alice.screen.complaints == []


async def test_a_page_of_unread_messages_lets_the_marker_move() -> None:
    async with at_fake_server(FakeServer(seq=19)) as alice:
        await alice.receive(UNREAD, message(20, "the last one"))
        await alice.press()
        assert alice.server.of("read") == []
        page = [message(seq, "older") for seq in range(9, 20)]
        alice.server.reply("history", "history", messages=page, more=False)
        await alice.do("/history --unread")
        await alice.press()
        assert alice.server.of("read") == [{"room": "lobby", "seq": 20}]


async def test_the_toolbar_shows_the_delivery_of_the_last_private_message(faked: FakedPerson) -> None:
    await faked.receive(message(1, "psst", sender="alice", to="bob"))
    assert faked.receipt == [("class:own", "✓")]
    assert faked.toolbar.endswith("│ bob ✓")
    mark = {"type": "receipt", "username": "bob", "room": "@b"}
    drawn = faked.screen.refreshed
    await faked.receive(mark | {"delivered": 1})
    assert faked.screen.refreshed > drawn
    assert faked.receipt == [("class:receipt", "✓✓")]
    await faked.receive(mark | {"delivered": 1, "seen": 1})
    assert faked.receipt == [("class:receipt.seen", "✓✓")]
    await faked.receive(message(2, "psst again", sender="alice", to="bob"))
    assert faked.receipt == [("class:own", "✓")]
    await faked.do("/set theme mono")
    await faked.receive(mark | {"delivered": 2, "seen": 2})
    assert faked.toolbar.endswith("│ bob ✓✓ (read)")
    assert [line[6:] for line in faked.screen.shown if "psst" in line] == [
        "alice → bob ✓ psst", "alice → bob ✓ psst again"
    ]  # fmt: skip


async def test_earlier_receipts_count_for_messages_of_history() -> None:
    server = FakeServer()
    info = {"username": "bob", "room": "@b", "seq": 3, "read": 3, "delivered": 3, "seen": 2}
    server.reply("conversations", "conversations", conversations=[info], more=False)
    page = [message(seq, f"psst {seq}", sender="alice", to="bob") for seq in (2, 3, 4)]
    server.reply("history", "history", username="bob", messages=page, more=False)
    async with at_fake_server(server) as alice:
        await alice.do("/set theme mono")
        await alice.do("/history -u bob")
        assert [line[6:] for line in alice.screen.shown if "psst" in line] == [
            "alice → bob ✓✓ (read) psst 2", "alice → bob ✓✓ psst 3", "alice → bob ✓ psst 4"
        ]  # fmt: skip
        assert alice.controller.completion_context().absent == []
        await alice.receive({"type": "left", "room": "lobby", "users": ["bob"]})
        assert alice.controller.completion_context().absent == ["bob"]
        await alice.do("/to bob")
        assert alice.prompt == "alice → bob ▸ "


async def test_that_you_are_away_stands_in_the_toolbar(faked: FakedPerson) -> None:
    faked.server.reply("away", "away", text="lunch", since=AT)
    faked.server.reply("back", "back")
    await faked.do("/away lunch")
    assert faked.server.of("away") == [{"text": "lunch"}]
    assert "│ away: lunch" in faked.toolbar
    await faked.do("/back")
    assert "away" not in faked.toolbar


async def test_that_you_are_away_is_known_from_the_list_of_users() -> None:
    server = FakeServer()
    users = [{"name": "alice", "since": AT, "away": ""}, {"name": "bob", "since": AT, "away": "x"}]
    server.reply("users", "users", users=users, more=False)
    async with at_fake_server(server) as alice:
        assert alice.toolbar.endswith("│ away")


async def test_a_prompt_with_a_hostile_name_is_clean(faked: FakedPerson) -> None:
    await faked.receive(message(1, "x", sender="alice", to="b\x1b[2Job"))
    assert "\x1b" not in plain(faked.controller.toolbar())


@pytest.mark.parametrize("asks", [True, False])
async def test_a_server_with_new_data_sends_its_lobby(running: RunningServer, asks: bool) -> None:
    async with run_server() as other, at_server(running, asks=asks) as alice:
        await alice.do("before")
        await say(await other.peer("bob"), "hello?")
        await alice.go_offline()
        alice.enter("waits")
        alice.door.running, alice.door.shut = other, False
        alice.client.retry_now()
        await alice.settle()
        await alice.screen.line("✓ waits")
    assert f"back as alice, a new guest, after 0:00; {DATA_RESET}. 1 message of its lobby follows:" in (
        alice.screen.notices
    )
    assert "missed" not in alice.screen.notices
    lines = [line[6:] for line in alice.screen.shown if line[2:3] == ":"]
    assert lines[:3] == ["alice ✓ before", "bob  hello?", "alice ✓ waits"]


async def test_the_toolbar_shows_nothing_of_the_old_data(faked: FakedPerson) -> None:
    muted = {"type": "muted", "until": LATER, "message": "you may read but not send", "reports": 1}
    await faked.receive(
        message(1, "psst", to="alice"),
        message(2, "yes?", sender="alice", to="bob"),
        {"type": "receipt", "username": "bob", "room": "@b", "delivered": 2, "seen": 2},
        muted,
    )
    assert all(part in faked.toolbar for part in ("1 unread private", "bob ✓✓", "muted"))
    await faked.receive(message(3, "psst", to="alice"))
    await faked.do("/to bob")
    await faked.receive(message(4, "psst", to="alice"))
    await faked.come_back()
    assert not any(part in faked.toolbar for part in ("unread", "✓", "muted"))
    assert faked.prompt == "alice → bob ▸ ", "what is typed on goes to nobody else"
    await faked.receive(message(1, "again", sender="alice", to="bob"))
    assert faked.receipt == [("class:own", "✓")]


async def test_fewer_messages_of_the_same_data_begin_anew_too(faked: FakedPerson) -> None:
    await faked.receive(*(message(seq, "hi") for seq in (1, 2, 3)))
    await faked.press()
    assert faked.server.of("read") == [{"room": "lobby", "seq": 3}]
    await faked.come_back(journal="j")
    await faked.receive(message(1, "@alice"))
    assert faked.screen.bells == 1
    await trio.sleep(1.1)  # between two marks
    await faked.press()
    assert faked.server.of("read")[1:] == [{"room": "lobby", "seq": 1}]
