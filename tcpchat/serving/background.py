"""The tasks that act by the clock: presence, receipts, scheduled messages, absent users, sessions on disk."""

from __future__ import annotations

from contextlib import suppress
from typing import NoReturn

import trio

from tcpchat.chat.due import due_operations, not_loaded
from tcpchat.chat.operations.base import Operation
from tcpchat.chat.operations.markers import StoreReceipts
from tcpchat.chat.operations.upkeep import PruneStore, StoreSessions
from tcpchat.chat.state import ServerState
from tcpchat.chat.wakeups import Wakeups
from tcpchat.errors import ChatError
from tcpchat.handlers.loader import Loader
from tcpchat.protocol import Error
from tcpchat.serving.delivery import Pipeline
from tcpchat.times import MILLISECONDS

PENDING = 0.25  # seconds in which a new connection can say who it is, before others are notified of it
STAY = 1.0  # seconds that a user must stay before others are notified; a script is usually gone by then
PRESENCE = 0.1  # seconds from a user's arrival or departure to its announcement …
PRESENCE_PER_SUBSCRIBER = 0.0001  # … and so much more for each subscriber: each costs a write
RECEIPTS = 0.1  # seconds between two writes of what was delivered and read; many messages make one
SESSIONS = 0.1  # seconds between two writes of who left and who is back; many users do so at once
RETRY = 1.0  # seconds after which a write that the disk refused is tried again
PRUNE = 60.0  # seconds between two deletions of what need not be stored any more
DUE = 128  # scheduled messages in a batch: very many may be due at once, and others are to get in between
LONGEST_SLEEP = 60.0  # seconds; the time of day may be set while something waits for it


class Wakeup:
    """Lets synchronous code wake one task. Notifications that come before the task waits count as one."""

    def __init__(self) -> None:
        self._event = trio.Event()

    def notify(self) -> None:
        """Let the task's wait, or its next one, return. Never blocks."""
        self._event.set()

    async def wait(self) -> None:
        """Wait until there was a notification since the last wait returned.

        What it was about may be done already, so the caller looks again. A cancelled wait takes nothing.
        """
        await self._event.wait()
        self._event = trio.Event()


class Background:
    """The tasks of one chat, from `run` until that is cancelled, and the wakeups that its state calls."""

    def __init__(self) -> None:
        self._presence, self._receipts, self._schedule = Wakeup(), Wakeup(), Wakeup()
        self._absence, self._sessions = Wakeup(), Wakeup()
        self.wakeups = Wakeups(
            presence=self._presence.notify,
            receipts=self._receipts.notify,
            schedule=self._schedule.notify,
            absence=self._absence.notify,
            sessions=self._sessions.notify,
        )

    async def run(self, state: ServerState, pipeline: Pipeline, loader: Loader) -> None:
        """Run all of them until cancelled. The state must have been made with these `wakeups`."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._announce_presence, state, pipeline)
            nursery.start_soon(self._send_receipts, state, pipeline)
            nursery.start_soon(self._send_scheduled, state, pipeline, loader)
            nursery.start_soon(self._expire_absent, state)
            nursery.start_soon(self._persist_sessions, state, pipeline)

    async def _announce_presence(self, state: ServerState, pipeline: Pipeline) -> NoReturn:
        """Announce who stays, went and took another name: after a moment, so that many make one announcement.

        A pending subscriber has a longer moment, in which a returning client sends `resume`, so that nobody
        is notified of the guest that it first was.
        """
        audience, presence = state.audience, state.presence
        while True:
            while not (presence.has_changed() or presence.arriving or audience.pending):
                await self._presence.wait()
            await trio.sleep(PRESENCE + PRESENCE_PER_SUBSCRIBER * len(audience.subscribed))
            now = state.clock.monotonic()
            audience.subscribe_all_pending(now - PENDING)
            presence.settle(now - STAY)
            if presence.has_changed():
                pipeline.announce()

    async def _send_receipts(self, state: ServerState, pipeline: Pipeline) -> NoReturn:
        """Write how far direct messages were delivered and read, and notify their authors."""
        receipts = state.receipts
        while True:
            while not receipts:
                await self._receipts.wait()
            await trio.sleep(RECEIPTS)
            if not await _settle(pipeline, StoreReceipts(moved=receipts.take())):
                await trio.sleep(RETRY)

    async def _send_scheduled(self, state: ServerState, pipeline: Pipeline, loader: Loader) -> NoReturn:
        """Send what comes due."""
        while True:
            due = state.schedule.next_due()
            wait = LONGEST_SLEEP
            if due is not None:
                wait = min(wait, max(0.0, (due - state.clock.now()) / MILLISECONDS))
            with trio.move_on_after(wait):
                await self._schedule.wait()
            for user in not_loaded(state, DUE):
                with suppress(ChatError):  # a user who cannot be read from disk now may be later
                    await loader.user(user)
            positions = [pipeline.submit(operation) for operation in due_operations(state, DUE)]
            if positions:  # many that are due at once come in batches, with others in between
                await pipeline.wait_released(positions[-1])

    async def _expire_absent(self, state: ServerState) -> NoReturn:
        """Announce the departure of users who did not come back soon, and unload those who did not at all."""
        while True:
            with trio.move_on_after(min(LONGEST_SLEEP, state.users.next_expiry())):
                await self._absence.wait()
            state.users.expire()

    async def _persist_sessions(self, state: ServerState, pipeline: Pipeline) -> NoReturn:
        """Write who left and who is back, and now and then delete what need not be stored any more."""
        monotonic = state.clock.monotonic
        prune_at = monotonic() + PRUNE
        while True:
            operation: Operation = StoreSessions()
            if monotonic() >= prune_at:  # first, since on a busy server there is always somebody to write
                prune_at = monotonic() + PRUNE
                operation = PruneStore(prune=state.prune())
            elif not state.sessions.dirty:
                with trio.move_on_after(prune_at - monotonic()):
                    await self._sessions.wait()
                continue
            await trio.sleep(SESSIONS if await _settle(pipeline, operation) else RETRY)


async def _settle(pipeline: Pipeline, operation: Operation) -> bool:
    """Submit an operation; return whether the disk took it."""
    await pipeline.wait_released(pipeline.submit(operation))
    return not isinstance(operation.reply, Error)
