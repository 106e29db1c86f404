"""The client library: a typed connection to one server that outlives failures of the network.

This is the front of `link/`, which has its parts. No terminal, and nothing of the server.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing, suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar

import attrs
import trio

from tcpchat.address import DEFAULT_PORT, TLS_PORT, Address
from tcpchat.files import NO_HOME, state_folder
from tcpchat.link.calls import Calls, PendingCall
from tcpchat.link.connection import Connection
from tcpchat.link.credential_store import CredentialStore
from tcpchat.link.credentials import Credentials
from tcpchat.link.current_user import CurrentUser
from tcpchat.link.dial import OpenStream, opener
from tcpchat.link.errors import ConnectError, DisconnectedError, RefusedError, UntrustedError
from tcpchat.link.events import Events
from tcpchat.link.inbox import MAX_EVENTS, CaughtUp, Inbox, Replay, Skipped
from tcpchat.link.reconnect import Reconnect
from tcpchat.link.requests import Requests
from tcpchat.link.state import Closed, Disconnected, Offline, Online, Reconnected, State
from tcpchat.link.tls import Tls
from tcpchat.protocol import Edit, Event, Exit, Ping, Reply, Request, Scheduled, Send, Sent

__all__ = [
    "Address",
    "CaughtUp",
    "Client",
    "Closed",
    "ConnectError",
    "Credentials",
    "Disconnected",
    "DisconnectedError",
    "FlowControl",
    "Offline",
    "Online",
    "PendingCall",
    "Reconnect",
    "Reconnected",
    "RefusedError",
    "Replay",
    "Skipped",
    "State",
    "Tls",
    "UntrustedError",
]

R = TypeVar("R", bound=Reply)

SHARE_WAIT: Final = 10.0  # seconds that another program gets to become the user of the same name
SHARE_POLL: Final = 0.05  # seconds between two looks at what it has saved
LEAVE: Final = 1.0  # seconds that a server gets to answer the calls in flight


@attrs.frozen(kw_only=True)
class FlowControl:
    """How fast a client sends and receives; the defaults suit a program that reads all events at once."""

    patient: bool = False
    """Sends that are too fast for the server wait, one after the other, instead of being refused."""
    buffer: int = MAX_EVENTS
    """Events in memory at most. Messages that do not fit are fetched from the server later."""
    pause: float = 0.0
    """Seconds to wait after something was received, so that more is received at once in a busy room.

    A program that draws needs it.
    """


class Client(Requests):
    """A connection to one server that outlives failures of the network; use it with `async with`.

    Entering connects. It raises ConnectError if there is no server, UntrustedError if its certificate is not
    trusted, and RefusedError if the server refuses the name or the other `credentials`. In between one task
    may read `events`, and any task may make requests. Leaving waits until calls in flight are answered.

    `address` is HOST[:PORT]; the default port is 8000, or 8443 with `tls`. `name` is short for
    `credentials=Credentials(name=…)`. By default the client is saved in a file, for each server, so that a
    later run is the same user there; programs with the same name at once are one user.

    `replay` chooses the earlier messages that the events begin with, `reconnect` the time of attempts after a
    lost connection, `flow` how fast to send and receive. `open_stream` replaces connecting to `address`.
    Raises ValueError if options exclude each other, or a file of `tls` is bad.
    """

    def __init__(
        self,
        address: str | Address = Address(),  # noqa: B008  # frozen
        *,
        name: str | None = None,
        credentials: Credentials | None = None,
        tls: Tls | None = None,
        replay: Replay = Replay(),  # noqa: B008  # frozen
        reconnect: Reconnect = Reconnect(),  # noqa: B008  # frozen
        flow: FlowControl = FlowControl(),
        open_stream: OpenStream | None = None,
    ) -> None:
        if name is not None and credentials is not None:
            raise ValueError("the name belongs into the credentials where there are some")
        if tls is not None and open_stream is not None:
            raise ValueError("tls is of no use with open_stream, which opens an encrypted stream or does not")
        if isinstance(address, str):
            address = Address.parse(address, DEFAULT_PORT if tls is None else TLS_PORT)
        self.address = address
        self.tls = tls
        self._credentials = credentials or Credentials(name=name)
        self._known_server = open_stream is None
        self._user = CurrentUser(self._credentials.identity(), self._credentials.desired())
        self._calls = Calls(patient=flow.patient)
        self._events = Events(Inbox(flow.buffer, replay))
        self._connection = Connection(
            str(address),
            open_stream or opener(address, tls),
            reconnect,
            self._user,
            self._calls,
            self._events,
            pause=flow.pause,
        )
        self._keys = secrets.token_hex(8)
        self._last_key = 0
        self._running: AbstractAsyncContextManager[None] | None = None

    @property
    def user(self) -> str:
        """The user's name now; empty where a login is required and there was none."""
        return self._user.identity.user

    @property
    def registered(self) -> bool:
        """Whether the name is registered to the user."""
        return self._user.identity.registered

    @property
    def session(self) -> int | None:
        """The number of this client in the user's `sessions`, if the server has sent it."""
        return self._user.identity.session

    @property
    def refused(self) -> RefusedError | None:
        """Why the server refused the credentials on this connection, if it did and they are not required."""
        return self._user.refused

    @property
    def server(self) -> str:
        """The server's name and version."""
        return self._connection.server

    @property
    def token(self) -> str | None:
        """What makes a later client the same user. Keep it secret."""
        return self._user.identity.token

    @property
    def remembered(self) -> bool:
        """Whether a later run will be the same user without being given the token."""
        return self._user.remembered

    @property
    def remember_problem(self) -> str | None:
        """Why the token is not saved although it should be, such as a full disk; else None."""
        return self._user.store.problem

    @property
    def remembered_users(self) -> list[str]:
        """The registered users of earlier runs without a name, if this run is none of several."""
        return list(self._user.store.others)

    def claim_alone(self) -> bool:
        """Return whether no other program here is this user, and let none be until this one ends."""
        return self._user.store.claim_alone()

    @property
    def state(self) -> State:
        """Online, Offline or Closed."""
        return self._connection.state

    @property
    def latency(self) -> float | None:
        """The seconds that the last ping took, to the server and back."""
        return self._connection.latency

    async def __aenter__(self) -> Self:
        if self._running is not None:
            raise RuntimeError("a client is entered once; make another one to connect again")
        self._running = self._run()
        await self._running.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        assert self._running is not None
        return await self._running.__aexit__(kind, error, trace)

    def _open_store(self) -> CredentialStore:
        remember = self._credentials.remember
        if remember is None:
            remember = self._known_server and self._credentials.token is None
        if remember is True:
            remember = state_folder()
        # A secret that was sent over TLS must never be sent to a server at the same address without it.
        where = str(self.address) if self.tls is None else f"tls://{self.address}"
        folder = remember if isinstance(remember, Path) else None
        store = CredentialStore(folder, where, self._credentials.name)
        if remember is None:
            store.problem = f"your identity is not saved: {NO_HOME}"
        return store

    @asynccontextmanager
    async def _run(self) -> AsyncIterator[None]:
        with closing(self._open_store()) as self._user.store:
            await _settled(self._user.store)
            transport = await self._connection.connect()
            failure: BaseException | None = None
            try:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._connection.run, transport)
                    try:
                        yield
                        await self._leave()
                    except (Exception, KeyboardInterrupt, SystemExit) as error:  # raised below, in no group
                        failure = error
                    nursery.cancel_scope.cancel()
            finally:
                self._connection.close("the client was left")
            if failure is not None:
                raise failure

    async def _leave(self) -> None:
        """Let the server finish. A remembered guest must not send `exit`, which ends the guest."""
        farewell = Ping() if self.remembered and not self.registered else Exit()
        if isinstance(self.state, Online):
            with trio.move_on_after(LEAVE), suppress(DisconnectedError, RefusedError):
                await self.request_nowait(farewell).wait()

    def request_nowait(
        self,
        request: Request[R],
        on_reply: Callable[[R], None] | None = None,
        *,
        in_order: bool = False,
    ) -> PendingCall[R]:
        """Make a request without waiting; the call's `wait` returns the reply. Its `id` is set here.

        Requests are written in the order in which they are made, but overtake sends that wait for the server
        to take them, unless they are `in_order`. Without a connection, a Send or Edit with a `key`
        waits for the server, and others raise DisconnectedError. Raises ValueError if no line can hold it.
        """
        call = PendingCall(request, on_reply=on_reply, in_order=in_order)
        self._connection.start(call)
        return call

    async def request(self, request: Request[R]) -> R:
        """Make a request and return its reply. Raises RefusedError, or DisconnectedError if it was lost."""
        return await self.request_nowait(request).wait()

    def send_nowait(
        self,
        text: str,
        *,
        room: str | None = None,
        username: str | None = None,
        time: float | None = None,
        action: bool = False,
    ) -> PendingCall[Sent | Scheduled]:
        """Send as `send` does, without waiting; the call's `wait` returns Sent or Scheduled."""
        if time is not None and not math.isfinite(time):
            raise ValueError(f"time is a number of seconds, not {time}")
        return self.request_nowait(
            Send(
                text=text,
                room=room,
                username=username,
                time=time,
                action=action or None,
                key=self._next_key(),
            )
        )

    def _next_key(self) -> str:
        """Return a key, under which the server carries out a request once, however often it is repeated."""
        self._last_key += 1
        return f"{self._keys}-{self._last_key}"

    async def send(
        self,
        text: str,
        *,
        room: str | None = None,
        username: str | None = None,
        time: float | None = None,
        action: bool = False,
    ) -> Sent | Scheduled:
        """Send a message to a `room`, or to `username` alone, or to the lobby; now, or in `time` seconds.

        With `action` the text is what the user does: `waves` is shown as `* alice waves`.

        Returns once it is on the server's disk, however often the connection is lost meanwhile. If this is
        cancelled, the message may have been sent or not. Raises RefusedError, or DisconnectedError if the
        client gave up.
        """
        return await self.send_nowait(text, room=room, username=username, time=time, action=action).wait()

    async def edit(
        self, seq: int, text: str, *, room: str | None = None, username: str | None = None
    ) -> Sent:
        """Give a message of the user's, by its number in a place, another text; return the edit's own number.

        Returns once it is on the server's disk, as `send` does. Raises RefusedError, or DisconnectedError if
        the client gave up.
        """
        return await self.edit_nowait(seq, text, room=room, username=username).wait()

    def edit_nowait(
        self, seq: int, text: str, *, room: str | None = None, username: str | None = None
    ) -> PendingCall[Sent]:
        """Edit as `edit` does, without waiting; the call's `wait` returns Sent."""
        key = self._next_key()
        return self.request_nowait(Edit(seq=seq, text=text, room=room, username=username, key=key))

    async def ping(self) -> float:
        """Return the seconds to the server and back."""
        return await self._connection.ping()

    def events(self) -> AsyncIterator[Event]:
        """Return the events, each once and those of a room in order, also the missed ones; for one task.

        They end when the client was left, and raise DisconnectedError when it gave up, or RefusedError when
        the server does not want it back. A slow reader loses no
        message; other events are dropped where the buffer is full, and then `Skipped` tells how many. On each
        connection `CaughtUp` says that all that was sent before was given.
        """
        return self._events

    async def next_event(self) -> Event | None:
        """Return the next event, or None if the client was left. Raises DisconnectedError if it gave up."""
        return await self._events.next()

    @property
    def unanswered(self) -> list[Send]:
        """The sends that are not acknowledged yet, oldest first."""
        return [call.request for call in self._calls.unanswered if isinstance(call.request, Send)]

    @property
    def held(self) -> int:
        """How many sends wait because the server takes no more for the moment."""
        return self._calls.held(trio.current_time())

    def retry_now(self) -> None:
        """Do not wait any longer before the next attempt to reconnect."""
        self._connection.retry_now()


async def _settled(store: CredentialStore) -> None:
    """Wait until another program that becomes the user of the same name has done so, or has failed to."""
    with trio.move_on_after(SHARE_WAIT):
        while store.pending:
            await trio.sleep(SHARE_POLL)  # a lock on a file wakes nobody
            store.retry()
    if store.pending:
        store.retry(last=True)
