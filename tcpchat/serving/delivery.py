"""The pipeline: decide a batch, commit it, apply it, fan it out, acknowledge it.

Whatever arrived while the last commit ran goes into the next one: the slower the disk, the larger the batch.
Nothing is applied, delivered or acknowledged before its commit. This is the one task that gives out numbers.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain
from typing import Protocol, TypeVar

import trio

from tcpchat.chat.batch import decide, settle
from tcpchat.chat.draft import Draft
from tcpchat.chat.fanout import Fanout
from tcpchat.chat.lines import without_text
from tcpchat.chat.operations.base import Operation
from tcpchat.chat.room import Logged, Room
from tcpchat.chat.state import ServerState
from tcpchat.chat.subscriber import Subscriber
from tcpchat.chat.user import User
from tcpchat.errors import ChatError
from tcpchat.log import Log
from tcpchat.protocol import Error, encode, internal_error
from tcpchat.store import StorageError, Store
from tcpchat.store.changes import Change
from tcpchat.threads import RunSync, to_thread

T = TypeVar("T")

BATCH_SIZE = 512  # so that the loop is never away for long, and one write never overflows a backlog
BATCH_CHARACTERS = 128 * 1024  # of text; the same
GATHER = 16  # turns of the loop in which a batch takes in what arrives while it is decided …
GATHER_SECONDS = 0.004  # … and how long at most, since turns of a busy loop are long
MANY_SUBSCRIBERS = 50  # from which on a fan-out costs more than one more commit
STOPPED = Error(
    code="storage-failed", message="the server stopped, so nothing was done; try again once it is back"
)
STORAGE_FAILED = "the server could not write to its disk, so nothing was done; try again later"


class Observer(Protocol):
    """Is given each batch, once it is on disk (or refused) and when it is fanned out."""

    def committed(self, seconds: float, size: int) -> None: ...

    def released(self, batch: Sequence[Operation], fanout: Fanout, subscribers: int) -> None: ...


class Pipeline:
    """Takes operations in order and settles them in order. No exception of an operation gets out of here."""

    def __init__(
        self,
        state: ServerState,
        store: Store,
        log: Log,
        new_reference: Callable[[], str],
        run_sync: RunSync = to_thread,
    ) -> None:
        self._state = state
        self._store = store
        self._log = log
        self._new_reference = new_reference
        self.observer: Observer | None = None
        self._run_sync = run_sync
        self._queue: deque[Operation] = deque()
        self._pinned: dict[Operation, list[User]] = {}
        self._taken: list[list[Operation]] = []  # batches that are not acknowledged yet
        self._stopping = self._ended = False
        self._submitted = trio.Event()
        self._idle = trio.Event()
        self._idle.set()
        self._last_position = self._released_positions = 0
        self._released = trio.Event()
        self._one_writer = trio.CapacityLimiter(1)

    def submit(self, operation: Operation) -> int:
        """Put an operation into the queue; `acknowledge` gives its requester the reply.

        Return its position, for `wait_released`.
        """
        self._last_position += 1
        if self._ended:
            self._give_up(operation, STOPPED)
            self._note_released(1)
            return self._last_position
        self._pin(operation)
        self._queue.append(operation)
        if not self._submitted.is_set():
            self._submitted.set()
            self._idle = trio.Event()
        return self._last_position

    def last_submitted(self) -> Operation | None:
        """Return the last operation, unless it is decided or about to be."""
        return self._queue[-1] if self._queue else None

    def _pin(self, operation: Operation) -> None:
        """Let absent users whom the operation is about not expire while it waits and is written."""
        if about := operation.about:
            found = (self._state.users.get(id) for id in about)
            self._pinned[operation] = pinned = [user for user in found if user is not None]
            for user in pinned:
                user.pins += 1

    async def wait_idle(self) -> None:
        """Wait until everything submitted so far, and since, is settled."""
        while not self._idle.is_set():
            await self._idle.wait()

    async def wait_released(self, position: int) -> None:
        """Wait until the operation at that position is settled or rejected."""
        while self._released_positions < position:
            await self._released.wait()

    async def wait_settled(self) -> None:
        """Wait until everything submitted so far is settled or rejected."""
        await self.wait_released(self._last_position)

    async def commit(self, operation: Operation) -> None:
        """Wait until an operation without requester is settled. Raises ChatError if it was rejected."""
        with trio.CancelScope(shield=True):  # else nobody would know whether it is true
            await self.wait_released(self.submit(operation))
        if isinstance(operation.reply, Error):
            raise ChatError(operation.reply.code, operation.reply.message)

    async def run(self) -> None:
        """Settle operations until `stop`. A cancel does not end it, since others wait for what it does."""
        try:
            with trio.CancelScope(shield=True):
                while not self._stopping:
                    await self._submitted.wait()
                    while self._queue:
                        await self._run_round()
                    self._submitted = trio.Event()
                    self._idle.set()
        finally:
            self._end()

    def stop(self) -> None:
        """Let `run` return once everything that was submitted is settled."""
        self._stopping = True
        self._submitted.set()

    def _end(self) -> None:
        """Reject what is submitted from now on, and what was not settled because of a bug."""
        self._ended = True
        for operation in chain(*self._taken):
            self._give_up(operation, self._bug(operation))
        for operation in self._queue:
            self._give_up(operation, STOPPED)
        self._note_released(self._last_position - self._released_positions)
        self._idle.set()

    def _give_up(self, operation: Operation, why: Error) -> None:
        operation.reject(why)
        lines = self._settle(operation, Fanout())
        if operation.requester is not None:
            operation.requester.acknowledge(b"".join(lines), len(lines))

    def _note_released(self, operations: int) -> None:
        self._released_positions += operations
        self._released.set()
        self._released = trio.Event()

    async def _run_round(self) -> None:
        """Settle a batch; with many subscribers what came in meanwhile is committed before the fan-out."""
        draft = self._new_draft()
        try:
            done = await self._commit_next(draft)
            if self._queue and len(self._state.audience.subscribed) >= MANY_SUBSCRIBERS:
                done += await self._commit_next(draft)
            self._release(done)
        finally:
            draft.close()

    def _new_draft(self) -> Draft:
        return Draft(self._state, self._state.clock.now())

    async def _commit_next(self, draft: Draft) -> list[Operation]:
        """Put on disk what was submitted, and what comes in while that is decided."""
        draft.at = self._state.clock.now()
        savepoint = draft.savepoint()
        batch: list[Operation] = []
        self._taken.append(batch)
        rows: list[Change] = []
        size, characters, turns = 0, 0, GATHER
        monotonic = self._state.clock.monotonic
        until = monotonic() + GATHER_SECONDS
        while self._queue and size < BATCH_SIZE and characters < BATCH_CHARACTERS:
            operation = self._queue.popleft()
            batch.append(operation)
            decide(operation, draft, rows, self._bug)
            size += operation.size
            characters += operation.characters
            if not self._queue and turns and monotonic() < until:
                turns -= 1
                await trio.lowlevel.checkpoint()
        await self._commit(batch, rows, draft, savepoint)
        return batch

    async def _commit(self, batch: list[Operation], rows: list[Change], draft: Draft, savepoint: int) -> None:
        """Write a batch; where that fails take it back to the savepoint and reject it."""
        if not rows:
            return
        began = self._state.clock.monotonic()
        try:
            await self._run_sync(self._store.commit, rows, limiter=self._one_writer)
        except StorageError as error:
            self._log.error("storage failed", operations=len(batch), error=str(error))
            draft.rollback(savepoint)
            _reject(batch, Error(code="storage-failed", message=STORAGE_FAILED))
        except Exception:
            draft.rollback(savepoint)
            if len(batch) == 1:
                _reject(batch, self._bug(batch[0]))
            else:  # one of them is at fault; the others shall not suffer from it
                self._log.exception("bug", operations=len(batch))
                await self._commit_each(batch, draft)
        if self.observer is not None:
            size = sum(operation.size for operation in batch)
            self.observer.committed(self._state.clock.monotonic() - began, size)

    async def _commit_each(self, batch: list[Operation], draft: Draft) -> None:
        for operation in batch:
            if operation.reply is None:
                savepoint = draft.savepoint()
                rows: list[Change] = []
                decide(operation, draft, rows, self._bug)
                await self._commit([operation], rows, draft, savepoint)

    def _bug(self, operation: Operation) -> Error:
        """Log the exception at hand; return the reply to the operation's requester."""
        reference = self._new_reference()
        self._log.exception("bug", operation=type(operation).__name__, reference=reference)
        return internal_error(reference)

    def _release(self, batch: list[Operation]) -> None:
        """Apply what is on disk, acknowledge it, and fan it out."""
        state, fanout = self._state, Fanout()
        size = sum(operation.size for operation in batch)
        self._guarded("flush before window", partial(state.audience.flush_before_window, size))
        acknowledged: dict[Subscriber, list[bytes]] = {}
        for operation in batch:
            lines = self._settle(operation, fanout)
            if operation.requester is not None:
                acknowledged.setdefault(operation.requester, []).extend(lines)
        for requester, replies in acknowledged.items():
            requester.acknowledge(b"".join(replies), len(replies))
        self._taken.clear()
        if self.observer is not None:
            self.observer.released(batch, fanout, len(state.audience.subscribed))
        self._fan_out(fanout)
        state.count(fanout.messages)
        if fanout.messages:
            self._log.debug("kept", messages=fanout.messages, seq=state.rooms.lobby.seq)
        self._note_released(len(batch))

    def _settle(self, operation: Operation, fanout: Fanout) -> list[bytes]:
        """Settle an operation; return a reply for each request."""
        settle(operation, self._state, fanout, self._bug)
        for user in self._pinned.pop(operation, ()):
            self._state.users.unpin(user)
        try:
            return operation.encode_replies() if operation.ids else []
        except Exception:
            bug = self._bug(operation)
            return [encode(bug, id) for id in operation.ids]

    def _guarded(self, name: str, step: Callable[[], T]) -> T | None:
        """Do what belongs to no operation; a bug in it is logged, and the batch goes on."""
        try:
            return step()
        except Exception:
            self._log.exception("bug", step=name)
            return None

    def _fan_out(self, fanout: Fanout) -> None:
        """Send everything that a batch brings: one write for each connection."""
        direct, lobby = fanout.direct, self._state.rooms.lobby
        for room, posts in fanout.posts.items():
            if room is not lobby:
                alone = len(fanout.posts) == 1 and not direct
                self._publish_named(room, posts, None if alone else direct, fanout.entered.get(room, {}))
        if lobby in fanout.posts:
            self._publish(fanout.posts[lobby], direct)
        for connection, lines in direct.items():
            connection.write_nowait(b"".join(lines))

    def _publish_named(
        self,
        room: Room,
        posts: list[Logged],
        direct: dict[Subscriber, list[bytes]] | None,
        entered: dict[Subscriber, int],
    ) -> None:
        """Send a named room's events to its members' connections, or add them to `direct`.

        That has what these get anyway. Who entered meanwhile gets those from then on.
        """
        lines, blanked = self._lines_of(posts)
        for connection, user in room.listeners.items():
            own = blanked.get(user, lines)
            if before := entered.get(connection, 0):
                later, later_blanked = self._lines_of(posts[before:])
                own = later_blanked.get(user, later)
            if direct is None:
                connection.write_nowait(own)
            else:
                direct.setdefault(connection, []).append(own)

    def _lines_of(self, posts: list[Logged]) -> tuple[bytes, dict[User, bytes]]:
        """Return the lines of events, and by user what those get who ignore an author."""
        lines = b"".join([post.line for post in posts])
        if not self._state.audience.ignored_by:
            return lines, {}
        return lines, self._guarded("blank ignored", partial(self._blanked, posts)) or {}

    def _publish(self, posts: list[Logged], direct: dict[Subscriber, list[bytes]]) -> None:
        """Send the lobby's events, and who came and went, each connection's own lines before them.

        No task switch in between.
        """
        state = self._state
        lines, blanked = self._lines_of(posts)
        audience = state.audience.of(state.rooms.lobby)
        if not direct and not blanked and not state.presence.has_changed():
            if lines:
                for connection in audience:
                    connection.write_nowait(lines)
            return
        announcements = state.presence.announce()
        about = set().union(*(announcement.about for announcement in announcements))
        announced = b"".join(announcement.lines for announcement in announcements)
        for connection, user in audience.items():
            before = b"".join(direct.pop(connection, ()))
            own = announced
            if user in about:
                own = b"".join(announcement.to(user) for announcement in announcements)
            if data := before + own + blanked.get(user, lines):
                connection.write_nowait(data)

    def _blanked(self, posts: list[Logged]) -> dict[User, bytes]:
        """Return the lines for users who ignore an author among them: they get numbers without text."""
        ignored_by = self._state.audience.ignored_by
        users: set[User] = set().union(*(ignored_by.get(post.author, ()) for post in posts))
        return {
            user: b"".join(
                without_text(post.line) if post.author in user.ignored else post.line for post in posts
            )
            for user in users
        }

    def announce(self) -> None:
        """Tell everybody who came, left and has another name."""
        self._publish([], {})


def _reject(batch: Sequence[Operation], why: Error) -> None:
    """Reject the operations of a batch that are not rejected yet."""
    for operation in batch:
        if operation.reply is None and not operation.is_stored:
            operation.reject(why)
