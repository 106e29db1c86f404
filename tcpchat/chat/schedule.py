"""The schedule: messages that are sent later."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sortedcontainers import SortedDict

from tcpchat.chat.room import public_id
from tcpchat.errors import ChatError
from tcpchat.protocol import PendingMessage
from tcpchat.store.changes import NewScheduled
from tcpchat.times import timestamp

RETRY = 1000  # ms after which a due message whose commit failed is tried again
NUMBERS_SHOWN = 20  # in an error


def describe(pending: NewScheduled) -> PendingMessage:
    """Return what the author sees of a scheduled message."""
    return PendingMessage(
        number=pending.number,
        at=timestamp(pending.due),
        room=public_id(pending.room),
        username=pending.recipient_name,
        text=pending.text,
        action=bool(pending.action) or None,
    )


class Schedule:
    """All scheduled messages, by id; ordered by when they are due.

    One that is being sent or cancelled is *held*, so that nothing else does so.
    """

    def __init__(self, last_id: int = 0, on_earlier: Callable[[], None] = lambda: None) -> None:
        self._last_id = last_id
        self._on_earlier = on_earlier
        self._by_id: dict[int, NewScheduled] = {}
        self._by_author: dict[str, dict[int, NewScheduled]] = {}
        self._due: SortedDict = SortedDict()  # (due in ms since 1970, id) of those that are not held
        self._due_of: dict[int, int] = {}
        self._held: set[int] = set()

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[NewScheduled]:
        return iter(self._by_id.values())

    def next_id(self) -> int:
        """Return an id that was not used yet."""
        self._last_id += 1
        return self._last_id

    def add(self, pending: NewScheduled) -> None:
        """Add a message."""
        self._last_id = max(self._last_id, pending.id)
        self._by_id[pending.id] = pending
        self._by_author.setdefault(pending.author, {})[pending.number] = pending
        self._put(pending.id, pending.due)

    def drop(self, id: int) -> None:
        """Remove a message, if it is there."""
        pending = self._by_id.pop(id, None)
        if pending is not None:
            self.hold(id)
            self._held.discard(id)
            del self._due_of[id]
            numbers = self._by_author[pending.author]
            del numbers[pending.number]
            if not numbers:
                del self._by_author[pending.author]

    def drop_all(self, author: str) -> None:
        """Remove the messages of the user of this id."""
        for pending in self.of(author):
            self.drop(pending.id)

    def hold(self, id: int) -> None:
        """Let nothing else send or cancel the message until `let_go`, `retry` or `drop`."""
        if id not in self._held:
            self._held.add(id)
            del self._due[self._due_of[id], id]

    def let_go(self, id: int) -> None:
        """Hold the message no longer, if it is still there."""
        if id in self._held:
            self.retry(id, self._due_of[id])

    def retry(self, id: int, due: int) -> None:
        """Hold the message no longer, if it is still there, and let it be due then, in ms since 1970."""
        if id in self._held:
            self._held.discard(id)
            self._put(id, due)

    def _put(self, id: int, due: int) -> None:
        self._due[due, id] = None
        self._due_of[id] = due
        if self._due.peekitem(0)[0] == (due, id):
            self._on_earlier()

    def of(self, author: str) -> list[NewScheduled]:
        """Return the messages of the user of this id, lowest number first."""
        return sorted(self._by_author.get(author, {}).values(), key=lambda pending: pending.number)

    def find(self, author: str, number: int | None) -> NewScheduled:
        """Return this message of the user, or the last scheduled one.

        Raises ChatError `no-such-scheduled`.
        """
        own = {
            number: pending
            for number, pending in self._by_author.get(author, {}).items()
            if pending.id not in self._held
        }
        if not own:
            raise ChatError("no-such-scheduled", "you have no scheduled messages")
        number = max(own) if number is None else number
        if number not in own:
            numbers = ", ".join(str(known) for known in sorted(own)[:NUMBERS_SHOWN])
            raise ChatError(
                "no-such-scheduled", f"you have no scheduled message {number}; yours are: {numbers}"
            )
        return own[number]

    def next_due(self) -> int | None:
        """Return when the next message is due, in ms since 1970; None if there is none."""
        return self._due.peekitem(0)[0][0] if self._due else None

    def due(self, now: int, most: int) -> list[NewScheduled]:
        """Return up to `most` messages that are due by now, in the order in which they came due."""
        found: list[NewScheduled] = []
        for due, id in self._due:
            if due > now or len(found) == most:
                break
            found.append(self._by_id[id])
        return found
