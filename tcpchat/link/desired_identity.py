"""The identity of a client on its server, and the one that it desires, as values. Pure."""

from __future__ import annotations

import attrs

from tcpchat.protocol import (
    GUEST,
    Bye,
    ChangePassword,
    LoggedIn,
    LoggedOut,
    Login,
    PasswordChanged,
    Register,
    Registered,
    Renamed,
    Reply,
    Request,
    Resume,
    Resumed,
)

IDENTITY_REPLIES: tuple[type[Reply], ...] = (
    Renamed, Registered, LoggedIn, LoggedOut, Resumed, PasswordChanged, Bye,
)  # fmt: skip
"""Replies that may change the identity, or the desired one."""


@attrs.frozen(kw_only=True)
class Identity:
    """The user that a client is."""

    user: str = ""
    """The name; empty for nobody."""
    token: str | None = attrs.field(default=None, repr=False)
    """What makes another connection the same user; None if nothing does."""
    journal: str | None = None
    """Of the server that the token is for, and is sent to alone; None if it is unknown."""
    registered: bool = False
    session: int | None = None

    def after(self, request: Request | None, reply: Reply) -> Identity:
        """Return the identity after this reply to that request."""
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
    """The user that a client requests to be on each connection; with a password, a registered one."""

    name: str | None = None
    password: str | None = attrs.field(default=None, repr=False)
    device: str | None = None
    """The name of this client in the user's `sessions`."""
    required: bool = True
    """A refusal by the server is an error; otherwise the client is then a guest, or nobody."""

    def after(self, request: Request | None, reply: Reply) -> DesiredIdentity:
        """Return what to ask for on the next connection, after this reply to that request."""
        match reply:
            case Renamed():
                return attrs.evolve(self, name=reply.new)
            case Resumed() | LoggedIn() if self.is_named(reply.user):
                return self
            case Resumed() | LoggedIn():
                return attrs.evolve(self, name=chosen(reply.user), password=None)
            case LoggedOut():
                return self.any_guest()
            case PasswordChanged() if self.password is not None and isinstance(request, ChangePassword):
                return attrs.evolve(self, password=request.new)
        return self

    def any_guest(self) -> DesiredIdentity:
        """Return the same without name and password."""
        return attrs.evolve(self, name=None, password=None)

    def is_named(self, user: str) -> bool:
        """Whether this is the name of that user."""
        return self.name is not None and self.name.lower() == user

    def login(self) -> Login | None:
        """Return the request that makes the client the registered user."""
        if self.name is None or self.password is None:
            return None
        return Login(name=self.name, password=self.password, device=self.device)

    def with_device(self, request: Request) -> Request:
        """Return the request, with the device where it has a field for it that is empty."""
        if isinstance(request, Login | Register) and request.device is None:
            return attrs.evolve(request, device=self.device)
        return request


def chosen(user: str) -> str | None:
    """Return the name if it was chosen, not given to a guest."""
    return None if not user or user.startswith(GUEST) else user
