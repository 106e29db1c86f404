"""A client for plain scripts: `tcpchat.Client` without Trio, whose methods return when they are done.

It is the client of `tcpchat.client` in a thread; each method here calls the one of the same name there.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from types import TracebackType
from typing import Self, TypeVar

import trio

from tcpchat.address import Address
from tcpchat.client import Client as AsyncClient
from tcpchat.client import FlowControl, State
from tcpchat.link.blocking_rooms import RoomRequests
from tcpchat.link.credentials import Credentials
from tcpchat.link.dial import OpenStream
from tcpchat.link.errors import DisconnectedError, RefusedError
from tcpchat.link.inbox import Replay
from tcpchat.link.paging import next_page
from tcpchat.link.portal import LeftError, Portal
from tcpchat.link.reconnect import Reconnect
from tcpchat.link.tls import Tls
from tcpchat.protocol import (
    MAX_COUNT,
    Away,
    Back,
    Cancelled,
    ConversationInfo,
    Event,
    LoggedIn,
    LoggedOut,
    Message,
    PasswordChanged,
    PendingMessage,
    Read,
    ReadHistory,
    Registered,
    Renamed,
    Reply,
    Reported,
    Request,
    Revoked,
    Scheduled,
    Sent,
    SessionInfo,
    Status,
    UnreadInfo,
    UserInfo,
    Whois,
)

__all__ = ["Client"]

SHORTEST = 0.001  # seconds of a timeout: an event that is there already is given before they are over

T = TypeVar("T")
R = TypeVar("R", bound=Reply)


class Client:
    """A connection to one server that outlives failures of the network; use it with `with`.

    Arguments, methods, events and errors are those of `tcpchat.Client`. Any thread may make requests, one at
    a time, and one thread may read the events.
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
        flow: FlowControl = FlowControl(),  # noqa: B008  # frozen
        open_stream: OpenStream | None = None,
    ) -> None:
        self._client = AsyncClient(
            address,
            name=name,
            credentials=credentials,
            tls=tls,
            replay=replay,
            reconnect=reconnect,
            flow=flow,
            open_stream=open_stream,
        )
        self.address = self._client.address
        self.tls = self._client.tls
        self._portal = Portal(self._client)

    def __enter__(self) -> Self:
        self._portal.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._portal.__exit__(kind, error, trace)

    def _call(self, function: Callable[[], Awaitable[T]]) -> T:
        try:
            return self._portal.call(function)
        except LeftError:
            raise DisconnectedError("the client was left") from None

    @property
    def user(self) -> str:
        """The user's name now; empty where a login is required and there was none."""
        return self._client.user

    @property
    def registered(self) -> bool:
        """Whether the name is registered to the user."""
        return self._client.registered

    @property
    def session(self) -> int | None:
        """The number of this client in the user's `sessions`, if the server has sent it."""
        return self._client.session

    @property
    def refused(self) -> RefusedError | None:
        """Why the server refused the credentials on this connection, if it did and they are not required."""
        return self._client.refused

    @property
    def server(self) -> str:
        """The server's name and version."""
        return self._client.server

    @property
    def rooms(self) -> RoomRequests:
        """The requests about named rooms."""
        return RoomRequests(self._client.rooms, self._call)

    @property
    def token(self) -> str | None:
        """What makes a later client the same user. Keep it secret."""
        return self._client.token

    @property
    def remembered(self) -> bool:
        """Whether a later run will be the same user without being given the token."""
        return self._client.remembered

    @property
    def remember_problem(self) -> str | None:
        """Why the token is not saved although it should be, such as a full disk; else None."""
        return self._client.remember_problem

    @property
    def remembered_users(self) -> list[str]:
        """The registered users of earlier runs without a name, if this run is none of several."""
        return self._client.remembered_users

    @property
    def state(self) -> State:
        """Online, Offline or Closed."""
        return self._client.state

    @property
    def latency(self) -> float | None:
        """The seconds that the last ping took, to the server and back."""
        return self._client.latency

    def claim_alone(self) -> bool:
        """Return whether no other program here is this user, and let none be until this one ends."""
        return self._call(partial(_soon, self._client.claim_alone))

    def retry_now(self) -> None:
        """Do not wait any longer before the next attempt to reconnect."""
        self._call(partial(_soon, self._client.retry_now))

    def events(self) -> Iterator[Event]:
        """Yield the events, each once and those of a room in order, also the missed ones.

        Raises DisconnectedError when the client gave up, or RefusedError when the server does not want it
        back. Other requests may be made in between.
        """
        while (event := self.next_event()) is not None:
            yield event

    def next_event(self, timeout: float | None = None) -> Event | None:
        """Return the next event, or None if the client was left.

        Raises TimeoutError if there is none for so many seconds, and then the next call gives it;
        DisconnectedError if the client gave up.
        """
        try:
            return self._call(partial(_within, timeout, self._client.next_event))
        except trio.TooSlowError:
            raise TimeoutError(f"there was no event for {timeout:g} s") from None

    def pages(self, request: Request[R]) -> Iterator[R]:
        """Make a request for a list, and yield all its pages."""
        following: Request[R] | None = request
        while following is not None:
            page = self.request(following)
            yield page
            following = next_page(following, page)

    def unread_messages(self, *, room: str | None = None, username: str | None = None) -> Iterator[Message]:
        """Yield unread messages of others, oldest first, of a place or of all; ignored ones are left out."""
        request = ReadHistory(count=MAX_COUNT, room=room, username=username, unread=True)
        for page in self.pages(request):
            yield from (message for message in page.messages if not message.ignored)

    def send(
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
        """
        return self._call(
            partial(self._client.send, text, room=room, username=username, time=time, action=action)
        )

    def edit(self, seq: int, text: str, *, room: str | None = None, username: str | None = None) -> Sent:
        """Give a message of the user's, by its number in a place, another text."""
        return self._call(partial(self._client.edit, seq, text, room=room, username=username))

    def request(self, request: Request[R]) -> R:
        """Make a request and return its reply. Raises RefusedError, or DisconnectedError if it was lost."""
        return self._call(partial(self._client.request, request))

    def rename(self, name: str) -> Renamed:
        """Change the name. After a lost connection the client asks for it again."""
        return self._call(partial(self._client.rename, name))

    def register(self, password: str) -> Registered:
        """Register the name, which must be one that was chosen."""
        return self._call(partial(self._client.register, password))

    def login(self, name: str, password: str) -> LoggedIn:
        """Log in as the registered user of this name. The token is saved, the password is not."""
        return self._call(partial(self._client.login, name, password))

    def logout(self) -> LoggedOut:
        """End this session; the client is a new guest then, or nobody where a login is required."""
        return self._call(self._client.logout)

    def change_password(self, password: str, new: str) -> PasswordChanged:
        """Change the password; all other sessions of the user end."""
        return self._call(partial(self._client.change_password, password, new))

    def sessions(self) -> list[SessionInfo]:
        """Return the user's sessions, lowest number first."""
        return self._call(self._client.sessions)

    def revoke(self, number: int) -> Revoked:
        """End a session of the user, on whatever device."""
        return self._call(partial(self._client.revoke, number))

    def users(self) -> list[UserInfo]:
        """Return the connected users, by name."""
        return self._call(self._client.users)

    def whois(self, name: str) -> Whois:
        """Return information about a user."""
        return self._call(partial(self._client.whois, name))

    def history(
        self,
        count: int | None = None,
        *,
        before: int | None = None,
        after: int | None = None,
        room: str | None = None,
        username: str | None = None,
    ) -> list[Message]:
        """Return messages of a place, oldest first: the last ones, or those `before` or `after` a number."""
        return self._call(
            partial(self._client.history, count, before=before, after=after, room=room, username=username)
        )

    def conversations(self) -> list[ConversationInfo]:
        """Return the user's private conversations, with the numbers that each side has read."""
        return self._call(self._client.conversations)

    def unread(self) -> list[UnreadInfo]:
        """Return the rooms with unread messages, the lobby first."""
        return self._call(self._client.unread)

    def mark_read(
        self, seq: int | None = None, *, room: str | None = None, username: str | None = None
    ) -> Read:
        """Mark a place as read, up to this message or to the last."""
        return self._call(partial(self._client.mark_read, seq, room=room, username=username))

    def receipts(self, on: bool | None = None) -> bool:  # noqa: FBT001  # as in `receipts on`
        """Return whether read receipts are on, for both sides; or switch them."""
        return self._call(partial(self._client.receipts, on))

    def away(self, text: str = "") -> Away:
        """Show others that the user is away, until `back`."""
        return self._call(partial(self._client.away, text))

    def back(self) -> Back:
        """No longer show that the user is away."""
        return self._call(self._client.back)

    def ignore(self, name: str) -> list[str]:
        """Ignore a user; return the names of all ignored users."""
        return self._call(partial(self._client.ignore, name))

    def unignore(self, name: str) -> list[str]:
        """No longer ignore a user; return the names of all ignored users."""
        return self._call(partial(self._client.unignore, name))

    def ignoring(self) -> list[str]:
        """Return the names of all ignored users."""
        return self._call(self._client.ignoring)

    def scheduled(self) -> list[PendingMessage]:
        """Return the user's scheduled messages, lowest number first."""
        return self._call(self._client.scheduled)

    def cancel(self, number: int | None = None) -> Cancelled:
        """Cancel the scheduled message of this number, or the last one."""
        return self._call(partial(self._client.cancel, number))

    def report(self, username: str, reason: str | None = None) -> Reported:
        """Report a user."""
        return self._call(partial(self._client.report, username, reason))

    def status(self) -> Status:
        """Return the state of the server."""
        return self._call(self._client.status)

    def ping(self) -> float:
        """Return the seconds to the server and back."""
        return self._call(self._client.ping)


async def _soon(function: Callable[[], T]) -> T:
    return function()


async def _within(seconds: float | None, function: Callable[[], Awaitable[T]]) -> T:
    with trio.fail_after(math.inf if seconds is None else max(seconds, SHORTEST)):
        return await function()
