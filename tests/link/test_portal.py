"""A loop in a thread: what comes back from it, and that nothing of it stays."""

from __future__ import annotations

import signal
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
import trio

from tcpchat.link.portal import LeftError, Portal


@pytest.fixture(autouse=True)
def no_thread_stays() -> Iterator[None]:
    before = threading.enumerate()
    yield
    assert threading.enumerate() == before


@asynccontextmanager
async def nothing() -> AsyncIterator[None]:
    yield


@asynccontextmanager
async def resource(seen: list[str]) -> AsyncIterator[None]:
    """Note how the block was left."""
    seen.append("entered")
    try:
        yield
        seen.append("left")
    except Exception:
        seen.append("abandoned")
        raise


async def interrupted(seen: list[str]) -> None:
    """Let Ctrl-C reach the main thread, which waits for this."""
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
    try:
        await trio.sleep_forever()
    finally:
        seen.append("cancelled")


async def where() -> int:
    await trio.lowlevel.checkpoint()
    return threading.get_ident()


async def failing() -> None:
    raise ValueError("no")


def test_calls_run_in_another_thread_and_return_or_raise_what_they_do() -> None:
    with Portal(nothing()) as portal:
        assert portal.call(where) == portal.call(where) != threading.get_ident()
        with pytest.raises(ValueError, match="no"):
            portal.call(failing)


def test_the_resource_is_left_in_the_end() -> None:
    seen: list[str] = []
    with Portal(resource(seen)) as portal:
        portal.call(where)
        assert seen == ["entered"]
    assert seen == ["entered", "left"]


def test_after_an_exception_nothing_more_is_waited_for() -> None:
    seen: list[str] = []
    with pytest.raises(ZeroDivisionError), Portal(resource(seen)):
        raise ZeroDivisionError
    assert seen == ["entered", "abandoned"]


def test_what_cannot_be_entered_is_raised() -> None:
    @asynccontextmanager
    async def broken() -> AsyncIterator[None]:
        raise OSError("nobody there")
        yield

    with pytest.raises(OSError, match="nobody there"), Portal(broken()):
        pass


def test_what_fails_in_the_end_is_raised_unless_the_block_has_failed() -> None:
    @asynccontextmanager
    async def broken() -> AsyncIterator[None]:
        try:
            yield
        finally:
            raise OSError("at the end")

    with pytest.raises(OSError, match="at the end"), Portal(broken()):
        pass
    with pytest.raises(ZeroDivisionError), Portal(broken()):
        raise ZeroDivisionError


def test_ctrl_c_ends_the_wait_for_a_call_which_is_cancelled() -> None:
    seen: list[str] = []
    cancelled = trio.Event()

    async def wait() -> None:
        try:
            await interrupted(seen)
        finally:
            cancelled.set()

    with Portal(nothing()) as portal:
        with pytest.raises(KeyboardInterrupt):
            portal.call(wait)
        portal.call(cancelled.wait)
        assert seen == ["cancelled"]


def test_ctrl_c_ends_the_wait_for_the_beginning() -> None:
    seen: list[str] = []

    @asynccontextmanager
    async def slow() -> AsyncIterator[None]:
        await interrupted(seen)
        yield

    with pytest.raises(KeyboardInterrupt), Portal(slow()):
        pass
    assert seen == ["cancelled"]


def test_ctrl_c_ends_the_wait_for_the_end() -> None:
    seen: list[str] = []

    @asynccontextmanager
    async def slow() -> AsyncIterator[None]:
        yield
        await interrupted(seen)

    with pytest.raises(KeyboardInterrupt), Portal(slow()):
        pass
    assert seen == ["cancelled"]


def test_a_call_that_another_thread_waits_for_ends_with_the_block() -> None:
    seen: list[str] = []
    waits = threading.Event()

    async def wait_for_ever() -> None:
        waits.set()
        await trio.sleep_forever()

    def call(portal: Portal) -> None:
        try:
            portal.call(wait_for_ever)
        except LeftError:
            seen.append("told")

    with Portal(nothing()) as portal:
        thread = threading.Thread(target=call, args=(portal,))
        thread.start()
        waits.wait()
    thread.join()
    assert seen == ["told"]


def test_without_a_loop_a_call_is_refused() -> None:
    portal = Portal(nothing())
    with pytest.raises(RuntimeError, match="not entered"):
        portal.call(where)
    with portal:
        pass
    with pytest.raises(LeftError):
        portal.call(where)
