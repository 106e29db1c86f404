"""What the operator decides about users and addresses: entries that make it true on disk and in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs

from tcpchat.chat.bans import Bans
from tcpchat.chat.entry import Delivery, Entry
from tcpchat.chat.moderation import NOT_MUTED, Moderation, Mute, muted
from tcpchat.chat.user import User
from tcpchat.protocol import Reply, encode
from tcpchat.store.changes import Change, DropBan, DropMute, SetBan, SetMute

Answer = Callable[[], Reply]
"""Does what follows, and says so."""


@attrs.define(eq=False)
class BanEntry(Entry):
    """Ban a user or a network; of a user the name is kept, by which the ban is listed."""

    bans: Bans
    ban: SetBan
    user: User | None
    banned: Answer

    def prepare(self, at: int) -> Sequence[Change]:
        kept = [] if self.user is None else self.keep(self.user, at)
        return [*kept, self.ban]

    def settle(self, delivery: Delivery) -> None:
        self.bans.put(self.ban)
        self.reply = self.banned()


@attrs.define(eq=False)
class UnbanEntry(Entry):
    """Let in again who was banned."""

    bans: Bans
    lifted: Sequence[SetBan]
    unbanned: Answer

    def prepare(self, at: int) -> Sequence[Change]:
        return [DropBan(ban.kind, ban.target) for ban in self.lifted]

    def settle(self, delivery: Delivery) -> None:
        for ban in self.lifted:
            self.bans.take(ban.kind, ban.target)
        self.reply = self.unbanned()


@attrs.define(eq=False)
class MuteEntry(Entry):
    """Mute a user, or let the user send again, whatever others reported."""

    moderation: Moderation
    user: User
    mute: Mute
    decided: Answer
    _before: Mute = NOT_MUTED

    def prepare(self, at: int) -> Sequence[Change]:
        mute, id = self.mute, self.user.id
        self._before = self.moderation.set_mute(id, mute)
        if mute == NOT_MUTED:
            return (DropMute(id),)
        return [*self.keep(self.user, at), SetMute(id, mute.until, mute.reason, int(mute.by_operator))]

    def settle(self, delivery: Delivery) -> None:
        if self.mute != NOT_MUTED:
            self.moderation.goes_with_name(self.user)
            delivery.surely_to(self.user, encode(muted(self.moderation.of(self.user.id))))
        self.reply = self.decided()

    def undo(self) -> None:
        super().undo()
        self.moderation.set_mute(self.user.id, self._before)
