"""A Trio loop in a thread of its own, and calls into it from threads without one."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Self, TypeVar

import trio

T = TypeVar("T")


class LeftError(Exception):
    """A call was made, or not over, when the loop had ended."""


class _AbandonedError(Exception):
    """The block of the program ended with an exception, so that nothing more is to be waited for."""


class Portal:
    """Keeps something asynchronous entered, in a thread that lives as long as the block.

    One task enters and leaves it, as Trio wants it; each call has a task of its own. Ctrl-C interrupts
    whatever the program waits for, and cancels it in the loop.
    """

    def __init__(self, resource: AbstractAsyncContextManager[object]) -> None:
        self._resource = resource
        self._token: Future[trio.lowlevel.TrioToken] = Future()
        self._entered: Future[None] = Future()
        self._left: Future[None] = Future()
        self._stop = trio.Event()
        self._everything = trio.CancelScope()
        self._polite = True
        self._over = self._abandoned = False
        # A daemon, so that a program that forgets to leave can end all the same.
        self._thread = threading.Thread(target=self._run, name="tcpchat client", daemon=True)

    def __enter__(self) -> Self:
        try:
            self._thread.start()
            self._entered.result()
        except BaseException:
            self._abandon()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._polite = kind is None
        try:
            self._in_loop(self._stop.set)
            self._left.result()
        except BaseException as failure:
            self._abandon()
            if error is None or not isinstance(failure, Exception):
                raise
        self._thread.join()

    def call(self, function: Callable[[], Awaitable[T]]) -> T:
        """Await what the function returns, in the loop, and return its result. Raises what it raises.

        Raises LeftError if the loop has ended; RuntimeError if the block was not entered.
        """
        if self._thread.ident is None:
            raise RuntimeError("the block was not entered")
        result: Future[T] = Future()
        scope = trio.CancelScope()

        def start() -> None:
            if self._over:
                result.set_exception(LeftError())
            else:
                self._nursery.start_soon(_into, function, result, scope)

        try:
            if not self._in_loop(start):
                raise LeftError
            return result.result()
        finally:
            if not result.done():  # Ctrl-C
                self._in_loop(scope.cancel)

    def _in_loop(self, function: Callable[[], object]) -> bool:
        """Call it in the thread of the loop, soon; return whether there still is one."""
        try:
            self._token.result().run_sync_soon(function)
        except trio.RunFinishedError:
            return False
        return True

    def _abandon(self) -> None:
        """End at once, whatever the loop waits for."""
        self._abandoned = True
        if self._thread.ident is not None:  # else Ctrl-C came first of all, and the loop finds it abandoned
            self._in_loop(self._everything.cancel)
            self._thread.join()

    def _run(self) -> None:
        try:
            trio.run(self._main)
        except BaseException as error:  # a bug, for which nobody is to wait for ever
            for waited_for in (self._token, self._entered, self._left):
                if not waited_for.done():
                    waited_for.set_exception(error)

    async def _main(self) -> None:
        self._token.set_result(trio.lowlevel.current_trio_token())
        if self._abandoned:
            self._everything.cancel()
        async with trio.open_nursery() as self._nursery:
            failure: Exception = LeftError()
            try:
                with self._everything:
                    await self._stay()
            except _AbandonedError:
                pass
            except Exception as error:
                failure = error
            self._over = True
            self._nursery.cancel_scope.cancel()
        if not self._entered.done():
            self._entered.set_exception(failure)
        if isinstance(failure, LeftError):
            self._left.set_result(None)
        else:
            self._left.set_exception(failure)

    async def _stay(self) -> None:
        async with self._resource:
            self._entered.set_result(None)
            await self._stop.wait()
            if not self._polite:
                raise _AbandonedError


async def _into(function: Callable[[], Awaitable[T]], result: Future[T], scope: trio.CancelScope) -> None:
    """Await it, and hand over what comes of it."""
    try:
        with scope:
            result.set_result(await function())
    except Exception as error:
        result.set_exception(error)
    finally:
        if not result.done():  # cancelled
            result.set_exception(LeftError())
