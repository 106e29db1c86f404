"""Lists at the start, read markers, and the end of the events."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from tcpchat import handlers
from tcpchat.client import (
    DisconnectedError,
    Reconnect,
    RefusedError,
)
from tcpchat.protocol import MarkRead, Message, Reply, Request, page
from tcpchat.repl.model.markers import ReadMarkers
from tcpchat.repl.model.place import LOBBY_PLACE
from tcpchat.repl.sync import MARKER_INTERVAL, request_lists, update_markers
from tests.repl.fake_server import FakeServer, message
from tests.repl.person import (
    FakedPerson,
    ServedPerson,
    at_fake_server,
    at_server,
)
from tests.running import RunningServer

LATER = "2999-01-01T00:00:00.000Z"


def pending(number: int, text: str) -> dict[str, Any]:
    return {"number": number, "at": LATER, "room": "lobby", "text": text}


async def test_pages_of_lists_are_joined(running: RunningServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for theme in (handlers.messages, handlers.profile):
        monkeypatch.setattr(theme, "page", lambda parts: page(parts, 150))
    await running.peers("b1", "b2", "b3", "b4", "b5")
    async with at_server(running) as alice:
        assert sorted(alice.controller.completion_context().users) == ["alice", "b1", "b2", "b3", "b4", "b5"]
        for number in range(5):
            await alice.do(f"/send -t {number + 60} tea {number}")
        await alice.door.cable.cut()
        await alice.screen.line("back as alice")
        await alice.until("5 scheduled")


async def test_all_pages_of_conversations_are_requested() -> None:
    server = FakeServer()

    def page(request: dict[str, Any]) -> dict[str, Any]:
        name = {None: "ann", "@ann": "ben"}.get(request.get("after"), "cleo")
        one = {"username": name, "room": f"@{name}", "seq": 0, "read": 0, "delivered": 0}
        return {"type": "conversations", "conversations": [one], "more": name != "cleo"}

    server.answers["conversations"] = page
    async with at_fake_server(server) as alice:
        assert sorted(alice.controller.completion_context().absent) == ["ann", "ben", "cleo"]


@pytest.mark.parametrize("code", ["revoked", "banned", "replaced"])
async def test_a_client_that_is_sent_away_has_the_reason(code: str) -> None:
    async with at_fake_server(FakeServer()) as alice:
        await alice.receive({"type": "bye", "code": code, "message": "you are not wanted"})
        assert isinstance(alice.controller.gave_up, RefusedError)
        assert (alice.controller.gave_up.code, str(alice.controller.gave_up)) == (code, "you are not wanted")


async def test_a_stopping_server_sends_no_client_away() -> None:
    async with at_fake_server(FakeServer()) as alice:
        await alice.memory.send({"type": "bye", "code": "server-stopping", "message": "it stops"})
        await alice.screen.line("back as alice")
        assert alice.controller.gave_up is None


async def test_giving_up_on_a_stopping_server_is_a_lost_connection() -> None:
    async with at_fake_server(FakeServer(), reconnect=Reconnect.never()) as alice:
        await alice.receive({"type": "bye", "code": "server-stopping", "message": "it stops"})
        assert isinstance(alice.controller.gave_up, DisconnectedError)


async def test_scheduled_messages_are_searched_on_all_pages(faked: FakedPerson) -> None:
    faked.server.reply("send", "scheduled", number=1, at=LATER, room="lobby")
    await faked.do("/send -t 10m tea")
    faked.server.answers["scheduled"] = lambda request: {
        "type": "schedule", "more": "after" not in request,
        "messages": [pending(2, "tea") if "after" in request else pending(1, "other")],
    }  # fmt: skip
    await faked.come_back()
    assert "scheduled message 1 is not on" not in faked.screen.notices


async def test_a_busy_lobby_is_marked_once_a_second(faked: FakedPerson, mock_clock: MockClock) -> None:
    for seq in range(1, 20):
        await faked.receive(message(seq, str(seq)))
        await faked.press()
    assert faked.server.of("read") == [{"room": "lobby", "seq": 1}]
    mock_clock.jump(1)
    await wait_all_tasks_blocked()
    assert faked.server.of("read") == [{"room": "lobby", "seq": 1}, {"room": "lobby", "seq": 19}]


async def test_the_markers_are_updated_at_once_and_then_once_a_second(
    nursery: trio.Nursery, mock_clock: MockClock
) -> None:
    markers, moved = ReadMarkers(), trio.lowlevel.ParkingLot()
    requests, online = list[tuple[float, int | None]](), [True]

    def request(one: Request) -> None:
        assert isinstance(one, MarkRead)
        requests.append((trio.current_time(), one.seq))

    nursery.start_soon(update_markers, markers, moved, lambda: online[0], request)
    began = trio.current_time()

    async def see(seq: int) -> None:
        one = Message(room="lobby", seq=seq, at="", sender="bob", text="x")
        markers.show(one, LOBBY_PLACE, mine=False)
        markers.see()
        moved.unpark_all()
        await wait_all_tasks_blocked()

    for seq in range(1, 6):
        await see(seq)
    assert requests == [(began, 1)]
    mock_clock.jump(MARKER_INTERVAL)
    await wait_all_tasks_blocked()
    assert requests[1:] == [(began + MARKER_INTERVAL, 5)]
    mock_clock.jump(MARKER_INTERVAL * 5)
    online[0] = False
    await see(6)
    assert len(requests) == 2, "the server is away"
    online[0] = True
    moved.unpark_all()
    await wait_all_tasks_blocked()
    assert requests[2:] == [(began + MARKER_INTERVAL * 6, 6)]


async def test_lists_are_not_requested_while_the_server_is_away(alice: ServedPerson) -> None:
    await alice.go_offline()
    pages: list[Reply] = []
    request_lists(alice.client, pages.append, lambda: None)
    await wait_all_tasks_blocked()
    assert pages == []


async def test_what_was_missed_is_shown_in_the_order_in_which_it_was_said(
    running: RunningServer, mock_clock: MockClock
) -> None:
    """At the start and after a reconnect, of the lobby and of private conversations together."""
    alice = await running.peer("alice")
    await alice.ask({"type": "register", "password": "correct horse"})
    await alice.send("exit")
    peers = [await running.peer(name) for name in ("bob", "carol", "dave", "eve")]

    async def say(first: int) -> list[str]:
        private = [(peers[turn % 4], turn, "-u alice ") for turn in range(first, first + 8)]
        lines = [*private, (peers[0], first + 8, ""), (peers[3], first + 9, "-u alice ")]
        for peer, turn, to in [lines[8], *lines[:8], *lines[9:]]:
            mock_clock.jump(1)
            await peer.ask(f"send {to}text {turn}")
        return [f"text {turn}" for _, turn, _ in [lines[8], *lines[:8], *lines[9:]]]

    def shown(person: ServedPerson) -> list[str]:
        return [line[line.index("text ") :].split(" ✓")[0] for line in person.screen.shown if "text " in line]

    missed = await say(10)
    async with at_server(running, "alice", password="correct horse") as person:
        while len(shown(person)) < len(missed):
            await person.screen.changed()
        assert shown(person) == missed
        await person.go_offline()
        missed += await say(30)
        person.door.shut = False
        person.client.retry_now()
        while len(shown(person)) < len(missed):
            await person.screen.changed()
        assert shown(person) == missed
