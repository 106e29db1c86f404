"""Coming back to other data than before: a restored backup, or a server that keeps nothing."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from tcpchat.client import Disconnected, DisconnectedError, Reconnect, Reconnected
from tcpchat.protocol import Welcome
from tests.link.conftest import Fake, message
from tests.link.test_connection import until
from tests.link.test_remember import ALICE, client_of, logs_in, resumes

EVEN = Reconnect(first=1, factor=2, most=8, jitter=0)


async def test_who_comes_back_to_other_data_is_told_so_and_is_another_user(
    fake: Fake, autojump_clock: MockClock
) -> None:
    async with fake.online(reconnect=EVEN) as (client, first):
        await first.close()
        talk = await fake.accept()
        await talk.welcome("guest-1", token="t2", seq=3, journal="other")
        back = Reconnected(
            user="guest-1", seconds=1, missed=3, data_reset=True, same_user=False, registered=False
        )
        assert await until(client, Reconnected) == back
        await talk.close()
        talk = await fake.accept()
        await talk.welcome("guest-2", token="t3", seq=3, journal="other")
        await talk.resumed(await talk.next("resume"), "guest-1", seq=3)
        again = await until(client, Reconnected)
        assert (again.data_reset, again.same_user) == (False, True), "it is the same data again"


async def test_who_comes_back_to_less_of_the_same_data_is_told_so_and_is_the_same_user(
    fake: Fake, autojump_clock: MockClock
) -> None:
    """A disk that was not asked to be sure lost the end, or a snapshot was put back."""
    async with fake.online() as (client, first):
        await first.say(message(1), message(2))
        await until(client, Welcome)
        for _ in range(2):
            await client.next_event()
        await first.close()
        talk = await fake.accept()
        await talk.resume(seq=1)
        back = await until(client, Reconnected)
        assert (back.data_reset, back.same_user, back.missed) == (True, True, 1)


async def test_who_is_forgotten_by_the_same_data_is_told_that_much(
    fake: Fake, autojump_clock: MockClock
) -> None:
    async with fake.online() as (client, first):
        await first.close()
        talk = await fake.accept()
        await talk.welcome("guest-2", token="t2")
        await talk.refuse(await talk.next("resume"), "bad-token")
        back = await until(client, Reconnected)
        assert (back.data_reset, back.same_user) == (False, False)


async def test_who_logs_in_again_is_registered(fake: Fake, autojump_clock: MockClock) -> None:
    async with client_of(fake, logs_in("t1"), **ALICE) as (client, first):
        await first.close()
        talk = await fake.accept()
        await talk.welcome(None, token=None, journal="other")
        request = await talk.next("login")
        await talk.reply(request, "logged-in", user="alice", session=1, token="t2", seq=0)
        back = await until(client, Reconnected)
        assert (back.user, back.registered, back.same_user, back.refused) == ("alice", True, False, None)


async def test_why_the_name_cannot_be_had_is_told_until_it_can(fake: Fake, autojump_clock: MockClock) -> None:
    async with client_of(fake, resumes("t1", "alice", registered=True), token="t1") as (client, first):
        await until(client, Welcome)
        assert client.refused is None
        await first.close()
        talk = await fake.accept()
        await talk.welcome("guest-2", token="t2", journal="other")
        request = await talk.next("rename")
        assert request["name"] == "alice"
        await talk.refuse(request, "name-taken")
        back = await until(client, Reconnected)
        assert (back.user, back.refused) == ("guest-2", "because name-taken")
        assert client.refused is not None
        assert client.refused.code == "name-taken"
        await talk.close()
        talk = await fake.accept()
        await talk.welcome("guest-3", token="t3", journal="other")
        await talk.resumed(await talk.next("resume"), "guest-2")
        await talk.reply(await talk.next("rename"), "renamed", old="guest-2", new="alice")
        assert (await until(client, Reconnected)).refused is None
        assert client.refused is None


async def test_a_send_in_doubt_is_not_repeated_there_and_one_that_waited_goes_out_once(
    fake: Fake, autojump_clock: MockClock
) -> None:
    async with fake.online() as (client, first):
        doubtful = client.send_nowait("in doubt")
        await first.next("send")
        await first.close()
        await until(client, Disconnected)
        waiting = client.send_nowait("waits")
        talk = await fake.accept()
        await talk.welcome("guest-1", token="t2", journal="other")
        request = await talk.next("send")
        assert request["text"] == "waits"
        await talk.sent(request, 1)
        assert (await waiting.wait()).type == "sent"
        with trio.fail_after(1), pytest.raises(DisconnectedError, match="may have been done or not"):
            await doubtful.wait()
        client.send_nowait("next")
        assert (await talk.next("send"))["text"] == "next"


async def test_of_a_long_lobby_as_much_is_asked_for_as_is_wanted(
    fake: Fake, autojump_clock: MockClock
) -> None:
    async with fake.online(last_on_reset=2) as (client, first):
        await first.close()
        talk = await fake.accept()
        await talk.welcome("guest-1", token="t2", seq=5000, journal="other")
        back = await until(client, Reconnected)
        assert back.missed == 2
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def answer() -> None:
                request = await talk.next("history")
                assert request["after"] == 4998
                page = [message(4999), message(5000)]
                await talk.reply(request, "history", room="lobby", messages=page, more=False)

            for seq in (4999, 5000):
                assert getattr(await client.next_event(), "seq", None) == seq
