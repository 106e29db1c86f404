"""The client library: a typed connection to one server that outlives failures of the network.

This is the front of `link/`, which has its parts. No terminal, and nothing of the server.
"""

from __future__ import annotations

import math
import random
import secrets
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import trio
from platformdirs import user_state_path

from tcpchat.address import DEFAULT_PORT, TLS_PORT, Address
from tcpchat.commands.exit import Exit
from tcpchat.commands.ping import Ping
from tcpchat.commands.send import Send
from tcpchat.link import inbox as feeds
from tcpchat.link.calls import PendingCall
from tcpchat.link.connection import Connection
from tcpchat.link.credential_store import CredentialStore
from tcpchat.link.credentials import CurrentUser
from tcpchat.link.desired_identity import DesiredIdentity, Identity
from tcpchat.link.dial import OpenStream, opener
from tcpchat.link.errors import ConnectError, DisconnectedError, RefusedError, UntrustedError
from tcpchat.link.events import Events
from tcpchat.link.inbox import Inbox, Skipped
from tcpchat.link.reconnect import Reconnect
from tcpchat.link.requests import Requests
from tcpchat.link.state import Closed, Disconnected, Offline, Online, Reconnected, State
from tcpchat.link.tls import Tls
from tcpchat.protocol import Event, Reply, Request, Scheduled, Sent

__all__ = [
    "Address",
    "Client",
    "Closed",
    "ConnectError",
    "Disconnected",
    "DisconnectedError",
    "Offline",
    "Online",
    "PendingCall",
    "Reconnect",
    "Reconnected",
    "RefusedError",
    "Skipped",
    "State",
    "Tls",
    "UntrustedError",
]

LEAVE = 1.0  # seconds that a server gets to answer what is still asked
DEVICE = 64  # characters that a server takes for what a device is called


class Client(Requests):
    """A connection to one server that outlives the network's failures; use it with `async with`.

    Entering connects, and raises ConnectError if there is no server, or RefusedError if `name` cannot be had.
    With `tls` the connection is encrypted, and raises UntrustedError if the server is not to be trusted, also
    from `events` later; an `address` without port is then one with 8443.
    In between one task may read `events`, and any task may ask. Leaving waits until what was asked is
    answered. A guest who is not remembered is gone then for good.

    Who you are is remembered in a file of yours, per server and `name`, so that a later run is the same user.
    `remember` may be another folder than the one for a user's state, or False. With a `token` of your own
    or an `open_stream` it is False unless you say otherwise. With a `password` you are the registered user
    `name`; it is needed only where no token is remembered, or that one is worthless. `device` is what
    `sessions` calls this client, otherwise the name of this machine. With `anyone` you are whoever the server
    lets you be, also nobody where login is required, and `refused` tells why; a person may log in then.

    `history` is how many messages of the lobby from before the events begin with; `after` begins them after
    that number, which an earlier run got to. Where the server has other data when the client comes back, they
    begin anew with all of its lobby, or with the last `history_on_reset` messages. A `patient` client's sends
    wait when they would be too fast for the server's limit, one after the other, instead of being refused.
    `pause` is how many seconds to wait after something came, so that in a busy room more comes at once; a
    program that draws needs it. `open_stream` connects otherwise than to `address`; `random` gives the jitter
    of `reconnect`.
    """

    def __init__(  # noqa: PLR0913  # each is a setting of its own, and none is needed
        self,
        address: str | Address = Address(),  # noqa: B008  # frozen
        *,
        tls: Tls | None = None,
        name: str | None = None,
        password: str | None = None,
        token: str | None = None,
        remember: Path | bool | None = None,
        device: str | None = None,
        anyone: bool = False,
        history: int = 0,
        history_on_reset: int | None = None,
        after: int | None = None,
        reconnect: Reconnect = Reconnect(),  # noqa: B008  # frozen
        patient: bool = False,
        pause: float = 0.0,
        open_stream: OpenStream | None = None,
        buffer: int = feeds.MOST,
        random: Callable[[], float] = random.random,
    ) -> None:
        if password is not None and name is None:
            raise ValueError("a password goes with the name that it is for")
        if tls is not None and open_stream is not None:
            raise ValueError("what open_stream opens is encrypted or not by itself, so tls is for nothing")
        if isinstance(address, str):
            address = Address.parse(address, DEFAULT_PORT if tls is None else TLS_PORT)
        self.address = address
        self.tls = tls
        self._name = name
        if remember is None:  # else a file for `address` would get what is for another server
            remember = token is None and open_stream is None
        self._remember = remember
        device = device or socket.gethostname()[:DEVICE] or None
        wanted = DesiredIdentity(name=name, password=password, device=device, anyone=anyone)
        self._persona = CurrentUser(Identity(token=token), wanted)
        feed = Inbox(buffer, history_on_reset)
        if after is not None:
            feed.start_after(after)
        self._connection = Connection(
            str(self.address),
            open_stream or opener(address, tls),
            reconnect,
            feed,
            self._persona,
            random,
            history=history,
            patient=patient,
            pause=pause,
        )
        self._events = Events(self._connection)
        self._keys = secrets.token_hex(8)
        self._sends = 0
        self._running: AbstractAsyncContextManager[None] | None = None

    @property
    def user(self) -> str:
        """The name that you have now; empty where login is required and you are logged out."""
        return self._persona.me.user

    @property
    def registered(self) -> bool:
        """Whether the name is yours for good."""
        return self._persona.me.registered

    @property
    def session(self) -> int | None:
        """The number that `sessions` has for this client, if the server has said it."""
        return self._persona.me.session

    @property
    def refused(self) -> RefusedError | None:
        """Why you are not who you were to be on this connection, if the server said so; else None."""
        return self._persona.refused

    @property
    def server(self) -> str:
        """The server's name and version."""
        return self._connection.server

    @property
    def token(self) -> str | None:
        """What makes a later client the same user. Keep it secret."""
        return self._persona.me.token

    @property
    def remembered(self) -> bool:
        """Whether a later run will be the same user without being told the token."""
        return self._persona.remembered

    @property
    def remember_problem(self) -> str | None:
        """Why you are not remembered although you should be, such as a disk that is full; else None."""
        return self._persona.file.problem

    @property
    def state(self) -> State:
        """Online, Offline or Closed."""
        return self._connection.state

    @property
    def latency(self) -> float | None:
        """The seconds that the last sign of life took to the server and back."""
        return self._connection.latency

    async def __aenter__(self) -> Self:
        self._running = self._run()
        await self._running.__aenter__()
        return self

    def _open_file(self) -> CredentialStore:
        folder = self._remember if isinstance(self._remember, Path) else None
        if self._remember is True:
            folder = user_state_path("tcpchat", appauthor=False)
        # What was told to a server in secret is never told to whoever answers there without TLS.
        where = str(self.address) if self.tls is None else f"tls://{self.address}"
        return CredentialStore(folder, where, self._name)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        assert self._running is not None
        return await self._running.__aexit__(kind, error, trace)

    @asynccontextmanager
    async def _run(self) -> AsyncIterator[None]:
        with closing(self._open_file()) as self._persona.file:
            link = await self._connection.connect()
            failure: BaseException | None = None
            try:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._connection.run, link)
                    try:
                        yield
                        await self._leave()
                    except (Exception, KeyboardInterrupt, SystemExit) as error:  # comes out in no group
                        failure = error
                    nursery.cancel_scope.cancel()
            finally:
                self._connection.close("the client was left")
            if failure is not None:
                raise failure

    async def _leave(self) -> None:
        """Let the server finish. A guest who is to come back must not say `exit`, which is for good."""
        farewell = Ping() if self.remembered and not self.registered else Exit()
        if isinstance(self.state, Online):
            with trio.move_on_after(LEAVE), suppress(DisconnectedError, RefusedError):
                await self.request_nowait(farewell).wait()

    def request_nowait(
        self, request: Request, on_reply: Callable[[Reply], None] | None = None
    ) -> PendingCall:
        """Ask something; the answer's `wait` gives the reply. Its `id` is set here.

        Requests go out in the order in which they are asked. A Send with a `key` waits for the server if it
        is away, and is sent again if it was not answered. Raises DisconnectedError for others meanwhile.
        """
        asked = PendingCall(request, on_reply=on_reply)
        self._connection.ask(asked)
        return asked

    async def request(self, request: Request) -> Reply:
        """Ask and wait for the reply. Raises RefusedError, or DisconnectedError if it was lost."""
        return await self.request_nowait(request).wait()

    def send_nowait(
        self, text: str, *, username: str | None = None, time: float | None = None
    ) -> PendingCall:
        """Say something as `send` does, without waiting; the answer's `wait` gives Sent or Scheduled."""
        if time is not None and not math.isfinite(time):
            raise ValueError(f"time is a number of seconds, not {time}")
        self._sends += 1
        key = f"{self._keys}-{self._sends}"
        return self.request_nowait(Send(text=text, username=username, time=time, key=key))

    async def send(
        self, text: str, *, username: str | None = None, time: float | None = None
    ) -> Sent | Scheduled:
        """Say something to everyone, or to `username`; now, or in `time` seconds.

        Returns once it is on the server's disk, however often the connection is lost meanwhile. Whoever
        cancels it does not know whether it was sent. Raises RefusedError, or DisconnectedError if the client
        gave up.
        """
        reply = await self.send_nowait(text, username=username, time=time).wait()
        if not isinstance(reply, Sent | Scheduled):
            raise DisconnectedError(f"the server answered send with {reply.type}")
        return reply

    async def ping(self) -> float:
        """Return the seconds to the server and back."""
        return await self._connection.ping()

    def events(self) -> AsyncIterator[Event]:
        """Return the events, each once and messages in order, those missed meanwhile too; one task may read.

        They end when the client left, and raise DisconnectedError when it gave up. Whoever reads slowly
        loses no message of the lobby; of other events only so many are kept, then `Skipped` says how many
        were not.
        """
        return self._events

    async def next_event(self) -> Event | None:
        """Return the next event, or None if the client left. Raises DisconnectedError if it gave up."""
        return await self._events.next()

    @property
    def unanswered(self) -> list[Send]:
        """What was sent and is not acknowledged yet, oldest first."""
        return [
            asked.request for asked in self._connection.outbox.unanswered if isinstance(asked.request, Send)
        ]

    def retry_now(self) -> None:
        """Do not wait any longer before the next attempt to come back."""
        self._connection.retry_now()
