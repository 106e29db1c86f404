"""What a person is told when the server comes back with other data, and what must not be told any more."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from chaos.clock import TrioClock
from tcpchat.client import Disconnected, Reconnected
from tcpchat.repl.options import Options
from tcpchat.repl.pipe import _for_script
from tcpchat.repl.session import open_client
from tcpchat.repl.view.render_people import DATA_RESET, back
from tcpchat.times import timestamp
from tests.conftest import RunningServer, run_server
from tests.link.conftest import until
from tests.repl import test_controller, test_people
from tests.repl.fake_server import FakeServer, Socket, message

LATER = "2999-01-01T00:00:00.000Z"
BACK = {"user": "alice", "seconds": 4.0, "missed": 0}
RESTORED = BACK | {"data_reset": True, "same_user": False}


@pytest.fixture
async def alice() -> AsyncIterator[test_people.Sitter]:
    async with test_people.sitting(FakeServer()) as person:
        yield person


async def come_back(person: test_people.Sitter, *, seq: int = 0, journal: str = "other") -> None:
    """Lose the server, which is back with this data."""
    person.fake.journal, person.fake.seq = journal, seq
    await person.memory.cut()
    await person.screen.line("back as")
    await person.settle()


# What is told.


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        (BACK, "back as alice after 0:04; nothing new"),
        (BACK | {"missed": 1}, "back as alice after 0:04; 1 message was missed:"),
        (BACK | {"missed": 2}, "back as alice after 0:04; 2 messages were missed:"),
        (BACK | {"user": ""}, "back after 0:04, but not logged in any more: /login NAME logs in"),
        (RESTORED, f"back as alice, a new guest, after 0:04; {DATA_RESET}. Its lobby is empty"),
        (
            RESTORED | {"registered": True, "missed": 1},
            f"back as alice, logged in again, after 0:04; {DATA_RESET}. 1 message of its lobby follows:",
        ),
        (
            RESTORED | {"same_user": True, "missed": 3},
            f"back as alice after 0:04; {DATA_RESET}. 3 messages of its lobby follow:",
        ),
        (
            RESTORED | {"user": ""},
            f"back after 0:04, but not logged in any more: /login NAME logs in; {DATA_RESET}",
        ),
    ],
)
def test_one_sentence_tells_who_is_back_and_to_what(fields: dict[str, Any], text: str) -> None:
    assert back(Reconnected(**fields)) == text


@pytest.mark.parametrize("asks", [True, False])
async def test_a_server_that_kept_nothing_missed_nothing_and_what_was_said_since_follows(
    running: RunningServer, asks: bool
) -> None:
    async with run_server() as other, test_controller.sitting(running, asks=asks) as alice:
        await alice.do("before")
        await test_controller.say(await other.peer("bob"), "hello?")
        await alice.go_offline()
        alice.enter("waits")
        alice.door.running, alice.door.shut = other, False
        alice.client.retry_now()
        await alice.settle()
        await alice.screen.line("✓ waits")
    assert f"back as alice, a new guest, after 0:00; {DATA_RESET}. 1 message of its lobby follows:" in (
        alice.screen.told
    )
    assert "missed" not in alice.screen.told
    lines = [line[6:] for line in alice.screen.shown if line[2:3] == ":"]
    assert lines[:3] == ["alice ✓ before", "bob  hello?", "alice ✓ waits"]


async def test_a_name_that_is_registered_there_is_told_to_be_so(alice: test_people.Sitter) -> None:
    alice.fake.refuse("rename", "name-taken")
    alice.fake.user = "guest-2"
    await come_back(alice)
    assert "your name is now guest-2; it was alice" in alice.screen.told
    assert "could not resume your session: because name-taken" in alice.screen.told
    assert alice.prompt == "guest-2 → lobby ▸ "


@pytest.mark.parametrize(("script", "follow"), [(False, 20), (True, 50)])
async def test_a_person_is_shown_the_last_of_it_and_a_script_all(script: bool, follow: int) -> None:
    fake = FakeServer(seq=3)
    with Socket(fake) as server:
        options = Options(address=server.where, remember=False)
        async with open_client(_for_script(options) if script else options) as client:
            fake.journal, fake.seq = "other", 50
            server.say({"type": "bye", "code": "server-stopping", "message": "the server stops"})
            await until(client, Disconnected)
            client.retry_now()
            assert (await until(client, Reconnected)).missed == follow


# What was scheduled.


def pending(number: int, text: str) -> dict[str, Any]:
    return {"number": number, "at": LATER, "room": "lobby", "text": text}


async def test_what_is_not_scheduled_there_is_told(alice: test_people.Sitter) -> None:
    alice.fake.reply("send", "scheduled", number=1, at=LATER, room="lobby")
    await alice.do("/send -t 10m tea")
    alice.fake.reply("send", "scheduled", number=2, at=LATER, room="lobby")
    await alice.do("/send -t 10m cake")
    assert "2 scheduled" in alice.toolbar
    alice.fake.reply("schedule", "schedule", messages=[], more=False)
    alice.fake.reply("scheduled", "schedule", messages=[pending(1, "cake")], more=False)
    await come_back(alice)
    assert "1 scheduled" in alice.toolbar
    assert (
        "your scheduled message 1 is not on the server any more, so it may never be sent: 'tea'"
        in alice.screen.told
    )
    assert "'cake'" not in alice.screen.told
    await come_back(alice, journal="another")
    assert alice.screen.told.count("scheduled message 1 is not on") == 1


async def test_what_is_scheduled_is_looked_for_on_all_pages(alice: test_people.Sitter) -> None:
    alice.fake.reply("send", "scheduled", number=1, at=LATER, room="lobby")
    await alice.do("/send -t 10m tea")
    alice.fake.answers["scheduled"] = lambda request: {
        "type": "schedule", "more": "after" not in request,
        "messages": [pending(2, "tea") if "after" in request else pending(1, "other")],
    }  # fmt: skip
    await come_back(alice)
    assert "scheduled message 1 is not on" not in alice.screen.told


async def test_what_went_out_is_not_told_to_be_gone(alice: test_people.Sitter) -> None:
    soon = timestamp(TrioClock().now() + 200)
    alice.fake.reply("send", "scheduled", number=1, at=soon, room="lobby")
    await alice.do("/send -t 1 tea")
    await trio.sleep(0.3)
    await come_back(alice)
    assert "scheduled message 1 is not on" not in alice.screen.told


async def test_of_the_same_data_nothing_is_told_to_be_gone(alice: test_people.Sitter) -> None:
    alice.fake.reply("send", "scheduled", number=1, at=LATER, room="lobby")
    await alice.do("/send -t 10m tea")
    await come_back(alice, journal="j")
    assert "scheduled message 1 is not on" not in alice.screen.told


# What was known of the old data.


async def test_the_toolbar_tells_nothing_of_the_old_data(alice: test_people.Sitter) -> None:
    muted = {"type": "muted", "until": LATER, "message": "you may read but not send", "reports": 1}
    await alice.hear(
        message(1, "psst", to="alice"),
        message(2, "yes?", sender="alice", to="bob"),
        {"type": "receipt", "username": "bob", "room": "@b", "delivered": 2, "seen": 2},
        muted,
    )
    assert all(part in alice.toolbar for part in ("1 unread private", "bob ✓✓", "muted"))
    await alice.hear(message(3, "psst", to="alice"))
    await alice.do("/to bob")
    await alice.hear(message(4, "psst", to="alice"))
    await come_back(alice)
    assert not any(part in alice.toolbar for part in ("unread", "✓", "muted"))
    assert alice.prompt == "alice → bob ▸ ", "what is typed on goes to nobody else"
    await alice.hear(message(1, "again", sender="alice", to="bob"))
    assert alice.receipt == [("class:own", "✓")]


async def test_low_numbers_ring_again_and_what_was_said_before_does_not(alice: test_people.Sitter) -> None:
    await alice.hear(message(1, "one"), message(2, "two"), message(3, "three"))
    page = [message(1, "alice?"), message(2, "@alice")]
    alice.fake.reply("log", "log", room="lobby", events=page, first=1, more=False)
    await come_back(alice, seq=2)
    await alice.screen.line("@alice")
    assert alice.screen.bells == 0
    await alice.hear(message(3, "@alice again"))
    assert alice.screen.bells == 1


async def test_less_of_the_same_data_begins_anew_too(alice: test_people.Sitter) -> None:
    await alice.hear(*(message(seq, "hi") for seq in (1, 2, 3)))
    await alice.press()
    assert alice.fake.of("read") == [{"room": "lobby", "seq": 3}]
    await come_back(alice, journal="j")
    await alice.hear(message(1, "@alice"))
    assert alice.screen.bells == 1
    await trio.sleep(1.1)  # between two marks
    await alice.press()
    assert alice.fake.of("read")[1:] == [{"room": "lobby", "seq": 1}]


async def test_own_messages_are_waited_for_under_numbers_that_are_given_again(
    autojump_clock: MockClock,
) -> None:
    async with test_people.sitting(FakeServer(), asks=False) as alice:
        await alice.hear(message(1, "before", sender="alice"))
        await come_back(alice)
        began = trio.current_time()
        alice.enter("now")  # acknowledged as 1, and no event shows it
        await alice.settle()
        assert trio.current_time() - began > 0.5, "which it does for a second"


async def test_messages_that_the_data_lost_are_not_waited_for(autojump_clock: MockClock) -> None:
    async with test_people.sitting(FakeServer(), asks=False) as alice:
        alice.enter("acknowledged and never shown")
        await trio.sleep(0.1)
        await come_back(alice)
        began = trio.current_time()
        alice.enter("/ping")
        await alice.settle()
        assert trio.current_time() - began < 0.5
