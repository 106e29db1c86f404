"""The calls of one client: requests, from being made to being answered, also over lost connections.

A `send` or `edit` with a key is repeated until it is answered, and counts once. A `read` up to a number is
repeated too, since it does no harm twice. Any other request is written at most once: if the connection breaks
before its reply, the caller gets DisconnectedError, and may look and try again.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from typing import Final, Generic, cast

import attrs
import trio

from tcpchat.link.errors import DisconnectedError, RefusedError
from tcpchat.protocol import COMMANDS, Edit, Error, Id, MarkRead, Reply, Request, Send
from tcpchat.wire.base import R_co

MAX_WAITING: Final = 10_000  # sends that wait at the same time
MAX_IN_FLIGHT: Final = 500  # requests; a server remembers the keys of a user's last 1,000 sends
MIN_DELAY, MAX_DELAY = 0.05, 60.0  # seconds until a rate-limited send is repeated, whatever the server says
OUTCOME_UNKNOWN: Final = "the connection broke before the reply, so it may have been done or not"


_EXPECTED: Final[dict[type[Request], tuple[type[Reply], ...]]] = {
    command.request: (command.reply, *command.other_replies) for command in COMMANDS
}


@attrs.define(eq=False)
class PendingCall(Generic[R_co]):
    """A request without a reply yet. `wait` for it; it may take until the server is back."""

    request: Request[R_co]
    on_reply: Callable[[R_co], None] | None = attrs.field(default=None, kw_only=True)
    """Called with a good reply before anything that was received after it."""
    in_order: bool = attrs.field(default=False, kw_only=True)
    """It overtakes no send that waits."""
    written: bool = attrs.field(default=False, init=False)
    """It was given to a connection, so that the server may have received it."""
    _reply: R_co | None = attrs.field(default=None, init=False)
    _error: Exception | None = attrs.field(default=None, init=False)
    _done: trio.Event = attrs.field(factory=trio.Event, init=False)

    @property
    def repeatable(self) -> bool:
        """Whether it may be written more than once, and therefore waits for a connection."""
        match self.request:
            case Send(key=key) | Edit(key=key):
                return key is not None
            case MarkRead(seq=seq):
                return seq is not None
        return False

    @property
    def done(self) -> bool:
        """Whether it was answered, or given up."""
        return self._done.is_set()

    async def wait_done(self) -> None:
        """Wait until it was answered, or given up."""
        await self._done.wait()

    async def wait(self) -> R_co:
        """Return the reply. Raises RefusedError, or DisconnectedError if it was lost or of another class."""
        await self._done.wait()
        if self._error is not None:
            raise self._error
        assert self._reply is not None
        return self._reply

    def succeed(self, reply: Reply) -> None:
        """Finish with this reply, or fail if a request of this class has no such replies."""
        if not isinstance(reply, _EXPECTED.get(type(self.request), Reply)):
            self.fail(DisconnectedError(f"the server answered {self.request.type} with {reply.type}"))
            return
        self._reply = cast("R_co", reply)
        if self.on_reply is not None:
            self.on_reply(self._reply)
        self._done.set()

    def fail(self, error: Exception) -> None:
        self._error = error
        self._done.set()


class Calls:
    """The calls of one client, in the order in which they were made.

    While it is *careful*, sends are written one by one, each after the reply to the one before, and a
    rate-limited one is repeated, so that all arrive in order however many they are. A `patient` client is
    always careful; others are after a connection was lost, until the sends that waited are answered.
    """

    def __init__(self, *, patient: bool = False) -> None:
        self._patient = patient
        self.connected = False
        self._waiting: deque[PendingCall] = deque()  # while careful: sends, and what must not overtake one
        self._others: list[PendingCall] = []  # need not wait for the sends
        self._in_flight: dict[int, PendingCall] = {}  # by id, in the order in which they were written
        self._last_id = 0
        self._careful = patient
        self._sending: PendingCall | None = None  # the one send in flight while careful
        self._not_before = 0.0  # seconds, of the clock of `take`
        self._limited = False  # the server refused a send for the rate, and sends wait since then
        self._changed = trio.lowlevel.ParkingLot()  # `next_batch` waits there; `add` and `answer` wake it

    @property
    def in_flight(self) -> bool:
        """Whether anything was written that is not answered yet."""
        return bool(self._in_flight)

    @property
    def unanswered(self) -> list[PendingCall]:
        """The sends that are not answered yet, oldest first."""
        calls = [*self._in_flight.values(), *self._waiting]
        return [call for call in calls if isinstance(call.request, Send)]

    def add(self, call: PendingCall) -> None:
        """Take a call. Raises DisconnectedError if it cannot wait for a connection, or too many wait."""
        if not self.connected and not call.repeatable:
            raise DisconnectedError("not connected; try again when the server is back")
        if call.repeatable and len(self._waiting) >= MAX_WAITING:
            raise DisconnectedError(f"{MAX_WAITING} messages are waiting to be sent; wait until some are")
        if self._careful and not call.repeatable and not call.in_order:
            self._others.append(call)
        else:
            self._waiting.append(call)
        self._changed.unpark_all()

    async def next_batch(self) -> list[PendingCall]:
        """Wait until something is to be written, and return it. Only the task that writes calls this."""
        while not (batch := self.take(trio.current_time())):
            until = self.wait_until()
            with trio.move_on_at(math.inf if until is None else until):
                await self._changed.park()
        return batch

    def take(self, now: float) -> list[PendingCall]:
        """Return what to write now, each with its id; `now` is in seconds of any clock."""
        taken, self._others = self._others, []
        if not self._careful:
            while self._waiting and len(self._in_flight) + len(taken) < MAX_IN_FLIGHT:
                taken.append(self._waiting.popleft())
        elif self._sending is None and not self._waiting:
            self._careful, self._limited = self._patient, False
        while self._careful and self._waiting and self._sending is None and self._may_write(now):
            call = self._waiting.popleft()
            self._sending = call if call.repeatable else None
            taken.append(call)
        return [self.assign_id(call) for call in taken]

    def _may_write(self, now: float) -> bool:
        """Whether the first call that waits need not wait for the time."""
        return now >= self._not_before or not self._waiting[0].repeatable

    def held(self, now: float) -> int:
        """Return how many sends wait since the server takes no more for the moment."""
        if now >= self._not_before and not self._limited:
            return 0
        return sum(isinstance(call.request, Send) for call in self._waiting) + (self._sending is not None)

    def wait_until(self) -> float | None:
        """Return when `take` will have a send that it does not have now, if only time is in the way."""
        held = self._careful and self._waiting and self._sending is None
        return self._not_before if held else None

    def assign_id(self, call: PendingCall) -> PendingCall:
        """Give a call the id that its reply will carry; its request is to be written at once."""
        self._last_id += 1
        call.request = attrs.evolve(call.request, id=self._last_id)
        call.written = True
        self._in_flight[self._last_id] = call
        return call

    def request_of(self, id: Id | None) -> Request | None:
        """Return the request in flight that has this id."""
        call = self._in_flight.get(id) if isinstance(id, int) else None
        return None if call is None else call.request

    def answer(self, reply: Reply, now: float) -> None:
        """Hand a reply to its call. A reply that belongs to no call is ignored.

        An error without id is about a line whose id the server could not read. Since replies come in the
        order of the requests, it belongs to the oldest.
        """
        id = next(iter(self._in_flight), None) if reply.re is None and isinstance(reply, Error) else reply.re
        call = self._in_flight.pop(id, None) if isinstance(id, int) else None
        if call is None:
            return
        alone = call is self._sending
        self._sending = None if alone else self._sending
        if not isinstance(reply, Error):
            call.succeed(reply)
        elif alone and reply.code == "rate-limited":
            self._limited = True
            self._not_before = now + min(max(reply.retry_after or 0, MIN_DELAY), MAX_DELAY)
            call.written = False
            self._waiting.appendleft(call)
        else:
            call.fail(RefusedError(reply))
        self._changed.unpark_all()

    def lose(self, reason: Exception) -> None:
        """Keep the repeatable calls and fail the others, since the connection is lost."""
        self.connected = False
        for call in self._clear():
            if call.repeatable:
                self._waiting.append(call)
            else:
                call.fail(DisconnectedError(OUTCOME_UNKNOWN) if call.written else reason)

    def resume(self, *, same_user: bool) -> None:
        """Continue on a new connection. Only to the same user do keys mean the same to the server."""
        self.connected = True
        if not same_user:
            waiting, self._waiting = self._waiting, deque()
            for call in waiting:
                if call.written or not isinstance(call.request, Send):
                    call.fail(DisconnectedError(OUTCOME_UNKNOWN))
                else:
                    self._waiting.append(call)
        self._careful = self._patient or bool(self._waiting)

    def close(self, reason: Exception) -> None:
        """Fail everything."""
        self.connected = False
        for call in self._clear():
            call.fail(reason)

    def _clear(self) -> list[PendingCall]:
        """Return all calls, oldest first, and take none of them for in flight or waiting any more."""
        calls = [*self._in_flight.values(), *self._others, *self._waiting]
        self._in_flight.clear()
        self._others.clear()
        self._waiting.clear()
        self._sending = None
        self._not_before, self._limited = 0.0, False
        return calls
