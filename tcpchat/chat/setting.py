"""Changes of what is kept for one user: written first, then true."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs

from tcpchat.chat.entry import Delivery, Entry
from tcpchat.chat.user import User
from tcpchat.protocol import Reply
from tcpchat.store.changes import Change


@attrs.define(eq=False)
class SettingEntry(Entry):
    """Write `changes`; then `apply` makes them true and gives the reply."""

    user: User
    changes: Callable[[User], Sequence[Change]]
    apply: Callable[[User], Reply]
    others: Sequence[User] = ()
    """Whom the changes point to."""

    def prepare(self, at: int) -> Sequence[Change]:
        kept = self.keep(self.user, at)
        for other in self.others:
            kept += self.keep(other, at)
        return [*kept, *self.changes(self.user)]

    def settle(self, delivery: Delivery) -> None:
        self.reply = self.apply(self.user)
