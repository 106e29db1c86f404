"""`send`: to the lobby or to one user, under keys, in order, within the limits."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from tcpchat.settings import Limits, Settings
from tests.running import Line, RunningServer, run_server


async def test_everybody_hears_a_message_and_the_sender_is_told_its_number(running: RunningServer) -> None:
    alice, bob = await running.peers("alice", "bob")
    sent = await alice.ask({"type": "send", "text": "hi all"})
    assert sent == {"type": "sent", "re": sent["re"], "room": "lobby", "seq": 1, "at": sent["at"]}
    heard = await bob.next("message")
    assert heard == {
        "type": "message",
        "room": "lobby",
        "seq": 1,
        "at": sent["at"],
        "from": "alice",
        "text": "hi all",
    }
    assert await alice.next("message") == heard
    assert await alice.quiet() == await bob.quiet() == []


async def test_the_plain_form_keeps_the_text_as_typed(running: RunningServer) -> None:
    alice, bob = await running.peers("alice", "bob")
    assert (await alice.ask('send hi  all, it\'s "me" '))["type"] == "sent"
    assert (await bob.next("message"))["text"] == 'hi  all, it\'s "me" '


@pytest.mark.parametrize("line", ["send -u bob psst", {"type": "send", "text": "psst", "username": "bob"}])
async def test_a_private_message_reaches_the_two_and_nobody_else(running: RunningServer, line: str) -> None:
    alice, bob, carol = await running.peers("alice", "bob", "carol")
    sent = await alice.ask(line)
    assert (sent["type"], sent["username"], sent["seq"]) == ("sent", "bob", 1)
    assert sent["room"].startswith("@")
    for peer in (alice, bob):
        heard = await peer.next("message")
        assert heard["room"] == sent["room"]
        assert (heard["from"], heard["to"], heard["text"], heard["seq"]) == ("alice", "bob", "psst", 1)
    assert await carol.quiet() == []
    answer = await bob.ask("send -u alice back")
    assert answer["seq"] == 2, "a conversation is numbered for both"


async def test_a_message_to_oneself_arrives_once(running: RunningServer) -> None:
    (alice,) = await running.peers("alice")
    await alice.ask({"type": "send", "text": "note", "username": "alice"})
    assert [line["text"] for line in [*alice.events, *await alice.quiet()]] == ["note"]


async def test_who_is_not_here_cannot_be_written_to(running: RunningServer) -> None:
    (alice,) = await running.peers("alice")
    for line in ("send -u bob hi", "send -u bob -t 5 hi", {"type": "send", "text": "x", "username": "bob"}):
        error = await alice.ask(line)
        assert (error["code"], error["name"]) == ("no-such-user", "bob")


async def test_a_look_alike_does_not_get_what_is_meant_for_another(running: RunningServer) -> None:
    alice, _ = await running.peers("alice", "paypa1")
    assert (await alice.ask("send -u paypal secret"))["code"] == "no-such-user"
    assert (await alice.ask("send -u PAYPA1 open"))["type"] == "sent", "case is no difference"


@pytest.mark.parametrize(
    ("line", "code", "field"),
    [
        ("send", "bad-usage", "text"),
        ("send -u bob", "bad-usage", "text"),
        ("send -t soon hi", "bad-usage", "time"),
        ("send -x hi", "bad-usage", None),
        ({"type": "send"}, "missing-field", "text"),
        ({"type": "send", "text": ""}, "text-empty", "text"),
        ({"type": "send", "text": 5}, "wrong-type", "text"),
        ({"type": "send", "text": "x", "time": "5"}, "wrong-type", "time"),
        ({"type": "send", "text": "x", "time": True}, "wrong-type", "time"),
        ({"type": "send", "text": "x", "time": -1}, "bad-value", "time"),
        ({"type": "send", "text": "x", "key": ""}, "bad-value", "key"),
        ({"type": "send", "text": "x", "key": "k" * 65}, "bad-value", "key"),
        ({"type": "send", "text": "x", "to": "bob"}, "unknown-field", "to"),
    ],
)
async def test_bad_requests_are_refused_and_send_nothing(
    running: RunningServer, line: str, code: str, field: str | None
) -> None:
    alice, bob = await running.peers("alice", "bob")
    error = await alice.ask(line)
    assert (error["type"], error["code"], error.get("field")) == ("error", code, field)
    assert await bob.quiet() == []


async def test_a_text_of_the_limit_is_sent_and_one_longer_is_refused(running: RunningServer) -> None:
    (alice,) = await running.peers("alice")
    assert (await alice.ask({"type": "send", "text": "é" * 4000}))["type"] == "sent"
    error = await alice.ask({"type": "send", "text": "é" * 4001})
    assert (error["code"], error["limit"]) == ("text-too-long", 4000)


async def test_without_a_limit_no_text_makes_a_line_longer_than_a_mebibyte() -> None:
    limits = Limits(text_characters=0, line_bytes=0)
    async with run_server(Settings(limits=limits)) as running:
        (alice,) = await running.peers("alice")
        await alice.send(b"send " + b"\x01" * 120_000 + b"\n")
        assert len((await alice.next("message"))["text"]) == 120_000


async def test_control_characters_in_a_text_are_kept_and_escaped(running: RunningServer) -> None:
    alice, bob = await running.peers("alice", "bob")
    text = "\x1b]0;title\x07 \x00 \u202e \x9b31m"
    await alice.ask({"type": "send", "text": text})
    assert (await bob.next("message"))["text"] == text


async def test_a_repeat_under_the_same_key_sends_nothing_and_gets_the_first_reply(
    running: RunningServer,
) -> None:
    alice, bob = await running.peers("alice", "bob")
    first = await alice.ask({"type": "send", "text": "once", "key": "k1"})
    again = await alice.ask({"type": "send", "text": "once", "key": "k1"})
    assert again == first | {"re": again["re"]}
    other = await bob.ask({"type": "send", "text": "mine", "key": "k1"})
    assert other["seq"] == 2, "keys are each user's own"
    assert [line["text"] for line in [*bob.events, *await bob.quiet()]] == ["once", "mine"]


async def test_a_repeat_while_the_first_is_under_way_waits_for_it(running: RunningServer) -> None:
    (alice,) = await running.peers("alice")
    send = {"type": "send", "text": "once", "key": "k"}
    await alice.send(send | {"id": 1}, send | {"id": 2}, send | {"id": 3})
    replies = [await alice.next("sent") for _ in range(3)]
    assert [(reply["re"], reply["seq"]) for reply in replies] == [(1, 1), (2, 1), (3, 1)]
    assert len([line for line in alice.events + await alice.quiet() if line["type"] == "message"]) == 1


async def test_a_repeat_of_a_scheduled_send_returns_the_same_number(running: RunningServer) -> None:
    (alice,) = await running.peers("alice")
    send = {"type": "send", "text": "tea", "time": 300, "key": "k"}
    first, again = await alice.ask(send), await alice.ask(send)
    assert first["type"] == again["type"] == "scheduled"
    assert first["number"] == again["number"] == 1
    assert len((await alice.ask("scheduled"))["messages"]) == 1


async def test_sends_pipeline_and_are_answered_in_order(running: RunningServer) -> None:
    """Errors, sends and other requests of one connection are answered in the order in which they came."""
    (alice,) = await running.peers("alice")
    requests: list[dict[str, object]] = [
        {"type": "send", "text": "1", "id": 1},
        {"type": "send", "text": "2", "id": 2},
        {"type": "send", "text": "", "id": 3},
        {"type": "send", "text": "4", "id": 4},
        {"type": "history", "id": 5},
        {"type": "nonsense", "id": 6},
        {"type": "send", "text": "7", "id": 7},
        {"type": "ping", "id": 8},
    ]
    await alice.send(*requests)
    replies: list[Line] = []
    while len(replies) < 8:
        line = await alice.line()
        if "re" in line:
            replies.append(line)
    assert [reply["re"] for reply in replies] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert [message["text"] for message in replies[4]["messages"]] == ["1", "2", "4"]


async def test_messages_over_the_burst_are_refused_until_the_time_that_is_told(
    mock_clock: trio.testing.MockClock,
) -> None:
    limits = Limits(messages_per_second=2, message_burst=3)
    async with run_server(Settings(limits=limits)) as running:
        alice, bob = await running.peers("alice", "bob")
        for _ in range(3):
            assert (await alice.ask("send x"))["type"] == "sent"
        error = await alice.ask("send x")
        assert (error["code"], error["limit"]) == ("rate-limited", 2)
        assert 0.4 < error["retry_after"] <= 0.502
        assert (await bob.ask("send mine"))["type"] == "sent", "the limit is each user's own"
        mock_clock.jump(error["retry_after"])
        assert (await alice.ask("send x"))["type"] == "sent"
        assert (await alice.ask("send x"))["code"] == "rate-limited"


async def test_a_rate_of_zero_is_no_limit() -> None:
    async with run_server(Settings(limits=Limits(messages_per_second=0))) as running:
        (alice,) = await running.peers("alice")
        await alice.send(*["send x"] * 500)
        assert [(await alice.next("sent"))["seq"] for _ in range(500)] == list(range(1, 501))
