"""Fair queueing: floods wait for each other, and quiet connections for nobody."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from tcpchat.serving.fair_queue import AHEAD, AT_ONCE, GUARANTEED, LINES_PER_TURN, FairQueue, Flow
from tests.running import RunningServer


def standing() -> float:
    return 0.0


async def use(flow: Flow, lines: int, order: list[str], name: str) -> None:
    """Take that many lines, a turn each, and note each."""
    for _ in range(lines):
        await flow.wait_turn()
        flow.charge(LINES_PER_TURN)
        order.append(name)
        await trio.lowlevel.checkpoint()


async def test_a_connection_that_used_little_goes_on_at_once() -> None:
    queue, order = FairQueue(standing), list[str]()
    async with trio.open_nursery() as nursery:
        for _ in range(50):
            nursery.start_soon(use, Flow(queue), 10, order, "much")
        for _ in range(20):
            await trio.lowlevel.checkpoint()
        assert 50 < len(order) < 500, "they are at it"
        flow, before = Flow(queue), len(order)
        with trio.testing.assert_no_checkpoints():
            await flow.wait_turn()
        assert len(order) == before
    assert len(order) == 500


async def test_a_few_waiting_connections_go_on_in_each_turn_of_the_loop() -> None:
    queue, order = FairQueue(standing), list[str]()
    async with trio.open_nursery() as nursery:
        for name in "abcdefghijklmnopqrst":
            nursery.start_soon(use, Flow(queue), 10, order, name)
        await trio.lowlevel.checkpoint()
        await trio.lowlevel.checkpoint()
        for _ in range(10):
            await trio.lowlevel.checkpoint()
        most = (10 + 2) * AT_ONCE + 20
        assert 30 < len(order) <= most, "a few in each, and before them each who had nothing yet"
    for name in "abcdefghijklmnopqrst":
        assert order.index(name) < 45, "nobody twice before everybody had one, or nearly"
        assert order.count(name) == 10


async def test_the_connection_that_used_least_goes_first() -> None:
    queue, order = FairQueue(standing), list[str]()
    flows = {name: Flow(queue) for name in "lkjihgfedcba"}
    for name, flow in flows.items():
        flow.charge(100 * ord(name))
    async with trio.open_nursery() as nursery:
        for name, flow in flows.items():
            nursery.start_soon(use, flow, 1, order, name)
    rest = order[AT_ONCE:]  # before the first ones there was nobody to come first
    assert max(rest[:AT_ONCE]) < min(rest[AT_ONCE:])
    assert sorted(order) == sorted(flows)


async def test_a_cancelled_wait_blocks_nobody() -> None:
    queue, order = FairQueue(standing), list[str]()
    scopes: dict[str, trio.CancelScope] = {}

    async def wait(name: str) -> None:
        flow = Flow(queue)
        flow.charge(100 * ord(name))
        with trio.CancelScope() as scopes[name]:
            await use(flow, 1, order, name)

    names = "abcdefghijklmnopqrst"
    async with trio.open_nursery() as nursery:
        for name in names:
            nursery.start_soon(wait, name)
        while len(scopes) < len(names):
            await trio.lowlevel.checkpoint()
        waiting = [chr(int(used) // 100) for used, _, _ in sorted(queue._waiting)]
        assert len(waiting) > AT_ONCE
        given_up = {waiting[0], waiting[2], waiting[-1]}
        for name in given_up:
            scopes[name].cancel()
    assert sorted(order) == sorted(set(names) - given_up)
    rest = [name for name in order if name in waiting]
    for place, name in enumerate(sorted(rest)):
        assert abs(place - rest.index(name)) < AT_ONCE, "only those of one turn of the loop have no order"
    assert (queue._waiting, queue._admitted) == ([], 0)
    await use(Flow(queue), 5, order, "later")
    assert order[-5:] == ["later"] * 5


async def test_a_new_connection_begins_at_the_share() -> None:
    """What it did not use before it came is no credit that lets it go before the others."""
    queue, order = FairQueue(standing), list[str]()
    async with trio.open_nursery() as nursery:
        for _ in range(40):
            nursery.start_soon(use, Flow(queue), 30, order, "crowd")
        while len(order) < 600:
            await trio.lowlevel.checkpoint()
        before = len(order)
        await use(Flow(queue), 10, order, "newcomer")
        meanwhile = len(order) - before - 10
        assert 300 < meanwhile < 500, "the forty of the crowd had about as many turns each"


async def test_the_share_grows_with_time(mock_clock: trio.testing.MockClock) -> None:
    queue = FairQueue(trio.current_time)
    flow = Flow(queue)
    await flow.wait_turn()
    flow.charge(AHEAD + 50)
    assert queue.share() == pytest.approx(GUARANTEED * trio.current_time())
    mock_clock.jump(50 / GUARANTEED)
    assert flow._used <= queue.share() + AHEAD


async def test_after_a_flood_the_share_grows_as_before(
    mock_clock: trio.testing.MockClock,
) -> None:
    queue, order = FairQueue(trio.current_time), list[str]()
    flow = Flow(queue)
    await use(flow, 1000, order, "flood")
    flooded = queue.share()
    assert flooded > 900 * LINES_PER_TURN
    for seconds in (1, 10, 100):
        flow.charge(seconds * GUARANTEED)
        mock_clock.jump(seconds)
        with trio.testing.assert_no_checkpoints():
            await Flow(queue).wait_turn()
    assert queue.share() == pytest.approx(flooded + 111 * GUARANTEED)
    await flow.wait_turn()
    assert queue.share() == pytest.approx(flooded + 111 * GUARANTEED, abs=2 * LINES_PER_TURN)


async def test_a_long_wait_does_not_lower_the_share() -> None:
    now = 0.0
    queue = FairQueue(lambda: now)
    async with trio.open_nursery() as nursery:
        for _ in range(3 * AT_ONCE):
            nursery.start_soon(queue.wait, 100.0)
        while not queue._waiting:
            await trio.lowlevel.checkpoint()
        now = 60.0
    assert queue.share() >= 60 * GUARANTEED


async def test_one_quiet_connection_is_answered_during_a_flood_by_fifty(
    running: RunningServer, mock_clock: trio.testing.MockClock
) -> None:
    crowd, quiet = [await running.peer() for _ in range(50)], await running.peer()
    for peer in crowd:
        await peer.send(*["ping"] * 500)
    for _ in range(10):
        await trio.lowlevel.checkpoint()
    answered = len(running.log.named("request"))
    assert (await quiet.ask({"type": "ping"}))["type"] == "pong"
    meanwhile = len(running.log.named("request")) - answered
    assert meanwhile < 10 * AT_ONCE * LINES_PER_TURN
    for peer in crowd:
        for _ in range(500):
            await peer.next("pong")
