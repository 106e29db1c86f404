"""Who says much waits for its turn, and who says little does not wait for those."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from tcpchat.turns import AHEAD, AT_ONCE, GUARANTEED, LINES_PER_TURN, Share, Turns
from tests.conftest import House


def standing() -> float:
    return 0.0


async def use(share: Share, lines: int, order: list[str], name: str) -> None:
    """Take that many lines, a turn each, and note each."""
    for _ in range(lines):
        await share.wait_turn()
        share.take(LINES_PER_TURN)
        order.append(name)
        await trio.lowlevel.checkpoint()


async def test_who_had_little_goes_on_at_once() -> None:
    turns, order = Turns(standing), list[str]()
    async with trio.open_nursery() as nursery:
        for _ in range(50):
            nursery.start_soon(use, Share(turns), 10, order, "much")
        for _ in range(20):
            await trio.lowlevel.checkpoint()
        assert 50 < len(order) < 500, "they are at it"
        share, before = Share(turns), len(order)
        await share.wait_turn()
        assert len(order) == before
    assert len(order) == 500


async def test_of_those_who_wait_a_few_go_on_in_each_turn_of_the_loop() -> None:
    turns, order = Turns(standing), list[str]()
    async with trio.open_nursery() as nursery:
        for name in "abcdefghijklmnopqrst":
            nursery.start_soon(use, Share(turns), 10, order, name)
        await trio.lowlevel.checkpoint()
        await trio.lowlevel.checkpoint()
        for _ in range(10):
            await trio.lowlevel.checkpoint()
        most = (10 + 2) * AT_ONCE + 20
        assert 30 < len(order) <= most, "a few in each, and before them each who had nothing yet"
    for name in "abcdefghijklmnopqrst":
        assert order.index(name) < 45, "nobody twice before everybody had one, or nearly"
        assert order.count(name) == 10


async def test_who_had_less_comes_first() -> None:
    turns, order = Turns(standing), list[str]()
    shares = {name: Share(turns) for name in "lkjihgfedcba"}
    for name, share in shares.items():
        share.take(100 * ord(name))
    async with trio.open_nursery() as nursery:
        for name, share in shares.items():
            nursery.start_soon(use, share, 1, order, name)
    rest = order[AT_ONCE:]  # before the first ones there was nobody to come first
    assert max(rest[:AT_ONCE]) < min(rest[AT_ONCE:])
    assert sorted(order) == sorted(shares)


async def test_who_gives_up_waiting_keeps_nobody_else_from_it() -> None:
    turns, order = Turns(standing), list[str]()
    scopes = []

    async def wait(name: str) -> None:
        share = Share(turns)
        share.take(100)
        with trio.CancelScope() as scope:
            scopes.append(scope)
            await use(share, 1, order, name)

    async with trio.open_nursery() as nursery:
        for name in "abcd":
            nursery.start_soon(wait, name)
        await trio.lowlevel.checkpoint()
        await trio.lowlevel.checkpoint()
        assert len(scopes) == 4
        scopes[0].cancel()
        scopes[2].cancel()
    assert len(order) >= 2
    await use(Share(turns), 5, order, "later")
    assert order[-5:] == ["later"] * 5


async def test_what_everybody_may_have_grows_with_time(mock_clock: trio.testing.MockClock) -> None:
    turns = Turns(trio.current_time)
    share = Share(turns)
    await share.wait_turn()
    share.take(AHEAD + 50)
    assert turns.share() == pytest.approx(GUARANTEED * trio.current_time())
    mock_clock.jump(50 / GUARANTEED)
    assert share._had <= turns.share() + AHEAD


async def test_one_who_asks_little_is_answered_while_fifty_ask_much(
    house: House, mock_clock: trio.testing.MockClock
) -> None:
    crowd, quiet = [await house.peer() for _ in range(50)], await house.peer()
    for peer in crowd:
        await peer.send(*["ping"] * 500)
    for _ in range(10):
        await trio.lowlevel.checkpoint()
    answered = len(house.log.named("request"))
    assert (await quiet.ask({"type": "ping"}))["type"] == "pong"
    meanwhile = len(house.log.named("request")) - answered
    assert meanwhile < 10 * AT_ONCE * LINES_PER_TURN
    for peer in crowd:
        for _ in range(500):
            await peer.next("pong")
