"""The pipeline: commit a batch, fan it out, acknowledge it. The one task that gives out numbers.

Whatever arrived while the last commit ran goes into the next one, so the slower the disk, the larger the
batch. Nothing is delivered or acknowledged before its commit.
"""

from __future__ import annotations

from collections import deque

import structlog
import trio

from tcpchat.chat.chat import Chat
from tcpchat.chat.entry import STORAGE_FAILED, Delivery, Entry, Post
from tcpchat.chat.user import Receiver
from tcpchat.protocol import Error
from tcpchat.store import Change, StorageError, Store
from tcpchat.times import MILLISECONDS

BATCH_ENTRIES = 512  # so that the loop is never away for long, and one write never overflows a backlog
MANY_RECEIVERS = 50  # from which on telling all of them costs more than one more commit
BATCH_CHARACTERS = 128 * 1024  # of text; the same
DUE_AHEAD = 1000  # entries in the queue over which no more due messages are added
PRESENCE = 0.1  # seconds between two tellings of who came and went …
PRESENCE_PER_RECEIVER = 0.0001  # … and so much more for each who hears it: a telling costs a write each
LONGEST_SLEEP = 60.0  # seconds; the time of day may be set while the schedule waits

BUG = "a bug of the server; its operator finds it in the log"

Log = structlog.typing.FilteringBoundLogger


class Pipeline:
    """Takes entries in order and settles them in order; also tells presence and sends what comes due."""

    def __init__(self, chat: Chat, store: Store, log: Log) -> None:
        self._chat = chat
        self._store = store
        self._log = log
        self._queue: deque[Entry] = deque()
        self._submitted = trio.Event()
        self._idle = trio.Event()
        self._idle.set()
        self._presence_changed = trio.Event()
        self._due_earlier = trio.Event()
        self._one_writer = trio.CapacityLimiter(1)
        chat.hub.presence.on_change = lambda: self._presence_changed.set()  # noqa: PLW0108  # the event changes
        chat.schedule.on_earlier = lambda: self._due_earlier.set()  # noqa: PLW0108  # the same

    def submit(self, entry: Entry) -> None:
        """Put an entry into the queue; its asker hears of it by `acknowledge`."""
        self._queue.append(entry)
        if not self._submitted.is_set():
            self._submitted.set()
            self._idle = trio.Event()

    async def wait_idle(self) -> None:
        """Wait until everything submitted so far, and since, is settled."""
        while not self._idle.is_set():
            await self._idle.wait()

    async def run(self) -> None:
        """Settle entries, for ever."""
        while True:
            await self._submitted.wait()
            while self._queue:
                done = await self._commit()
                if self._queue and len(self._chat.hub.connections) >= MANY_RECEIVERS:
                    done += await self._commit()
                self._release(done)
            self._submitted = trio.Event()
            self._idle.set()

    async def _commit(self) -> list[Entry]:
        """Put on disk what was submitted, and what comes in while that is being prepared."""
        at = self._chat.clock.now()
        batch: list[Entry] = []
        changes: list[Change] = []
        room = BATCH_CHARACTERS
        while self._queue and len(batch) < BATCH_ENTRIES and room > 0:
            entry = self._queue.popleft()
            batch.append(entry)
            room -= self._prepare(entry, at, changes)
            if not self._queue:
                await trio.lowlevel.checkpoint()
        try:
            if changes:
                await trio.to_thread.run_sync(self._store.commit, changes, limiter=self._one_writer)
        except StorageError as error:
            self._log.error("storage failed", entries=len(batch), error=str(error))
            _refuse(batch, Error(code="storage-failed", message=STORAGE_FAILED))
        except Exception:
            self._log.exception("bug", entries=len(batch))
            _refuse(batch, Error(code="internal", message=BUG))
        return batch

    def _prepare(self, entry: Entry, at: int, changes: list[Change]) -> int:
        """Add what the entry writes to `changes`; return how many characters of text it has."""
        try:
            changes += entry.prepare(at)
        except Exception:
            self._log.exception("bug", entry=type(entry).__name__)
            entry.refuse(Error(code="internal", message=BUG))
        return len(entry.text) if isinstance(entry, Post) else 0

    def _release(self, batch: list[Entry]) -> None:
        """Acknowledge entries and let everybody hear them: one write for each connection."""
        delivery = Delivery()
        acknowledged: dict[Receiver, list[bytes]] = {}
        for entry in batch:
            if not entry.refused:
                try:
                    entry.settle(delivery)
                except Exception:
                    self._log.exception("bug", entry=type(entry).__name__)
                    entry.reply = Error(code="internal", message=BUG)
            if entry.asker is not None:
                acknowledged.setdefault(entry.asker, []).append(entry.answer(entry.re))
        for asker, replies in acknowledged.items():
            asker.acknowledge(b"".join(replies), len(replies))
        for receiver, lines in delivery.direct.items():
            receiver.write_nowait(b"".join(lines))
        if delivery.lobby:
            self._tell(b"".join(delivery.lobby))
        self._chat.count(delivery.messages)
        self._log.info("kept", entries=len(batch), messages=delivery.messages, seq=self._chat.hub.lobby.seq)

    def _tell(self, lines: bytes) -> None:
        """Give lines to everybody, after what they have not heard about who is here.

        One write for each receiver, and no task switch in between.
        """
        hub = self._chat.hub
        if not hub.presence:
            for connection in hub.connections:
                connection.write_nowait(lines)
            return
        told = hub.presence.tell()
        data = told.all + lines
        for connection, user in hub.connections.items():
            own = data if user not in told.about else told.to(user) + lines
            if own:
                connection.write_nowait(own)

    def tell_presence(self) -> None:
        """Tell who came, went and has another name, if anybody did since it was last told."""
        if self._chat.hub.presence:
            self._tell(b"")

    async def run_presence(self) -> None:
        """Tell presence at once, and then not too often."""
        while True:
            await self._presence_changed.wait()
            self.tell_presence()
            await trio.sleep(PRESENCE + PRESENCE_PER_RECEIVER * len(self._chat.hub.connections))
            self._presence_changed = trio.Event()
            if self._chat.hub.presence:
                self._presence_changed.set()

    async def run_schedule(self) -> None:
        """Send what comes due."""
        while True:
            self._due_earlier = trio.Event()
            due = self._chat.schedule.next_due()
            wait = LONGEST_SLEEP
            if due is not None:
                wait = min(wait, max(0.0, (due - self._chat.clock.now()) / MILLISECONDS))
            with trio.move_on_after(wait):
                await self._due_earlier.wait()
            if len(self._queue) > DUE_AHEAD:
                await self.wait_idle()
            for entry in self._chat.due(BATCH_ENTRIES):
                self.submit(entry)


def _refuse(batch: list[Entry], why: Error) -> None:
    for entry in reversed(batch):  # a later one may rest on an earlier one
        entry.refuse(why)
