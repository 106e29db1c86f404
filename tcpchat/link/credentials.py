"""Who a client is, over all its connections: learned from what the server says, and kept for a later run."""

from __future__ import annotations

import attrs

from tcpchat.link.credential_store import CredentialStore
from tcpchat.link.desired_identity import DesiredIdentity, Identity, chosen
from tcpchat.link.errors import RefusedError
from tcpchat.protocol import LoggedIn, LoggedOut, Reply, Request, Resumed


class CurrentUser:
    """Lives as long as its client, whose connection alone changes it; `file` is set while that runs."""

    def __init__(self, me: Identity, wanted: DesiredIdentity) -> None:
        self.me = me
        """Who one is."""
        self.wanted = wanted
        """Who to be on the next connection."""
        self.refused: RefusedError | None = None
        """Why one is not who one was to be."""
        self.file = CredentialStore(None, "", None)

    @property
    def remembered(self) -> bool:
        """Whether a later run will be the same user."""
        return self.file.holds(self.me)

    def settle(self, me: Identity, wanted: DesiredIdentity, refused: RefusedError | None) -> None:
        """Be who a greeting made of one, and want to be that later."""
        if wanted.name is None:
            wanted = attrs.evolve(wanted, name=chosen(me.user))
        self.me, self.wanted, self.refused = me, wanted, refused
        if me.token is not None:  # else nobody may be who one is for now
            self._keep()

    def learn(self, request: Request | None, reply: Reply) -> bool:
        """Be who this reply to that request makes of one; return whether by that one is on another token."""
        before = self.me
        self.wanted = self.wanted.after(request, reply)
        self.me = before.after(request, reply)
        if self.me != before:
            self._keep()
        return isinstance(reply, LoggedIn | LoggedOut | Resumed) and self.me.token != before.token

    def forget(self) -> None:
        """Let a later run be somebody else."""
        self.file.forget()

    def _keep(self) -> None:
        if self.me.token is None:
            self.file.forget()
        else:
            self.file.save(self.me)
