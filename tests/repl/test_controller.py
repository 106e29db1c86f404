"""What a typed line does and what the screen is told, with a real server on memory streams."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from chaos.clock import TrioClock
from tcpchat import handlers
from tcpchat.client import Client, Reconnect, Skipped
from tcpchat.protocol import BY_NAME, Error, Message, Unknown, Unsent, page
from tcpchat.repl.calls import WAITS_AFTER
from tcpchat.repl.controller import Controller
from tcpchat.repl.input.parse import CLIENT_COMMANDS
from tcpchat.repl.model.preferences import Preferences
from tcpchat.repl.view.status import SHOWN
from tcpchat.settings import Limits, Rules, Settings
from tests.conftest import Peer, RunningServer, run_server
from tests.link.conftest import Door
from tests.repl.person import Person, Screen

STRICT = Settings(rules=Rules(reports_to_mute=1, mute_seconds=90))


class Sitter(Person):
    """Somebody on a cable to a running."""

    def __init__(self, controller: Controller, screen: Screen, client: Client, door: Door) -> None:
        super().__init__(controller, screen, client)
        self.door = door

    async def go_offline(self) -> None:
        """Lose the server, which cannot be reached from now on."""
        self.door.shut = True
        await self.door.cable.cut()
        await self.screen.line("Reconnecting")


@asynccontextmanager
async def sitting(
    running: RunningServer,
    name: str = "alice",
    *,
    asks: bool = True,
    hosting: bool = False,
    preferences: Preferences | None = None,
    **options: Any,
) -> AsyncIterator[Sitter]:
    """Let somebody controller until the block ends."""
    door, screen = Door(running), Screen(asks=asks)
    async with door.client(**({"name": name, "last": 20} | options)) as client:
        controller = Controller(
            client, screen, preferences or Preferences(None), TrioClock(), UTC, hosting=hosting
        )
        async with trio.open_nursery() as nursery:
            await nursery.start(controller.run)
            person = Sitter(controller, screen, client, door)
            while not controller.completion_context().users:
                await screen._news.park()
            yield person
            controller.leave_now()


@pytest.fixture
async def alice(running: RunningServer) -> AsyncIterator[Sitter]:
    async with sitting(running) as person:
        yield person


@pytest.fixture
async def bob(running: RunningServer, alice: Sitter) -> Peer:
    """Bob, whom alice has seen come."""
    peer = await running.peer("bob")
    running.announce_presence()
    await alice.screen.line("bob joined")
    await peer.quiet()
    peer.events.clear()
    return peer


async def say(peer: Peer, text: str, username: str | None = None) -> None:
    to = {} if username is None else {"username": username}
    assert (await peer.ask({"type": "send", "text": text} | to))["type"] == "sent"


async def texts(peer: Peer) -> list[str]:
    """Return what was said to this peer up to now."""
    lines = peer.events + await peer.quiet()
    peer.events = []
    return [line["text"] for line in lines if line["type"] == "message"]


# Saying something.


async def test_text_is_said_and_marked_when_it_is_kept(alice: Sitter, bob: Peer) -> None:
    await alice.do("hello  all ")
    assert await texts(bob) == ["hello  all "]
    assert await alice.screen.line("hello") == "alice ✓ hello  all "
    assert alice.screen.count("hello") == 1
    assert alice.waiting == []
    assert alice.controller.failures == 0


@pytest.mark.parametrize(
    ("line", "said"), [("//users", ["/users"]), (" users", ["users"]), ("  ", []), ("", [])]
)
async def test_text_that_looks_like_something_else(
    alice: Sitter, bob: Peer, line: str, said: list[str]
) -> None:
    await alice.do(line)
    assert await texts(bob) == said


async def test_several_lines_are_one_message(alice: Sitter, bob: Peer) -> None:
    await alice.do("one\ntwo\nusers")
    assert await texts(bob) == ["one\ntwo\nusers"]


async def test_an_edit_is_shown_once_to_its_author_and_the_others(alice: Sitter, bob: Peer) -> None:
    await alice.do("helo all")
    number = (await bob.next("message"))["seq"]
    await alice.do(f"/edit {number} hello all")
    assert (await bob.next("edited"))["text"] == "hello all"
    assert await alice.screen.line("hello all") == f"alice edited {number}: hello all"
    assert alice.screen.count("hello all") == 1
    await alice.do("/log --after 0")
    assert alice.screen.count("alice ✓ hello all") == 1, "the log has the message as it is now"
    assert alice.screen.count(f"alice edited {number}: hello all") == 2
    assert alice.controller.failures == 0


async def test_a_private_message_is_shown_with_both_names(alice: Sitter, bob: Peer) -> None:
    await alice.do("/send -u bob psst")
    assert await texts(bob) == ["psst"]
    assert await alice.screen.line("psst") == "alice → bob ✓ psst"


async def test_a_message_to_the_id_of_a_direct_room_is_private(alice: Sitter, bob: Peer) -> None:
    await alice.do("/send -u bob one")
    room = (await bob.next("message"))["room"]
    await alice.do(f"/send -r {room} two")
    assert await alice.screen.line("two") == "alice → bob ✓ two"
    assert (await bob.next("message"))["to"] == "bob"


async def test_to_changes_whom_text_goes_to(running: RunningServer, alice: Sitter, bob: Peer) -> None:
    await alice.do("/to nobody")
    assert alice.prompt == "alice → lobby ▸ "
    assert alice.screen.complaints[-1].startswith("✗ there is no user 'nobody' here")
    await alice.do("/to bob")
    assert alice.prompt == "alice → bob ▸ "
    await bob.ask({"type": "rename", "name": "robert"})
    await alice.screen.line("bob is now robert")
    assert alice.prompt == "alice → robert ▸ "
    await alice.do("still you")
    assert (await bob.next("message"))["to"] == "robert"
    await alice.do("/to")
    assert alice.prompt == "alice → lobby ▸ "


async def test_what_is_not_acknowledged_soon_is_shown_as_waiting(
    running: RunningServer, alice: Sitter, mock_clock: MockClock
) -> None:
    alice.door.cable.loses_sent = True
    alice.enter("one", "/send -u alice two")
    mock_clock.jump(WAITS_AFTER / 2)
    await wait_all_tasks_blocked()
    assert alice.waiting == []
    before = alice.screen.refreshed
    mock_clock.jump(WAITS_AFTER)
    await wait_all_tasks_blocked()
    assert alice.waiting == ["… one", "… → alice  two"]
    assert alice.screen.refreshed > before
    alice.enter(*(f"line {number}" for number in range(SHOWN)))
    mock_clock.jump(WAITS_AFTER)
    assert alice.waiting[-1] == "… and 2 more"
    alice.door.cable.loses_sent = False  # so that leaving is heard


# What a line means.


@pytest.mark.parametrize(
    ("answer", "private", "said"),
    [
        ("c", True, "secret"),
        ("C ", True, "secret"),
        ("command", True, "secret"),
        ("t", False, "send -u bob secret"),
        ("T", False, "send -u bob secret"),
        ("", None, None),
        ("what now?", False, "what now?"),
    ],
)
async def test_a_line_that_begins_with_a_command_is_asked_about(
    alice: Sitter, bob: Peer, answer: str, private: bool | None, said: str | None
) -> None:
    await alice.do("send -u bob secret")
    assert alice.prompt == "[c, t or Esc] ▸ "
    assert alice.screen.complaints[-1].endswith("C or T also keeps the answer for “send”")
    assert await texts(bob) == []
    await alice.do(answer)
    assert alice.prompt == "alice → lobby ▸ "
    assert alice.screen.edited == ([] if said else ["send -u bob secret"])
    messages = [line for line in await bob.quiet() if line["type"] == "message"]
    assert [("to" in message, message["text"]) for message in messages] == ([(private, said)] if said else [])


async def test_text_goes_to_the_place_of_the_prompt(alice: Sitter, bob: Peer) -> None:
    await alice.do("/to bob")
    await alice.do("send me the keys")
    await alice.do("t")
    message = await bob.next("message")
    assert (message["to"], message["text"]) == ("bob", "send me the keys")


async def test_a_question_is_taken_back_by_a_key(alice: Sitter, bob: Peer) -> None:
    await alice.do("read the docs")
    assert alice.controller.lines.question is not None
    assert alice.controller.lines.question.keys == "ctCT"
    assert alice.controller.complete("/") == []
    alice.controller.lines.take_back()
    assert alice.screen.edited == ["read the docs"]
    assert alice.prompt == "alice → lobby ▸ "
    assert await texts(bob) == []


async def test_an_answer_is_kept_for_the_word_until_it_is_asked_about_again(alice: Sitter, bob: Peer) -> None:
    await alice.do("read the docs")
    await alice.do("T")
    assert "lines that begin with “read” are text now; /set read ask undoes it" in alice.screen.told
    await alice.do("Read it")
    await alice.do("send ho")
    await alice.do("C")
    await alice.do("send hi")
    assert await texts(bob) == ["read the docs", "Read it", "ho", "hi"]
    assert alice.controller.complete("send -u b")
    del alice.screen.complaints[:]
    await alice.do("/set")
    assert "read text: lines that begin with “read” and no / (ask or command or text)" in " ".join(
        alice.screen.told.split()
    )
    await alice.do("/set read ask")
    await alice.do("read on")
    assert alice.controller.lines.question is not None
    assert await texts(bob) == []


async def test_a_mistyped_private_message_is_asked_about(alice: Sitter, bob: Peer) -> None:
    await alice.do("sned -u bob secret")
    assert "“sned -u bob secret”: command or text? c runs “/send -u bob secret”, t" in alice.screen.told
    assert await texts(bob) == []
    await alice.do("C")
    assert "not sent: sned -u bob secret" in alice.screen.told, "nothing can be kept for what is no word"
    assert await texts(bob) == ["C"]
    await alice.do("sned -u bob secret")
    await alice.do("c")
    assert (await bob.next("message"))["to"] == "bob"


async def test_such_a_line_is_refused_where_nobody_can_be_asked(running: RunningServer) -> None:
    bob = await running.peer("bob")
    preferences = Preferences(None)
    preferences.keep("send", "text")
    async with sitting(running, asks=False, preferences=preferences) as alice:
        await alice.do("send hello")
        assert "not sent: “send hello” may be a command (write /send hello) or text" in alice.screen.told
        await alice.do("sned -u bob secret")
        assert "(write /send -u bob secret) or text (start it with a space)" in alice.screen.told
        assert alice.controller.failures == 2
        assert alice.prompt == "alice → lobby ▸ "
        assert await texts(bob) == []
        await alice.do(" send hello")
        await alice.do("/send ho")
        assert await texts(bob) == ["send hello", "ho"]


@pytest.mark.parametrize(
    ("line", "told", "usage"),
    [
        (
            "/users all of them",
            "users does not take 'all'; to send it as text, start the line with a space",
            "users",
        ),
        ("/nope", "there is no command /nope", None),
        ("/send -u nobody hi", "nobody", None),
        ("/rename a b", "rename", "rename"),
    ],
)
async def test_what_was_wrong_is_told_and_counted(
    alice: Sitter, bob: Peer, line: str, told: str, usage: str | None
) -> None:
    await alice.do(line)
    assert told in alice.screen.told
    if usage:
        assert alice.screen.complaints[-1] == f"  /{BY_NAME[usage].usage}"
    assert alice.controller.failures == 1
    assert await texts(bob) == []


async def test_requests_show_their_replies(alice: Sitter, bob: Peer) -> None:
    await say(bob, "earlier")
    await alice.screen.line("earlier")
    await alice.do("users")
    await alice.do("/ping")
    await alice.do("/history -n 1")
    await alice.do("/status")
    assert await alice.screen.line("2 users")
    assert await alice.screen.line("pong")
    assert await alice.screen.line("in the last minute")
    assert alice.screen.count("bob  earlier") == 2


async def test_rename_changes_the_prompt_and_who_is_here(alice: Sitter, bob: Peer) -> None:
    await alice.do("/rename alicia")
    assert alice.prompt == "alicia → lobby ▸ "
    assert sorted(alice.controller.completion_context().users) == ["alicia", "bob"]
    await alice.do("me")
    assert await alice.screen.line("✓ me") == "alicia ✓ me"


async def test_help_knows_the_commands_of_the_client_too(alice: Sitter) -> None:
    await alice.do("help")
    for usage in [*(command.usage for command in CLIENT_COMMANDS), "/send [-u/--username NAME]", "//users"]:
        assert alice.screen.count(usage), usage
    await alice.do("/help /set")
    assert alice.screen.shown[-1].startswith("· /set [NAME [VALUE]]: show or change")
    await alice.do("/help send")
    assert alice.screen.count("examples")


async def test_clear_clears(alice: Sitter) -> None:
    await alice.do("/clear")
    assert alice.screen.clears == 1


# What comes in.


async def test_a_mention_and_a_private_message_ring_once(alice: Sitter, bob: Peer) -> None:
    for text, to, bells in (
        ("hey alice, look", None, 1),
        ("malice", None, 1),
        ("psst", "alice", 2),
        ("@ALICE", None, 3),
    ):
        await say(bob, text, to)
        await alice.screen.line(text)
        assert alice.screen.bells == bells, text
    await alice.do("alice is me")
    assert alice.screen.bells == 3
    await alice.do("/set bell off")
    await say(bob, "alice again")
    await alice.screen.line("alice again")
    assert alice.screen.bells == 3


async def test_nobody_rings_for_what_was_said_before(running: RunningServer) -> None:
    bob = await running.peer("bob")
    await say(bob, "@alice are you there?")
    async with sitting(running) as alice:
        await alice.screen.line("are you there?")
        assert alice.screen.bells == 0


async def test_private_messages_are_unread_until_something_is_entered(alice: Sitter, bob: Peer) -> None:
    for text, to in (("one", "alice"), ("two", "alice"), ("to all", None)):
        await say(bob, text, to)
    await alice.screen.line("to all")
    assert "2 unread private" in alice.toolbar
    alice.enter("")
    assert "unread" not in alice.toolbar


async def test_who_is_here(running: RunningServer, alice: Sitter, bob: Peer) -> None:
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


async def test_the_pages_of_who_is_here_are_put_together(
    running: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for theme in (handlers.messages, handlers.profile):
        monkeypatch.setattr(theme, "page", lambda parts: page(parts, 150))
    await running.peers("b1", "b2", "b3", "b4", "b5")
    async with sitting(running) as alice:
        assert sorted(alice.controller.completion_context().users) == ["alice", "b1", "b2", "b3", "b4", "b5"]
        for number in range(5):
            await alice.do(f"/send -t {number + 60} tea {number}")
        await alice.door.cable.cut()
        await alice.screen.line("back as alice")
        await alice.until("5 scheduled")


async def test_days_are_told_apart(alice: Sitter) -> None:
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


async def test_rarer_events_are_shown_too(alice: Sitter) -> None:
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


# Limits and schedules.


async def test_the_toolbar_counts_down_while_you_are_muted(mock_clock: MockClock) -> None:
    async with run_server(STRICT) as running, sitting(running) as alice:
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


async def test_too_fast_is_refused_with_a_countdown(mock_clock: MockClock) -> None:
    limits = Limits(messages_per_second=0.5, message_burst=1)
    async with run_server(Settings(limits=limits)) as running, sitting(running) as alice:
        await alice.do("one")
        await alice.do("two")
        assert "too fast: wait 0:02" in alice.toolbar
        assert await alice.screen.line("works again in 2s")
        drawn = alice.screen.refreshed
        mock_clock.jump(1)
        await wait_all_tasks_blocked()
        assert alice.screen.refreshed > drawn
        assert "too fast: wait 0:01" in alice.toolbar
        mock_clock.jump(1)
        await alice.do("three")
        assert alice.screen.count("✓ three") == 1
        assert alice.screen.count("✓ two") == 0


async def test_what_is_scheduled_is_counted_until_it_goes_out(
    running: RunningServer, alice: Sitter, bob: Peer, mock_clock: MockClock
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


# The network.


async def test_what_is_sent_while_the_server_is_away_waits_and_is_sent_once(
    running: RunningServer, alice: Sitter
) -> None:
    bob = await running.peer("bob")
    await alice.do("before")
    alice.door.cable.loses_received = True
    alice.enter("on its way")
    while (await bob.next("message"))["text"] != "on its way":
        pass
    await alice.go_offline()
    assert alice.prompt.startswith("[offline 0:00, ")
    assert alice.toolbar.startswith(f" {alice.client.address} unreachable")
    alice.enter("one", "two", "/send -u bob three")
    assert alice.waiting == ["… on its way", "… one", "… two", "… → bob  three"]
    await say(bob, "said meanwhile")
    alice.door.shut = False
    alice.client.retry_now()
    await alice.settle()
    await alice.screen.line("✓ three")
    assert alice.waiting == []
    assert await texts(bob) == ["said meanwhile", "one", "two", "three"]
    lines = [line[6:] if line[2:3] == ":" else line for line in alice.screen.lines]
    start = next(at for at, line in enumerate(lines) if line.startswith("· back as alice after 0:0"))
    assert lines[start].endswith("; 2 messages were missed:")
    told = [line for line in lines[start + 1 :] if "joined" not in line and "unread:" not in line]
    assert told == [
        "alice ✓ on its way", "bob  said meanwhile", "alice ✓ one", "alice ✓ two", "alice → bob ✓ three"
    ]  # fmt: skip
    assert alice.prompt == "alice → lobby ▸ "


async def test_what_cannot_wait_is_refused_while_the_server_is_away(alice: Sitter) -> None:
    await alice.go_offline()
    await alice.do("users")
    assert (
        alice.screen.complaints[-1]
        == "✗ users was not done: not connected; try again when the server is back"
    )
    assert alice.controller.failures == 1
    assert [candidate.text for candidate in alice.controller.complete("us")] == ["users"]


async def test_the_countdown_to_the_next_attempt_is_drawn(
    running: RunningServer, mock_clock: MockClock
) -> None:
    slow = Reconnect(first=10, jitter=0)
    async with sitting(running, reconnect=slow) as alice:
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


async def test_when_it_gives_up_it_says_what_was_not_sent(
    running: RunningServer, mock_clock: MockClock
) -> None:
    door, screen = Door(running), Screen()
    async with door.client(name="alice", reconnect=Reconnect.never()) as client:
        controller = Controller(client, screen, Preferences(None), TrioClock(), UTC)
        async with trio.open_nursery() as nursery:
            await nursery.start(controller.run)
            door.cable.loses_sent = True
            controller.enter("lost?")
            await wait_all_tasks_blocked()
            mock_clock.jump(WAITS_AFTER)
            await wait_all_tasks_blocked()
            await door.cable.cut()
    assert controller.gave_up is not None
    assert controller.failures == 1
    assert any("may not have been sent: 'lost?'" in line for line in screen.complaints)


async def test_what_was_never_written_is_told_apart_from_what_is_in_doubt(
    running: RunningServer, mock_clock: MockClock
) -> None:
    async with sitting(running, reconnect=Reconnect(first=2, jitter=0, give_up=5)) as alice:
        alice.door.cable.loses_sent = True
        alice.enter("lost?")
        await wait_all_tasks_blocked()
        await alice.go_offline()
        alice.enter("typed while away")
        mock_clock.jump(2)
        await wait_all_tasks_blocked()
        assert alice.controller.gave_up is not None
        lost, away = (line for line in alice.screen.complaints if "sent: '" in line)
        assert "✗ may not have been sent: 'lost?'" in lost
        assert "✗ not sent: 'typed while away'" in away


# Leaving.


async def ended(person: Person) -> bool:
    await wait_all_tasks_blocked()
    return person.controller.lines.left.is_set()


@pytest.mark.parametrize("line", ["exit", "/exit", "EXIT"])
async def test_exit_leaves(alice: Sitter, line: str) -> None:
    alice.enter(line)
    assert await ended(alice)


async def test_a_guest_leaves_without_a_question(alice: Sitter, bob: Peer) -> None:
    alice.controller.lines.leave()
    assert await ended(alice)


async def test_a_host_is_asked_while_others_are_here(running: RunningServer) -> None:
    async with sitting(running, hosting=True) as alice:
        await running.peers("bob", "carol")
        await alice.until("3 here")
        alice.controller.lines.leave()
        assert alice.prompt == "[y or n] ▸ "
        assert alice.screen.complaints[-1] == (
            "· 2 other people are connected, and the chat stops when you leave. Leave anyway?"
        )
        alice.enter("n")
        assert not await ended(alice)
        assert alice.prompt == "alice → lobby ▸ "
        alice.controller.lines.leave()
        alice.enter("y")
        assert await ended(alice)


async def test_who_leaves_twice_is_not_asked_twice(running: RunningServer) -> None:
    async with sitting(running, hosting=True) as alice:
        await running.peers("bob")
        await alice.until("2 here")
        alice.controller.lines.leave()
        assert not await ended(alice)
        alice.controller.lines.leave()
        assert await ended(alice)


async def test_a_host_who_is_alone_leaves_without_a_question(running: RunningServer) -> None:
    async with sitting(running, hosting=True) as alice:
        alice.controller.lines.leave()
        assert await ended(alice)


async def test_what_is_not_sent_is_a_reason_to_ask(alice: Sitter) -> None:
    await alice.go_offline()
    alice.enter("one", "two")
    alice.controller.lines.leave()
    assert alice.screen.complaints[-1].startswith("· 2 messages have not been sent yet.")
    assert not await ended(alice)
    alice.controller.leave_now()
    assert await ended(alice)
    assert [line.strip() for line in alice.screen.complaints[-2:]] == [
        "✗ not sent: 'one': you left",
        "✗ not sent: 'two': you left",
    ]


@pytest.mark.parametrize(("answer", "said"), [("n", 0), ("", 0), ("no", 0), ("users", 0), ("never mind", 1)])
async def test_a_line_that_is_no_answer_stays_and_is_done(
    running: RunningServer, answer: str, said: int
) -> None:
    async with sitting(running, hosting=True) as alice:
        await running.peers("bob")
        await alice.until("2 here")
        alice.controller.lines.leave()
        await alice.do(answer)
        assert not await ended(alice)
        assert "you stay" in alice.screen.told
        assert running.state.rooms.lobby.seq == said
        assert alice.screen.count("2 users") == (answer == "users")


# Settings.


async def test_settings_are_shown_and_changed(alice: Sitter) -> None:
    await alice.do("/set")
    for name in ("bell on: ring", "theme dark: colours", "name (none): the name"):
        assert alice.screen.count(name) == 1, name
    await alice.do("/set theme")
    assert alice.screen.count("theme dark") == 2
    await alice.do("/set theme mono")
    assert alice.screen.themes == ["mono"]
    assert alice.screen.complaints[-1] == "· theme set to mono"
    assert alice.controller.failures == 0


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("/set nope", "there is no setting 'nope'"),
        ("/set nope on", "there is no setting 'nope'"),
        ("/set bell loud", "bell must be on or off"),
        ("/set send often", "send must be ask or command or text"),
        ("/set login text", "login must be ask or command"),
    ],
)
async def test_a_wrong_setting_is_told(alice: Sitter, line: str, told: str) -> None:
    await alice.do(line)
    assert told in alice.screen.told
    assert alice.controller.failures == 1
    assert alice.screen.themes == []


async def test_times_can_be_left_out(alice: Sitter) -> None:
    await alice.do("/set timestamps off")
    await alice.do("now")
    assert alice.screen.shown[-1] == "alice ✓ now"


async def test_lines_that_are_entered_at_once_are_done_in_their_order(running: RunningServer) -> None:
    async with sitting(running) as alice:
        alice.controller.enter("/rename zoe")
        alice.controller.enter("I am zoe now")
        alice.controller.enter("/rename alice")
        assert (await alice.screen.line("I am zoe now")).startswith("zoe")
        await alice.controller.wait_settled()
        kinds = [line["type"] for line in alice.door.cable.sent if line["type"] in {"rename", "send"}]
    assert kinds[-3:] == ["rename", "send", "rename"]
