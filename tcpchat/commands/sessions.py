"""Accounts and sessions: registering, logging in and out, resuming, leaving."""

from __future__ import annotations

from typing import ClassVar

import attrs

from tcpchat.commands.command import PASSWORD_COST, Command, argument, option, secret, whole_number
from tcpchat.wire.base import AT, Reply, Request, about
from tcpchat.wire.events import Bye

LOBBY_SEQ = about("the lobby's last message; each later one comes as an event")


@attrs.frozen(kw_only=True)
class Registered(Reply):
    """The name is yours on this server, for good; your token goes on."""

    type: ClassVar[str] = "registered"
    user: str = attrs.field(metadata=about("your name"))


@attrs.frozen(kw_only=True)
class Register(Request[Registered]):
    """Ask that your name is yours on this server from now on."""

    type: ClassVar[str] = "register"
    password: str = attrs.field(
        repr=False, metadata=secret("PASSWORD", "the password that you choose", new=True)
    )
    device: str | None = attrs.field(
        default=None,
        metadata=option(None, "DEVICE", "what `sessions` calls this device, one word"),
    )


REGISTER = Command(
    request=Register,
    reply=Registered,
    cost=PASSWORD_COST,
    summary="keep your name for good: who wants it later needs the password",
    examples=(
        "register",
        "register --password correcthorse",
        '{"type":"register","password":"correct horse"}',
    ),
)


@attrs.frozen(kw_only=True)
class LoggedIn(Reply):
    """You are the registered user now, in a session of your own. `unread` follows."""

    type: ClassVar[str] = "logged-in"
    user: str = attrs.field(metadata=about("your name"))
    session: int = attrs.field(metadata=about("this connection's session, as `sessions` numbers them"))
    token: str = attrs.field(
        repr=False, metadata=about("keep it secret: `resume` with it makes you this user")
    )
    seq: int = attrs.field(metadata=LOBBY_SEQ)


@attrs.frozen(kw_only=True)
class Login(Request[LoggedIn]):
    """Ask to be a registered user, in a session of your own."""

    type: ClassVar[str] = "login"
    name: str = attrs.field(metadata=argument("NAME", "the registered name"))
    password: str = attrs.field(repr=False, metadata=secret("PASSWORD", "the password"))
    device: str | None = attrs.field(
        default=None,
        metadata=option(None, "DEVICE", "what `sessions` calls this device, one word"),
    )


LOGIN = Command(
    request=Login,
    reply=LoggedIn,
    cost=PASSWORD_COST,
    summary="be a registered user; several connections may be the same one",
    examples=("login alice", '{"type":"login","name":"alice","password":"correct horse"}'),
    needs_login=False,
    switches_user=True,
)


@attrs.frozen(kw_only=True)
class Resumed(Reply):
    """You are the user of the token now. `unread` follows."""

    type: ClassVar[str] = "resumed"
    user: str = attrs.field(metadata=about("your name"))
    registered: bool = attrs.field(metadata=about("the name is yours for good"))
    session: int = attrs.field(metadata=about("this connection's session, as `sessions` numbers them"))
    seq: int = attrs.field(metadata=LOBBY_SEQ)


@attrs.frozen(kw_only=True)
class Resume(Request[Resumed]):
    """Ask to be the user of a token."""

    type: ClassVar[str] = "resume"
    token: str = attrs.field(
        repr=False, metadata=argument("TOKEN", "what `welcome` or `logged-in` gave you on that connection")
    )
    after: int | None = attrs.field(
        default=None,
        metadata=option(None, "SEQ", "first send what the lobby said after this message", whole_number),
    )


RESUME = Command(
    request=Resume,
    reply=Resumed,
    summary="be the user again that you were on another connection",
    examples=(
        "resume kJ0uV3yXk4Qm5c6m1mRr7b3bE6H3VXJ9wqk2b7n0Yd8",
        "resume kJ0uV3yXk4Qm5c6m1mRr7b3bE6H3VXJ9wqk2b7n0Yd8 --after 812",
        '{"type":"resume","token":"kJ0uV3yXk4Qm5c6m1mRr7b3bE6H3VXJ9wqk2b7n0Yd8"}',
    ),
    needs_login=False,
    switches_user=True,
)


@attrs.frozen(kw_only=True)
class SessionInfo:
    """One of your tokens, and what uses it."""

    number: int = attrs.field(metadata=about("what `revoke` takes"))
    device: str = attrs.field(metadata=about("what it calls itself; empty if it does not say"))
    address: str = attrs.field(metadata=about("where it was last used from"))
    since: str = attrs.field(metadata=AT)
    used: str = attrs.field(metadata=about("when it last connected or went, RFC 3339"))
    here: bool = attrs.field(metadata=about("it is connected now"))
    current: bool = attrs.field(metadata=about("it is this connection's"))


@attrs.frozen(kw_only=True)
class Sessions(Reply):
    """Your sessions."""

    type: ClassVar[str] = "sessions"
    sessions: list[SessionInfo] = attrs.field(metadata=about("lowest number first"))


@attrs.frozen(kw_only=True)
class ListSessions(Request[Sessions]):
    """Ask for your sessions."""

    type: ClassVar[str] = "sessions"


SESSIONS = Command(
    request=ListSessions,
    reply=Sessions,
    summary="your sessions: each is a token, with device, address and last use",
    examples=("sessions", '{"type":"sessions"}'),
)


@attrs.frozen(kw_only=True)
class Revoked(Reply):
    """The token is worthless; a connection that used it is closed."""

    type: ClassVar[str] = "revoked"
    number: int = attrs.field(metadata=about("of the session"))


@attrs.frozen(kw_only=True)
class Revoke(Request[Revoked]):
    """Ask that a token of yours does not work any more."""

    type: ClassVar[str] = "revoke"
    number: int = attrs.field(metadata=argument("NUMBER", "which one, as `sessions` says", whole_number))


REVOKE = Command(
    request=Revoke,
    reply=Revoked,
    summary="end a session: its token is worthless, its connection is closed",
    examples=("revoke 2", '{"type":"revoke","number":2}'),
)


@attrs.frozen(kw_only=True)
class PasswordChanged(Reply):
    """The new password holds, and all other sessions are over."""

    type: ClassVar[str] = "password-changed"
    revoked: int = attrs.field(metadata=about("how many other sessions there were"))


@attrs.frozen(kw_only=True)
class ChangePassword(Request[PasswordChanged]):
    """Ask for another password."""

    type: ClassVar[str] = "password"
    password: str = attrs.field(repr=False, metadata=secret("PASSWORD", "your password so far"))
    new: str = attrs.field(repr=False, metadata=secret("PASSWORD", "the new password", new=True))


PASSWORD = Command(
    request=ChangePassword,
    reply=PasswordChanged,
    cost=PASSWORD_COST,
    summary="take another password; all other sessions of yours end",
    examples=("password", '{"type":"password","password":"correct horse","new":"battery staple"}'),
)


@attrs.frozen(kw_only=True)
class LoggedOut(Reply):
    """The session is over and its token worthless; you are a new guest, or nobody where login is required."""

    type: ClassVar[str] = "logged-out"
    user: str | None = attrs.field(default=None, metadata=about("the name that you have for now"))
    token: str | None = attrs.field(
        default=None, repr=False, metadata=about("what makes you this guest again")
    )


@attrs.frozen(kw_only=True)
class Logout(Request[LoggedOut]):
    """Ask to end this session."""

    type: ClassVar[str] = "logout"


LOGOUT = Command(
    request=Logout,
    reply=LoggedOut,
    summary="end this session: its token is worthless, and you are a new guest",
    examples=("logout", '{"type":"logout"}'),
)


@attrs.frozen(kw_only=True)
class Exit(Request[Bye]):
    """Ask to be disconnected."""

    type: ClassVar[str] = "exit"


EXIT = Command(
    request=Exit,
    reply=Bye,
    summary="leave; the connection is closed",
    examples=("exit", '{"type":"exit"}'),
    needs_login=False,
)
