"""Stories in which somebody breaks something: the network, the server, the caller, or a limit."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
import trio
import trio.testing
from trio.testing import MockClock

from tcpchat.client import Client, Closed, Disconnected, DisconnectedError, Online, RefusedError
from tcpchat.commands.ping import Ping
from tcpchat.commands.send import Send
from tcpchat.errors import ChatError
from tcpchat.link import calls as calls_module
from tcpchat.link.calls import Calls, PendingCall
from tcpchat.link.desired_identity import DesiredIdentity
from tcpchat.link.inbox import MAX_BYTES, Inbox, Replay
from tcpchat.protocol import Error, read_answer
from tcpchat.settings import Limits, Settings
from tests.conftest import open_house
from tests.link.conftest import Door, Fake
from tests.link.test_client import said as lobby
from tests.link.test_client import until
from tests.link.test_inbox import fetch, page, said


def test_after_begins_after_that_number() -> None:
    inbox = Inbox(replay=Replay(after=5))
    assert inbox.welcome(8, "j") == 3
    assert inbox.last == 5


async def test_leaving_closes_the_stream(door: Door) -> None:
    async with door.client() as client:
        await client.ping()
    assert door.cable.closed


async def test_cancelling_closes_the_stream(door: Door) -> None:
    with trio.move_on_after(0.05):
        async with door.client():
            await trio.sleep_forever()
    assert door.cable.closed


async def test_a_greeting_that_breaks_does_not_lose_who_we_were(
    fake: Fake, autojump_clock: MockClock
) -> None:
    async with fake.online() as (_, first):
        await first.close()
        second = await fake.accept()
        await second.welcome("guest-2", token="t2")
        assert (await second.next("resume"))["token"] == "t1"
        await second.close()
        third = await fake.accept()
        await third.welcome("guest-3", token="t3")
        assert (await third.next("resume"))["token"] == "t1"


async def test_sends_that_were_all_asked_while_offline_go_out_beyond_the_burst() -> None:
    async with open_house(Settings(limits=Limits(message_burst=3, messages_per_second=200))) as house:
        door = Door(house)
        async with door.client() as client:
            door.shut = True
            await door.cable.cut()
            await until(client, Disconnected)
            asked = [client.send_nowait(str(n)) for n in range(20)]
            door.shut = False
            for one in asked:
                await one.wait()
        assert await lobby(house) == [str(n) for n in range(20)]


async def test_a_send_without_a_key_is_not_repeated(fake: Fake, autojump_clock: MockClock) -> None:
    async with fake.online() as (client, talk):
        asked = client.request_nowait(Send(text="once"))
        await talk.next("send")
        await talk.close()
        await (await fake.accept()).resume()
        with trio.fail_after(5), pytest.raises(DisconnectedError):
            await asked.wait()


def test_a_message_that_comes_while_a_page_is_on_its_way_is_not_forgotten() -> None:
    inbox = Inbox(replay=Replay(last=1))
    inbox.welcome(5, "j")
    inbox.put(said(6))  # after the server began the page
    fetch(inbox, page(5))
    assert inbox.lagging  # 6 is still to be had


async def test_a_full_outbox_does_not_keep_history_and_pings_out(
    fake: Fake, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls_module, "MAX_WAITING", 3)
    async with fake.online() as (client, first):
        client.send_nowait("0")
        await first.next("send")
        await first.close()
        await until(client, Disconnected)
        for n in range(2):
            client.send_nowait(str(n))
        talk = await fake.accept()
        await talk.resume(seq=1)
        await talk.next("send")
        client.send_nowait("3")
        client.request_nowait(Ping())


async def test_a_text_that_no_line_holds_is_refused(door: Door) -> None:
    async with door.client() as client:
        with trio.fail_after(2), pytest.raises(RefusedError):
            await client.send("x" * 70_000)


@pytest.mark.parametrize("kwargs", [{"text": "\ud800"}])
async def test_a_text_that_is_no_unicode_is_an_error_of_the_one_who_asks(door: Door, kwargs: Any) -> None:
    async with door.client() as client:
        with pytest.raises((ValueError, TypeError, RefusedError)):
            await client.send(**kwargs)
        await client.ping()


@pytest.mark.parametrize("line", [b'{"type":[]}', b'{"type":{}}'])
def test_a_type_that_cannot_be_one_is_an_error(line: bytes) -> None:
    with pytest.raises(ChatError):
        read_answer(line)


async def test_a_cancelled_client_leaves_nobody_waiting(fake: Fake, autojump_clock: MockClock) -> None:
    scope = trio.CancelScope()
    box: list[Client] = []

    async def owner() -> None:
        with scope:
            async with fake.online() as (client, _):
                box.append(client)
                await trio.sleep_forever()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(owner)
        await trio.testing.wait_all_tasks_blocked()
        asked = box[0].send_nowait("hi")
        scope.cancel()
        with trio.fail_after(5), pytest.raises(DisconnectedError):
            await asked.wait()
    assert isinstance(box[0].state, Closed)


async def test_a_reply_to_nobody_is_passed_over(fake: Fake, autojump_clock: MockClock) -> None:
    async with fake.online() as (client, talk):
        await talk.say({"type": "pong", "at": ""})
        await trio.sleep(0.1)
        assert isinstance(client.state, Online)


async def test_control_c_comes_out_as_it_is(door: Door) -> None:
    with pytest.raises(KeyboardInterrupt):
        async with door.client():
            raise KeyboardInterrupt


async def test_leaving_with_a_full_outbox(
    fake: Fake, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls_module, "MAX_WAITING", 1)
    async with fake.online(patient=True) as (client, talk):
        client.send_nowait("0")
        await talk.next("send")
        client.send_nowait("1")


async def test_a_known_refusal_is_not_in_doubt() -> None:
    box = Calls(patient=True)
    box.resume(same_user=True)
    asked = PendingCall(Send(text="a", key="a"))
    box.add(asked)
    box.take(0)
    box.answer(Error(re=1, code="rate-limited", message="", retry_after=9), 0)
    box.lose(DisconnectedError("x"))
    box.resume(same_user=False)
    assert not asked.done


def test_an_error_quotes_no_type_of_any_length_or_with_control_characters() -> None:
    with pytest.raises(ChatError) as caught:
        read_answer(b'{"type":"\\u001b[2J' + b"x" * 100000 + b'","re":[]}')
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 300


async def test_a_span_that_is_no_number_does_not_send_at_once(door: Door) -> None:
    async with door.client() as client:
        with pytest.raises((ValueError, RefusedError)):
            await client.send("later", time=float("nan"))


async def test_a_greeting_that_breaks_after_a_lost_identity_repeats_nothing(
    fake: Fake, autojump_clock: MockClock
) -> None:
    """What may have been sent as the user of before must not be sent again as the guest of now."""
    async with fake.online() as (client, first):
        client._user.desired = DesiredIdentity(name="alice")
        asked = client.send_nowait("pay 100")
        await first.next("send")
        await first.close()
        second = await fake.accept()
        await second.welcome("guest-2", token="t2")
        await second.refuse(await second.next("resume"), "bad-token")
        await second.next("rename")
        await second.close()
        third = await fake.accept()
        await third.welcome("guest-3", token="t3")
        request = await third.next("resume")
        assert request["token"] == "t1"
        await third.refuse(request, "bad-token")
        await third.reply(await third.next("rename"), "renamed", old="guest-3", new="alice")
        with pytest.raises(DisconnectedError, match="may have been done"):
            await asked.wait()


async def test_a_server_that_does_not_let_go_is_left_all_the_same(
    fake: Fake, autojump_clock: MockClock
) -> None:
    async with trio.open_nursery() as nursery:

        async def refuse(talk: Any) -> None:
            await talk.refuse(await talk.next("exit"), "internal")

        async with fake.online() as (_, talk):
            nursery.start_soon(refuse, talk)


async def test_an_answer_of_another_kind_is_an_error_that_a_bot_expects(
    fake: Fake, autojump_clock: MockClock
) -> None:
    async with fake.online() as (client, talk):
        asked = trio.Event()

        async def ask() -> None:
            with pytest.raises(DisconnectedError, match="answered send with pong"):
                await client.send("hi")
            asked.set()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask)
            await talk.reply(await talk.next("send"), "pong", at="")
            await asked.wait()


async def test_events_are_bounded_by_their_size_too() -> None:
    inbox = Inbox()
    inbox.welcome(0, "j")
    for seq in range(1, 100):
        inbox.put(attrs.evolve(said(seq), text="x" * 1_000_000))
    assert len(inbox) <= MAX_BYTES // 1_000_000 + 1
    assert inbox.lagging
    while inbox.get():
        pass
    assert inbox._bytes == 0
