"""One connection's requests: tolerated, refused, and survived by the connection."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from tcpchat.settings import Limits, Settings
from tests.running import RunningServer, run_server


async def test_the_welcome_is_the_first_line(running: RunningServer) -> None:
    peer = await running.peer()
    assert peer.events == []
    assert peer.name == "guest-1"
    assert (await running.peer()).name == "guest-2"


async def test_a_guest_hears_nothing_of_their_own_coming(running: RunningServer) -> None:
    first = await running.peer()
    assert await first.quiet() == []
    running.announce_presence()
    assert await first.quiet() == []
    second, third = await running.peer(), await running.peer()
    for peer in (second, third):
        await peer.quiet()
    running.announce_presence()
    assert [line["users"] for line in await first.quiet()] == [["guest-2", "guest-3"]]
    assert [line["users"] for line in await second.quiet()] == [["guest-3"]]
    assert [line["users"] for line in await third.quiet()] == [["guest-2"]]


@pytest.mark.parametrize(
    ("line", "code", "details"),
    [
        (b"\xff\xfe", "bad-encoding", {}),
        (b'{"type":"ping"', "bad-json", {}),
        (b'{"type":"ping"} {}', "bad-json", {}),
        (b'{"type":"send","text":"\\ud800"}', "bad-json", {}),
        (b'{"type":"ping","id":NaN}', "bad-json", {}),
        (b"{" + b'"a":{' * 5000, "bad-json", {}),
        (b"{}", "missing-field", {"field": "type"}),
        (b'{"type":5,"id":1}', "wrong-type", {"field": "type", "re": 1}),
        (b'{"type":"sned","id":"a"}', "unknown-type", {"suggestion": "send", "re": "a"}),
        (b'{"type":"ping","x":1,"id":2}', "unknown-field", {"field": "x", "re": 2}),
        (b'{"type":"ping","id":1.5}', "wrong-type", {"field": "id"}),
        (b'{"type":"ping","id":true}', "wrong-type", {"field": "id"}),
        (b'{"type":"ping","id":"' + b"i" * 65 + b'"}', "wrong-type", {"field": "id"}),
        (b'{"type":"ping","id":9007199254740992}', "wrong-type", {"field": "id"}),
        (b"sned hi", "unknown-command", {"suggestion": "send"}),
        (b"hello everybody", "unknown-command", {}),
        (b"//help", "unknown-command", {}),
    ],
)
async def test_what_is_wrong_is_answered_and_the_connection_stays(
    running: RunningServer, line: bytes, code: str, details: dict[str, object]
) -> None:
    peer = await running.peer()
    await peer.send(line + b"\n")
    error = await peer.next("error")
    assert error["code"] == code
    assert {key: error[key] for key in details} == details
    assert error["message"]
    assert await peer.quiet() == []


@pytest.mark.parametrize("id", [0, -1, 2**53 - 1, "", "x" * 64, "é"])
async def test_an_id_comes_back_as_it_was(running: RunningServer, id: object) -> None:
    peer = await running.peer()
    await peer.send({"type": "ping", "id": id})
    assert (await peer.next("pong"))["re"] == id


async def test_line_ends_and_empty_lines_are_tolerated(running: RunningServer) -> None:
    peer = await running.peer()
    await peer.send(b'\n\r\n  \n\t\r\n ping\r\n /ping\n\\ping\n{"type":"ping"}\r\n  {"type":"ping"}\n')
    for _ in range(5):
        assert (await peer.line())["type"] == "pong"
    assert await peer.quiet() == []


async def test_a_line_of_the_limit_is_read_and_a_longer_one_is_dropped(running: RunningServer) -> None:
    peer = await running.peer()
    await peer.send(b"send " + b"x" * (65536 - 5) + b"\n")
    assert (await peer.next("error"))["code"] == "text-too-long"
    await peer.send(b"send " + b"x" * (65536 - 4) + b"\n")
    error = await peer.next("error")
    assert (error["code"], error["limit"]) == ("line-too-long", 65536)
    assert await peer.quiet() == []


async def test_a_megabyte_without_a_newline_is_one_error(running: RunningServer) -> None:
    peer = await running.peer()
    for _ in range(16):
        await peer.send(b"x" * 65536)
    await peer.send(b"\n")
    assert (await peer.line())["code"] == "line-too-long"
    assert await peer.quiet() == []


@pytest.mark.parametrize("first", [b"GET / HTTP/1.1", b"POST /send HTTP/1.0", b"OPTIONS * HTTP/2"])
async def test_http_is_answered_once_and_posts_nothing(running: RunningServer, first: bytes) -> None:
    browser, bob = await running.peers("mallory", "bob")
    await browser.send(first + b"\r\nHost: 127.0.0.1\r\n\r\nsend posted\r\n")
    assert [line.get("code") for line in await browser.rest()] == ["http-refused"]
    running.announce_presence()
    assert [line["type"] for line in await bob.quiet()] == ["left"]


@pytest.mark.parametrize("size", [1, 2, 100])
async def test_tls_is_answered_once_however_it_comes(running: RunningServer, size: int) -> None:
    """Also without a line's end in it, which a handshake need not have."""
    client, bob = await running.peers("mallory", "bob")
    hello = b"\x16\x03\x01\x02\x00\x01" + b"x" * 512
    fresh = await running.peer()
    for at in range(0, 2, size):
        await fresh.send(hello[at : at + size])
        await trio.testing.wait_all_tasks_blocked()
    assert [line.get("code") for line in await fresh.rest()] == ["not-tls"]
    await client.send(b"\x16\x03\n")  # later it is a line as any other
    assert (await client.next("error"))["code"] == "unknown-command"
    assert (await bob.ask("ping"))["type"] == "pong"


async def test_who_closes_the_sending_side_still_gets_every_reply(running: RunningServer) -> None:
    """`printf 'send hi\\nusers\\n' | nc -N …` is a way to use the chat."""
    (alice,) = await running.peers("alice")
    await alice.send("send hi", "users", "history")
    await alice.stream.send_eof()
    lines = await alice.rest()
    assert [line["type"] for line in lines] == ["sent", "message", "users", "history"]


@pytest.mark.parametrize("rest", [b"send half a senten", b"x" * 100_000])
async def test_who_closes_the_sending_side_within_a_line_is_told(running: RunningServer, rest: bytes) -> None:
    """`printf 'send hi' | nc -N …` would do nothing, and say nothing."""
    (alice,) = await running.peers("alice")
    await alice.send(b"send hi\n" + rest)
    await alice.stream.send_eof()
    sent, _, error = await alice.rest()
    assert (sent["type"], error["code"]) == ("sent", "unfinished-line")
    assert "newline" in error["message"]


async def test_an_unfinished_line_is_not_done(
    running: RunningServer, mock_clock: trio.testing.MockClock
) -> None:
    """It may be the half of `send -u bob …` that arrived before a connection broke."""
    alice, bob = await running.peers("alice", "bob")
    await alice.send(b"send half a senten")
    await alice.stream.aclose()
    await trio.testing.wait_all_tasks_blocked()
    mock_clock.jump(5)
    await trio.testing.wait_all_tasks_blocked()
    running.announce_presence()
    assert [line["type"] for line in await bob.quiet()] == ["left"]


async def test_a_bug_in_a_handler_hurts_nobody_else(running: RunningServer) -> None:
    alice, bob = await running.peers("alice", "bob")
    running.state.presence.users = lambda *_: 1 // 0  # type: ignore[method-assign, assignment]
    error = await alice.ask({"type": "users"})
    assert (error["type"], error["code"]) == ("error", "internal")
    (bug,) = running.log.named("bug")
    assert (bug["reference"], bug["request"]) == (error["reference"], "users")
    assert "ZeroDivision" not in str(error)
    assert (await alice.ask("send still here"))["type"] == "sent"
    assert (await bob.next("message"))["text"] == "still here"


async def test_who_asks_too_much_is_slowed_and_not_refused(mock_clock: trio.testing.MockClock) -> None:
    limits = Limits(requests_per_second=1, request_burst=3)
    async with run_server(Settings(limits=limits)) as running:
        peer, other = await running.peer(), await running.peer()
        await peer.send(*[{"type": "ping", "id": number} for number in range(6)])
        for number in range(4):  # the burst, and the one after which there is nothing left
            assert (await peer.next("pong"))["re"] == number
        with trio.move_on_after(0.9) as early:
            await trio.testing.wait_all_tasks_blocked()
            assert (await other.ask({"type": "ping"}))["type"] == "pong"
            mock_clock.jump(0.9)
            await peer.line()
        assert early.cancelled_caught
        mock_clock.jump(0.2)
        assert (await peer.next("pong"))["re"] == 4


async def test_sends_that_are_accepted_do_not_count_as_requests() -> None:
    limits = Limits(messages_per_second=0, requests_per_second=0.001, request_burst=1)
    async with run_server(Settings(limits=limits)) as running:
        peer = await running.peer()
        await peer.send(*["send x"] * 200)
        for _ in range(200):
            await peer.next("sent")


async def test_the_log_tells_who_came_asked_and_went_but_not_what_was_said(running: RunningServer) -> None:
    (alice,) = await running.peers("alice")
    await alice.ask("send my secret")
    await alice.ask("history -n 0")
    await alice.leave()
    assert [line["user"] for line in running.log.named("joined")] == ["guest-1"]
    asked = [(line["type"], line["result"]) for line in running.log.named("request")]
    assert ("history", "bad-value") in asked
    assert ("exit", "ok") in asked
    (left,) = running.log.named("left")
    assert (left["user"], left["reason"]) == ("alice", "exit")
    assert running.log.named("kept")
    assert "secret" not in str(running.log.lines)


async def test_routine_is_logged_for_those_who_debug_and_accounts_for_operators(
    running: RunningServer,
) -> None:
    (alice,) = await running.peers("alice")
    for line in ({"type": "ping"}, "users", "send hi", "send", "snd", "history -n 0"):
        await alice.ask(line)
    names = [name for name, _ in running.log.lines]
    assert sorted(names) == sorted(running.log.routine), "all of it"
    assert {"joined", "request", "kept"} <= set(names)
    routine = len(running.log.routine)
    await alice.ask({"type": "register", "password": "correct horse"})
    assert (await alice.ask({"type": "login", "name": "alice", "password": "wrong"}))["type"] == "error"
    results = [(line["type"], line["result"]) for line in running.log.named("request")[-2:]]
    assert results == [("register", "ok"), ("login", "wrong-login")]
    assert len(running.log.routine) == routine
