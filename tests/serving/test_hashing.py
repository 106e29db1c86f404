"""Hashing of passwords in threads of low priority."""

from __future__ import annotations

import os
import sys
import threading

import pytest
import trio
import trio.testing

from tcpchat.errors import ChatError
from tcpchat.serving import hashing as hasher
from tcpchat.serving.hashing import NICE, WAITING, Hasher, hashers


@pytest.mark.parametrize(("cores", "threads"), [(1, 1), (2, 1), (3, 2), (64, 2)])
def test_one_core_is_left_for_the_chat(cores: int, threads: int) -> None:
    assert hashers(cores) == threads


async def test_a_hashed_password_verifies() -> None:
    own = Hasher()
    hashed = await own.hash("correct horse")
    assert await own.verify(hashed, "correct horse")
    assert not await own.verify(hashed, "wrong horse")
    assert not await own.verify(None, "correct horse")


def priority() -> int:
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere threads have no priority of their own")
async def test_hashing_threads_and_no_others_have_low_priority() -> None:
    before = priority()
    own = Hasher()
    await own.hash("correct horse")
    assert await own._in_thread(priority) == max(before, NICE)
    assert priority() == before
    for _ in range(3):
        assert await trio.to_thread.run_sync(priority) == before


async def test_a_cancelled_hash_occupies_its_thread_to_the_end() -> None:
    """The memory of a hash is taken until then."""
    begun, go_on = threading.Event(), threading.Event()

    def slow() -> None:
        begun.set()
        go_on.wait(10)

    own = Hasher()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(own._in_thread, slow)
        await trio.to_thread.run_sync(begun.wait)
        nursery.cancel_scope.cancel()
        with trio.CancelScope(shield=True):
            await trio.testing.wait_all_tasks_blocked()
        assert own._free.borrowed_tokens == 1
        go_on.set()
    assert own._free.borrowed_tokens == 0


async def test_too_many_waiting_passwords_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(password: str) -> str:
        begun.set()
        go_on.wait(10)
        return password

    monkeypatch.setattr(hasher, "hash_password", slow)
    own, done = Hasher(), 0
    threads = int(own._free.total_tokens)

    async def hash_one() -> None:
        nonlocal done
        await own.hash("correct horse")
        done += 1

    async with trio.open_nursery() as nursery:
        for _ in range(threads):
            nursery.start_soon(hash_one)
        await trio.to_thread.run_sync(begun.wait)
        for _ in range(WAITING):
            nursery.start_soon(hash_one)
        await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(ChatError) as refused:
            await own.hash("correct horse")
        assert (refused.value.code, refused.value.details["retry_after"]) == ("rate-limited", 1.0)
        go_on.set()
    assert done == threads + WAITING
