"""The credentials of a client as a program gives them. A value; nothing here talks or reads files."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Final

import attrs

from tcpchat.link.desired_identity import DesiredIdentity, Identity

MAX_DEVICE: Final = 64  # characters that a server accepts as the name of a device


def _device() -> str | None:
    return socket.gethostname()[:MAX_DEVICE] or None


@attrs.frozen(kw_only=True)
class Credentials:
    """The user that a client is to be, and where that is saved so that a later run is the same user.

    Raises ValueError if there is a password without a name.
    """

    name: str | None = None
    """The name of the user; None: the one from an earlier run, or else a guest's."""
    password: str | None = attrs.field(default=None, repr=False)
    """Makes the client the registered user `name`, where there is no saved token that does."""
    token: str | None = attrs.field(default=None, repr=False)
    """From `Client.token` of an earlier run, for a program that saves it itself."""
    remember: Path | bool | None = None
    """Save the user's token: True in the folder for a user's state, a path in that folder, False not at all.

    None: True, but False with a `token`, or with an `open_stream`, by which the server is unknown.
    """
    device: str | None = attrs.field(factory=_device)
    """The name of this client in the user's `sessions`; by itself the name of the machine."""
    required: bool = True
    """Entering raises RefusedError if the server refuses the name or password, or requires a login.

    Otherwise the client is a guest then, or nobody where a login is required, and `Client.refused` says why.
    """

    def __attrs_post_init__(self) -> None:
        if self.password is not None and self.name is None:
            raise ValueError("a password requires a name")

    def identity(self) -> Identity:
        return Identity(token=self.token)

    def desired(self) -> DesiredIdentity:
        return DesiredIdentity(
            name=self.name, password=self.password, device=self.device, required=self.required
        )
