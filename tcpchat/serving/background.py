"""The tasks that act by the clock: presence, receipts, scheduled messages, absent users, sessions on disk."""

from __future__ import annotations

from contextlib import suppress
from typing import NoReturn

import trio

from tcpchat.chat.awakening import Awakening
from tcpchat.chat.chat import Chat
from tcpchat.chat.entry import Entry, PruneEntry
from tcpchat.chat.wakeups import Wakeups
from tcpchat.errors import ChatError
from tcpchat.protocol import Error
from tcpchat.serving.delivery import Pipeline
from tcpchat.times import MILLISECONDS

NEWCOMER = 0.25  # seconds in which a new connection can say who it is, before others are notified of it
PRESENCE = 0.1  # seconds from a user's arrival or departure to its announcement …
PRESENCE_PER_RECEIVER = 0.0001  # … and so much more for each receiver: each costs a write
RECEIPTS = 0.1  # seconds between two writes of what was delivered and read; many messages make one
SESSIONS = 0.1  # seconds between two writes of who left and who is back; many users do so at once
SESSIONS_RETRY = 1.0  # seconds after which a write that the disk refused is tried again
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

    async def run(self, chat: Chat, pipeline: Pipeline, loader: Awakening) -> None:
        """Run all of them until cancelled. The state must have been made with these `wakeups`."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._announce_presence, chat, pipeline)
            nursery.start_soon(self._send_receipts, chat, pipeline)
            nursery.start_soon(self._send_scheduled, chat, pipeline, loader)
            nursery.start_soon(self._expire_absent, chat)
            nursery.start_soon(self._persist_sessions, chat, pipeline)

    async def _announce_presence(self, chat: Chat, pipeline: Pipeline) -> NoReturn:
        """Announce who came, went and took another name: after a moment, so that many make one announcement.

        A newcomer has a longer moment, in which a returning client sends `resume`, so that nobody is notified
        of the guest that it first was.
        """
        presence, newcomers = chat.hub.presence, chat.hub.newcomers
        while True:
            while not presence and not newcomers:
                await self._presence.wait()
            await trio.sleep(PRESENCE + PRESENCE_PER_RECEIVER * len(chat.hub.connections))
            chat.hub.let_all_listen(chat.clock.monotonic() - NEWCOMER)
            pipeline.tell()

    async def _send_receipts(self, chat: Chat, pipeline: Pipeline) -> NoReturn:
        """Write how far private messages were delivered and read, and notify their authors."""
        marks = chat.marks
        while True:
            while not marks:
                await self._receipts.wait()
            await trio.sleep(RECEIPTS)
            entry = marks.records()
            await pipeline.wait_released(pipeline.submit(entry))
            if isinstance(entry.reply, Error):
                await trio.sleep(SESSIONS_RETRY)

    async def _send_scheduled(self, chat: Chat, pipeline: Pipeline, loader: Awakening) -> NoReturn:
        """Send what comes due."""
        while True:
            due = chat.schedule.next_due()
            wait = LONGEST_SLEEP
            if due is not None:
                wait = min(wait, max(0.0, (due - chat.clock.now()) / MILLISECONDS))
            with trio.move_on_after(wait):
                await self._schedule.wait()
            for user in chat.asleep(DUE):
                with suppress(ChatError):  # a user whom the disk does not give now it may give later
                    await loader.user(user)
            places = [pipeline.submit(entry) for entry in chat.due(DUE)]
            if places:  # many that are due at once come in batches, with others in between
                await pipeline.wait_released(places[-1])

    async def _expire_absent(self, chat: Chat) -> NoReturn:
        """Announce the departure of users who did not come back soon, and forget those who did not at all."""
        while True:
            with trio.move_on_after(min(LONGEST_SLEEP, chat.people.let_go_in())):
                await self._absence.wait()
            chat.people.let_go()

    async def _persist_sessions(self, chat: Chat, pipeline: Pipeline) -> NoReturn:
        """Write who left and who is back, and now and then delete what need not be stored any more."""
        identities, monotonic = chat.people.identities, chat.clock.monotonic
        prune_at = monotonic() + PRUNE
        while True:
            entry: Entry | None = identities.records()
            if entry is None:
                with trio.move_on_after(max(0.0, prune_at - monotonic())) as pause:
                    await self._sessions.wait()
                if not pause.cancelled_caught:
                    continue
                prune_at = monotonic() + PRUNE
                entry = PruneEntry(chat.prune())
            await pipeline.wait_released(pipeline.submit(entry))
            await trio.sleep(SESSIONS_RETRY if isinstance(entry.reply, Error) else SESSIONS)
