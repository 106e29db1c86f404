"""Operations on accounts and sessions: make, change and end them.

Each is decided on what the ones before it in the pipeline left. Therefore a password that changes ends every
session that began before it, and rejects every login that was checked before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs

from tcpchat.chat.draft import Draft
from tcpchat.chat.fanout import Fanout
from tcpchat.chat.operations.base import Operation
from tcpchat.chat.operations.users import requester_of
from tcpchat.chat.state import ServerState
from tcpchat.chat.user import User
from tcpchat.errors import ChatError
from tcpchat.protocol import Registered
from tcpchat.store.changes import EndSession, NewUser, SetAccount, SetMember, SetName, SetSession
from tcpchat.wire.base import LOBBY

REVOKED: Final = "revoked"
"""Why connections end whose sessions their user ended."""
ENDED: Final = "ended"
"""Why connections end whose sessions the operator ended."""
WRONG: Final = "there is no registered user with this name and password"


@attrs.define(eq=False, kw_only=True)
class EndSessions(Operation):
    """End sessions: their tokens are not valid any more, and their connections end.

    Without a `why` the connections stay attached to the user until they leave.
    """

    user: str
    hashes: Sequence[bytes]
    why: str | None = REVOKED

    def decide(self, draft: Draft) -> None:
        for hash in self.hashes:
            end_session(draft, draft.state.users.get(self.user), hash, self.why)

    def release(self, state: ServerState) -> None:
        user = state.users.get(self.user)
        if user is not None:
            for session in user.sessions:
                if session.hash in self.hashes:
                    session.ending = False


def end_session(draft: Draft, user: User | None, hash: bytes, why: str | None) -> None:
    """Add the end of a session, unless it is over by now."""
    if not draft.end_session(hash):
        return
    if user is None:
        draft.add(EndSession(hash, why))
    else:
        draft.add_about(user, EndSession(hash, why))


@attrs.define(eq=False, kw_only=True)
class ChangePassword(Operation):
    """Give a registered user another password, and end all sessions but one."""

    user: str
    hash: str = attrs.field(repr=False)
    keeps: bytes | None = None
    """The token's hash of the session that goes on."""
    why: str = REVOKED
    proved: int | None = None
    """The generation of the password that the caller proved; None for the operator, who proves none."""
    ended: int = attrs.field(default=0, init=False)
    """How many sessions ended."""

    def decide(self, draft: Draft) -> None:
        user = draft.user(self.user)
        if user is None or user.registered is None:
            name = "the user" if user is None else user.name
            raise ChatError("no-such-user", f"{name} is not registered any more")
        if self.proved is not None and draft.password(user.id) != self.proved:
            raise ChatError("wrong-login", "your password changed a moment ago", field="password")
        draft.set_password(user.id)
        draft.add(SetAccount(user.id, user.registered, self.hash))
        ended = [session.hash for session in draft.sessions(user) if session.hash != self.keeps]
        self.ended = len(ended)
        for hash in ended:
            end_session(draft, user, hash, self.why)


@attrs.define(eq=False, kw_only=True)
class BeginSession(Operation):
    """Begin a session of a registered user, and end the least used one if there are too many.

    It is rejected if the password that was checked is not the current one any more.
    """

    user: str
    proved: int
    """The generation of the password that the caller proved."""
    most: int
    name: str
    address: str
    session: SetSession = attrs.field(init=False)
    token: str = attrs.field(default="", init=False, repr=False)

    def decide(self, draft: Draft) -> None:
        user = None if draft.is_deleted(self.user) else draft.state.users.get(self.user)
        if user is None or draft.password(user.id) != self.proved:
            raise ChatError("wrong-login", WRONG)
        draft.pin(user)
        others = draft.sessions(user)
        number = draft.take_session_number(user)
        self.session, self.token = draft.state.users.new_session(user, number, self.name, self.address)
        draft.begin_session(self.session)
        if self.most and len(others) >= self.most:
            connected = {session.hash for session in user.sessions if session.connection is not None}
            least = min(others, key=lambda session: (session.hash in connected, session.used))
            end_session(draft, user, least.hash, REVOKED)


@attrs.define(eq=False, kw_only=True)
class RegisterUser(Operation):
    """Store a guest's name and password."""

    user: str
    hash: str = attrs.field(repr=False)
    session: SetSession
    """The caller's session, with the name that the device shall have."""
    _name: str = attrs.field(default="", init=False)

    def decide(self, draft: Draft) -> None:
        user = requester_of(draft, self.user)
        self._name, _ = draft.name(user)
        if draft.is_registered(user):
            raise ChatError("already-registered", f"{user.name} is already registered", name=user.name)
        own = next((one for one in draft.sessions(user) if one.hash == self.session.hash), None)
        if own is None:
            raise ChatError("bad-token", "this session ended a moment ago")
        draft.ensure_row(user)
        draft.register(user)
        draft.add(SetAccount(user.id, draft.at, self.hash), own._replace(name=self.session.name))

    def conclude(self, state: ServerState, fanout: Fanout) -> None:
        self.reply = Registered(user=self._name)


@attrs.define(eq=False, kw_only=True)
class CreateUser(Operation):
    """Store a claimed name and a password for a user who has no session yet."""

    user: str
    """An id that nobody has."""
    name: str
    key: str
    hash: str = attrs.field(repr=False)

    def decide(self, draft: Draft) -> None:
        user, last = self.user, draft.last_seq(LOBBY)
        draft.add(
            NewUser(user, draft.at),
            SetName(user, self.key, self.name),
            SetAccount(user, draft.at, self.hash),
            SetMember(user, LOBBY, last, last),
        )

    def release(self, state: ServerState) -> None:
        state.directory.release(self.key)
