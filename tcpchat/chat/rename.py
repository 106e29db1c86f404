"""Taking another name: the entry that makes it true in memory and on disk."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from tcpchat.chat.directory import Directory
from tcpchat.chat.entry import Delivery, Entry
from tcpchat.chat.hub import Hub
from tcpchat.chat.moderation import Moderation
from tcpchat.chat.user import User
from tcpchat.protocol import Renamed, encode
from tcpchat.store.changes import Change, SetName, TransferReports


@attrs.define(eq=False)
class RenameEntry(Entry):
    """A rename to a claimed name. It is written if anything on disk points to the user or to the name."""

    hub: Hub
    directory: Directory
    moderation: Moderation
    user: User
    name: str
    key: str
    _last: str | None = None
    """Of whom the name brings the conduct along."""

    def prepare(self, at: int) -> Sequence[Change]:
        user = self.user
        user.taking = (self.name, self.key)
        self._last = self.moderation.inherited(user, self.key)
        if self._last is not None:
            return [*self._named(at), TransferReports(self._last, user.id)]
        return self._named(at) if user.kept else ()

    def _named(self, at: int) -> list[Change]:
        return self.keep(self.user, at) or [SetName(self.user.id, self.key, self.name)]

    def settle(self, delivery: Delivery) -> None:
        old = self.user.name
        self.user.taking = None
        self.moderation.move(self.user, self.key, self._last)
        self.hub.rename(self.user, self.name, self.key)
        self.directory.rename(self.user.id, self.name, self.key)
        self.user.changed()
        self.reply = Renamed(old=old, new=self.name)
        delivery.to(self.user, encode(self.reply), but=self.asker)

    def undo(self) -> None:
        super().undo()
        self.user.taking = None

    def drop(self) -> None:
        self.hub.release(self.user, self.key)
