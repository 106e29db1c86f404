"""The first words on a connection: who we are is settled before anything else is asked."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import trio

from tcpchat.commands.rename import Rename
from tcpchat.commands.resume import Resume
from tcpchat.link.calls import Calls, PendingCall
from tcpchat.link.desired_identity import DesiredIdentity, Identity
from tcpchat.link.errors import RefusedError
from tcpchat.link.inbox import Inbox
from tcpchat.link.state import Reconnected
from tcpchat.link.transport import ConnectionLostError, Transport
from tcpchat.protocol import Bye, Error, Event, Renamed, Reply, Request, Welcome

FORGOTTEN = {"bad-token", "unknown-type"}  # codes after which there is no way back to who we were
FOR_GOOD = {"exit", "replaced", "revoked", "banned"}  # codes after which coming back would be wrong
NOBODY = "this server is for registered users: log in with a name and its password"
LATER = {"rate-limited", "storage-failed", "internal"}  # codes of what may work another time


@attrs.define(kw_only=True)
class Handshake:
    """What is said until it is known who we are, and what came of it."""

    link: Transport
    outbox: Calls
    feed: Inbox
    hear: Callable[[Reply | Event], None]
    """Takes what is no reply of ours."""
    load: Callable[[str], Identity | None]
    """Gives who an earlier run was on the server with this journal."""
    before: Identity
    """Who this run was."""
    wanted: DesiredIdentity
    """Who it is to be."""
    again: bool
    """There was a connection before."""
    me: Identity = attrs.field(factory=Identity, init=False)
    same_user: bool = attrs.field(default=False, init=False)
    welcome: Welcome = attrs.field(init=False)
    missed: int = attrs.field(default=0, init=False)
    refused: RefusedError | None = attrs.field(default=None, init=False)
    """Why we are not who we were to be, if we are to be anyone then."""

    async def run(self, history: int) -> None:
        """Become who we were, or who we are to be.

        Raises ConnectionLostError if a later attempt may work, RefusedError if none will.
        """
        welcome = self.welcome = await self._welcomed()
        self.missed = self.feed.welcome(welcome.seq, welcome.journal, history)
        self.feed.take(welcome)
        self.me = Identity(user=welcome.user or "", token=welcome.token, journal=welcome.journal)
        came_back = await self._come_back()
        if not self.me.user and (self.before.user or not self.again):
            self._refused(RefusedError(Error(code="login-required", message=NOBODY)))
        self.same_user = came_back and self._is_the_same()
        if self.again and self.same_user:
            self.feed.come_back()
        else:
            self.feed.become(fresh=not came_back)
        await self._take_name()

    def reconnected(self, seconds: float) -> Reconnected:
        """Return the event that tells what came of it, after so long without a connection."""
        return Reconnected(
            user=self.me.user,
            seconds=seconds,
            missed=self.missed,
            data_reset=self.feed.data_reset,
            same_user=self.same_user,
            registered=self.me.registered,
            refused=None if self.refused is None else str(self.refused),
        )

    def _refused(self, error: RefusedError) -> None:
        """Take it that we cannot be who we were to be, unless that was all that we came for."""
        if not self.wanted.anyone:
            raise error
        self.refused = self.refused or error
        self.wanted = self.wanted.anybody()

    async def _welcomed(self) -> Welcome:
        welcome = await self.link.next()
        if isinstance(welcome, Error | Bye):
            raise _lost(welcome)
        if not isinstance(welcome, Welcome):
            raise ConnectionLostError("this is no tcpchat server")
        return welcome

    async def _come_back(self) -> bool:
        """Become somebody who the server knows; return whether that worked."""
        resumed = await self._resume()
        if self.me.registered:
            return True
        return await self._log_in() or resumed

    async def _resume(self) -> bool:
        token = self._token()
        if token is None:
            return False
        try:
            await self._converse(Resume(token=token))
        except RefusedError as error:
            if error.code in FORGOTTEN:
                return False
            raise _lost(error.error) from None
        return True

    def _token(self) -> str | None:
        """Return the token to come back with: no server is told one of another."""
        journal = self.welcome.journal
        if self.before.token is not None:
            return self.before.token if self.before.journal in {None, journal} else None
        kept = None if self.again else self.load(journal)
        return None if kept is None else kept.token

    async def _log_in(self) -> bool:
        login = self.wanted.login()
        if login is None:
            return False
        try:
            await self._converse(login)
        except RefusedError as error:
            if self.again and error.code in LATER:
                raise ConnectionLostError(str(error)) from None
            self._refused(error)
            return False
        return True

    def _is_the_same(self) -> bool:
        before, me = self.before, self.me
        if before.journal not in {None, me.journal}:
            return False
        return before.token == me.token or (before.registered and before.user == me.user)

    async def _take_name(self) -> None:
        name, guest = self.wanted.name, self.me.user
        if name is None or self.wanted.password is not None or not guest or self.wanted.is_called(guest):
            return
        try:
            await self._converse(Rename(name=name))
        except RefusedError as error:
            if not self.again:
                self._refused(error)
                return
            self.refused = self.refused or error  # but the name is wanted again the next time
            self.feed.take(Renamed(old=name, new=guest))
        else:
            self.wanted = attrs.evolve(self.wanted, name=self.me.user)  # as the server writes it

    async def _converse(self, request: Request) -> None:
        """Ask something before anybody else may."""
        asked = self.outbox.number(PendingCall(request))
        await self.link.write(asked.request)
        while not asked.done:
            answer = await self.link.next()
            if isinstance(answer, Bye):
                raise _lost(answer)
            if isinstance(answer, Reply) and answer.re is not None:
                self.outbox.answer(answer, trio.current_time())
            else:
                self.hear(answer)
        reply = await asked.wait()
        self.me = self.me.after(asked.request, reply)


def _lost(last_word: Error | Bye) -> ConnectionLostError | RefusedError:
    """Return the error that the server's last word is, depending on whether it is worth trying again."""
    if last_word.code in FOR_GOOD:
        return RefusedError(Error(code=last_word.code, message=last_word.message))
    return ConnectionLostError(last_word.message)
