"""What a client asks: from being asked to being answered, over lost connections where that is safe.

A `send` with a key is sent again until it is answered, and counts once. So is a `read` up to a number, which
does no harm twice. Anything else is done at most once: if the connection breaks, whoever asked is told, and
may look and ask again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

import attrs
import trio

from tcpchat.commands.read import Read
from tcpchat.commands.send import Send
from tcpchat.link.errors import DisconnectedError, RefusedError
from tcpchat.protocol import Error, Id, Reply, Request

MOST = 10_000  # sends that wait at the same time
WINDOW = 500  # requests in flight; a server remembers the keys of a user's last 1,000 sends

SHORTEST, LONGEST = 0.05, 60.0  # seconds until what came too fast is repeated, whatever the server says

UNKNOWN = "the connection broke before the answer, so it may have been done or not"


@attrs.define(eq=False)
class PendingCall:
    """A request on its way. `wait` for its reply; it may take until the server is back."""

    request: Request
    written: bool = attrs.field(default=False, init=False)
    """It was given to a connection, so the server may have got it."""
    on_reply: Callable[[Reply], None] | None = attrs.field(default=None, kw_only=True)
    """Called with a good reply before anything that was received after it."""
    _reply: Reply | None = attrs.field(default=None, init=False)
    _error: Exception | None = attrs.field(default=None, init=False)
    _done: trio.Event = attrs.field(factory=trio.Event, init=False)

    @property
    def lasts(self) -> bool:
        """Whether it may be written more than once, and so waits for a connection."""
        match self.request:
            case Send(key=key):
                return key is not None
            case Read(seq=seq):
                return seq is not None
        return False

    @property
    def done(self) -> bool:
        """Whether it was answered, or given up."""
        return self._done.is_set()

    async def wait_done(self) -> None:
        """Wait until it was answered, or given up."""
        await self._done.wait()

    async def wait(self) -> Reply:
        """Return the reply. Raises RefusedError, DisconnectedError if it was lost."""
        await self._done.wait()
        if self._error is not None:
            raise self._error
        assert self._reply is not None
        return self._reply

    def succeed(self, reply: Reply) -> None:
        self._reply = reply
        if self.on_reply is not None:
            self.on_reply(reply)
        self._done.set()

    def fail(self, error: Exception) -> None:
        self._error = error
        self._done.set()


class Calls:
    """The requests of one client, in the order in which they were asked.

    While it is *careful*, sends go out one by one, and one that came too fast is repeated, so that all arrive
    in order however many they are. A `patient` one is always so, others after a connection was lost and
    until what waited is sent.
    """

    def __init__(self, *, patient: bool = False) -> None:
        self._patient = patient
        self.connected = False
        self._waiting: deque[PendingCall] = deque()  # only sends while careful
        self._others: list[PendingCall] = []  # what need not wait for them
        self._in_flight: dict[int, PendingCall] = {}  # by id, in the order in which they were written
        self._last_id = 0
        self._careful = patient
        self._sending: PendingCall | None = None  # the one send in flight while careful
        self._not_before = 0.0  # seconds, of the clock of `take`

    @property
    def in_flight(self) -> bool:
        """Whether anything was written that is not answered yet."""
        return bool(self._in_flight)

    @property
    def unanswered(self) -> list[PendingCall]:
        """The sends that are not answered yet, oldest first."""
        asked = [*self._in_flight.values(), *self._waiting]
        return [one for one in asked if isinstance(one.request, Send)]

    def add(self, asked: PendingCall) -> None:
        """Take a request. Raises DisconnectedError if it cannot wait for a connection, or too much waits."""
        if not self.connected and not asked.lasts:
            raise DisconnectedError("not connected; try again when the server is back")
        if asked.lasts and len(self._waiting) >= MOST:
            raise DisconnectedError(f"{MOST} messages are waiting to be sent; wait until some are")
        if self._careful and not asked.lasts:
            self._others.append(asked)
        else:
            self._waiting.append(asked)

    def take(self, now: float) -> list[PendingCall]:
        """Return what to write now, each with its id; `now` is in seconds of any clock."""
        taken, self._others = self._others, []
        if not self._careful:
            while self._waiting and len(self._in_flight) + len(taken) < WINDOW:
                taken.append(self._waiting.popleft())
        elif self._sending is None and not self._waiting:
            self._careful = self._patient
        elif self._sending is None and now >= self._not_before:
            self._sending = self._waiting.popleft()
            taken.append(self._sending)
        return [self.number(asked) for asked in taken]

    def wait_until(self) -> float | None:
        """Return when `take` will have a send that it does not have now, if only time is in the way."""
        held = self._careful and self._waiting and self._sending is None
        return self._not_before if held else None

    def number(self, asked: PendingCall) -> PendingCall:
        """Give a request the id that its reply will carry; it is to be written at once."""
        self._last_id += 1
        asked.request = attrs.evolve(asked.request, id=self._last_id)
        asked.written = True
        self._in_flight[self._last_id] = asked
        return asked

    def asked_as(self, id: Id | None) -> Request | None:
        """Return the request in flight that has this id."""
        asked = self._in_flight.get(id) if isinstance(id, int) else None
        return None if asked is None else asked.request

    def answer(self, reply: Reply, now: float) -> None:
        """Hand a reply to whoever asked. Replies to nobody are passed over.

        An error without id is about a line of which the server could not read it. Since replies come in the
        order of the requests, it is the oldest.
        """
        id = next(iter(self._in_flight), None) if reply.re is None and isinstance(reply, Error) else reply.re
        asked = self._in_flight.pop(id, None) if isinstance(id, int) else None
        if asked is None:
            return
        alone = asked is self._sending
        self._sending = None if alone else self._sending
        if not isinstance(reply, Error):
            asked.succeed(reply)
        elif alone and reply.code == "rate-limited":
            self._not_before = now + min(max(reply.retry_after or 0, SHORTEST), LONGEST)
            asked.written = False
            self._waiting.appendleft(asked)
        else:
            asked.fail(RefusedError(reply))

    def lose(self, why: Exception) -> None:
        """Keep the sends and give up the rest, since the connection is gone."""
        self.connected = False
        asked = self._forget_all()
        for one in asked:
            if one.lasts:
                self._waiting.append(one)
            else:
                one.fail(DisconnectedError(UNKNOWN) if one.written else why)

    def come_back(self, *, same_user: bool) -> None:
        """There is a connection again. Only to the same user do keys mean the same to the server."""
        self.connected = True
        if not same_user:
            waiting, self._waiting = self._waiting, deque()
            for asked in waiting:
                if asked.written or not isinstance(asked.request, Send):
                    asked.fail(DisconnectedError(UNKNOWN))
                else:
                    self._waiting.append(asked)
        self._careful = self._patient or bool(self._waiting)

    def close(self, why: Exception) -> None:
        """Give up everything."""
        self.connected = False
        give_up(self._forget_all(), why)

    def _forget_all(self) -> list[PendingCall]:
        asked = [*self._in_flight.values(), *self._others, *self._waiting]
        self._in_flight.clear()
        self._others.clear()
        self._waiting.clear()
        self._sending = None
        self._not_before = 0.0
        return asked


def give_up(asked: Iterable[PendingCall], why: Exception) -> None:
    for one in asked:
        one.fail(why)
