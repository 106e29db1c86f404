"""Who a client is on its server, and who it wants to be, as values. Pure."""

from __future__ import annotations

import attrs

from tcpchat.commands.login import Login
from tcpchat.commands.password import Password
from tcpchat.commands.register import Register
from tcpchat.commands.resume import Resume
from tcpchat.protocol import (
    GUEST,
    Bye,
    LoggedIn,
    LoggedOut,
    PasswordChanged,
    Registered,
    Renamed,
    Reply,
    Request,
    Resumed,
)

TELLING: tuple[type[Reply], ...] = (Renamed, Registered, LoggedIn, LoggedOut, Resumed, PasswordChanged, Bye)
"""Replies after which one may be somebody else, or is to be it next time."""


@attrs.frozen(kw_only=True)
class Identity:
    """Who a client is."""

    user: str = ""
    """The name; empty for nobody."""
    token: str | None = attrs.field(default=None, repr=False)
    """What makes another connection the same user; None if nothing does."""
    journal: str | None = None
    """Of the server that the token is for, and nobody else's business; None if it is not known."""
    registered: bool = False
    session: int | None = None

    def after(self, request: Request | None, reply: Reply) -> Identity:
        """Return who one is after this reply to that request."""
        match reply:
            case Renamed():
                return attrs.evolve(self, user=reply.new)
            case Registered():
                return attrs.evolve(self, user=reply.user, registered=True)
            case Resumed() if isinstance(request, Resume):
                return Identity(
                    user=reply.user,
                    token=request.token,
                    journal=self.journal,
                    registered=reply.registered,
                    session=reply.session,
                )
            case LoggedIn():
                return Identity(
                    user=reply.user,
                    token=reply.token,
                    journal=self.journal,
                    registered=True,
                    session=reply.session,
                )
            case LoggedOut():
                return Identity(user=reply.user or "", token=reply.token, journal=self.journal)
            case Bye() if reply.code == "exit" and not self.registered:
                return attrs.evolve(self, token=None)
        return self


@attrs.frozen(kw_only=True)
class DesiredIdentity:
    """Who a client is to be on each connection, where it can; with a password the registered user."""

    name: str | None = None
    password: str | None = attrs.field(default=None, repr=False)
    device: str | None = None
    """What `sessions` calls where this runs."""
    anyone: bool = False
    """Be whoever the server lets one be, where it refuses this."""

    def after(self, request: Request | None, reply: Reply) -> DesiredIdentity:
        """Return who to be next time, after this reply to that request."""
        match reply:
            case Renamed():
                return attrs.evolve(self, name=reply.new)
            case Resumed() | LoggedIn() if self.is_called(reply.user):
                return self
            case Resumed() | LoggedIn():
                return attrs.evolve(self, name=chosen(reply.user), password=None)
            case LoggedOut():
                return self.anybody()
            case PasswordChanged() if self.password is not None and isinstance(request, Password):
                return attrs.evolve(self, password=request.new)
        return self

    def anybody(self) -> DesiredIdentity:
        """Return the wish to be nobody in particular."""
        return attrs.evolve(self, name=None, password=None)

    def is_called(self, user: str) -> bool:
        """Whether this is the name of that user."""
        return self.name is not None and self.name.lower() == user

    def login(self) -> Login | None:
        """Return the request that makes one the registered user."""
        if self.name is None or self.password is None:
            return None
        return Login(name=self.name, password=self.password, device=self.device)

    def with_device(self, request: Request) -> Request:
        """Return the request, which also says where this runs if it can and does not."""
        if isinstance(request, Login | Register) and request.device is None:
            return attrs.evolve(request, device=self.device)
        return request


def chosen(user: str) -> str | None:
    """Return the name if somebody chose it."""
    return None if not user or user.startswith(GUEST) else user
