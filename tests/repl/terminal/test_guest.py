"""Trio inside of asyncio: results, errors, and cancellation."""

from __future__ import annotations

import asyncio

import pytest
import trio
import trio.lowlevel

from tcpchat.repl.terminal.guest import run_trio


def test_the_result_and_the_error_come_out() -> None:
    async def double(number: int) -> int:
        await trio.lowlevel.checkpoint()
        return number * 2

    async def fail() -> None:
        await trio.lowlevel.checkpoint()
        raise ValueError("as it should")

    assert asyncio.run(run_trio(lambda: double(21))) == 42
    with pytest.raises(ValueError, match="as it should"):
        asyncio.run(run_trio(fail))


def test_both_loops_run_in_one_thread() -> None:
    async def main() -> list[str]:
        log: list[str] = []
        asyncio.get_running_loop().call_later(0.01, log.append, "asyncio")

        async def program() -> None:
            await trio.sleep(0.05)
            log.append("trio")

        await run_trio(program)
        return log

    assert asyncio.run(main()) == ["asyncio", "trio"]


def test_a_cancelled_program_is_waited_for() -> None:
    async def main() -> list[str]:
        log: list[str] = []

        async def program() -> None:
            try:
                log.append("began")
                await trio.sleep_forever()
            finally:
                log.append("cleaned up")

        task = asyncio.create_task(run_trio(program))
        while not log:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return log

    assert asyncio.run(main()) == ["began", "cleaned up"]
