"""The handshake of a connection: which user the client is, settled before any other request is written."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import attrs
import trio

from tcpchat.link.calls import Calls, PendingCall
from tcpchat.link.desired_identity import DesiredIdentity, Identity
from tcpchat.link.errors import RefusedError
from tcpchat.link.inbox import Inbox
from tcpchat.link.state import Reconnected
from tcpchat.link.transport import ConnectionLostError, Transport
from tcpchat.protocol import Bye, Error, Event, Login, Ping, Rename, Renamed, Reply, Request, Resume, Welcome

TOKEN_WORTHLESS: Final = {"bad-token", "unknown-type"}  # codes by which a server refuses a token for ever
FINAL: Final = {"exit", "replaced", "revoked", "banned"}  # codes after which reconnecting would be wrong
TRANSIENT: Final = {"rate-limited", "storage-failed", "internal"}  # codes after which a repetition may work
LOGINS: Final = 10  # attempts to log in that wait for one another …
LOGIN_WAIT: Final = 5.0  # … seconds each at most: a longer wait is for a person to know …
SHORTEST_WAIT: Final = 0.5  # … and at least
PROBE: Final = 1.0  # seconds without a welcome after which the peer is asked for a line that shows what it is
LOGIN_REQUIRED: Final = "this server is for registered users: log in with a name and its password"


@attrs.define(kw_only=True)
class Handshake:
    """One handshake: `run` it, then read the results."""

    transport: Transport
    calls: Calls
    inbox: Inbox
    dispatch: Callable[[Reply | Event], None]
    """Takes what is received meanwhile and is no reply to the handshake."""
    load: Callable[[str], Identity | None]
    """Returns the saved identity for the server with this journal."""
    beside: bool
    """Other programs are the user of the token too, and stay: this is a session of its own."""
    before: Identity
    """On the last connection, or what the program gave."""
    desired: DesiredIdentity
    reconnecting: bool
    """There was a connection before."""
    on_welcome: Callable[[], None] = lambda: None
    """Is called once the peer has shown that it is a server."""
    identity: Identity = attrs.field(factory=Identity, init=False)
    same_user: bool = attrs.field(default=False, init=False)
    welcome: Welcome = attrs.field(init=False)
    missed: int = attrs.field(default=0, init=False)
    refused: RefusedError | None = attrs.field(default=None, init=False)
    """Why the server refused the desired identity, if that is not required."""

    async def run(self) -> None:
        """Become the user from before, or else the desired one.

        Raises ConnectionLostError if a later attempt may work, RefusedError if none will.
        """
        welcome = self.welcome = await self._receive_welcome()
        self.on_welcome()
        self.missed = self.inbox.welcome(welcome.seq, welcome.journal)
        self.inbox.put(welcome)
        self.identity = Identity(user=welcome.user or "", token=welcome.token, journal=welcome.journal)
        existing_user = await self._resume_or_log_in()
        if not self.identity.user and (self.before.user or not self.reconnecting):
            self._refuse(RefusedError(Error(code="login-required", message=LOGIN_REQUIRED)))
        self.same_user = existing_user and self._is_user_from_before()
        if self.reconnecting and self.same_user:
            self.inbox.resume()
        else:
            self.inbox.switch_user(new=not existing_user)
        await self._take_name()

    def reconnected(self, seconds: float) -> Reconnected:
        """Return the event for the results, after so many seconds without a connection."""
        return Reconnected(
            user=self.identity.user,
            seconds=seconds,
            missed=self.missed,
            data_reset=self.inbox.data_reset,
            same_user=self.same_user,
            registered=self.identity.registered,
            refused=None if self.refused is None else str(self.refused),
        )

    def _refuse(self, error: RefusedError) -> None:
        """Do without the desired identity, unless it is required: then raise the error."""
        if self.desired.required:
            raise error
        self.refused = self.refused or error
        self.desired = self.desired.any_guest()

    async def _receive_welcome(self) -> Welcome:
        welcome: Reply | Event | None = None
        with trio.move_on_after(math.inf if self.reconnecting else PROBE):
            welcome = await self.transport.next()
        if welcome is None:  # a program that waits for a request says what it is
            await self.transport.write(Ping())
            welcome = await self.transport.next()
        if isinstance(welcome, Error | Bye):
            raise _lost(welcome)
        if not isinstance(welcome, Welcome):
            raise ConnectionLostError("this is no tcpchat server", is_other=True)
        return welcome

    async def _resume_or_log_in(self) -> bool:
        """Become a user that the server has had before; return whether that worked."""
        resumed = await self._resume()
        if self.identity.registered:
            return True
        return await self._log_in() or resumed

    async def _resume(self) -> bool:
        token = self._token()
        if token is None:
            return False
        try:
            await self._call(Resume(token=token, beside=self.beside))
        except RefusedError as error:
            if error.code in TOKEN_WORTHLESS:
                return False
            raise _lost(error.error) from None
        return True

    def _token(self) -> str | None:
        """Return the token to resume with. A server is never sent the token of another one."""
        journal = self.welcome.journal
        if self.before.token is not None:
            return self.before.token if self.before.journal in {None, journal} else None
        saved = None if self.reconnecting else self.load(journal)
        return None if saved is None else saved.token

    async def _log_in(self) -> bool:
        login = self.desired.login()
        if login is None:
            return False
        try:
            await self._call_patiently(login)
        except RefusedError as error:
            if self.reconnecting and error.code in TRANSIENT:
                raise ConnectionLostError(str(error)) from None
            self._refuse(error)
            return False
        return True

    async def _call_patiently(self, login: Login) -> None:
        """Log in; wait where many log in at once, which looks like guessing. Raises RefusedError."""
        for _ in range(0 if self.reconnecting else LOGINS - 1):
            try:
                await self._call(login)
            except RefusedError as error:
                wait = error.error.retry_after
                if error.code != "rate-limited" or wait is None or wait > LOGIN_WAIT:
                    raise
                await trio.sleep(max(wait, SHORTEST_WAIT))
            else:
                return
        await self._call(login)

    def _is_user_from_before(self) -> bool:
        before, now = self.before, self.identity
        if before.journal not in {None, now.journal}:
            return False
        return before.token == now.token or (before.registered and before.user == now.user)

    async def _take_name(self) -> None:
        desired, user = self.desired, self.identity.user
        if desired.name is None or desired.password is not None or not user or desired.is_named(user):
            return
        try:
            await self._call(Rename(name=desired.name))
        except RefusedError as error:
            if not self.reconnecting:
                self._refuse(error)
                return
            self.refused = self.refused or error  # but the next connection asks for the name again
            self.inbox.put(Renamed(old=desired.name, new=user))
        else:
            self.desired = attrs.evolve(desired, name=self.identity.user)  # as the server spells it

    async def _call(self, request: Request) -> None:
        """Write a request before those of the program, and wait for the reply. Raises RefusedError."""
        call = self.calls.assign_id(PendingCall(request))
        await self.transport.write(call.request)
        while not call.done:
            answer = await self.transport.next()
            if isinstance(answer, Bye):
                raise _lost(answer)
            if isinstance(answer, Reply) and answer.re is not None:
                self.calls.answer(answer, trio.current_time())
            else:
                self.dispatch(answer)
        self.identity = self.identity.after(call.request, await call.wait())


def _lost(last_word: Error | Bye) -> ConnectionLostError | RefusedError:
    """Return the error for the server's last word, by whether it is worth trying again."""
    if last_word.code in FINAL:
        return RefusedError(Error(code=last_word.code, message=last_word.message))
    return ConnectionLostError(last_word.message)
