"""The record of what was sent, acknowledged, stored and received in a run, and the check that it agrees.

Every text is sent once, so a text identifies the operation that sent it: where it may be stored, and who may
receive it. Most rules are checked as soon as something happens, so that the trace ends where it went wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal

import attrs
import trio

from chaos.trace import Trace
from tcpchat.chat.room import public_id
from tcpchat.protocol import LOBBY, Edited, Message

Row = tuple[int, str, int, int | None, str]
"""A stored event: id, room, number, the number of the message that it edits, and its present text."""
Outcome = Literal["pending", "acknowledged", "scheduled", "cancelled", "refused", "unknown", "unsent"]
STORED = {"acknowledged", "scheduled"}
"""Outcomes after which the text is stored once in the end. After those in neither set it may be or not."""
NOT_STORED = {"cancelled", "refused", "unsent"}


@attrs.define(eq=False)
class Op:
    """One send or edit: its author, its recipient, and its outcome so far."""

    author: str
    to: str | None
    """A user; None for the lobby."""
    edits: str | None = None
    """The first text of the message that gets this text; None for a send."""
    outcome: Outcome = "pending"
    cancelling: bool = False
    """The author tried to cancel it, so that only those who receive it know whether it was sent."""


@attrs.define(eq=False)
class Stored:
    """One text on disk."""

    room: str
    """As on the wire: `lobby`, or the id of a direct room."""
    seq: int
    committed: float = float("inf")
    """When the server knew that the text is on disk, so that it could deliver it."""


class Checker:
    """All operations of one run, and every promise that was broken."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.problems: list[str] = []
        """The broken promises; the first one is the cause of the others."""
        self.on_problem: Callable[[], None] = lambda: None
        self.ops: dict[str, Op] = {}
        self.stored: dict[str, Stored] = {}
        self.newest: dict[str, int] = {}
        """The last number of each room."""
        self.present: dict[tuple[str, int], str] = {}
        """The present text of each message, by room and number."""
        self.delivered = self.duplicated = 0
        self._rows: list[Row] = []
        self._uncommitted: list[Stored] = []

    def fail(self, problem: str) -> None:
        """Record a broken promise. Nothing is raised, since servers and clients would catch it."""
        self.problems.append(problem)
        self.trace("check", "broken", problem)
        self.on_problem()

    def invoke(self, author: str, to: str | None, characters: int, edits: str | None = None) -> str:
        """Return a text that was never sent before, for the author to send or to give to a message."""
        number = len(self.ops) + 1
        text = f"{number} from {author} to {to or 'all'} " + "." * characters
        self.ops[text] = Op(author, to, edits)
        return text

    def messages_of(self, author: str) -> list[tuple[str, Stored]]:
        """Return the stored messages of a user, each with its first text."""
        return [
            (text, stored)
            for text, stored in self.stored.items()
            if self.ops[text].author == author and self.ops[text].edits is None
        ]

    def acknowledge(self, text: str, place: str, seq: int) -> None:
        """Record a `sent` reply: the text is stored, in this room, under this number."""
        self._finish(text, "acknowledged", str(seq))
        stored = self.stored.get(text)
        if stored is None:
            self.fail(f"P1: acknowledged and not stored: {text[:60]!r}")
        elif (place, seq) != (stored.room, stored.seq):
            self.fail(f"P1: acknowledged as {place} {seq}, stored as {stored}: {text[:60]!r}")

    def schedule(self, text: str, number: int) -> None:
        """Record a `scheduled` reply: the text will be sent."""
        self._finish(text, "scheduled", str(number))

    def begin_cancel(self, text: str) -> None:
        """Record that the author asks to cancel a scheduled text."""
        self.ops[text].cancelling = True

    def cancel(self, text: str) -> None:
        """Record a `cancelled` reply: the text will not be sent."""
        self._finish(text, "cancelled")
        if text in self.stored:
            self.fail(f"cancelled after it was sent: {text[:60]!r}")

    def unsent(self, text: str, code: str) -> None:
        """Record an `unsent` event: a scheduled text was refused when it came due."""
        self._finish(text, "unsent", code)

    def refuse(self, text: str, code: str) -> None:
        """Record an error reply: the text was not sent."""
        self._finish(text, "refused", code)

    def lose_track(self, text: str, why: str = "") -> None:
        """Record that the author will never get the reply."""
        self._finish(text, "unknown", why)

    def _finish(self, text: str, outcome: Outcome, details: str = "") -> None:
        op = self.ops[text]
        if op.outcome not in NOT_STORED:  # a later reply may overtake that of the send, which was lost
            op.outcome = outcome
        self.trace(op.author, outcome, f"{text.partition(' ')[0]} {details}")

    def store(self, rows: Iterable[Row]) -> None:
        """Record the rows that were written after all others."""
        for row in rows:
            _, room, seq, target, text = row
            place = LOBBY if room == LOBBY else public_id(room)
            op = self.ops.get(text)
            if op is None:
                self.fail(f"stored, and nobody sent it: {text[:60]!r}")
                continue
            edited = None if op.edits is None else self.stored.get(op.edits)
            if (edited and (edited.room, edited.seq)) != (target and (place, target)):
                self.fail(f"P2: stored as an edit of {target}, and it edits {edited}: {text[:60]!r}")
            if text in self.stored:
                self.duplicated += 1
                self.fail(f"P2: stored twice: {text[:60]!r}")
            if (op.to is None) != (room == LOBBY):
                self.fail(f"P5: stored in {room}: {text[:60]!r}")
            if seq != self.newest.get(place, 0) + 1:
                self.fail(f"P2: {seq} follows {self.newest.get(place, 0)} in {room}")
            self.newest[place] = seq
            self.present[place, target or seq] = text
            self._rows.append(row)
            stored = self.stored[text] = Stored(place, seq)
            self._uncommitted.append(stored)
            self.trace("disk", "stored", f"{text.partition(' ')[0]} {seq}")

    def commit(self) -> None:
        """Record that the server now knows of everything that was written."""
        now = trio.current_time()
        for stored in self._uncommitted:
            stored.committed = now
        self._uncommitted.clear()

    @property
    def last_id(self) -> int:
        return self._rows[-1][0] if self._rows else 0

    def compare(self, rows: list[Row]) -> None:
        """Check that the disk has exactly the rows that were seen on their way to it."""
        expected = [
            row
            if row[3]
            else (*row[:4], self.present[LOBBY if row[1] == LOBBY else public_id(row[1]), row[2]])
            for row in self._rows
        ]
        if rows != expected:
            missing = [row[4][:40] for row in expected if row not in set(rows)]
            self.fail(f"P1: of {len(expected)} stored events {len(rows)} are on disk; not {missing[:5]}")

    def receive(self, user: str, event: Message | Edited) -> None:
        """Record a message or an edit that the library gave to a user's program."""
        self.delivered += 1
        self.check(user, event.room, event.seq, event.text, edit=isinstance(event, Edited))
        self.trace(user, "received", f"{event.text.partition(' ')[0]} {event.seq}")

    def check(self, user: str, place: str, seq: int, text: str, *, edit: bool) -> Stored | None:
        """Check a message or an edit that reached a user in any way; return where it is stored.

        A message has its first text, or that of any edit that is stored.
        """
        op, stored = self.ops.get(text), self.stored.get(text)
        if op is None or stored is None:
            self.fail(f"P1: {user} received what is not stored: {text[:60]!r}")
            return None
        if edit and op.edits is None:
            self.fail(f"P2: {user} received as an edit: {text[:60]!r}")
        elif op.edits is not None and not edit:
            stored = self.stored[op.edits]
        if op.to is not None and user not in {op.author, op.to}:
            self.fail(f"P5: {user} received {text[:60]!r}")
        if (place, seq) != (stored.room, stored.seq):
            self.fail(f"P2: {user} received as {place} {seq} what is {stored}: {text[:60]!r}")
        return stored

    def check_follows(self, receiver: str, places: dict[str, int], place: str, seq: int) -> None:
        """Check that a number follows the last one that the receiver got there, and record it in `places`.

        In a place that is not in `places` any number may be the first.
        """
        last = places.get(place)
        if last is not None and seq != last + 1:
            self.duplicated += seq <= last
            self.fail(f"P2: {receiver} received {place} {seq} after {last}")
        places[place] = seq

    def check_outcomes(self) -> None:
        """Check that every operation has an outcome, and that the disk agrees with it."""
        for text, op in self.ops.items():
            if op.outcome in STORED and not op.cancelling and text not in self.stored:
                self.fail(f"P1: {op.outcome} and lost: {text[:60]!r}")
            if op.outcome in NOT_STORED and text in self.stored:
                self.fail(f"{op.outcome} and stored: {text[:60]!r}")
            if op.outcome == "pending":
                self.fail(f"never answered: {text[:60]!r}")

    @property
    def unfinished(self) -> bool:
        """Whether an operation waits for its reply, or for its time to be sent."""
        return bool(self.lost) or any(op.outcome == "pending" for op in self.ops.values())

    @property
    def acknowledged(self) -> int:
        """How many texts the server promised to store or to send later."""
        return sum(op.outcome in STORED for op in self.ops.values())

    @property
    def lost(self) -> int:
        """How many of those are not stored."""
        return sum(
            op.outcome in STORED and not op.cancelling and text not in self.stored
            for text, op in self.ops.items()
        )
