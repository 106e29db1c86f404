"""Messages that go out later: what is pending, what comes due, and the entries that change it."""

from __future__ import annotations

import heapq
from collections.abc import Sequence

import attrs

from tcpchat.chat.entry import Delivery, Entry, Post, keep_key
from tcpchat.chat.room import conversation, public_name
from tcpchat.chat.user import User
from tcpchat.chat.wakeups import Notify, ignore
from tcpchat.errors import ChatError
from tcpchat.protocol import LOBBY, Cancelled, Error, PendingMessage, Scheduled, Unsent, encode
from tcpchat.store.changes import Change, DropScheduled, NewKey, NewScheduled
from tcpchat.times import timestamp

STALE = 64  # heap entries of cancelled messages that are not worth clearing away
RETRY = 1000  # ms after which a due message whose commit failed is tried again


@attrs.define(eq=False, kw_only=True)
class Pending:
    """A scheduled message. `due` is in ms since 1970.

    `recipient` is the id of the user that a private one is for, `recipient_name` what that one was called.
    """

    id: int
    number: int
    author: str
    name: str
    recipient: str | None
    recipient_name: str | None
    text: str
    due: int

    @property
    def room(self) -> str:
        """Return the name, never shown, of the room that it is for."""
        return LOBBY if self.recipient is None else conversation(self.author, self.recipient)

    def describe(self) -> PendingMessage:
        """Return what the author sees of it."""
        return PendingMessage(
            number=self.number,
            at=timestamp(self.due),
            room=public_name(self.room),
            username=self.recipient_name,
            text=self.text,
        )


class Schedule:
    """All pending messages. What is taken out to be sent or cancelled comes back if that fails."""

    def __init__(self, last_id: int = 0, notify: Notify = ignore) -> None:
        self._last_id = last_id
        self._notify = notify
        self._pending: dict[int, Pending] = {}
        self._due: list[tuple[int, int]] = []  # heap of (due, id); ids that are not pending are stale
        self._by_author: dict[str, dict[int, Pending]] = {}

    def __len__(self) -> int:
        return len(self._pending)

    def next_id(self) -> int:
        self._last_id += 1
        return self._last_id

    def add(self, pending: Pending) -> None:
        self._pending[pending.id] = pending
        self._by_author.setdefault(pending.author, {})[pending.number] = pending
        heapq.heappush(self._due, (pending.due, pending.id))
        if self._due[0] == (pending.due, pending.id):
            self._notify()

    def remove(self, pending: Pending) -> None:
        del self._pending[pending.id]
        numbers = self._by_author[pending.author]
        del numbers[pending.number]
        if not numbers:
            del self._by_author[pending.author]
        if len(self._due) > STALE + 2 * len(self._pending):
            self._due = [(pending.due, pending.id) for pending in self._pending.values()]
            heapq.heapify(self._due)

    def of(self, author: str) -> list[Pending]:
        """Return what the user of this id has pending, lowest number first."""
        return sorted(self._by_author.get(author, {}).values(), key=lambda pending: pending.number)

    def find(self, author: str, number: int | None) -> Pending:
        """Return this pending message of the user, or the last scheduled one.

        Raises ChatError `no-such-scheduled`.
        """
        own = self._by_author.get(author, {})
        if not own:
            raise ChatError("no-such-scheduled", "you have no scheduled messages")
        number = max(own) if number is None else number
        if number not in own:
            numbers = ", ".join(str(known) for known in sorted(own)[:20])
            raise ChatError("no-such-scheduled", f"you have no scheduled message {number}, but: {numbers}")
        return own[number]

    def next_due(self) -> int | None:
        """Return when the next message comes due, or None if none is pending."""
        while self._due and self._stale(self._due[0]):
            heapq.heappop(self._due)
        return self._due[0][0] if self._due else None

    def due_until(self, now: int, most: int) -> list[Pending]:
        """Return up to `most` messages that are due, in no order."""
        found: list[Pending] = []
        places = [0]  # in the heap, below which nothing is due earlier
        while places and len(found) < most:
            place = places.pop()
            if place < len(self._due) and self._due[place][0] <= now:
                places += (2 * place + 2, 2 * place + 1)
                if not self._stale(self._due[place]):
                    found.append(self._pending[self._due[place][1]])
        return found

    def take_due(self, now: int, most: int) -> list[Pending]:
        """Take out up to `most` messages that are due, in the order in which they came due."""
        taken: list[Pending] = []
        while len(taken) < most and (due := self.next_due()) is not None and due <= now:
            pending = self._pending[heapq.heappop(self._due)[1]]
            self.remove(pending)
            taken.append(pending)
        return taken

    def _stale(self, item: tuple[int, int]) -> bool:
        due, id = item
        return id not in self._pending or self._pending[id].due != due


@attrs.define(eq=False)
class ScheduleEntry(Entry):
    """Schedule a message. It is not pending, so it cannot come due, before it is on disk."""

    schedule: Schedule
    pending: Pending
    author: User
    recipient: User | None
    key: str | None = None

    def prepare(self, at: int) -> Sequence[Change]:
        changes = self.keep(self.author, at)
        if self.recipient is not None:
            changes += self.keep(self.recipient, at)
        changes.append(NewScheduled(**attrs.asdict(self.pending)))
        if self.key is not None:
            room, name, number = self.pending.room, self.pending.recipient_name, self.pending.number
            key = NewKey(self.author.id, self.key, at, room, name, None, number, self.pending.due)
            changes += keep_key(self.author, key)
        return changes

    def settle(self, delivery: Delivery) -> None:
        self.author.scheduling -= 1
        self.schedule.add(self.pending)
        shown = self.pending.describe()
        self.reply = Scheduled(number=shown.number, room=shown.room, username=shown.username, at=shown.at)

    def drop(self) -> None:
        self.author.scheduling -= 1
        if self.key is not None:
            self.author.forget_send(self.key)


@attrs.define(eq=False)
class CancelEntry(Entry):
    """Cancel a message that was taken out of the schedule, so that nothing else sends or cancels it."""

    schedule: Schedule
    pending: Pending

    def prepare(self, at: int) -> Sequence[Change]:
        return (DropScheduled(self.pending.id),)

    def settle(self, delivery: Delivery) -> None:
        self.reply = Cancelled(number=self.pending.number, text=self.pending.text)

    def drop(self) -> None:
        self.schedule.add(self.pending)


@attrs.define(eq=False, kw_only=True)
class SendDue(Post):
    """Send a message that came due: it leaves the schedule with the same commit that keeps it."""

    schedule: Schedule
    pending: Pending

    def prepare(self, at: int) -> Sequence[Change]:
        return (*Post.prepare(self, at), DropScheduled(self.pending.id))

    def drop(self) -> None:
        put_back(self)


@attrs.define(eq=False)
class GiveUp(Entry):
    """Do not send a message that came due, and tell the author if still here."""

    schedule: Schedule
    pending: Pending
    why: ChatError
    author: User | None

    def prepare(self, at: int) -> Sequence[Change]:
        return (DropScheduled(self.pending.id),)

    def settle(self, delivery: Delivery) -> None:
        if self.author is not None:
            pending, why = self.pending, self.why
            unsent = Unsent(number=pending.number, text=pending.text, code=why.code, message=why.message)
            delivery.surely_to(self.author, encode(unsent))

    def drop(self) -> None:
        put_back(self)


def put_back(entry: SendDue | GiveUp) -> None:
    """Let a due message be tried again a little later, for it was accepted.

    After a bug it would fail for ever: then it stays on disk until the next start.
    """
    if isinstance(entry.reply, Error) and entry.reply.code == "internal":
        return
    entry.pending.due += RETRY
    entry.schedule.add(entry.pending)
