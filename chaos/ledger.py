"""What is true of a run: what was said, acknowledged, kept and heard; and whether that fits together.

Every text is said once by the program that simulates a person, so a text tells where it may be and who may
have it. Most is checked the moment that it happens, so that the trace ends where it went wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal

import attrs
import trio

from chaos.trace import Trace
from tcpchat.chat.room import public_id
from tcpchat.protocol import LOBBY, Message

Row = tuple[int, str, int, str]
"""A message as it is kept: id, room, number, text."""
Fate = Literal["asked", "acknowledged", "scheduled", "cancelled", "refused", "doubtful", "unsent"]
MUST = {"acknowledged", "scheduled"}
"""Fates after which a text is kept once when all is quiet; what is not among them or here may be or not."""
MUST_NOT = {"cancelled", "refused", "unsent"}


@attrs.define(eq=False)
class Saying:
    """One text: who said it to whom, and what became of it."""

    author: str
    to: str | None
    """A person; None is the lobby."""
    later: bool
    fate: Fate = "asked"
    given_up: bool = False
    """The author tried to cancel it, so whether it is sent is known only to who heard of it."""


@attrs.define(eq=False)
class Kept:
    """One text on disk."""

    room: str
    """As on the wire: `lobby`, or the id of a conversation."""
    seq: int
    told: float = float("inf")
    """When the server could tell of it."""


class Ledger:
    """Everything said in one run."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.problems: list[str] = []
        """What promises were broken, and how; the first one is the cause."""
        self.on_problem: Callable[[], None] = lambda: None
        self.sayings: dict[str, Saying] = {}
        self.kept: dict[str, Kept] = {}
        self.newest: dict[str, int] = {}
        """Number of the last message of each room and conversation."""
        self.delivered = self.doubled = 0
        self._rows: list[Row] = []
        self._untold: list[Kept] = []

    def broken(self, how: str) -> None:
        """Note that a promise was broken; nothing is raised, since servers and clients would catch it."""
        self.problems.append(how)
        self.trace("check", "broken", how)
        self.on_problem()

    # What people say

    def say(self, author: str, to: str | None, characters: int, *, later: bool) -> str:
        """Return a text that was never said before."""
        number = len(self.sayings) + 1
        text = f"{number} from {author} to {to or 'all'} " + "." * characters
        self.sayings[text] = Saying(author, to, later)
        return text

    def acknowledge(self, text: str, place: str | None, seq: int) -> None:
        """Note that the author was told: it is kept, in the lobby or a conversation, under this number."""
        self._settle(text, "acknowledged", str(seq))
        kept = self.kept.get(text)
        if kept is None:
            self.broken(f"P1: acknowledged and not kept: {text[:60]!r}")
        elif kept.seq != seq or (place is not None) != (kept.room == LOBBY):
            self.broken(f"P1: acknowledged as {place} {seq}, kept as {kept}: {text[:60]!r}")

    def schedule(self, text: str, number: int) -> None:
        """Note that the author was told: it will be sent."""
        self._settle(text, "scheduled", str(number))

    def give_up(self, text: str) -> None:
        """Note that the author tries to cancel it."""
        self.sayings[text].given_up = True

    def cancel(self, text: str) -> None:
        """Note that the author was told: it will not be sent."""
        self._settle(text, "cancelled")
        if text in self.kept:
            self.broken(f"cancelled after it was sent: {text[:60]!r}")

    def unsent(self, text: str, code: str) -> None:
        """Note that the author was told: it was not sent when it came due."""
        self._settle(text, "unsent", code)

    def refuse(self, text: str, code: str) -> None:
        """Note that the author was told: it is not sent."""
        self._settle(text, "refused", code)

    def doubt(self, text: str) -> None:
        """Note that the author does not know what became of it."""
        self._settle(text, "doubtful")

    def _settle(self, text: str, fate: Fate, about: str = "") -> None:
        saying = self.sayings[text]
        if saying.fate not in MUST_NOT:  # whose reply may come after that of the send, which was lost
            saying.fate = fate
        self.trace(saying.author, fate, f"{text.partition(' ')[0]} {about}")

    # What the disk keeps

    def keep(self, rows: Iterable[Row]) -> None:
        """Note what was written, after all else."""
        for row in rows:
            _, room, seq, text = row
            place = LOBBY if room == LOBBY else public_id(room)
            saying = self.sayings.get(text)
            if saying is None:
                self.broken(f"kept, and nobody said it: {text[:60]!r}")
                continue
            if text in self.kept:
                self.doubled += 1
                self.broken(f"P2: kept twice: {text[:60]!r}")
            if (saying.to is None) != (room == LOBBY):
                self.broken(f"P5: kept in {room}: {text[:60]!r}")
            if seq != self.newest.get(place, 0) + 1:
                self.broken(f"P2: {seq} follows {self.newest.get(place, 0)} in {room}")
            self.newest[place] = seq
            self._rows.append(row)
            kept = self.kept[text] = Kept(place, seq)
            self._untold.append(kept)
            self.trace("disk", "kept", f"{text.partition(' ')[0]} {seq}")

    def tell(self) -> None:
        """From now on the server knows of all that was written."""
        now = trio.current_time()
        for kept in self._untold:
            kept.told = now
        self._untold.clear()

    @property
    def last_id(self) -> int:
        return self._rows[-1][0] if self._rows else 0

    def compare(self, rows: list[Row]) -> None:
        """Compare all that is on disk with what was seen to get there."""
        if rows != self._rows:
            missing = [row[3][:40] for row in self._rows if row not in set(rows)]
            self.broken(f"P1: of {len(self._rows)} kept messages {len(rows)} are on disk; not {missing[:5]}")

    # What people hear

    def heard(self, person: str, message: Message) -> None:
        """Somebody was told a message by the library."""
        self.delivered += 1
        self.check(person, message.conversation or message.room or "", message.seq, message.text)
        self.trace(person, "heard", f"{message.text.partition(' ')[0]} {message.seq}")

    def check(self, person: str, place: str, seq: int, text: str) -> Kept | None:
        """Somebody got a line with this text, however."""
        saying, kept = self.sayings.get(text), self.kept.get(text)
        if saying is None or kept is None:
            self.broken(f"P1: {person} heard what is not kept: {text[:60]!r}")
            return None
        if saying.to is not None and person not in {saying.author, saying.to}:
            self.broken(f"P5: {person} heard {text[:60]!r}")
        if (place, seq) != (kept.room, kept.seq):
            self.broken(f"P2: {person} heard as {place} {seq} what is {kept}: {text[:60]!r}")
        return kept

    # What there is in the end

    def settle_accounts(self) -> None:
        """Check what became of everything that was said."""
        for text, saying in self.sayings.items():
            if saying.fate in MUST and not saying.given_up and text not in self.kept:
                self.broken(f"P1: {saying.fate} and lost: {text[:60]!r}")
            if saying.fate in MUST_NOT and text in self.kept:
                self.broken(f"{saying.fate} and kept: {text[:60]!r}")
            if saying.fate == "asked":
                self.broken(f"never answered: {text[:60]!r}")

    @property
    def open(self) -> bool:
        """Whether anything waits for an answer, or for its time to be sent."""
        return bool(self.lost) or any(saying.fate == "asked" for saying in self.sayings.values())

    @property
    def acknowledged(self) -> int:
        """How many texts their authors were told to be kept or scheduled."""
        return sum(saying.fate in MUST for saying in self.sayings.values())

    @property
    def lost(self) -> int:
        """How many of those are kept nowhere."""
        return sum(
            saying.fate in MUST and not saying.given_up and text not in self.kept
            for text, saying in self.sayings.items()
        )
