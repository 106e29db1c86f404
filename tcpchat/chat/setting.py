"""Changes of what is kept for one user: written first, then true."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs

from tcpchat.chat.device import Device
from tcpchat.chat.entry import Delivery, Entry
from tcpchat.chat.user import User
from tcpchat.protocol import Reply
from tcpchat.store import Change, DropDevice


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


def end(devices: Sequence[Device]) -> list[Device]:
    """Let nothing that is prepared later write the devices again; return those that were not over before."""
    ended = [device for device in devices if not device.over]
    for device in ended:
        device.over = True
    return ended


@attrs.define(eq=False)
class EndEntry(Entry):
    """Let nobody come back with the tokens of these devices, and write `changes` with that.

    What is prepared later does not write the devices again.
    """

    devices: Sequence[Device]
    changes: Sequence[Change] = ()
    _ended: list[Device] = attrs.field(factory=list, init=False)

    def prepare(self, at: int) -> Sequence[Change]:
        self._ended = end(self.devices)
        return [*self.changes, *(DropDevice(device.hash) for device in self.devices)]

    def undo(self) -> None:
        super().undo()
        for device in self._ended:
            device.over = False

    def settle(self, delivery: Delivery) -> None:
        """Nobody hears of it."""
