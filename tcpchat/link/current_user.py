"""The user that a client is, over all its connections: learned from the server, saved for a later run."""

from __future__ import annotations

import attrs

from tcpchat.link.credential_store import CredentialStore
from tcpchat.link.desired_identity import DesiredIdentity, Identity, chosen
from tcpchat.link.errors import RefusedError
from tcpchat.protocol import LoggedIn, LoggedOut, Reply, Request, Resumed


class CurrentUser:
    """Lives as long as its client. Only the connection changes it; `store` is set while that runs."""

    def __init__(self, identity: Identity, desired: DesiredIdentity) -> None:
        self.identity = identity
        self.desired = desired
        """What to ask for on the next connection."""
        self.refused: RefusedError | None = None
        """Why the server refused the desired identity, if it did."""
        self.store = CredentialStore(None, "", None)

    @property
    def remembered(self) -> bool:
        """Whether a later run will be the same user."""
        return self.store.holds(self.identity)

    def adopt(self, identity: Identity, desired: DesiredIdentity, refused: RefusedError | None) -> None:
        """Take over the results of a handshake, and ask for the same user on later connections."""
        if desired.name is None:
            desired = attrs.evolve(desired, name=chosen(identity.user))
        self.identity, self.desired, self.refused = identity, desired, refused
        if identity.token is not None:  # otherwise a login is required, and what is saved is still good
            self._save()

    def learn(self, request: Request | None, reply: Reply) -> bool:
        """Apply a reply about the user; return whether the token is another one now."""
        before = self.identity
        self.desired = self.desired.after(request, reply)
        self.identity = before.after(request, reply)
        if self.identity != before:
            self._save()
        return isinstance(reply, LoggedIn | LoggedOut | Resumed) and self.identity.token != before.token

    def forget(self) -> None:
        """Remove what is saved, so that a later run is another user."""
        self.store.clear()

    def _save(self) -> None:
        if self.identity.token is None:
            self.store.clear()
        else:
            self.store.save(self.identity)
