"""Messages and other requests under way, also while the server is away."""

from __future__ import annotations

from datetime import UTC

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from chaos.clock import TrioClock
from tcpchat.client import (
    Reconnect,
)
from tcpchat.protocol import Send
from tcpchat.repl.calls import PATIENCE, WAITS_AFTER
from tcpchat.repl.controller import Controller
from tcpchat.repl.model.preferences import Preferences
from tcpchat.repl.view.status import SHOWN
from tcpchat.settings import Limits, Settings
from tests.link.conftest import Door
from tests.repl.fake_server import AT, FakeServer, message
from tests.repl.person import (
    FakedPerson,
    RecordingScreen,
    ServedPerson,
    at_fake_server,
    at_server,
    say,
    texts,
)
from tests.running import Peer, RunningServer, at_once, run_server


async def test_text_is_sent_and_marked_once_stored(alice: ServedPerson, bob: Peer) -> None:
    await alice.do("hello  all ")
    assert await texts(bob) == ["hello  all "]
    assert await alice.screen.line("hello") == "alice ✓ hello  all "
    assert alice.screen.count("hello") == 1
    assert alice.waiting == []
    assert alice.controller.failures == 0


async def test_a_private_message_is_shown_with_both_names(alice: ServedPerson, bob: Peer) -> None:
    await alice.do("/send -u bob psst")
    assert await texts(bob) == ["psst"]
    assert await alice.screen.line("psst") == "alice → bob ✓ psst"


async def test_messages_that_are_not_acknowledged_soon_are_shown_as_waiting(
    running: RunningServer, alice: ServedPerson, mock_clock: MockClock
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


async def test_requests_show_their_replies(alice: ServedPerson, bob: Peer) -> None:
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


async def test_answers_come_in_the_order_of_the_lines(alice: ServedPerson) -> None:
    for _ in range(10):  # since the order of tasks is random
        before = len(alice.screen.lines)
        alice.enter("/history -n 1", "users", "/revoke 9", "/set bell", "/nothing", "/ping")
        await alice.settle()
        starts = [
            "· no messages",
            "1 user",
            "alice ",
            "✗ you have no session 9",
            "· bell ",
            "✗ there is no command",
            "· pong",
        ]
        lines = alice.screen.lines[before:]
        assert [start for line in lines for start in starts if line.startswith(start)] == starts


async def test_the_clients_own_answers_do_not_wait_long(faked: FakedPerson, mock_clock: MockClock) -> None:
    faked.memory.silent = True
    faked.enter("/ping", "/set bell")
    await wait_all_tasks_blocked()
    assert faked.screen.count("bell on") == 0
    mock_clock.jump(PATIENCE)
    await wait_all_tasks_blocked()
    assert faked.screen.count("bell on") == 1
    faked.memory.silent = False  # so that leaving is answered


async def test_messages_typed_offline_wait_and_are_sent_once(
    running: RunningServer, alice: ServedPerson
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


async def test_an_edit_typed_offline_waits_and_is_made_once(
    running: RunningServer, alice: ServedPerson, bob: Peer
) -> None:
    await alice.do("see you at six")
    await alice.screen.line("see you at six")
    await texts(bob)
    await alice.go_offline()
    alice.enter("/edit 1 see you at five", "really")
    assert alice.waiting == ["… (edit 1)  see you at five", "… really"]
    alice.door.shut = False
    alice.client.retry_now()
    await alice.settle()
    await alice.screen.line("alice edited 1: see you at five")
    assert alice.waiting == []
    edits = [line["text"] for line in await bob.quiet() if line["type"] == "edited"]
    assert edits == ["see you at five"]
    await alice.do("/edit 99 nothing")
    assert alice.screen.complaints[-1].startswith("✗ ")


async def test_an_edit_that_may_not_have_been_made_is_shown(
    running: RunningServer, mock_clock: MockClock
) -> None:
    async with at_server(running, reconnect=Reconnect.never()) as alice:
        await alice.do("one")
        alice.door.cable.loses_sent = True
        alice.enter("/edit 1 two")
        await wait_all_tasks_blocked()
        await alice.door.cable.cut()
        await wait_all_tasks_blocked()
        assert any(
            line.startswith("✗ may not have been changed to: 'two'") for line in alice.screen.complaints
        )


async def test_other_requests_are_refused_offline(alice: ServedPerson) -> None:
    await alice.go_offline()
    await alice.do("users")
    assert (
        alice.screen.complaints[-1]
        == "✗ users was not done: not connected; try again when the server is back"
    )
    assert alice.controller.failures == 1
    assert [candidate.text for candidate in alice.controller.complete("us")] == ["users"]


async def test_giving_up_shows_unsent_messages(running: RunningServer, mock_clock: MockClock) -> None:
    door, screen = Door(running), RecordingScreen()
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


async def test_unwritten_messages_differ_from_uncertain_ones(
    running: RunningServer, mock_clock: MockClock
) -> None:
    async with at_server(running, reconnect=Reconnect(first=2, jitter=0, give_up=5)) as alice:
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


async def test_too_fast_is_refused_with_a_countdown(mock_clock: MockClock) -> None:
    limits = Limits(messages_per_second=0.5, message_burst=1)
    async with run_server(Settings(limits=limits)) as running, at_server(running) as alice:
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


async def test_own_messages_of_another_device_do_not_count_as_sent_here(faked: FakedPerson) -> None:
    for seq in range(1, 4):
        await faked.receive(message(seq, "from my phone", sender="alice"))
    faked.server.reply("send", "sent", room="lobby", seq=4, at=AT)
    faked.enter("from here")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(faked.controller.wait_settled)
        await wait_all_tasks_blocked()
        assert faked.controller._calls._not_shown == {("lobby", 4)}
        await faked.receive(message(4, "from here", sender="alice"))
    assert not faked.controller._calls._not_shown


async def test_own_messages_are_waited_for_under_numbers_that_are_given_again(
    autojump_clock: MockClock,
) -> None:
    async with at_fake_server(FakeServer(), asks=False) as alice:
        await alice.receive(message(1, "before", sender="alice"))
        await alice.come_back()
        began = trio.current_time()
        alice.enter("now")  # acknowledged as 1, and no event shows it
        await alice.settle()
        assert trio.current_time() - began > 0.5, "which it does for a second"


async def test_messages_that_the_data_lost_are_not_waited_for(autojump_clock: MockClock) -> None:
    async with at_fake_server(FakeServer(), asks=False) as alice:
        alice.enter("acknowledged and never shown")
        await trio.sleep(0.1)
        await alice.come_back()
        began = trio.current_time()
        alice.enter("/ping")
        await alice.settle()
        assert trio.current_time() - began < 0.5


async def test_a_request_that_is_lost_on_its_way_fails(alice: ServedPerson) -> None:
    alice.door.cable.loses_received = True
    alice.enter("/status")
    await wait_all_tasks_blocked()
    await alice.go_offline()
    await alice.settle()
    assert alice.controller.failures == 1
    assert alice.screen.count("✗ ") == 1


async def test_a_message_that_is_refused_late_is_named(faked: FakedPerson, mock_clock: MockClock) -> None:
    faked.server.refuse("send", "muted", retry_after=60)
    faked.server.refuse("users", "internal")  # this list of the fake server knows of no mute
    faked.memory.shut = True
    await faked.memory.cut()
    await faked.screen.line("Reconnecting")
    faked.enter("who said this?")
    await wait_all_tasks_blocked()
    mock_clock.jump(WAITS_AFTER)
    await wait_all_tasks_blocked()
    assert faked.waiting == ["… who said this?"]
    faked.memory.shut = False
    faked.client.retry_now()
    await faked.settle()
    assert "✗ not sent: 'who said this?' ✗ because muted" in faked.screen.notices
    assert "muted 1:00" in faked.toolbar
    assert faked.controller.failures == 1


async def test_after_the_last_connection_nothing_is_sent() -> None:
    async with at_fake_server(FakeServer(), reconnect=Reconnect.never()) as person:
        await person.memory.cut()
        await wait_all_tasks_blocked()
        assert person.controller.gave_up is not None
        person.controller._calls.send(Send(text="too late"))
        person.enter("too late too")
        assert person.screen.complaints[-1].startswith("✗ not sent: ")
        assert person.controller.failures == 1
        assert person.server.of("send") == []


SLOW = Settings(limits=Limits(messages_per_second=10, message_burst=40))


@pytest.mark.parametrize("has_input", [True, False])
async def test_lines_above_the_rate_wait_in_their_order(autojump_clock: MockClock, has_input: bool) -> None:
    typed = [f"line {number}" for number in range(60)]
    async with run_server(SLOW, run_sync=at_once) as running, at_server(running, patient=True) as alice:
        alice.screen.has_input = has_input
        bob = await running.peer("bob")
        alice.enter(*typed, "/rename zoe", "last")
        if has_input:
            await alice.until("messages wait: the server takes only so many a second")
        await alice.settle()
        lines = [line for line in await bob.quiet() if line["type"] == "message"]
        assert [line["text"] for line in lines] == [*typed, "last"]
        assert {line["from"] for line in lines[:-1]} == {"alice"}
        assert alice.controller.failures == 0, alice.screen.complaints
        assert alice.screen.count("you may send") == 0
        assert alice.screen.count("messages wait: the server takes only so many a second") == (not has_input)


async def test_a_refused_message_is_named(faked: FakedPerson) -> None:
    faked.server.refuse("send", "text-too-long")
    faked.server.refuse("edit", "not-yours")
    await faked.do("too much")
    await faked.do("/edit 3 of mine")
    assert "✗ not sent: 'too much'" in faked.screen.complaints
    assert "✗ not changed to: 'of mine'" in faked.screen.complaints
    assert faked.controller.failures == 2
