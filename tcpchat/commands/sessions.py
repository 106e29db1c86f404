"""Commands about accounts and sessions: register, log in and out, resume, leave."""

from __future__ import annotations

from typing import ClassVar

import attrs

from tcpchat.commands.command import PASSWORD_COST, Command, argument, flag, option, secret, whole_number
from tcpchat.wire.base import AT, Reply, Request, about
from tcpchat.wire.events import Bye

LOBBY_SEQ = about("the number of the lobby's last event; each later one is sent to you")


@attrs.frozen(kw_only=True)
class Registered(Reply):
    """Your name is registered; your token stays valid."""

    type: ClassVar[str] = "registered"
    user: str = attrs.field(metadata=about("your name"))


@attrs.frozen(kw_only=True)
class Register(Request[Registered]):
    """Register your name."""

    type: ClassVar[str] = "register"
    password: str = attrs.field(
        repr=False, metadata=secret("PASSWORD", "the password that you choose", new=True)
    )
    device: str | None = attrs.field(
        default=None,
        metadata=option(None, "DEVICE", "the name of this device in `sessions`, one word"),
    )


REGISTER = Command(
    request=Register,
    reply=Registered,
    cost=PASSWORD_COST,
    summary="register your name and protect it with a password",
    examples=(
        "register",
        "register --password correcthorse",
        '{"type":"register","password":"correct horse"}',
    ),
)


@attrs.frozen(kw_only=True)
class LoggedIn(Reply):
    """You are the registered user now, in a new session. `unread` follows."""

    type: ClassVar[str] = "logged-in"
    user: str = attrs.field(metadata=about("your name"))
    session: int = attrs.field(metadata=about("the number of this session in `sessions`"))
    token: str = attrs.field(
        repr=False, metadata=about("a secret: `resume` with it makes a connection this user")
    )
    seq: int = attrs.field(metadata=LOBBY_SEQ)


@attrs.frozen(kw_only=True)
class Login(Request[LoggedIn]):
    """Log in as a registered user, in a new session."""

    type: ClassVar[str] = "login"
    name: str = attrs.field(metadata=argument("NAME", "the registered name"))
    password: str = attrs.field(repr=False, metadata=secret("PASSWORD", "the password"))
    device: str | None = attrs.field(
        default=None,
        metadata=option(None, "DEVICE", "the name of this device in `sessions`, one word"),
    )


LOGIN = Command(
    request=Login,
    reply=LoggedIn,
    cost=PASSWORD_COST,
    summary="log in as a registered user, on any number of connections",
    examples=("login alice", '{"type":"login","name":"alice","password":"correct horse"}'),
    needs_login=False,
    switches_user=True,
)


@attrs.frozen(kw_only=True)
class Resumed(Reply):
    """You are the user of the token now. `unread` follows."""

    type: ClassVar[str] = "resumed"
    user: str = attrs.field(metadata=about("your name"))
    registered: bool = attrs.field(metadata=about("whether you are registered"))
    session: int = attrs.field(metadata=about("the number of this session in `sessions`"))
    seq: int = attrs.field(metadata=LOBBY_SEQ)


@attrs.frozen(kw_only=True)
class Resume(Request[Resumed]):
    """Become the user of a token."""

    type: ClassVar[str] = "resume"
    token: str = attrs.field(
        repr=False,
        metadata=argument("TOKEN", "the token from `welcome` or `logged-in` on the earlier connection"),
    )
    after: int | None = attrs.field(
        default=None,
        metadata=option(None, "SEQ", "first send the lobby's events after this number", whole_number),
    )
    beside: bool = attrs.field(
        default=False,
        metadata=flag(
            "in a session of its own, which ends with the connection; the token's connection stays"
        ),
    )


RESUME = Command(
    request=Resume,
    reply=Resumed,
    summary="become the user again that you were on another connection",
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
    """A session of yours: a token, and the connection that uses it."""

    number: int = attrs.field(metadata=about("the number for `revoke`"))
    device: str = attrs.field(metadata=about("the name of the device; empty if it gave none"))
    address: str = attrs.field(metadata=about("the address that it was last used from"))
    since: str = attrs.field(metadata=AT)
    used: str = attrs.field(metadata=about("when it last connected or disconnected, RFC 3339"))
    here: bool = attrs.field(metadata=about("whether it is connected"))
    current: bool = attrs.field(metadata=about("whether it is the session of this connection"))


@attrs.frozen(kw_only=True)
class Sessions(Reply):
    """Your sessions."""

    type: ClassVar[str] = "sessions"
    sessions: list[SessionInfo] = attrs.field(metadata=about("lowest number first"))


@attrs.frozen(kw_only=True)
class ListSessions(Request[Sessions]):
    """List your sessions."""

    type: ClassVar[str] = "sessions"


SESSIONS = Command(
    request=ListSessions,
    reply=Sessions,
    summary="list your sessions, with device, address and last use",
    examples=("sessions", '{"type":"sessions"}'),
)


@attrs.frozen(kw_only=True)
class Revoked(Reply):
    """The session is over; a connection that used it is closed."""

    type: ClassVar[str] = "revoked"
    number: int = attrs.field(metadata=about("the number of the session"))


@attrs.frozen(kw_only=True)
class Revoke(Request[Revoked]):
    """End a session of yours."""

    type: ClassVar[str] = "revoke"
    number: int = attrs.field(metadata=argument("NUMBER", "the session's number in `sessions`", whole_number))


REVOKE = Command(
    request=Revoke,
    reply=Revoked,
    summary="end a session: its token stops working, its connection is closed",
    examples=("revoke 2", '{"type":"revoke","number":2}'),
)


@attrs.frozen(kw_only=True)
class PasswordChanged(Reply):
    """The password is changed, and all your other sessions are over."""

    type: ClassVar[str] = "password-changed"
    revoked: int = attrs.field(metadata=about("the number of other sessions that ended"))


@attrs.frozen(kw_only=True)
class ChangePassword(Request[PasswordChanged]):
    """Change your password."""

    type: ClassVar[str] = "password"
    password: str = attrs.field(repr=False, metadata=secret("PASSWORD", "your current password"))
    new: str = attrs.field(repr=False, metadata=secret("PASSWORD", "the new password", new=True))


PASSWORD = Command(
    request=ChangePassword,
    reply=PasswordChanged,
    cost=PASSWORD_COST,
    summary="change your password; all your other sessions end",
    examples=("password", '{"type":"password","password":"correct horse","new":"battery staple"}'),
)


@attrs.frozen(kw_only=True)
class LoggedOut(Reply):
    """The session is over; you are a new guest, or nobody if the server requires a login."""

    type: ClassVar[str] = "logged-out"
    user: str | None = attrs.field(default=None, metadata=about("your name for now"))
    token: str | None = attrs.field(
        default=None, repr=False, metadata=about("a secret: `resume` with it makes a connection this guest")
    )


@attrs.frozen(kw_only=True)
class Logout(Request[LoggedOut]):
    """Ask to end this session."""

    type: ClassVar[str] = "logout"


LOGOUT = Command(
    request=Logout,
    reply=LoggedOut,
    summary="end this session; you become a new guest",
    examples=("logout", '{"type":"logout"}'),
)


@attrs.frozen(kw_only=True)
class Exit(Request[Bye]):
    """Leave."""

    type: ClassVar[str] = "exit"


EXIT = Command(
    request=Exit,
    reply=Bye,
    summary="leave; the connection is closed",
    examples=("exit", '{"type":"exit"}'),
    needs_login=False,
)
