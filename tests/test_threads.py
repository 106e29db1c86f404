"""Blocking work in a thread, as the server runs it by default."""

from __future__ import annotations

import threading

import trio
import trio.lowlevel

from tcpchat.threads import to_thread


async def test_blocking_work_runs_in_another_thread_while_the_loop_goes_on() -> None:
    limiter, done = trio.CapacityLimiter(1), threading.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lambda: to_thread(done.wait, 10, limiter=limiter))
        await trio.lowlevel.checkpoint()
        done.set()
    assert await to_thread(threading.get_ident, limiter=limiter) != threading.get_ident()


async def test_work_that_has_started_ends_before_its_caller_is_cancelled() -> None:
    limiter, started, finish = trio.CapacityLimiter(1), threading.Event(), threading.Event()
    ended: list[bool] = []

    def work() -> None:
        started.set()
        ended.append(finish.wait(10))

    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(lambda: to_thread(work, limiter=limiter))
            while not started.is_set():  # a thread sets it
                await trio.sleep(0.001)
            scope.cancel()
            finish.set()
    assert ended == [True]


async def test_no_more_runs_at_once_than_the_limiter_allows() -> None:
    limiter, running, most = trio.CapacityLimiter(2), 0, 0
    lock, pause = threading.Lock(), threading.Event()

    def work() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        pause.wait(0.01)
        with lock:
            running -= 1

    async with trio.open_nursery() as nursery:
        for _ in range(6):
            nursery.start_soon(lambda: to_thread(work, limiter=limiter))
    assert most <= 2
