"""The checks at the end of a run, when every client is connected and nothing is under way."""

from __future__ import annotations

from collections.abc import Sequence

from chaos.checker import Checker
from chaos.devices import LOST
from chaos.environment import Participant
from tcpchat.client import DisconnectedError, RefusedError
from tcpchat.protocol import LOBBY

Authors = dict[str, list[str | None]]
"""By room, the author of each event in order; None for edits, which are never unread."""


async def check_participants(checker: Checker, participants: Sequence[Participant]) -> None:
    """Compare what each client received, what the server reports, and what is stored."""
    authors: Authors = {}
    for text, stored in checker.stored.items():  # in the order in which they were stored
        op = checker.ops[text]
        authors.setdefault(stored.room, []).append(op.author if op.edits is None else None)
    for one in participants:
        if one.trouble is not None:
            checker.fail(f"{one.label} {one.trouble}, although everything works")
            continue
        try:
            await _check(checker, one)
            if one.keeps_marks:
                await _check_marks(checker, one, authors)
        except (DisconnectedError, RefusedError, *LOST) as error:
            checker.fail(f"{one.label} was refused, although everything works: {error!r}")


async def _check(checker: Checker, one: Participant) -> None:
    for place, last in one.places.items():
        newest = checker.newest.get(place, 0)
        if last != newest:
            checker.fail(f"P2: {one.label} received {place} up to {last} of {newest}")
        for seq, text in await one.history(place):
            if text != checker.present.get((place, seq)):
                checker.fail(
                    f"P2: {one.label} sees {place} {seq} with a text that is not its last: {text[:60]!r}"
                )
    for place, seq, read in await one.conversations():
        newest = checker.newest.get(place, 0)
        if seq != newest:
            checker.fail(f"P2: the server says {seq} of {place} to {one.label}, and it has {newest}")
        if place not in one.places and read < newest:
            checker.fail(f"P2: {one.label} received nothing of {place}, which has {newest}")


async def _check_marks(checker: Checker, one: Participant, authors: Authors) -> None:
    """Check that read markers did not move back, and that unread counts are exact."""
    unread = await one.unread()
    for place in {LOBBY: None} | one.places:
        read = await one.mark(place, 0)
        expected = sum(author not in {None, one.name} for author in authors.get(place, [])[read:])
        if expected != unread.get(place, 0):
            found = unread.get(place, 0)
            checker.fail(f"{one.label} has {expected} unread in {place}, and the server says {found}")
