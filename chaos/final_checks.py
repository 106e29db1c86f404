"""The checks at the end of a run, when every client is connected and nothing is under way."""

from __future__ import annotations

from collections.abc import Sequence

from chaos.checker import Checker
from chaos.workload import Worker
from tcpchat.client import Client, DisconnectedError, Online, RefusedError
from tcpchat.protocol import LOBBY


async def check_workers(checker: Checker, workers: Sequence[Worker]) -> None:
    """Compare what each client received, what the server reports, and what is stored."""
    authors: dict[str, list[str]] = {}
    for text, stored in checker.stored.items():  # in the order in which they were stored
        authors.setdefault(stored.room, []).append(checker.ops[text].author)
    for worker in workers:
        client = worker.client
        if client is None or not isinstance(client.state, Online):
            state = client and client.state
            checker.fail(f"{worker.label} is not back, although everything works: {state}")
            continue
        try:
            await _check(checker, worker, client, authors)
        except (DisconnectedError, RefusedError) as error:
            checker.fail(f"{worker.label} was refused, although everything works: {error}")


async def _check(checker: Checker, worker: Worker, client: Client, authors: dict[str, list[str]]) -> None:
    for place, last in worker.places.items():
        newest = checker.newest.get(place, 0)
        if last != newest:
            checker.fail(f"P2: {worker.label} received {place} up to {last} of {newest}")
    for info in await client.conversations():
        place, newest = info.room, checker.newest.get(info.room, 0)
        if info.seq != newest:
            checker.fail(f"P2: the server says {info.seq} of {place} to {worker.label}, and it has {newest}")
        if place not in worker.places and info.read < newest:
            checker.fail(f"P2: {worker.label} received nothing of {place}, which has {newest}")
    if worker.registered:
        await _check_marks(checker, worker, client, authors)


async def _check_marks(
    checker: Checker, worker: Worker, client: Client, authors: dict[str, list[str]]
) -> None:
    """Check that read markers did not move back, and that unread counts are exact."""
    unread = {info.room: info.count for info in await client.unread()}
    for place in {LOBBY: None} | worker.places:
        read = await worker.mark(client, place, 0)
        expected = sum(author != worker.name for author in authors.get(place, [])[read:])
        if expected != unread.get(place, 0):
            found = unread.get(place, 0)
            checker.fail(f"{worker.label} has {expected} unread in {place}, and the server says {found}")
