"""A person with a program that uses the client library: comes, talks, stops reading, goes, is cut off."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from random import Random
from typing import Protocol

import trio

from chaos.ledger import Ledger
from chaos.network import Cable, Network
from chaos.tap import Tap
from tcpchat.client import Client, ConnectError, DisconnectedError, Reconnect, Reconnected, RefusedError
from tcpchat.protocol import LOBBY, Bye, Event, Message, Scheduled, Sent, Unsent, Welcome

PASSWORD = "correct horse battery"  # noqa: S105  # of people who do not exist
BUFFER = 400  # events that the library keeps for who does not read
STOPS_READING = 0.001  # of all events, after how many a program does not read for a while
CRASHES = 0.3  # of all goings, how many are without a word
STAYS = 40  # things to do, about, until somebody goes
AWAY = 10  # times as long as between two things to do, about, until somebody comes again
RETRY = (2.0, 20.0)  # seconds until somebody tries again whom the server did not let in
LENGTHS = (3, 20, 60, 200)  # characters, of what people say
PASTE = 3900  # characters


class Surroundings(Protocol):
    """What people are among."""

    ledger: Ledger
    read: dict[str, dict[str, int]]
    """How far each person was told to have read."""
    network: Network
    calming: trio.Event
    """From then on nobody does anything, but everybody comes and stays."""
    later: float
    """Seconds that a message is scheduled ahead at most."""

    def others(self, person: Person) -> list[Person]:
        """Return whom somebody may talk to."""

    def awake(self) -> bool:
        """Return whether it is day; at night people stay for one thing to do."""

    def pace(self) -> float:
        """Return the seconds between two things that somebody does, about; at night it is long."""


class Person:
    """One person with one program at a time. `registered` has an account, others are guests."""

    def __init__(self, name: str, around: Surroundings, random: Random, *, registered: bool) -> None:
        self.name = name.rstrip("0123456789")
        """Who it is; several programs may be of the same person."""
        self.label = name
        self.registered = registered
        self.called = self.name
        """The name that others can write to."""
        self.client: Client | None = None
        self.places: dict[str, int] = {}
        """How far this program has heard, by place."""
        self.read = around.read.setdefault(self.name, {})
        """How far the user was told to have read, by place."""
        self._around = around
        self._random = random
        self._ledger = around.ledger
        self._token: str | None = None  # of a guest whose program ended without a word
        self._after: int | None = None
        self._cable: Cable | None = None

    @property
    def _calm(self) -> bool:
        return self._around.calming.is_set()

    # Coming and going

    async def register(self) -> None:
        """Take the name for good, while everything is well."""
        async with self._program(password=None) as client:
            await client.register(PASSWORD)

    async def live(self) -> None:
        """Come and go for ever."""
        while True:
            with trio.move_on_after(self._random.expovariate(1 / (AWAY * self._around.pace()))):
                await self._around.calming.wait()
            try:
                await self._be_here()
            except (ConnectError, DisconnectedError, RefusedError) as error:
                self._note("kept out", type(error).__name__)
                if isinstance(error, RefusedError) and error.code in {"name-taken", "bad-token"}:
                    self._token = self._after = None
                await trio.sleep(self._random.uniform(*RETRY))
            finally:
                self.client = None

    async def _be_here(self) -> None:
        with trio.CancelScope() as crash:
            async with self._program(password=PASSWORD if self.registered else None) as client:
                self.client = client
                self._note("came", client.user)
                async with trio.open_nursery() as doing:
                    doing.start_soon(self._listen, client, doing.cancel_scope)
                    await self._act(client, doing)
                    if self._random.random() < CRASHES:  # the program is killed, or its machine
                        self._token, self._after = client.token, self.places.get(LOBBY)
                        crash.cancel()
                        await trio.sleep_forever()
                    self._token = self._after = None
                    doing.cancel_scope.cancel()
                self._note("left")
        if crash.cancelled_caught:
            self._note("crashed")

    def _program(self, password: str | None) -> Client:
        self.places = {}
        if self._after is not None:
            self.places[LOBBY] = self._after
        return Client(
            name=self.name,
            password=password,
            token=None if self.registered else self._token,
            after=self._after,
            remember=False,
            device=self.label,
            reconnect=Reconnect(),
            open_stream=self._connect,
            buffer=BUFFER,
            random=self._random.random,
        )

    async def _connect(self) -> trio.abc.Stream:
        cable = self._cable = await self._around.network.connect(self.name)
        Tap(cable, self._around.network, self._ledger)
        return cable.client

    # Hearing

    async def _listen(self, client: Client, here: trio.CancelScope) -> None:
        try:
            async for event in client.events():
                await self._take(event)
        except DisconnectedError as error:
            self._note("gave up", str(error))
            here.cancel()

    async def _take(self, event: Event) -> None:
        match event:
            case Welcome():
                self.places.setdefault(LOBBY, event.seq)
            case Reconnected():
                self._note("came back", event.user)
                self.called = event.user
            case Message():
                self._hear(event)
            case Unsent():
                self._ledger.unsent(event.text, event.code)
            case Bye():
                self._note("bye", event.code)
                if event.code == "replaced":  # no two programs that run have one token
                    self._ledger.broken(f"{self.label} had to go for a connection of its own")
        if self._random.random() < STOPS_READING and not self._calm:
            await self._stop_reading()

    async def _stop_reading(self) -> None:
        seconds = self._random.choice((1, 30, 600))
        self._note("stops reading", str(seconds))
        for _ in range(seconds):
            if self._cable is not None:
                self._cable.excuse(1)
            await trio.sleep(1)
            if self._calm:
                return

    def _hear(self, message: Message) -> None:
        self._ledger.heard(self.name, message)
        place = message.room or message.conversation or ""
        last = self.places.get(place)
        if last is not None and message.seq != last + 1:
            self._ledger.doubled += message.seq <= last
            self._ledger.broken(f"P2: {self.label} was given {place} {message.seq} after {last}")
        self.places[place] = message.seq

    # Doing

    async def _act(self, client: Client, doing: trio.Nursery) -> None:
        if not self.registered:
            self.called = client.user
        actions: dict[Callable[[Client], Awaitable[None]], int] = {
            self._talk: 50, self._whisper: 25, self._read_on: 25, self._plan: 4, self._give_up_plan: 2,
            self._look_around: 8, self._take_name: 1, self._rest: 2, self._paste: 1,
        }  # fmt: skip
        for _ in range(round(self._random.expovariate(1 / STAYS))):
            with trio.move_on_after(self._random.expovariate(1 / self._around.pace())):
                await self._around.calming.wait()
            if self._calm or not self._around.awake():
                break
            (action,) = self._random.choices(list(actions), list(actions.values()))
            self._note("does", action.__name__)
            doing.start_soon(self._do, action, client)
        if self._calm:
            await trio.sleep_forever()

    async def _do(self, action: Callable[[Client], Awaitable[None]], client: Client) -> None:
        try:
            await action(client)
        except RefusedError as error:
            self._note("refused", error.code)
        except DisconnectedError:
            self._note("unanswered")

    async def _talk(self, client: Client) -> None:
        """Say something to all, or several things at once."""
        async with trio.open_nursery() as nursery:
            for _ in range(self._random.choice((1, 1, 1, 2, 5))):
                nursery.start_soon(self._say, client, None, self._random.choice(LENGTHS))

    async def _whisper(self, client: Client) -> None:
        to = self._random.choice(self._around.others(self))
        await self._say(client, to, self._random.choice(LENGTHS))

    async def _paste(self, client: Client) -> None:
        for _ in range(self._random.randrange(1, 12)):
            await self._say(client, None, PASTE)

    async def _plan(self, client: Client) -> None:
        """Say something later, to all or to somebody who will still be known."""
        known = [None, *(one for one in self._around.others(self) if one.registered)]
        seconds = self._random.uniform(1, self._around.later) * self._random.random()
        await self._say(client, self._random.choice(known), self._random.choice(LENGTHS), seconds)

    async def _say(
        self, client: Client, to: Person | None, characters: int, seconds: float | None = None
    ) -> None:
        name = None if to is None else to.name
        text = self._ledger.say(self.name, name, characters, later=seconds is not None)
        self._note("says", text[:40].rstrip(". "))
        try:
            reply = await client.send(text, username=None if to is None else to.called, time=seconds)
        except RefusedError as error:
            self._ledger.refuse(text, error.code)
        except DisconnectedError:
            self._ledger.doubt(text)
        except trio.Cancelled:
            self._ledger.doubt(text)
            raise
        else:
            match reply:
                case Sent():
                    self._ledger.acknowledge(text, reply.room, reply.seq)
                case Scheduled():
                    self._ledger.schedule(text, reply.number)

    async def _give_up_plan(self, client: Client) -> None:
        """Cancel something that is scheduled."""
        pending = [one for one in await client.scheduled() if one.text in self._ledger.sayings]
        if pending:
            one = self._random.choice(pending)
            self._ledger.give_up(one.text)
            cancelled = await client.cancel(one.number)
            self._ledger.cancel(cancelled.text)

    async def _read_on(self, client: Client) -> None:
        """Say that something was read that was heard."""
        if self.places:
            place, last = self._random.choice(list(self.places.items()))
            await self.mark(client, place, self._random.randint(0, last))

    async def mark(self, client: Client, place: str, seq: int) -> int:
        """Mark a place as read up to there; return how far it is."""
        before = self.read.get(place, 0)
        reply = await client.mark_read(None if place == LOBBY else place, seq)
        if self.registered:
            if reply.seq < max(before, seq):
                self._ledger.broken(f"{self.label} had read {place} up to {before}, now {reply.seq}")
            self.read[place] = max(self.read.get(place, 0), reply.seq)
        return reply.seq

    async def _look_around(self, client: Client) -> None:
        ask = self._random.choice((client.users, client.status, client.unread, client.conversations))
        await ask()

    async def _take_name(self, client: Client) -> None:
        if not self.registered:
            name = self.name + self._random.choice(("", "2", "3"))
            await client.rename(name)
            self.called = name

    async def _rest(self, client: Client) -> None:
        await client.away("having tea")
        await trio.sleep(self._random.uniform(1, 600))
        await client.back()

    def _note(self, what: str, about: str = "") -> None:
        self._ledger.trace(self.label, what, about)
