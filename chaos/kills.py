"""`make kills`: a real server is killed again and again under real clients behind a bad network."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from functools import partial
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import attrs
import trio

from chaos.disk import rows
from chaos.process import Process
from chaos.proxy import LIFE, Proxy
from tcpchat.address import Address
from tcpchat.client import Client, DisconnectedError, Reconnect, RefusedError
from tcpchat.protocol import LOBBY, Message

KILLS = 200
SENDERS, READERS = 6, 3
AT_ONCE = 8  # sends of one sender under way
PRIVATE = 0.2  # of what is said, how much is to the next sender only
SOON = Reconnect(first=0.05, most=0.5)
LONGEST_LIFE = 1.5  # seconds from a start to the next kill, at most
UNREADY = 0.1  # of all lives, how many end while the server is starting
QUIET = 120.0  # seconds that everybody has in the end to hear everything


@attrs.define(eq=False)
class Score:
    """What was said and heard, and what is wrong with it."""

    sent: int = 0
    acknowledged: dict[str, tuple[str, int]] = attrs.field(factory=dict)
    """Texts, for whom they are, and their numbers."""
    refused: dict[str, str] = attrs.field(factory=dict)
    """Texts of which the library says that they may be kept or not, or are not; and what it says."""
    delivered: int = 0
    lost: int = 0
    doubled: int = 0
    problems: list[str] = attrs.field(factory=list)

    def compare(self, folder: Path) -> None:
        """Compare what was acknowledged with what is on disk."""
        kept: dict[str, int] = {}
        for _, _, seq, text in rows(folder):
            if text in kept:
                self.doubled += 1
                self.problems.append(f"kept twice: {text}")
            kept[text] = seq
        for text, (_, seq) in self.acknowledged.items():
            if kept.get(text) != seq:
                self.lost += 1
                self.problems.append(f"acknowledged as {seq} and kept as {kept.get(text)}: {text}")


@attrs.define(eq=False)
class Talking:
    """When people talk: once all are there, until the last kill."""

    begins: trio.Event = attrs.field(factory=trio.Event)
    ends: trio.Event = attrs.field(factory=trio.Event)


class Talker:
    """A client that hears everything from the first message on, and may say something too."""

    def __init__(self, name: str, score: Score, port: int, random: Random) -> None:
        self.name = name
        self.places: dict[str, int] = {LOBBY: 0}
        """How far it has heard, by place."""
        self._score = score
        self._client = partial(
            Client, Address(host="127.0.0.1", port=port), name=name, remember=False, after=0, reconnect=SOON,
            random=random.random,
        )  # fmt: skip
        self._random = random
        self._said = 0

    async def run(self, to: str | None, talking: Talking, *, task_status: trio.TaskStatus[None]) -> None:
        """Hear until cancelled; with somebody to talk to, talk too while that is wanted."""
        async with self._client() as client, trio.open_nursery() as nursery:
            nursery.start_soon(self._hear, client)
            if to is not None:
                await self._say(client, None)  # so that the server keeps who one is
            task_status.started()
            await talking.begins.wait()
            if to is not None:
                async with trio.open_nursery() as doing:
                    for _ in range(AT_ONCE):
                        doing.start_soon(self._talk, client, to, talking)
            await trio.sleep_forever()

    async def _talk(self, client: Client, to: str, talking: Talking) -> None:
        while not talking.ends.is_set():
            await self._say(client, to if self._random.random() < PRIVATE else None)
            await trio.sleep(self._random.uniform(0, 0.05))

    async def _say(self, client: Client, to: str | None) -> None:
        self._said += 1
        text = f"{self._said} from {self.name} to {to or 'all'}"
        self._score.sent += 1
        try:
            reply = await client.send(text, username=to)
        except (DisconnectedError, RefusedError) as error:
            self._score.refused[text] = str(error)
        else:
            self._score.acknowledged[text] = (to or LOBBY, getattr(reply, "seq", 0))

    async def _hear(self, client: Client) -> None:
        async for event in client.events():
            if isinstance(event, Message):
                place = event.room or event.conversation or ""
                last = self.places.get(place, 0)
                if event.seq != last + 1:
                    self._score.doubled += event.seq <= last
                    self._score.problems.append(f"{self.name} heard {place} {event.seq} after {last}")
                if event.room is None and self.name not in event.text.split():
                    self._score.problems.append(f"{self.name} heard {event.text!r}")
                self.places[place] = event.seq
                self._score.delivered += 1


async def run(
    kills: int, seed: int, folder: Path, *, life: float = LIFE, quiet: float = QUIET
) -> tuple[Score, int]:
    """Kill a server so often, let all come back and hear everything, and compare; tell of cuts too.

    Connections are cut after `life` seconds on average; there are `quiet` seconds in the end to hear all.
    """
    random, score, talking = Random(seed), Score(), Talking()
    server = Process(folder)
    proxy = Proxy(server.port, Random(random.random()), life)
    await server.start()
    try:
        await server.wait_ready()
        async with trio.open_nursery() as nursery:
            port = await nursery.start(proxy.run)
            names = [f"sender-{number}" for number in range(SENDERS)]
            pairs: dict[str, str | None] = dict(zip(names, [*names[1:], names[0]], strict=True))
            pairs |= dict.fromkeys(f"reader-{number}" for number in range(READERS))
            talkers = []
            for name, to in pairs.items():
                talker = Talker(name, score, port, Random(random.random()))
                await nursery.start(talker.run, to, talking)
                talkers.append(talker)
            talking.begins.set()
            proxy.calm = False
            await _kill_again_and_again(server, kills, random)
            talking.ends.set()
            proxy.calm = True
            await _wait_quiet(score, talkers, folder / "data", quiet)
            nursery.cancel_scope.cancel()
    finally:
        await server.kill()
    score.compare(folder / "data")
    if " bug " in server.log():
        score.problems.append(f"the server logged a bug:\n{server.log()}")
    return score, proxy.cuts


async def _kill_again_and_again(server: Process, kills: int, random: Random) -> None:
    for number in range(kills):
        if random.random() >= UNREADY:
            await server.wait_ready()
        await trio.sleep(random.uniform(0, LONGEST_LIFE))
        await server.kill()
        await server.start()
        if sys.stderr.isatty():
            print(f"kill {number + 1}", end="\r", file=sys.stderr, flush=True)
    await server.wait_ready()


async def _wait_quiet(score: Score, talkers: list[Talker], folder: Path, seconds: float) -> None:
    """Wait until everything said is answered, and heard by all whom it is for."""
    with trio.move_on_after(seconds):
        while missing := _missing(score, talkers, folder):  # noqa: ASYNC110  # others' processes do it
            await trio.sleep(0.1)
        return
    score.problems.append(f"not all is quiet after {seconds:g} s: {missing}")


def _missing(score: Score, talkers: list[Talker], folder: Path) -> list[str]:
    """Return what is still to be answered or heard."""
    missing = []
    unanswered = score.sent - len(score.acknowledged) - len(score.refused)
    if unanswered:
        missing.append(f"{unanswered} answers")
    texts = [text.split() for _, _, _, text in rows(folder)]
    for talker in talkers:
        expected = sum(to == "all" or talker.name in {author, to} for _, _, author, _, to in texts)
        if (heard := sum(talker.places.values())) != expected:
            missing.append(f"{talker.name} heard {heard} of {expected}")
    return missing


def main() -> int:
    """Kill so often and print what came of it; return the exit code, which is 1 unless nothing is wrong."""
    parser = argparse.ArgumentParser(prog="python -m chaos.kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    arguments = parser.parse_args()
    began = time.monotonic()
    with TemporaryDirectory(prefix="tcpchat-kills-") as folder:
        score, cuts = trio.run(run, arguments.kills, arguments.seed, Path(folder))
    print(
        f"{arguments.kills} kills, {cuts} cuts, {time.monotonic() - began:.0f} s, seed {arguments.seed}: "
        f"{score.sent} sent, {len(score.acknowledged)} acknowledged, {score.delivered} delivered, "
        f"{score.lost} lost, {score.doubled} doubled, {len(score.refused)} refused or in doubt"
    )
    for why, count in Counter(score.refused.values()).items():
        print(f"{count} of those: {why}")
    print(*score.problems[:20], sep="\n", end="\n" if score.problems else "")
    return 1 if score.problems or score.lost or score.doubled else 0


if __name__ == "__main__":
    sys.exit(main())
