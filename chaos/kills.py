"""`make kills`: a real server is killed again and again, with real clients behind a bad network."""

from __future__ import annotations

import argparse
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import attrs
import trio

from chaos.checker import Checker
from chaos.disk import rows
from chaos.process import Process
from chaos.proxy import LIFE, Proxy
from chaos.trace import Trace
from tcpchat.address import Address
from tcpchat.client import Client, Credentials, DisconnectedError, Reconnect, RefusedError, Replay
from tcpchat.protocol import LOBBY, Message, Sent

KILLS = 200
SENDERS, READERS = 6, 3
AT_ONCE = 8  # sends of one worker under way
PRIVATE = 0.2  # the share of messages that go to the next sender only
SOON = Reconnect(first=0.05, most=0.5)
LONGEST_LIFE = 1.5  # seconds from a start to the next kill, at most
UNREADY = 0.1  # the share of kills that come while the server is starting
QUIET = 120.0  # seconds that clients have in the end to receive everything


class DiskWatch:
    """Gives the checker the rows that another process writes, and then the claims that refer to them."""

    def __init__(self, checker: Checker, folder: Path) -> None:
        self._checker = checker
        self._folder = folder
        self._claims: list[Callable[[], object]] = []

    def claim(self, check: Callable[..., object], *arguments: object) -> None:
        """Let the checker do this once all rows are read that are on disk now."""
        self._claims.append(partial(check, *arguments))

    def read(self) -> None:
        """Read the new rows and check the claims, unless the server's end left the database for repair."""
        with suppress(sqlite3.OperationalError):
            self._checker.store(rows(self._folder, self._checker.last_id))
            self._checker.commit()
            claims, self._claims = self._claims, []
            for claim in claims:
                claim()


@attrs.define(eq=False)
class Phases:
    """When workers send: once all are connected, until the last kill."""

    begin: trio.Event = attrs.field(factory=trio.Event)
    end: trio.Event = attrs.field(factory=trio.Event)


class Worker:
    """A client that receives everything from the first message on, and may send too."""

    def __init__(self, name: str, checker: Checker, watch: DiskWatch, port: int, random: Random) -> None:
        self.name = name
        self.places: dict[str, int] = {LOBBY: 0}
        """The last number received, by place."""
        self._checker = checker
        self._watch = watch
        self._client = partial(
            Client,
            Address(host="127.0.0.1", port=port),
            credentials=Credentials(name=name, remember=False),
            replay=Replay(after=0),
            reconnect=attrs.evolve(SOON, random=random.random),
        )
        self._random = random

    async def run(self, to: str | None, phases: Phases, *, task_status: trio.TaskStatus[None]) -> None:
        """Receive until cancelled; with a user to write to, send too."""
        async with self._client() as client, trio.open_nursery() as nursery:
            nursery.start_soon(self._receive, client)
            if to is not None:
                await self._send(client, None)  # so that the server stores the user
            task_status.started()
            await phases.begin.wait()
            if to is not None:
                async with trio.open_nursery() as senders:
                    for _ in range(AT_ONCE):
                        senders.start_soon(self._send_on, client, to, phases)
            await trio.sleep_forever()

    async def _send_on(self, client: Client, to: str, phases: Phases) -> None:
        while not phases.end.is_set():
            await self._send(client, to if self._random.random() < PRIVATE else None)
            await trio.sleep(self._random.uniform(0, 0.05))

    async def _send(self, client: Client, to: str | None) -> None:
        checker = self._checker
        text = checker.invoke(self.name, to, 0)
        try:
            reply = await client.send(text, username=to)
        except RefusedError as error:
            checker.refuse(text, str(error))
        except DisconnectedError as error:
            checker.lose_track(text, str(error))
        else:
            assert isinstance(reply, Sent)
            self._watch.claim(checker.acknowledge, text, reply.room, reply.seq)

    async def _receive(self, client: Client) -> None:
        async for event in client.events():
            if isinstance(event, Message):
                place = event.room
                self.places.setdefault(place, 0)
                self._checker.check_follows(self.name, self.places, place, event.seq)
                self._watch.claim(self._checker.receive, self.name, event)


async def run(
    kills: int, seed: int, folder: Path, *, life: float = LIFE, quiet: float = QUIET
) -> tuple[Checker, int]:
    """Kill a server so often, wait until every client has everything, and compare; return the cuts too.

    Connections are cut after `life` seconds on average; in the end clients have `quiet` seconds to catch up.
    """
    random, checker, phases = Random(seed), Checker(Trace()), Phases()
    server, watch = Process(folder), DiskWatch(checker, folder / "data")
    proxy = Proxy(server.port, Random(random.random()), life)
    await server.start()
    try:
        await server.wait_ready()
        async with trio.open_nursery() as nursery:
            port = await nursery.start(proxy.run)
            names = [f"sender-{number}" for number in range(SENDERS)]
            pairs: dict[str, str | None] = dict(zip(names, [*names[1:], names[0]], strict=True))
            pairs |= dict.fromkeys(f"reader-{number}" for number in range(READERS))
            workers = []
            for name, to in pairs.items():
                worker = Worker(name, checker, watch, port, Random(random.random()))
                await nursery.start(worker.run, to, phases)
                workers.append(worker)
            phases.begin.set()
            proxy.calm = False
            await _kill_again_and_again(server, kills, random, watch)
            phases.end.set()
            proxy.calm = True
            await _wait_quiet(checker, workers, watch, quiet)
            nursery.cancel_scope.cancel()
    finally:
        await server.kill()
    checker.compare(rows(folder / "data"))
    checker.check_outcomes()
    if " bug " in server.log():
        checker.fail(f"the server logged a bug:\n{server.log()}")
    return checker, proxy.cuts


async def _kill_again_and_again(server: Process, kills: int, random: Random, watch: DiskWatch) -> None:
    for number in range(kills):
        if random.random() >= UNREADY:
            await server.wait_ready()
        await trio.sleep(random.uniform(0, LONGEST_LIFE))
        await server.kill()
        await server.start()
        watch.read()
        if sys.stderr.isatty():
            print(f"kill {number + 1}", end="\r", file=sys.stderr, flush=True)
    await server.wait_ready()


async def _wait_quiet(checker: Checker, workers: list[Worker], watch: DiskWatch, seconds: float) -> None:
    """Wait until every send has its outcome, and every client has received what is for it."""
    with trio.move_on_after(seconds):
        watch.read()
        while missing := _missing(checker, workers):
            await trio.sleep(0.1)
            watch.read()
        return
    checker.fail(f"clients are not done after {seconds:g} s: {missing}")


def _missing(checker: Checker, workers: list[Worker]) -> list[str]:
    """Return the outcomes and messages that clients still wait for."""
    missing = []
    if unanswered := sum(op.outcome == "pending" for op in checker.ops.values()):
        missing.append(f"{unanswered} outcomes")
    for worker in workers:
        ops = [checker.ops[text] for text in checker.stored]
        expected = sum(op.to is None or worker.name in {op.author, op.to} for op in ops)
        if (received := sum(worker.places.values())) != expected:
            missing.append(f"{worker.name} received {received} of {expected}")
    return missing


def main() -> int:
    """Do the kills and print the result; return the exit code, which is 1 if a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m chaos.kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    arguments = parser.parse_args()
    began = time.monotonic()
    with TemporaryDirectory(prefix="tcpchat-kills-") as folder:
        checker, cuts = trio.run(run, arguments.kills, arguments.seed, Path(folder))
    outcomes = Counter(op.outcome for op in checker.ops.values())
    print(
        f"{arguments.kills} kills, {cuts} cuts, {time.monotonic() - began:.0f} s, seed {arguments.seed}: "
        f"{len(checker.ops)} sent, {checker.acknowledged} acknowledged, {checker.delivered} delivered, "
        f"{checker.lost} lost, {checker.duplicated} duplicated, "
        f"{outcomes['refused'] + outcomes['unknown']} refused or unknown"
    )
    print(*checker.problems[:20], sep="\n", end="\n" if checker.problems else "")
    return 1 if checker.problems else 0


if __name__ == "__main__":
    sys.exit(main())
