"""The pipeline: commit a batch, fan it out, acknowledge it. The one task that gives out numbers.

Whatever arrived while the last commit ran goes into the next one, so the slower the disk, the larger the
batch. Nothing is delivered or acknowledged before its commit.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Protocol, TypeVar

import trio

from tcpchat.chat.chat import Chat
from tcpchat.chat.entry import Delivery, Entry, Post
from tcpchat.chat.receiver import Receiver
from tcpchat.chat.user import User
from tcpchat.errors import ChatError
from tcpchat.log import Log
from tcpchat.protocol import Error, as_error, encode, internal_error
from tcpchat.store import StorageError, Store
from tcpchat.store.changes import Change
from tcpchat.threads import RunSync, to_thread

T = TypeVar("T")
R = TypeVar("R")

BATCH_ENTRIES = 512  # so that the loop is never away for long, and one write never overflows a backlog
BATCH_CHARACTERS = 128 * 1024  # of text; the same
GATHER = 16  # turns of the loop in which a batch takes in what arrives while it is prepared …
GATHER_SECONDS = 0.004  # … and how long at most, since turns of a busy loop are long
MANY_RECEIVERS = 50  # from which on telling all of them costs more than one more commit
STORAGE_FAILED = "the disk did not take it, so nothing was done; try again later"


class Observer(Protocol):
    """Hears of each batch, once it is on disk (or refused) and once it is told."""

    def committed(self, seconds: float, entries: int) -> None: ...

    def released(self, batch: Sequence[Entry], delivery: Delivery, receivers: int) -> None: ...


class Pipeline:
    """Takes entries in order and settles them in order. No exception of an entry gets out of here."""

    def __init__(
        self,
        chat: Chat,
        store: Store,
        log: Log,
        new_reference: Callable[[], str],
        run_sync: RunSync = to_thread,
    ) -> None:
        self._chat = chat
        self._store = store
        self._log = log
        self._new_reference = new_reference
        self.observer: Observer | None = None
        self._run_sync = run_sync
        self._queue: deque[Entry] = deque()
        self._submitted = trio.Event()
        self._idle = trio.Event()
        self._idle.set()
        self._last_place = self._released_places = 0
        self._released = trio.Event()
        self._one_writer = trio.CapacityLimiter(1)
        chat.hub.presence.tell_now = self.tell

    def submit(self, entry: Entry) -> int:
        """Put an entry into the queue; its asker hears of it by `acknowledge`. Return its place in line."""
        self._queue.append(entry)
        self._last_place += 1
        if not self._submitted.is_set():
            self._submitted.set()
            self._idle = trio.Event()
        return self._last_place

    async def wait_idle(self) -> None:
        """Wait until everything submitted so far, and since, is settled."""
        while not self._idle.is_set():
            await self._idle.wait()

    async def wait_released(self, place: int) -> None:
        """Wait until the entry at that place in line is settled or refused."""
        while self._released_places < place:
            await self._released.wait()

    async def wait_settled(self) -> None:
        """Wait until everything submitted so far is settled or refused."""
        await self.wait_released(self._last_place)

    async def commit(self, entry: Entry) -> None:
        """Wait until an entry that nobody asked for is settled. Raises ChatError if it was refused."""
        with trio.CancelScope(shield=True):  # else nobody would know whether it is true
            await self.wait_released(self.submit(entry))
        if isinstance(entry.reply, Error):
            raise ChatError(entry.reply.code, entry.reply.message)

    async def run(self) -> None:
        """Settle entries, for ever."""
        while True:
            await self._submitted.wait()
            while self._queue:
                done = await self._commit_next()
                if self._queue and len(self._chat.hub.connections) >= MANY_RECEIVERS:
                    done += await self._commit_next()
                self._release(done)
            self._submitted = trio.Event()
            self._idle.set()

    async def _commit_next(self) -> list[Entry]:
        """Put on disk what was submitted, and what comes in while that is being prepared."""
        at = self._chat.clock.now()
        batch: list[Entry] = []
        changes: list[Change] = []
        room, turns = BATCH_CHARACTERS, GATHER
        monotonic = self._chat.clock.monotonic
        until = monotonic() + GATHER_SECONDS
        while self._queue and len(batch) < BATCH_ENTRIES and room > 0:
            entry = self._queue.popleft()
            batch.append(entry)
            self._prepare(entry, at, changes)
            if isinstance(entry, Post):
                room -= len(entry.text)
            if not self._queue and turns and monotonic() < until:
                turns -= 1
                await trio.lowlevel.checkpoint()
        await self._commit(batch, changes)
        return batch

    async def _commit(self, batch: list[Entry], changes: list[Change]) -> None:
        if not changes:
            return
        began = self._chat.clock.monotonic()
        try:
            await self._run_sync(self._store.commit, changes, limiter=self._one_writer)
        except StorageError as error:
            self._log.error("storage failed", entries=len(batch), error=str(error))
            self._undo(batch)
            for entry in batch:
                self._refuse(entry, Error(code="storage-failed", message=STORAGE_FAILED))
        except Exception:
            self._undo(batch)
            if len(batch) == 1:
                self._refuse(batch[0], self._bug(batch[0]))
            else:  # one of them is bad; the others shall not suffer from it
                self._log.exception("bug", entries=len(batch))
                await self._commit_each(batch)
        if self.observer is not None:
            self.observer.committed(self._chat.clock.monotonic() - began, len(batch))

    async def _commit_each(self, batch: list[Entry]) -> None:
        at = self._chat.clock.now()
        for entry in batch:
            if entry.reply is None:
                changes: list[Change] = []
                self._prepare(entry, at, changes)
                await self._commit([entry], changes)

    def _prepare(self, entry: Entry, at: int, changes: list[Change]) -> None:
        try:
            changes += entry.prepare(at)
        except ChatError as error:  # what came before it in the pipeline stands in the way
            self._refuse(entry, as_error(error))
        except Exception:
            self._refuse(entry, self._bug(entry))

    def _undo(self, batch: list[Entry]) -> None:
        for entry in reversed(batch):  # a later one may rest on an earlier one
            if entry.reply is None:
                try:
                    entry.undo()
                except Exception:
                    self._refuse(entry, self._bug(entry))

    def _refuse(self, entry: Entry, why: Error) -> None:
        if entry.reply is None:
            try:
                entry.refuse(why)
            except Exception:
                self._bug(entry)

    def _bug(self, entry: Entry) -> Error:
        """Log the exception at hand; return the reply to who asked for the entry."""
        reference = self._new_reference()
        self._log.exception("bug", entry=type(entry).__name__, reference=reference)
        return internal_error(reference)

    def _release(self, batch: list[Entry]) -> None:
        """Acknowledge entries and let everybody hear them: one write for each connection."""
        delivery, hub = Delivery(), self._chat.hub
        if hub.newcomers:
            self._surely(hub.make_room, len(batch))
        acknowledged: dict[Receiver, list[bytes]] = {}
        for entry in batch:
            line = self._settle(entry, delivery)
            if entry.asker is not None:
                acknowledged.setdefault(entry.asker, []).append(line)
        for asker, replies in acknowledged.items():
            asker.acknowledge(b"".join(replies), len(replies))
        for receiver, lines in delivery.direct.items():
            receiver.write_nowait(b"".join(lines))
        if delivery.lobby:
            instead = self._surely(self._with_ignored, delivery) if hub.ignored_by else None
            self.tell(b"".join(delivery.lobby), instead or {})
        self._surely(self._chat.marks.delivered, delivery.delivered)
        self._chat.count(delivery.messages)
        if delivery.messages:
            self._log.info("kept", messages=delivery.messages, seq=hub.lobby.seq)
        if self.observer is not None:
            self.observer.released(batch, delivery, len(hub.connections))
        self._released_places += len(batch)
        self._released.set()
        self._released = trio.Event()

    def _settle(self, entry: Entry, delivery: Delivery) -> bytes:
        """Settle an entry unless it was refused; return the reply."""
        try:
            if entry.reply is None:
                entry.settle(delivery)
            return entry.answer(entry.re) if entry.asker is not None else b""
        except Exception:
            return encode(self._bug(entry), entry.re)

    def _surely(self, step: Callable[[T], R], about: T) -> R | None:
        """Do what is not an entry's; a bug in it is logged, and the batch goes on."""
        try:
            return step(about)
        except Exception:
            self._log.exception("bug", step=step.__name__)
            return None

    def _with_ignored(self, delivery: Delivery) -> dict[User, bytes]:
        """Return the lines for users who ignore an author among them: they get numbers without text."""
        ignored_by = self._chat.hub.ignored_by
        users = set().union(*(ignored_by.get(post.author.id, ()) for post in delivery.said))
        return {
            user: b"".join(
                line if post.author.id not in user.ignored else post.without_text()
                for post, line in zip(delivery.said, delivery.lobby, strict=True)
            )
            for user in users
        }

    def tell(self, lines: bytes = b"", instead: Mapping[User, bytes] = MappingProxyType({})) -> None:
        """Give lines to everybody, after what they have not heard about who is here.

        Some users get others `instead`. One write for each receiver, and no task switch in between.
        """
        hub = self._chat.hub
        if not hub.presence and not instead:
            if lines:
                for connection in hub.connections:
                    connection.write_nowait(lines)
            return
        told = hub.presence.tell()
        data = told.all + lines
        for connection, user in hub.connections.items():
            own = data
            if user in told.about or user in instead:
                own = told.to(user) + instead.get(user, lines)
            if own:
                connection.write_nowait(own)
