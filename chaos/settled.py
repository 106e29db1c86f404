"""What must be so when everybody is back and everything is quiet."""

from __future__ import annotations

from collections.abc import Sequence

from chaos.ledger import Ledger
from chaos.person import Person
from tcpchat.client import Client, DisconnectedError, Online, RefusedError
from tcpchat.protocol import LOBBY


async def check_everybody(ledger: Ledger, people: Sequence[Person]) -> None:
    """Compare what everybody's program was given, what the server says of it, and what is kept."""
    authors: dict[str, list[str]] = {}
    for text, kept in ledger.kept.items():  # in the order in which they were kept
        authors.setdefault(kept.room, []).append(ledger.sayings[text].author)
    for person in people:
        client = person.client
        if client is None or not isinstance(client.state, Online):
            ledger.broken(f"{person.label} is not back, though all is well: {client and client.state}")
            continue
        try:
            await _check(ledger, person, client, authors)
        except (DisconnectedError, RefusedError) as error:
            ledger.broken(f"{person.label} was refused, though all is well: {error}")


async def _check(ledger: Ledger, person: Person, client: Client, authors: dict[str, list[str]]) -> None:
    for place, last in person.places.items():
        newest = ledger.newest.get(place, 0)
        if last != newest:
            ledger.broken(f"P2: {person.label} was given {place} up to {last}, and there are {newest}")
    for info in await client.conversations():
        place, newest = info.conversation, ledger.newest.get(info.conversation, 0)
        if info.seq != newest:
            ledger.broken(f"P2: {person.label} is told of {info.seq} in {place}, and there are {newest}")
        if place not in person.places and info.read < newest:
            ledger.broken(f"P2: {person.label} was given nothing of {place}, and there are {newest}")
    if person.registered:
        await _check_marks(ledger, person, client, authors)


async def _check_marks(ledger: Ledger, person: Person, client: Client, authors: dict[str, list[str]]) -> None:
    """Check that what was read stays read, and that what is unread is counted exactly."""
    unread = {info.room or info.conversation: info.count for info in await client.unread()}
    for place in {LOBBY: None} | person.places:
        read = await person.mark(client, place, 0)
        others = sum(author != person.name for author in authors.get(place, [])[read:])
        if others != unread.get(place, 0):
            found = unread.get(place, 0)
            ledger.broken(f"{person.label} has {others} unread in {place}, and is told {found}")
