"""A worker on the client library: it connects, sends, stops reading, leaves, and loses its connection."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from random import Random

import trio

from chaos.environment import LENGTHS, PASSWORD, Environment, Participant
from chaos.network import Link
from chaos.wire_probe import WireProbe
from tcpchat.client import (
    Client,
    ConnectError,
    Credentials,
    DisconnectedError,
    FlowControl,
    Online,
    Reconnect,
    Reconnected,
    RefusedError,
    Replay,
)
from tcpchat.protocol import LOBBY, Bye, Edited, Event, Message, Scheduled, Sent, Unsent, Welcome

BUFFER = 400  # events that the library keeps for a worker that does not read
STOPS_READING = 0.001  # the share of events after which a worker stops reading for a while
CRASHES = 0.3  # the share of visits that end with a crash
ACTIONS = 40  # mean number in a visit
ABSENCE = 10  # times the mean pause between two actions; the mean pause between two visits
RETRY = (2.0, 20.0)  # least and most seconds until a worker that was refused tries again
PASTE = 3900  # characters of a long one
EDITABLE = 10  # last messages of a user, of which one may be edited


class Worker:
    """One device of a user, with one client at a time. Users are `registered` or guests."""

    def __init__(self, label: str, environment: Environment, random: Random, *, registered: bool) -> None:
        self.label = label
        self.name = label.rstrip("0123456789")
        self.registered = registered
        self.called = self.name
        self.client: Client | None = None
        self.places: dict[str, int] = {}
        self._confirmed = environment.read.setdefault(self.name, {})
        self._environment = environment
        self._random = random
        self._checker = environment.checker
        self._token: str | None = None  # of a guest whose client crashed
        self._after: int | None = None
        self._link: Link | None = None

    @property
    def _calm(self) -> bool:
        return self._environment.calm.is_set()

    @property
    def keeps_marks(self) -> bool:
        return self.registered

    @property
    def trouble(self) -> str | None:
        online = self.client is not None and isinstance(self.client.state, Online)
        return None if online else f"is not connected: {self.client and self.client.state}"

    async def join(self) -> None:
        """Register the name, if it is to be registered and is not."""
        if self.registered and self.label in {self.name, f"{self.name}1"}:
            async with self._new_client(password=None) as client:
                await client.register(PASSWORD)

    async def run(self) -> None:
        """Visit the chat again and again."""
        while True:
            with trio.move_on_after(self._random.expovariate(1 / (ABSENCE * self._environment.pace()))):
                await self._environment.calm.wait()
            try:
                await self._visit()
            except (ConnectError, DisconnectedError, RefusedError) as error:
                self._note("not admitted", type(error).__name__)
                if isinstance(error, RefusedError) and error.code in {"name-taken", "bad-token"}:
                    self._token = self._after = None
                await trio.sleep(self._random.uniform(*RETRY))
            finally:
                self.client = None

    async def _visit(self) -> None:
        with trio.CancelScope() as crash:
            async with self._new_client(password=PASSWORD if self.registered else None) as client:
                self.client = client
                self._note("connected", client.user)
                async with trio.open_nursery() as visit:
                    visit.start_soon(self._receive, client, visit.cancel_scope)
                    await self._act(client, visit)
                    if self._random.random() < CRASHES:  # the program is killed, or its machine
                        self._token, self._after = client.token, self.places.get(LOBBY)
                        crash.cancel()
                        await trio.sleep_forever()
                    self._token = self._after = None
                    visit.cancel_scope.cancel()
                self._note("left")
        if crash.cancelled_caught:
            self._note("crashed")

    def _new_client(self, password: str | None) -> Client:
        self.places = {}
        if self._after is not None:
            self.places[LOBBY] = self._after
        return Client(
            credentials=Credentials(
                name=self.name,
                password=password,
                token=None if self.registered else self._token,
                remember=False,
                device=self.label,
            ),
            replay=Replay(after=self._after),
            reconnect=Reconnect(random=self._random.random),
            flow=FlowControl(buffer=BUFFER),
            open_stream=self._connect,
        )

    async def _connect(self) -> trio.abc.Stream:
        link = self._link = await self._environment.network.connect(self.name)
        WireProbe(link, self._environment.network, self._checker)
        return link.client

    async def _receive(self, client: Client, visit: trio.CancelScope) -> None:
        try:
            async for event in client.events():
                await self._handle(event)
        except DisconnectedError as error:
            self._note("gave up", str(error))
            visit.cancel()

    async def _handle(self, event: Event) -> None:
        match event:
            case Welcome():
                self.places.setdefault(LOBBY, event.seq)
            case Reconnected():
                self._note("reconnected", event.user)
                self.called = event.user
            case Message() | Edited():
                self._handle_event(event)
            case Unsent():
                self._checker.unsent(event.text, event.code)
            case Bye():
                self._note("bye", event.code)
                if event.code == "replaced":  # no two clients that run have the same token
                    self._checker.fail(f"{self.label} was replaced by a connection of its own")
        if self._random.random() < STOPS_READING and not self._calm:
            await self._stop_reading()

    async def _stop_reading(self) -> None:
        seconds = self._random.choice((1, 30, 600))
        self._note("stops reading", str(seconds))
        for _ in range(seconds):
            if self._link is not None:
                self._link.excuse(1)
            await trio.sleep(1)
            if self._calm:
                return

    def _handle_event(self, event: Message | Edited) -> None:
        self._checker.receive(self.name, event)
        self._checker.check_follows(self.label, self.places, event.room, event.seq)

    async def _act(self, client: Client, visit: trio.Nursery) -> None:
        if not self.registered:
            self.called = client.user
        actions: dict[Callable[[Client], Awaitable[None]], int] = {
            self._send_to_lobby: 50, self._send_privately: 25, self._mark_read: 25, self._schedule: 4,
            self._cancel: 2, self._edit: 8, self._look_around: 8, self._rename: 1, self._be_away: 2,
            self._paste: 1,
        }  # fmt: skip
        for _ in range(round(self._random.expovariate(1 / ACTIONS))):
            with trio.move_on_after(self._random.expovariate(1 / self._environment.pace())):
                await self._environment.calm.wait()
            if self._calm or not self._environment.is_day():
                break
            (action,) = self._random.choices(list(actions), list(actions.values()))
            self._note("action", action.__name__)
            visit.start_soon(self._do, action, client)
        if self._calm:
            await trio.sleep_forever()

    async def _do(self, action: Callable[[Client], Awaitable[None]], client: Client) -> None:
        try:
            await action(client)
        except RefusedError as error:
            self._note("refused", error.code)
        except DisconnectedError:
            self._note("unanswered")

    async def _send_to_lobby(self, client: Client) -> None:
        """Send one message, or several at once."""
        async with trio.open_nursery() as nursery:
            for _ in range(self._random.choice((1, 1, 1, 2, 5))):
                nursery.start_soon(self._send, client, None, self._random.choice(LENGTHS))

    async def _send_privately(self, client: Client) -> None:
        to = self._random.choice(self._environment.others(self))
        await self._send(client, to, self._random.choice(LENGTHS))

    async def _paste(self, client: Client) -> None:
        for _ in range(self._random.randrange(1, 12)):
            await self._send(client, None, PASTE)

    async def _schedule(self, client: Client) -> None:
        """Schedule a message to the lobby, or to a user who will still exist then."""
        recipients = [None, *(one for one in self._environment.others(self) if one.registered)]
        seconds = self._random.uniform(1, self._environment.schedule_ahead) * self._random.random()
        await self._send(client, self._random.choice(recipients), self._random.choice(LENGTHS), seconds)

    async def _send(
        self, client: Client, to: Participant | None, characters: int, seconds: float | None = None
    ) -> None:
        name = None if to is None else to.name
        text = self._checker.invoke(self.name, name, characters)
        self._note("sends", text[:40].rstrip(". "))
        await self._invoke(text, client.send(text, username=None if to is None else to.called, time=seconds))

    async def _edit(self, client: Client) -> None:
        """Give one of the user's last messages another text."""
        own = [one for one in self._checker.messages_of(self.name) if one[1].room in self.places]
        if own and self._environment.edits:
            first, stored = self._random.choice(own[-EDITABLE:])
            to = self._checker.ops[first].to
            text = self._checker.invoke(self.name, to, self._random.choice(LENGTHS), edits=first)
            self._note("edits", text[:40].rstrip(". "))
            await self._invoke(text, client.edit(stored.seq, text, room=stored.room))

    async def _invoke(self, text: str, call: Awaitable[Sent | Scheduled]) -> None:
        """Wait for the reply, and record the outcome of the text."""
        try:
            reply = await call
        except RefusedError as error:
            self._checker.refuse(text, error.code)
        except DisconnectedError:
            self._checker.lose_track(text)
        except trio.Cancelled:
            self._checker.lose_track(text)
            raise
        else:
            match reply:
                case Sent():
                    self._checker.acknowledge(text, reply.room, reply.seq)
                case Scheduled():
                    self._checker.schedule(text, reply.number)

    async def _cancel(self, client: Client) -> None:
        """Cancel a scheduled message."""
        pending = [one for one in await client.scheduled() if one.text in self._checker.ops]
        if pending:
            one = self._random.choice(pending)
            self._checker.begin_cancel(one.text)
            cancelled = await client.cancel(one.number)
            self._checker.cancel(cancelled.text)

    async def _mark_read(self, client: Client) -> None:
        """Mark a place as read, up to any message that this client received."""
        if self.places:
            place, last = self._random.choice(list(self.places.items()))
            await self.mark(place, self._random.randint(0, last), client)

    async def mark(self, place: str, seq: int, client: Client | None = None) -> int:
        client, before = client or self._online, self._confirmed.get(place, 0)
        reply = await client.mark_read(seq=seq, room=place)
        if self.registered:
            if reply.seq < max(before, seq):
                self._checker.fail(f"{self.label} had read {place} up to {before}, now {reply.seq}")
            self._confirmed[place] = max(self._confirmed.get(place, 0), reply.seq)
        return reply.seq

    async def conversations(self) -> list[tuple[str, int, int]]:
        infos = await self._online.conversations()
        return [(info.room, info.seq, info.read) for info in infos]

    async def history(self, place: str) -> list[tuple[int, str]]:
        return [(message.seq, message.text) for message in await self._online.history(room=place)]

    async def unread(self) -> dict[str, int]:
        infos = await self._online.unread()
        return {info.room: info.count for info in infos}

    @property
    def _online(self) -> Client:
        assert self.client is not None
        return self.client

    async def _look_around(self, client: Client) -> None:
        ask = self._random.choice((client.users, client.status, client.unread, client.conversations))
        await ask()

    async def _rename(self, client: Client) -> None:
        if not self.registered:
            name = self.name + self._random.choice(("", "2", "3"))
            await client.rename(name)
            self.called = name

    async def _be_away(self, client: Client) -> None:
        await client.away("having tea")
        await trio.sleep(self._random.uniform(1, 600))
        await client.back()

    def _note(self, what: str, details: str = "") -> None:
        self._checker.trace(self.label, what, details)
